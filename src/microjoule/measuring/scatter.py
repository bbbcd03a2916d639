"""How figures of one thing lie, without a belief in how they are distributed. Pure.

A t interval takes its figures for normal. Energies are skewed: now and then something else runs, and it
only ever adds. So a mean has two companions: the median with the median absolute deviation, which a few
odd figures do not move, and from 20 figures on the bootstrap's interval of the mean, bias-corrected and
accelerated (Efron, Better bootstrap confidence intervals, 1987). They tell of scatter alone: what all
figures share, gain or baseline, is in the estimate's own interval.

Decision: the quantiles are those of Student's t, widened by √(m/(m - 1)), and not the normal ones, so that
normal figures are covered as often as by t (Hesterberg, What teachers should know about the bootstrap,
2015). What was given up: the last of the skew's correction at small m.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..joules.estimates.uncertainty import LEVEL, student

F64 = npt.NDArray[np.float64]
Statistic = Callable[[F64], F64]  # float64[..., m, k] -> float64[...]

FIGURES_LEAST = 20  # of an interval by the bootstrap (docs/methods.md)
RESAMPLES = 2000
_SEED = 1987  # one set of figures has one interval
_NORMAL = NormalDist()


class Scatter(NamedTuple):
    """How m figures lie.

    Attributes:
        n: m.
        median: In the figures' unit.
        mad: Median absolute deviation from the median, as it is: 0.67 of a normal standard deviation.
        interval: That holds the mean in 95 of 100 such samples, by the bootstrap; None: too few figures.
    """

    n: int
    median: float
    mad: float
    interval: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**self._asdict(), "interval": None if self.interval is None else list(self.interval)}


def scatter(values: Sequence[float]) -> Scatter | None:
    """How figures lie; None of fewer than two."""
    if len(values) < 2:
        return None
    figures = np.asarray(values, np.float64)
    median = float(np.median(figures))
    mad = float(np.median(np.abs(figures - median)))
    return Scatter(len(figures), median, mad, resampled(figures[:, None], _mean))


def resampled(rows: F64, statistic: Statistic) -> tuple[float, float] | None:
    """The 95 % interval of a statistic of rows that were drawn independently, by the BCa bootstrap.

    Args:
        rows: float64[m, k]; what belongs together, such as a block of a comparison, is one row.
        statistic: Of float64[..., m, k], a number for each leading index.

    Returns:
        None: of fewer than 20 rows, or one that is not finite.
    """
    m = len(rows)
    if m < FIGURES_LEAST or not np.isfinite(rows).all():
        return None
    found = float(statistic(rows))
    drawn = np.random.default_rng(_SEED).integers(0, m, (RESAMPLES, m))
    values = np.sort(statistic(rows[drawn]))
    low, high = values[0], values[-1]
    if low == high:
        return float(low), float(high)
    below = (np.searchsorted(values, found) + np.searchsorted(values, found, "right")) / (2 * RESAMPLES)
    bias = _NORMAL.inv_cdf(min(max(below, 1 / RESAMPLES), 1 - 1 / RESAMPLES))
    bend = _acceleration(rows, statistic)
    reach = student(m - 1, LEVEL) * math.sqrt(m / (m - 1))
    low, high = np.quantile(values, [_level(bias, bend, -reach), _level(bias, bend, reach)])
    return float(low), float(high)


def _level(bias: float, bend: float, z: float) -> float:
    """Which quantile of the resamples stands where an unbiased normal one would have its z."""
    moved = bias + z
    return _NORMAL.cdf(bias + moved / max(1 - bend * moved, 1e-3))


def _acceleration(rows: F64, statistic: Statistic) -> float:
    """How the statistic's spread changes with itself, from leaving out one row at a time (the jackknife)."""
    m = len(rows)
    others = np.array([np.delete(np.arange(m), at) for at in range(m)])
    values = statistic(rows[others])
    from_mean = values.mean() - values
    square = float((from_mean**2).sum())
    return float((from_mean**3).sum()) / (6 * square**1.5) if square else 0.0


def _mean(rows: F64) -> F64:
    found: F64 = rows[..., 0].mean(axis=-1)
    return found


def ratio_of_means(rows: F64) -> F64:
    """The first column's mean over the second's."""
    means = rows.mean(axis=-2)
    found: F64 = means[..., 0] / means[..., 1]
    return found
