"""From several figures of the same thing to one: means, slopes, outliers. Pure.

What each figure says of its own edges and quanta explains a part of how they scatter. The rest is
*repeatability* (type A): √(s²/m - u²), with m - 1 degrees of freedom, where s² is the figures'
variance and u what their edges and quanta come to in the mean. So nothing is counted twice, and the
mean is never claimed to be better than s/√m or than its edges allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..energy.estimate import Estimate
from ..energy.uncertainty import STUDENT, Component, combined, gathered

F64 = npt.NDArray[np.float64]

WINDOWS_OWN = ("edges", "quantisation", "read time", "aliasing")
"""Components that are drawn anew in each window, and so show in the scatter."""


class Outlier(NamedTuple):
    """A figure outside Tukey's fences: ``mild`` beyond 1.5, ``severe`` beyond 3 interquartile ranges."""

    index: int
    value: float
    kind: str


class Line(NamedTuple):
    """A straight line through figures: what each call costs, and what each window costs once."""

    slope: Estimate
    intercept: float


def own_u(estimate: Estimate) -> float:
    """What the windows' own components come to, in the estimate's unit."""
    return combined(gathered(c for c in estimate.components if c.name in WINDOWS_OWN)).u


def with_scatter(estimate: Estimate, variance: float, dof: float) -> Estimate:
    """The estimate with what its windows' own components do not explain of its observed variance."""
    unexplained = math.sqrt(max(variance - own_u(estimate) ** 2, 0.0))
    if estimate.value is None or dof < 1:
        return estimate
    part = Component("repeatability", unexplained, "A", STUDENT, dof)
    return replace(estimate, components=(*estimate.components, part))


def mean(estimates: Sequence[Estimate]) -> Estimate:
    """The mean with what its parts know of themselves, and nothing of their scatter."""
    return reduce(add, estimates) / len(estimates)


def averaged(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of figures of the same thing, with their scatter."""
    whole = mean(estimates)
    m = len(estimates)
    if whole.value is None or m < 2:
        return whole
    variance = float(np.var([one.value for one in estimates], ddof=1)) / m
    return with_scatter(whole, variance, m - 1)


def line(counts: Sequence[int], estimates: Sequence[Estimate]) -> Line:
    """The regression of energies on numbers of calls (science.md C1): u(slope) = σ/√Σ(n - n̄)²."""
    n = np.asarray(counts, np.float64)
    spread = float(((n - n.mean()) ** 2).sum())
    if not spread:
        raise ValueError("a line needs windows of different sizes")
    weights = (n - n.mean()) / spread
    up = [one * Fraction(w) for one, w in zip(estimates, weights.tolist(), strict=True) if w > 0]
    down = [one * Fraction(-w) for one, w in zip(estimates, weights.tolist(), strict=True) if w < 0]
    slope = reduce(add, up) - reduce(add, down)
    if slope.value is None:
        return Line(slope, math.nan)
    values = np.array([one.value for one in estimates], np.float64)
    intercept = float(values.mean() - slope.value * n.mean())
    dof = len(counts) - 2
    if dof < 1:
        return Line(slope, intercept)
    left = values - intercept - slope.value * n
    return Line(with_scatter(slope, float((left**2).sum()) / dof / spread, dof), intercept)


def outliers(values: Sequence[float]) -> tuple[Outlier, ...]:
    """Figures outside Tukey's fences; for naming, never for dropping."""
    if len(values) < 4:
        return ()
    low, high = np.percentile(values, [25, 75])
    reach = high - low
    found = []
    for index, value in enumerate(values):
        beyond = max(low - value, value - high)
        if beyond > 1.5 * reach and beyond > 1e-12 * abs(value):
            found.append(Outlier(index, float(value), "severe" if beyond > 3 * reach else "mild"))
    return tuple(found)
