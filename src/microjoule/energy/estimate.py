"""An estimate: a figure, the interval that is guaranteed to hold the truth, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

STATUSES = ("ok", "incomplete", "ambiguous", "reset", "failed")
"""From best to worst: of several the last one counts."""

PROVENANCES = ("measured", "modelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A quantity with its guaranteed interval.

    Attributes:
        value: The figure, in ``unit``; None unless ``status`` is ``ok``.
        low: No less than this was there, save for the sensor's own error.
        high: No more than this; infinity where nothing bounds it.
        unit: ``J``, ``W`` or ``s``.
        status: One of ``STATUSES``.
        provenance: ``measured`` or ``modelled``.
        accuracy: The sensor's stated accuracy as a fraction; None: unknown. It is not part of
            the interval.
    """

    value: float | None
    low: float
    high: float
    unit: str = "J"
    status: str = "ok"
    provenance: str = "measured"
    accuracy: float | None = None

    @property
    def is_ok(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def __add__(self, other: Estimate) -> Estimate:
        """The sum of two figures of different things, in one unit; intervals add."""
        if not isinstance(other, Estimate):
            return NotImplemented
        if other.unit != self.unit:
            raise ValueError(f"cannot add {other.unit} to {self.unit}")
        known = self.value is not None and other.value is not None
        return Estimate(
            value=self.value + other.value if known else None,  # type: ignore[operator]
            low=self.low + other.low,
            high=self.high + other.high,
            unit=self.unit,
            status=worst(self.status, other.status),
            provenance=max(self.provenance, other.provenance, key=PROVENANCES.index),
            accuracy=_accuracy(self, other),
        )

    def __mul__(self, factor: int | Fraction) -> Estimate:
        """The figure times an exact, non-negative number."""
        if not isinstance(factor, int | Fraction):
            return NotImplemented
        if factor < 0:
            raise ValueError("an estimate is scaled by a non-negative number only")
        number = float(factor)
        value = None if self.value is None else self.value * number
        high = self.high * number if number else 0.0
        return replace(self, value=value, low=self.low * number, high=high)

    __rmul__ = __mul__

    def __str__(self) -> str:
        places = _places(self.high - self.low, self.low)
        accuracy = "unknown" if self.accuracy is None else f"{100 * self.accuracy:g} %"
        tail = f"sensor accuracy {accuracy}"
        if self.provenance != "measured":
            tail = f"{self.provenance}, {tail}"
        if self.value is None:
            if math.isinf(self.high):
                return f"{self.status}: at least {self.low:.{places}f} {self.unit}, {tail}"
            return f"{self.status}: [{self.low:.{places}f}, {self.high:.{places}f}] {self.unit}, {tail}"
        return f"{self.value:.{places}f} {self.unit} [{self.low:.{places}f}, {self.high:.{places}f}], {tail}"


def worst(*statuses: str) -> str:
    """The status that counts among several; ``ok`` of none."""
    return max(statuses, key=STATUSES.index, default="ok")


def _accuracy(one: Estimate, other: Estimate) -> float | None:
    """The accuracy of a sum at worst: both sensors wrong in one direction."""
    if one.accuracy is None or other.accuracy is None:
        return None
    one_size = one.low if one.value is None else one.value
    other_size = other.low if other.value is None else other.value
    if one_size + other_size <= 0:
        return max(one.accuracy, other.accuracy)
    return (one.accuracy * one_size + other.accuracy * other_size) / (one_size + other_size)


def _places(width: float, size: float) -> int:
    """Decimals that show two digits of the interval's width."""
    scale = width if 0 < width < math.inf else abs(size) / 1000
    if not 0 < scale < math.inf:
        return 3
    return min(max(1 - math.floor(math.log10(scale)), 0), 9)
