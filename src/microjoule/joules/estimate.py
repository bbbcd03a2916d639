"""An estimate: a figure, how far it may be wrong, and what it rests on.

Two intervals stand side by side. ``[low, high]`` is *guaranteed*: it follows from the readings and what
the channel declares, whatever the power did, and says nothing of the sensor. ``value ± U`` is
*statistical*: it combines all components, the sensor's among them, to 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..late import shown
from .uncertainty import Combined, Component, combined, gathered, scaled

STATUSES = ("ok", "incomplete", "ambiguous", "reset", "failed")
"""From best to worst: of several the last one counts."""

PROVENANCES = ("measured", "modelled")

_QUOTIENTS = {("J", "s"): "W", ("W", "1"): "W", ("J", "1"): "J", ("J", "W"): "s"}
_PRODUCTS = {("W", "s"): "J", ("s", "W"): "J"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate:
    """A quantity with its two intervals.

    Sums, differences, products and ratios of estimates keep the components' correlation groups: a
    ratio of two figures of one sensor loses its gain, and the sum of two windows does not average a
    baseline that both share.

    Attributes:
        value: The figure, in ``unit``; None unless ``status`` is ``ok``.
        low: No less than this was there, save for the sensor's own error.
        high: No more than this; infinity where nothing bounds it.
        unit: ``J``, ``W``, ``s``, or ``1`` for a ratio.
        status: One of ``STATUSES``.
        provenance: ``measured`` or ``modelled``.
        accuracy: The sensor's stated accuracy as a fraction; None: unknown. It is not part of
            the guaranteed interval.
        components: What the statistical uncertainty is made of; empty: nothing was assessed.
    """

    value: float | None
    low: float
    high: float
    unit: str = "J"
    status: str = "ok"
    provenance: str = "measured"
    accuracy: float | None = None
    components: tuple[Component, ...] = ()

    _repr_html_ = shown("estimate")

    @property
    def is_ok(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @cached_property
    def _gathered(self) -> list[Component]:
        return gathered(self.components)

    @cached_property
    def _combined(self) -> Combined:
        return combined(self._gathered)

    @property
    def u(self) -> float:
        """The combined standard uncertainty, in ``unit``."""
        return self._combined.u

    @property
    def U(self) -> float:  # noqa: N802 - the GUM's own symbol
        """The expanded uncertainty at 95 %: ``k`` times ``u``."""
        return self._combined.U

    @property
    def k(self) -> float:
        """The coverage factor."""
        return self._combined.k

    @property
    def dof(self) -> float:
        """The effective degrees of freedom of ``u``."""
        return self._combined.dof

    def budget(self) -> list[dict[str, Any]]:
        """The components by name, the largest first: ``name, u, share, kind, form, dof, groups``.

        ``share`` is the component's share of the variance; correlated ones were added up before.
        """
        by_name: dict[str, list[Component]] = {}
        for component in self._gathered:
            by_name.setdefault(component.name, []).append(component)
        rows = [
            {
                "name": name,
                "u": math.hypot(*(c.u for c in group)),
                "share": math.fsum((c.u / self.u) ** 2 for c in group) if self.u else 0.0,
                "kind": "/".join(sorted({c.kind for c in group})),
                "form": "/".join(sorted({c.form for c in group})),
                "dof": min(c.dof for c in group),
                "groups": sorted({c.group for c in group if c.group}),
            }
            for name, group in by_name.items()
        ]
        return sorted(rows, key=lambda row: -float(row["u"]))

    def __add__(self, other: Estimate) -> Estimate:
        """The sum of two figures of different things, in one unit; guaranteed intervals add."""
        if not isinstance(other, Estimate):
            return NotImplemented
        return replace(self._linear(other, 1, other.low, other.high), accuracy=_accuracy(self, other))

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference; it may be negative."""
        if not isinstance(other, Estimate):
            return NotImplemented
        return self._linear(other, -1, -other.high, -other.low)

    def __mul__(self, factor: int | Fraction | Estimate) -> Estimate:
        """The figure times an exact, non-negative number, or times another figure."""
        if isinstance(factor, Estimate):
            return self._product(factor)
        if not isinstance(factor, int | Fraction):
            return NotImplemented
        if factor < 0:
            raise ValueError("an estimate is scaled by a non-negative number only")
        number = float(factor)
        return replace(
            self,
            value=None if self.value is None else self.value * number,
            low=self.low * number,
            high=self.high * number if number else 0.0,
            components=scaled(self.components, number),
        )

    __rmul__ = __mul__

    def __truediv__(self, other: int | Fraction | Estimate) -> Estimate:
        """The figure divided by an exact number, or the ratio of two figures."""
        if isinstance(other, Estimate):
            return self._ratio(other)
        if not isinstance(other, int | Fraction):
            return NotImplemented
        return self * (1 / Fraction(other))

    def __str__(self) -> str:
        if self.value is None or not self.components:
            return self._bounded()
        places = _places(self.U, abs(self.value))
        parts = ", ".join(f"{row['name']} {row['u']:.{places}f}" for row in self.budget()[:3])
        tail = "" if self.provenance == "measured" else f", {self.provenance}"
        figure, spread = f"{self.value:.{places}f} {self.unit}", f"{self.U:.{places}f} {self.unit}"
        return f"{figure} ± {spread} (k={self.k:.3g}; {parts}{tail})"

    def __repr__(self) -> str:
        return f"Estimate({self})"

    def _bounded(self) -> str:
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

    def _linear(self, other: Estimate, sign: int, low: float, high: float) -> Estimate:
        if other.unit != self.unit:
            raise ValueError(f"cannot add {other.unit} to {self.unit}")
        return self._joined(
            other,
            lambda mine, theirs: mine + sign * theirs,
            (self.low + low, self.high + high, self.unit),
            self.components + scaled(other.components, sign),
        )

    def _product(self, other: Estimate) -> Estimate:
        mine, theirs = self.value or 0.0, other.value or 0.0
        unit = _PRODUCTS.get((self.unit, other.unit)) or _times(self.unit, other.unit)
        corners = [_reach(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        bounds = (min(corners), max(corners), unit)
        parts = scaled(self.components, theirs) + scaled(other.components, mine)
        return self._joined(other, lambda a, b: a * b, bounds, parts)

    def _ratio(self, other: Estimate) -> Estimate:
        if other.value == 0.0:
            raise ZeroDivisionError("the ratio of two figures, of which the second is zero")
        mine, theirs = self.value or 0.0, other.value or math.inf
        unit = "1" if self.unit == other.unit else _QUOTIENTS.get((self.unit, other.unit), "1")
        low, high = _quotients((self.low, self.high), (other.low, other.high))
        parts = scaled(self.components, 1 / theirs) + scaled(other.components, -mine / theirs**2)
        return self._joined(other, lambda a, b: a / b, (low, high, unit), parts)

    def _joined(
        self,
        other: Estimate,
        arithmetic: Callable[[float, float], float],
        bounds: tuple[float, float, str],
        components: tuple[Component, ...],
    ) -> Estimate:
        known = self.value is not None and other.value is not None
        low, high, unit = bounds
        return Estimate(
            value=arithmetic(self.value, other.value) if known else None,  # type: ignore[arg-type]
            low=low,
            high=high,
            unit=unit,
            status=worst(self.status, other.status),
            provenance=max(self.provenance, other.provenance, key=PROVENANCES.index),
            components=components if known else (),
        )


def worst(*statuses: str) -> str:
    """The status that counts among several; ``ok`` of none."""
    return max(statuses, key=STATUSES.index, default="ok")


def _times(one: str, other: str) -> str:
    return other if one == "1" else one if other == "1" else f"{one}·{other}"


def _reach(one: float, other: float) -> float:
    """A product in which nothing times infinity is nothing."""
    return one * other if one and other else 0.0


def _quotients(over: tuple[float, float], under: tuple[float, float]) -> tuple[float, float]:
    """The least and the largest quotient; nothing bounds it where the divisor may be zero."""
    if under[0] <= 0 <= under[1]:
        is_positive = over[0] >= 0 and under[0] >= 0 and under[1] > 0
        return (over[0] / under[1] if is_positive else -math.inf), math.inf
    corners = [_reach(a, 1 / b) for a in over for b in under]
    return min(corners), max(corners)


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
