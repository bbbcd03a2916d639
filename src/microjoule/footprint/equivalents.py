"""Comparisons that people understand: car-kilometres, flights, a human year, a brain.

Decision: two amounts are compared with one factor, drawn once, so that the choice of factor cancels in
their ratio and cannot flatter a side. What was given up: the nicest picture for each.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from ..errors import BadAmount, UnknownEquivalent, nearest
from ..units import J_PER_KWH, KWH, S_PER_DAY
from ..value_class import dataclass
from . import data_tables
from .factor import Factor

# Joules of one in the factor's unit. A factor of watts counts days: joules over watts are seconds.
_SCALES = MappingProxyType({"W": S_PER_DAY, **{unit: kwh * J_PER_KWH for unit, kwh in KWH.items()}})


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure with its interval; an end that is not given is the figure.

    Attributes:
        value: The figure: grams or joules.
        low: Its least; None: not known.
        high: Its most; None: not known.

    Raises:
        BadAmount: It is negative, not finite, or out of order.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        figures = [each for each in (self.low, self.value, self.high) if each is not None]
        if not all(math.isfinite(each) and each >= 0 for each in figures) or figures != sorted(figures):
            ends = [("least", self.low), ("most", self.high)]
            said = "".join(f", {end:g} at {which}," for which, end in ends if end is not None)
            raise BadAmount(
                f"An amount of {self.value:g}{said} is not possible",
                "Give 0 <= low <= value <= high, all finite",
            )

    @property
    def ends(self) -> tuple[float, float]:
        """The interval, closed to the figure where it is not known."""
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )

    def divided(self, count: float) -> Bounded:
        """One of so many equal parts.

        Raises:
            BadAmount: There are no parts.
        """
        if not 0 < count < math.inf:
            raise BadAmount(f"An amount cannot be divided among {count:g}", "Give how many there are")
        low, high = (None if end is None else end / count for end in (self.low, self.high))
        return Bounded(self.value / count, low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """An amount as a count of something known.

    Attributes:
        key: Of the table.
        name: What is counted, in the plural.
        count: How many.
        count_low: How many at the factor's most; the choice of factor only.
        count_high: How many at its least.
        factor: What one of them is.
    """

    key: str
    name: str
    count: float
    count_low: float
    count_high: float
    factor: Factor


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalentRatio:
    """Two amounts as counts of one thing.

    Attributes:
        first: The first amount as a count.
        second: The second one, by the same factor.
        ratio: First over second; None where the second is nothing.
        ratio_low: The least that both intervals allow; None likewise.
        ratio_high: The most; None where the second may be nothing.
    """

    first: Equivalent
    second: Equivalent
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


def equivalents(*, co2e_g: float | None = None, energy_j: float | None = None) -> tuple[Equivalent, ...]:
    """All equivalents of an amount, in the order of the table.

    Args:
        co2e_g: Grams; None: those equivalents are left out.
        energy_j: Joules; None: likewise.

    Raises:
        BadAmount: An amount is negative or not finite.
    """
    given = {"co2e": co2e_g, "energy": energy_j}
    found = []
    for row in data_tables.rows("equivalents"):
        amount = given[row["kind"]]
        if amount is not None:
            found.append(_equivalent(row, Bounded(amount).value))
    return tuple(found)


def equivalent(key: str, amount: float) -> Equivalent:
    """An amount, grams or joules as the key demands, as a count of one thing.

    Raises:
        UnknownEquivalent: The table has no such key.
        BadAmount: The amount is negative or not finite.
    """
    return _equivalent(_row(key), Bounded(amount).value)


def compare(first: Bounded, second: Bounded, key: str = "car-km") -> EquivalentRatio:
    """Two amounts by one factor, and their ratio.

    Args:
        first: Grams or joules, as the key demands.
        second: In the same unit.
        key: Of the table.

    Raises:
        UnknownEquivalent: The table has no such key.
    """
    row = _row(key)
    low, high = first.ends
    other_low, other_high = second.ends
    return EquivalentRatio(
        first=_equivalent(row, first.value),
        second=_equivalent(row, second.value),
        ratio=first.value / second.value if second.value else None,
        ratio_low=low / other_high if other_high else None,
        ratio_high=high / other_low if other_low else None,
    )


_AMOUNTS = MappingProxyType(
    {
        "energy_j": ("an energy", "an amount of CO2e such as '1 kg'"),
        "co2e_g": ("CO2e", "an energy such as '3 kWh'"),
    }
)


def of_kind(key: str, kind: str) -> str:
    """The key itself, where it counts amounts of this kind.

    Args:
        key: Of the table.
        kind: ``co2e_g`` or ``energy_j``.

    Raises:
        UnknownEquivalent: The table has no such key.
        BadAmount: It counts amounts of the other kind.
    """
    if not kind.startswith(_row(key)["kind"]):
        what, other = _AMOUNTS[kind]
        raise BadAmount(
            f"{key} is not an equivalent of {what}",
            f"Give {other}, or leave --key out: `uj equivalents` then lists those of {what}",
        )
    return key


def counts_co2e(key: str) -> bool:
    """Whether a key counts CO2e, and not an energy.

    Raises:
        UnknownEquivalent: The table has no such key.
    """
    return _row(key)["kind"] == "co2e"


def keys() -> tuple[str, ...]:
    """All keys of the table."""
    return tuple(row["key"] for row in data_tables.rows("equivalents"))


def _row(key: str) -> data_tables.Row:
    for row in data_tables.rows("equivalents"):
        if row["key"] == key:
            return row
    raise UnknownEquivalent(f"There is no equivalent {key!r}", nearest(key, keys()))


def _equivalent(row: data_tables.Row, amount: float) -> Equivalent:
    factor = data_tables.factor(row, row["name"])
    scale = _SCALES.get(factor.unit, 1)
    return Equivalent(
        key=row["key"],
        name=row["name"],
        count=amount / factor.value / scale,
        count_low=amount / factor.high / scale,
        count_high=amount / factor.low / scale,
        factor=factor,
    )
