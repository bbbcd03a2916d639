"""From several figures of the same thing to one: means, slopes, outliers. Pure.

What each figure says of its own edges and quanta explains a part of how they scatter. The rest is
*repeatability* (type A): √(s²/m - u²), with m - 1 degrees of freedom, where s² is the figures'
variance and u what their edges and quanta come to in the mean. So nothing is counted twice, and the
mean is never claimed to be better than s/√m or than its edges allow.

Decision: windows must be apart by some updates, so that their edges have errors of their own. Where
windows touch, edges drop out of the mean, but s² still holds them; taking them out of s² too was tried,
and a difference of two noisy figures covered the truth in 85 of 100 trials only. What was given up: the
two outer edges alone would be a more exact mean, with nothing to say how it scatters.
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

from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import STUDENT, Component, combined, gathered

F64 = npt.NDArray[np.float64]

STRATA_LEAST = 6  # neighbours of fewer are mostly the same ones
_SIGNIFICANT = 2.2  # of a variance's quotient; chi-square of seven over seven at 97 %

WINDOWS_OWN = ("edges", "quantisation", "read time", "aliasing", "age")
"""Components that are drawn anew in each window, and so show in the scatter."""


class Outlier(NamedTuple):
    """A figure outside Tukey's fences: ``mild`` beyond 1.5, ``severe`` beyond 3 interquartile ranges."""

    window: int
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
    """The estimate with what its windows' own components do not explain of its observed variance.

    The remainder r of a variance s² of ν degrees of freedom has ν (r/s²)² of its own (Satterthwaite:
    2 r² over the variance of r), so that together with what was taken out it has ν again.
    """
    if estimate.value is None or dof < 1:
        return estimate
    rest = max(variance - own_u(estimate) ** 2, 0.0)
    share = rest / variance if variance else 1.0
    part = Component("repeatability", math.sqrt(rest), "A", STUDENT, dof * share**2 if share else dof)
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
    variance = float(np.var(np.array([one.value for one in estimates], np.float64), ddof=1))
    return with_scatter(whole, variance / m, m - 1)


def stratified(estimates: Sequence[Estimate], phases: Sequence[float]) -> Estimate:
    """The mean of figures that each fell at random into its own stratum of a cycle.

    What depends on the phase is what a figure's own components are about, and the strata take most of it
    out of the mean; so those components make way for the scatter *within* strata. It is found by the second
    differences d between neighbours around the cycle, in which a slope drops out: u² = Σ d²/6m². That is
    right for a straight line of phase and for a white one, and too much for what lies between. Wolter,
    Introduction to Variance Estimation, 8.2; the degrees of freedom are those of such differences of white
    figures, 18 m/35.

    Args:
        estimates: Of windows of the same thing.
        phases: In which order their strata follow each other.
    """
    m = len(estimates)
    if m < STRATA_LEAST or any(one.value is None for one in estimates):
        return averaged(estimates)
    bare = [
        replace(one, components=tuple(c for c in one.components if c.name not in WINDOWS_OWN))
        for one in estimates
    ]
    values = np.array([one.value for one in estimates], np.float64)[np.argsort(phases, kind="stable")]
    bend = np.roll(values, 1) - 2 * values + np.roll(values, -1)
    u = math.sqrt(float((bend**2).sum()) / 6) / m
    whole = mean(bare)
    part = Component("repeatability", u, "A", STUDENT, 18 * m / 35)
    return replace(whole, components=(*whole.components, part))


def unexplained(estimates: Sequence[Estimate]) -> float:
    """The relative standard deviation of figures beyond what their edges and quanta explain.

    0 where it is not significant: a few figures scatter by themselves.
    """
    values = np.array([one.value for one in estimates if one.value is not None], np.float64)
    if len(values) < 4 or not values.mean():
        return 0.0
    variance, own = float(values.var(ddof=1)), float(np.mean([own_u(one) ** 2 for one in estimates]))
    return math.sqrt(variance - own) / abs(float(values.mean())) if variance > _SIGNIFICANT * own else 0.0


def spread(values: Sequence[float]) -> float:
    """The relative standard deviation of figures; 0 of fewer than two."""
    return float(np.std(values, ddof=1) / np.mean(values)) if len(values) > 1 and any(values) else 0.0


def quotient(one: Estimate, other: Estimate, ones: F64, others: F64) -> Estimate:
    """The quotient of two means whose parts go in pairs, with the scatter that is left within pairs.

    The ratio estimator's variance (Cochran, Sampling Techniques, 2.11): with e_j = ones_j - R others_j,
    u² = Σ e_j² / (m (m - 1)) / mean(others)². What moves both of a pair alike is not in it.

    Args:
        one: Mean of ``ones`` with what it knows of itself.
        other: Mean of ``others``; not 0.
        ones: float64[m].
        others: float64[m].
    """
    found = one / other
    m = len(ones)
    if found.value is None or m < 2:
        return found
    left = (ones - found.value * others) / others.mean()
    return with_scatter(found, float((left**2).sum()) / (m * (m - 1)), m - 1)


def line(counts: Sequence[int], estimates: Sequence[Estimate]) -> Line:
    """The regression of energies on numbers of calls (docs/methods.md): u(slope) = σ/√Σ(n - n̄)²."""
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
