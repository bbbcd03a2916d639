"""An estimate: a figure, how far it may be wrong, and what it rests on.

It has two intervals. ``[low, high]`` is *guaranteed*: it follows from the readings and what the channel
declares, whatever the power did, and does not cover the sensor's own error. ``value ± U`` is *statistical*:
it combines all components, the sensor's included, at 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from functools import cached_property
from numbers import Real
from typing import Any, Never, NoReturn, TypedDict

from ...errors import NotComparable, NoValue, UnitMismatch
from ...late import shown
from ...value_class import dataclass
from . import estimate_text
from .intervals import product_unit, quotient_unit, quotients, reach
from .uncertainty import Combined, Component, combined, gathered, scaled

STATUSES = ("ok", "incomplete", "ambiguous", "reset", "failed")
"""From best to worst: of several the last one counts."""

PROVENANCES = ("measured", "estimated")


class BudgetRow(TypedDict):
    """The components of one name in a budget: :meth:`Estimate.budget` says what each is."""

    name: str
    u: float
    share: float
    kind: str
    form: str
    dof: float
    groups: list[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate:  # noqa: PLW1641 - frozen dataclasses make the hash
    """A quantity with its two intervals.

    Estimates add, subtract, multiply and divide among themselves and with plain numbers, which are taken
    as exact. The components keep their correlation groups: the gain of a sensor cancels in the ratio of two
    of its figures, and the sum of two windows does not average a baseline that both share.

    ``str(e)`` is ``3.85 mJ ± 0.29 mJ``, where ± is ``U``; ``at most 16 mJ`` where ± exceeds what cannot be
    negative. A format may name a unit, a number format, or both:
    ``f"{e:mJ}"`` is ``3.85 mJ ± 0.29 mJ``, ``f"{e:.4f}"`` the bare figure in ``unit``, ``0.0039``, and
    ``f"{e:.1f mJ}"`` is ``3.9 mJ``. ``float(e)`` is the figure in ``unit``.

    Estimates have no order, because a difference within their uncertainty decides nothing: ``<`` and its
    like raise ``NotComparable``, and so does ``==`` with a number. ``==`` of two estimates is true where all
    their attributes are equal.

    Attributes:
        value: The figure, in ``unit``; None unless ``status`` is ``ok``.
        low: No less than this was there, save for the sensor's own error.
        high: No more than this; infinity where nothing bounds it.
        unit: ``J``, ``W``, ``s``, a quotient such as ``J/W``, or ``1`` for a ratio, which prints without it.
        status: One of ``STATUSES``.
        provenance: ``measured`` or ``estimated``.
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
    __array_ufunc__ = None  # numpy's numbers and arrays leave the arithmetic to this class

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

    def budget(self) -> list[BudgetRow]:
        """The components by name, the largest first: ``name, u, share, kind, form, dof, groups``.

        ``share`` is the component's share of the variance; correlated ones were added up before.
        """
        by_name: dict[str, list[Component]] = {}
        for component in self._gathered:
            by_name.setdefault(component.name, []).append(component)
        u = self.u
        rows: list[BudgetRow] = [
            {
                "name": name,
                "u": math.hypot(*(c.u for c in group)),
                "share": math.fsum((c.u / u) ** 2 for c in group) if u else 0.0,
                "kind": "/".join(sorted({c.kind for c in group})),
                "form": "/".join(sorted({c.form for c in group})),
                "dof": min(c.dof for c in group),
                "groups": sorted({c.group for c in group if c.group}),
            }
            for name, group in by_name.items()
        ]
        return sorted(rows, key=lambda row: -row["u"])

    def to_json(self) -> dict[str, Any]:
        """The estimate as plain JSON values; what is not finite, or was not assessed, is None."""
        is_assessed = self.value is not None and bool(self.components)
        rows = [{**row, "dof": _or_none(row["dof"])} for row in self.budget()]
        for row in rows:
            del row["groups"]  # they name instants
        return {
            "value": self.value,
            "unit": self.unit,
            "guaranteed": [_or_none(self.low), _or_none(self.high)],
            "u": self.u if is_assessed else None,
            "U": self.U if is_assessed else None,
            "k": self.k if is_assessed else None,
            "status": self.status,
            "provenance": self.provenance,
            "budget": rows,
        }

    def __add__(self, other: Estimate) -> Estimate:
        """The sum of two figures of different things, in one unit; guaranteed intervals add."""
        if not isinstance(other, Estimate):
            return NotImplemented
        return replace(self._linear(other, 1, other.low, other.high), accuracy=_accuracy((self, other)))

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference; it may be negative."""
        if not isinstance(other, Estimate):
            return NotImplemented
        return self._linear(other, -1, -other.high, -other.low)

    def __radd__(self, other: int) -> Estimate:
        """What ``sum`` asks for: it begins with 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __mul__(self, factor: float | Fraction | Estimate) -> Estimate:
        """The figure times an exact number, or times another figure.

        Raises:
            ValueError: The number is not finite.
        """
        if isinstance(factor, Estimate):
            return self._product(factor)
        if not isinstance(factor, Real):
            return NotImplemented
        number = _finite(factor)
        ends = (reach(self.low, number), reach(self.high, number))
        return replace(
            self,
            value=None if self.value is None else self.value * number,
            low=min(ends),
            high=max(ends),
            components=scaled(self.components, number),
        )

    __rmul__ = __mul__

    def __neg__(self) -> Estimate:
        """The figure with the other sign."""
        return self * -1

    def __truediv__(self, other: float | Fraction | Estimate) -> Estimate:
        """The figure divided by an exact number, or the ratio of two figures.

        Raises:
            ValueError: The number is not finite.
            ZeroDivisionError: The divisor is zero.
        """
        if isinstance(other, Estimate):
            return self._ratio(other)
        if not isinstance(other, Real):
            return NotImplemented
        _finite(other)
        return self * (1 / Fraction(other) if isinstance(other, int | Fraction) else 1 / float(other))

    def __rtruediv__(self, number: float | Fraction) -> Estimate:
        """An exact number divided by the figure: tokens by joules are tokens per joule, in ``1/J``.

        Raises:
            ValueError: The number is not finite.
            ZeroDivisionError: The figure is zero.
        """
        if not isinstance(number, Real):
            return NotImplemented
        exact = _finite(number)
        return Estimate(value=exact, low=exact, high=exact, unit="1") / self

    def __float__(self) -> float:
        """The figure, in ``unit``.

        Raises:
            NoValue: There is none: its ``status`` is not ``ok``.
        """
        if self.value is None:
            raise NoValue(
                f"This estimate has no value: {self}", "Use `.low` and `.high`, or test `.is_ok` first"
            )
        return self.value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Real):
            self._refuse_order(other)  # type: ignore[arg-type]
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, each.name) == getattr(other, each.name) for each in fields(self))

    def _refuse_order(self, other: Never) -> NoReturn:
        """Comparing uncertain figures is a decision that ``<`` cannot make.

        Raises:
            NotComparable: Always.
        """
        raise NotComparable(
            f"Cannot compare {self} with {other}: a difference within the uncertainty decides nothing",
            "Compare the figures alone: `float(a) < float(b)`; or test whether they differ: "
            "`d = a - b; abs(float(d)) > d.U`; or sort with `key=float`",
        )

    __lt__ = __le__ = __gt__ = __ge__ = _refuse_order

    def __str__(self) -> str:
        tail = "" if self.provenance == PROVENANCES[0] else f" ({self.provenance})"
        return self._written() + tail

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __format__(self, spec: str) -> str:
        """As ``str``; in the unit that ``spec`` names; or the bare figure in the number format it gives.

        A figure without a value is a dash in a number format, so that a program's own line never fails.

        Raises:
            BadFormat: ``spec`` is no format of a number and no unit of this quantity.
        """
        if not spec:
            return str(self)
        number, scale = estimate_text.parsed(spec, self.unit)
        if not number:
            return self._written(scale)
        return estimate_text.number(self.value, number, scale)

    def _written(self, scale: estimate_text.Scale | None = None) -> str:
        interval = (self.low, self.high)
        if self.value is None:
            return estimate_text.missing(self.status, interval, scale or self.unit)
        if not self.components:
            return estimate_text.unassessed(self.value, interval, scale or self.unit)
        return estimate_text.measured(self.value, self.U, interval, scale or self.unit)

    def _linear(self, other: Estimate, sign: int, low: float, high: float) -> Estimate:
        if other.unit != self.unit:
            raise _mismatch(other.unit, self.unit)
        return self._joined(
            other,
            lambda mine, theirs: mine + sign * theirs,
            (self.low + low, self.high + high, self.unit),
            self.components + scaled(other.components, sign),
        )

    def _product(self, other: Estimate) -> Estimate:
        mine, theirs = self.value or 0.0, other.value or 0.0
        unit = product_unit(self.unit, other.unit)
        corners = [reach(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        bounds = (min(corners), max(corners), unit)
        parts = scaled(self.components, theirs) + scaled(other.components, mine)
        return self._joined(other, lambda a, b: a * b, bounds, parts)

    def _ratio(self, other: Estimate) -> Estimate:
        if other.value == 0.0:
            raise ZeroDivisionError("the ratio of two figures, of which the second is zero")
        mine, theirs = self.value or 0.0, other.value or math.inf
        unit = quotient_unit(self.unit, other.unit)
        low, high = quotients((self.low, self.high), (other.low, other.high))
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


def summed(estimates: Sequence[Estimate]) -> Estimate:
    """The sum of figures of different things, in one pass over all their components.

    Raises:
        UnitMismatch: They are not in one unit.
        ValueError: There is none.
    """
    if not estimates:
        raise ValueError("a sum over no estimate has no unit")
    for each in estimates:
        if each.unit != estimates[0].unit:
            raise _mismatch(each.unit, estimates[0].unit)
    values = [each.value for each in estimates if each.value is not None]
    is_known = len(values) == len(estimates)
    parts = (component for each in estimates for component in each.components)
    return Estimate(
        value=math.fsum(values) if is_known else None,
        low=math.fsum(each.low for each in estimates),
        high=math.fsum(each.high for each in estimates),
        unit=estimates[0].unit,
        status=worst(*(each.status for each in estimates)),
        provenance=max((each.provenance for each in estimates), key=PROVENANCES.index),
        accuracy=_accuracy(estimates),
        components=tuple(gathered(parts)) if is_known else (),
    )


def worst(*statuses: str) -> str:
    """The status that counts among several; ``ok`` of none."""
    return max(statuses, key=STATUSES.index, default="ok")


def _mismatch(one: str, other: str) -> UnitMismatch:
    return UnitMismatch(f"A figure in {one} cannot be added to one in {other}", "Convert one of them first")


def _finite(number: float | Real) -> float:
    """A factor as a float.

    Raises:
        ValueError: It is infinite or no number.
    """
    found = float(number)
    if not math.isfinite(found):
        raise ValueError(f"an estimate cannot be scaled by {found}")
    return found


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _accuracy(estimates: Sequence[Estimate]) -> float | None:
    """The accuracy of a sum at worst: all sensors wrong in one direction."""
    known = [each.accuracy for each in estimates if each.accuracy is not None]
    if len(known) < len(estimates):
        return None
    sizes = [each.low if each.value is None else each.value for each in estimates]
    whole = math.fsum(sizes)
    if whole <= 0:
        return max(known)
    return math.fsum(accuracy * size for accuracy, size in zip(known, sizes, strict=True)) / whole
