"""Running statistics of a series of readings: of each, over the neighbours around it."""

from __future__ import annotations

import numpy as np

from .brackets import F64

_AROUND = 32  # updates on either side over which a load shows its highest and lowest
_BLOCKS = (1, 2, 4, 8, 16)  # readings in a sum
_FAR = 64  # updates on either side over which such sums are compared
_RISE = (
    0.3  # of all that the power spans: a smaller step is none of a repeated load, and no four in a row fit
)
_ROW = 4  # steps that come equally far apart before that is more than chance


def local_mean(x: F64, k: int) -> F64:
    """Means over 2 k + 1 neighbours; fewer at the ends."""
    sums = np.concatenate(([0.0], np.cumsum(x)))
    at = np.arange(len(x))
    low, high = np.maximum(at - k, 0), np.minimum(at + k + 1, len(x))
    found: F64 = (sums[high] - sums[low]) / (high - low)
    # Rounding of the sums may leave less than nothing of what is never negative.
    return np.maximum(found, 0.0) if len(x) and x.min() >= 0 else found


def from_nearer(x: F64) -> F64:
    """float64[n]: how far each of at least two values is from the nearer of its neighbours."""
    apart = np.abs(np.diff(x))
    found: F64 = np.minimum(np.append(apart[:1], apart), np.append(apart, apart[-1:]))
    return found


def extreme(x: F64, of: np.ufunc, k: int = _AROUND) -> F64:
    """The largest (``np.maximum``) or smallest (``np.minimum``) of 2 k + 1 neighbours, by doubling."""
    width = 2 * k + 1
    found = np.concatenate((np.full(k, x[0]), x, np.full(k, x[-1])))
    done = 1
    while 2 * done <= width:
        found = of(found[:-done], found[done:])
        done *= 2
    rest = width - done
    return np.asarray(of(found[: len(found) - rest], found[rest:]) if rest else found)


def together(step: F64, k: int) -> F64:
    """Whether successive differences go together: r = Σ d_i d_(i+1) / Σ d_i² over neighbours."""
    pairs = np.append(step[1:] * step[:-1], 0.0)
    squares = local_mean(step**2, k)
    found = local_mean(pairs, k) / np.where(squares > 0, squares, 1.0)
    return np.asarray(np.clip(found, -1.0, 1.0))


def long_run(watts: F64) -> list[F64]:
    """Variances, a gap, of sums of 1, 2, 4, 8 and 16 readings: W², float64[n - 1] each.

    From differences of neighbouring sums, so that slow changes of the power count little; no longer sum has
    more than a shorter one.
    """
    n = len(watts)
    found: list[F64] = []
    sums = np.concatenate(([0.0], np.cumsum(watts)))
    for size in _BLOCKS:
        if n < 4 * size:
            found.append(found[-1] if found else np.zeros(n - 1))
            continue
        blocks = sums[size:] - sums[:-size]
        mean = local_mean((blocks[size:] - blocks[:-size]) ** 2 / (2 * size), _FAR)
        spare = n - 1 - len(mean)
        padded = np.concatenate((np.full(spare // 2, mean[0]), mean, np.full(spare - spare // 2, mean[-1])))
        found.append(np.minimum(found[-1], padded) if found else padded)
    return found


def whole_steps_apart(step: F64, watts: F64) -> F64:
    """How many steps of one kind are whole numbers of updates apart, for each of them: their errors add."""
    found = np.ones(len(step))
    span = float(np.ptp(watts))
    for sign in (1, -1):
        at = np.flatnonzero(sign * step > _RISE * span)
        if len(at) < _ROW:
            continue
        apart = np.diff(at)
        is_new = np.concatenate(([True], np.diff(apart) != 0))
        run = np.cumsum(is_new) - 1
        size = np.bincount(run)[run]  # n equal distances are between n + 1 steps
        steps = np.maximum(np.append(size, 0), np.concatenate(([0], size))) + 1
        found[at] = np.where(steps >= _ROW, steps, 1)
    return found
