"""A training spread over its uses, for a terminal."""

from __future__ import annotations

from ..footprint.amortise import Amortised
from ..footprint.equivalents import Bounded
from ..units import J_PER_KWH
from .amounts import amount, plain, span
from .wrapping import wrapped

_NEARLY_ALL = 0.9995
_COUNTED = 1e13  # uses are counted digit by digit below it


def render(of: Amortised) -> str:
    """The figures, one a line."""
    rows = [
        ("one use alone", _energy(of.use_j)),
        ("training per use", _energy(of.training_j_per_use)),
        ("all together", _energy(of.total_j)),
        ("share of training", _share(of.training_share)),
        ("break-even", _uses(of.break_even_uses, "the uses have taken as much as the training", "never")),
    ]
    if of.alternative_j is not None:
        words = "training and using it takes less than what it replaces"
        never = "never: one use of it takes no less than of what it replaces"
        rows.append(("pays", _uses(of.pays_after_uses, words, never)))
    body = [line for name, text in rows for line in wrapped(f"  {name:<20}{text}", 22)]
    return "\n".join([f"{plain(of.uses, huge=_COUNTED)} uses", *body]) + "\n"


def _energy(of: Bounded) -> str:
    text = amount({"value": of.value / J_PER_KWH, "unit": "kWh"})
    low, high = of.ends
    if low == high:
        return text
    return f"{text} ({span((low / J_PER_KWH, high / J_PER_KWH), 'kWh')})"


def _share(of: float) -> str:
    """``30 %``; a part that is nearly all is not rounded to all."""
    return "> 99.9 %" if _NEARLY_ALL < of < 1 else f"{100 * of:.3g} %"


def _uses(count: float | None, words: str, never: str) -> str:
    return never if count is None else f"after {plain(count)} uses {words}"
