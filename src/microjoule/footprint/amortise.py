"""Training set against use: what one use costs with its share of the training, and when it pays."""

from __future__ import annotations

from ..errors import BadAmortisation
from ..value_class import dataclass
from .equivalents import Bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Amortised:
    """A training spread over uses.

    Attributes:
        uses: How many.
        use_j: Joules of one use alone.
        training_j_per_use: Joules of training that one use carries.
        total_j: Joules of training and all uses.
        training_share: Of the total, what the training is.
        break_even_uses: The uses at which they have used as much as the training; None: a use costs nothing.
        alternative_j: Joules of one use of what it replaces; None: nothing was named.
        pays_after_uses: The uses from which training and using costs less than the alternative would;
            None: nothing was named, or it never pays.
    """

    uses: float
    use_j: Bounded
    training_j_per_use: Bounded
    total_j: Bounded
    training_share: float
    break_even_uses: float | None
    alternative_j: Bounded | None
    pays_after_uses: float | None


def amortise(
    training_j: Bounded, use_j: Bounded, uses: float, alternative_j: Bounded | None = None
) -> Amortised:
    """A training spread over uses.

    Args:
        training_j: Joules of the training, with all its runs.
        use_j: Joules of one use.
        uses: How many uses there are.
        alternative_j: Joules of one use of what it replaces.

    Raises:
        BadAmortisation: There are no uses, or nothing costs anything.
    """
    if not 0 < uses < float("inf"):
        raise BadAmortisation(f"A training cannot be spread over {uses:g} uses", "Give how often it is used")
    total = Bounded(
        training_j.value + uses * use_j.value,
        training_j.ends[0] + uses * use_j.ends[0],
        training_j.ends[1] + uses * use_j.ends[1],
    )
    if not total.value:
        raise BadAmortisation("Neither the training nor a use has any energy", "Give what was measured")
    saved_j = alternative_j.value - use_j.value if alternative_j else 0.0
    return Amortised(
        uses=uses,
        use_j=use_j,
        training_j_per_use=Bounded(
            training_j.value / uses, training_j.ends[0] / uses, training_j.ends[1] / uses
        ),
        total_j=total,
        training_share=training_j.value / total.value,
        break_even_uses=training_j.value / use_j.value if use_j.value else None,
        alternative_j=alternative_j,
        pays_after_uses=training_j.value / saved_j if saved_j > 0 else None,
    )
