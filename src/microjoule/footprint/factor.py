"""A factor: a figure from elsewhere that stands between joules and grams or money.

Each says what it is exactly and who says so, because four official intensities of one place differ
by a factor of two and are all right: average or marginal, at the stack or over the life cycle, what
a country makes or what it uses.

Decision: a factor's range is a *choice* (which year, which boundary, which region) and not a
measurement error. It is carried beside the uncertainty of the energy and never folded into it.
"""

from __future__ import annotations

import math
from dataclasses import field

from ..errors import BadFactor
from ..value_class import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """What a factor counts; empty words where the question does not arise.

    Attributes:
        signal: ``average``, ``marginal`` or ``residual``.
        scope: ``direct`` or ``lifecycle``.
        basis: ``generation`` or ``consumption``.
    """

    signal: str = ""
    scope: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who says so.

    Attributes:
        source: The publication or data set.
        year: Of the figure, not of its publication; None: timeless.
        licence: Under which it may be passed on; what `uj data licences` prints.
        note: What is odd about it; empty where nothing is.
        url: Where it can be read.
        retrieved: The day on which it was read there, ``2026-11-28``; empty: it was not.
    """

    source: str
    year: int | None = None
    licence: str = ""
    note: str = ""
    url: str = ""
    retrieved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A figure with its range, its unit and its origin.

    Attributes:
        name: What it is the factor of, for a person: "grid of Germany".
        value: The figure.
        low: The least that a reasonable choice gives.
        high: The most.
        unit: ``g/kWh``, ``USD/kWh``, ``USD/h``, ``1``, …: exactly one spelling each.

    Raises:
        BadFactor: The figures are negative, not finite, or not in order.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    boundary: Boundary = field(default_factory=Boundary)
    origin: Origin

    def __post_init__(self) -> None:
        if not all(math.isfinite(figure) for figure in (self.low, self.value, self.high)):
            raise BadFactor(f"The factor {self.name!r} is not a finite number", "Check where it comes from")
        if not 0 <= self.low <= self.value <= self.high:
            raise BadFactor(
                f"The factor {self.name!r} is {self.value:g} {self.unit} in a range from {self.low:g} to "
                f"{self.high:g}",
                "Give 0 <= low <= value <= high",
            )

    def in_unit(self, unit: str) -> Factor:
        """The factor itself, where its unit is the one that is wanted.

        Raises:
            BadFactor: It is in another unit: pounds are never taken for kilograms.
        """
        if self.unit != unit:
            raise BadFactor(
                f"The factor {self.name!r} is in {self.unit}, and {unit} is needed",
                "Convert it on purpose first",
            )
        return self
