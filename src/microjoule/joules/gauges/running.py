"""Running statistics of a series of readings: of each, over the neighbours around it."""

from __future__ import annotations

import numpy as np

from ...arrays import Bools, distinct
from ...trace.series import I64
from ..estimates.brackets import F64

MISSED = 1.5  # of an update: so far apart are two between which one was not read
LOCAL = 32  # updates on either side over which a load shows its levels, its swing and its cycles
FEW = 2 * LOCAL  # updates below which readings do not show what comes round
_BLOCKS = (1, 2, 4, 8, 16)  # readings in a sum
_FAR = 64  # updates on either side over which such sums are compared
_RISE = (
    0.3  # of all that the power spans: a smaller step is none of a repeated load, and no four in a row fit
)
_OF_BEND = 1.62  # of independent values, the mean of the least of three such squares in a row: (1, -2, 1)²
_ROW = 4  # steps that come equally far apart before that is more than chance
# Of k of n places spread evenly max k² (1 - k/n)² / k is n / 7; twice that where rises and falls err alike.
_CREEPING = 3.0
_ON_THE_WAY = 0.05  # of a step: so near to a level a reading is one, and mirrored readings are as near


def local_mean(x: F64, k: int = LOCAL) -> F64:
    """Means over 2 k + 1 neighbours; fewer at the ends."""
    n = len(x)
    sums = np.zeros(n + 2 * k + 1)  # what it is up to each neighbour, as if nothing were beside the ends
    np.cumsum(x, out=sums[k + 1 : n + k + 1])
    sums[n + k + 1 :] = sums[n + k]
    found: F64 = sums[2 * k + 1 :] - sums[:n]
    if n > 2 * k:
        at_an_end = np.arange(k + 1, 2 * k + 1)
        found[:k] /= at_an_end
        found[k : n - k] /= 2 * k + 1
        found[n - k :] /= at_an_end[::-1]
    else:
        at = np.arange(n)
        found /= np.minimum(at + k + 1, n) - np.maximum(at - k, 0)
    # Rounding of the sums may leave less than nothing of what is never negative.
    return np.maximum(found, 0.0, out=found) if n and x.min() >= 0 else found


def from_nearer(x: F64) -> F64:
    """float64[n]: how far each of at least two values is from the nearer of its neighbours."""
    apart = np.abs(np.diff(x))
    found: F64 = np.minimum(np.append(apart[:1], apart), np.append(apart, apart[-1:]))
    return found


def extreme(x: F64, of: np.ufunc, k: int = LOCAL) -> F64:
    """The largest (``np.maximum``) or smallest (``np.minimum``) of 2 k + 1 neighbours, by doubling."""
    width = 2 * k + 1
    found = np.concatenate((np.full(k, x[0]), x, np.full(k, x[-1])))
    done = 1
    while 2 * done <= width:
        found = of(found[:-done], found[done:])
        done *= 2
    rest = width - done
    return np.asarray(of(found[: len(found) - rest], found[rest:]) if rest else found)


def of_slope(watts: F64, k: int) -> F64:
    """The variance of readings by how they bend: on a slope their noise brings none beyond its neighbours."""
    if len(watts) < 3:
        return np.zeros(len(watts))
    bend = extreme(np.abs(np.diff(watts, 2)), np.minimum, 1)  # not of a step, or of the reading beside it
    return local_mean(np.concatenate((bend[:1], bend, bend[-1:])) ** 2, k) / _OF_BEND


def together(step: F64, k: int = LOCAL) -> F64:
    """Whether successive differences go together: r = Σ d_i d_(i+1) / Σ d_i² over neighbours."""
    pairs = np.append(step[1:] * step[:-1], 0.0)
    squares = local_mean(step**2, k)
    found = local_mean(pairs, k) / np.where(squares > 0, squares, 1.0)
    return np.asarray(np.clip(found, -1.0, 1.0))


def long_run(watts: F64) -> list[F64]:
    """Variances, a gap, of sums of 1, 2, 4, 8 and 16 readings: W², float64[n - 1] each.

    From differences of neighbouring sums, so that slow changes of the power count little; no longer sum has
    more than single readings. Where these come by turns pairs have next to nothing, and longer sums what the
    turns themselves do.
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
        found.append(np.minimum(found[0], padded) if found else padded)
    return found


def unlike_beside(watts: F64, missed: I64) -> F64:
    """The variance of the mean of readings that were missed about that of the two beside them.

    As many readings around that follow each other show by how much. A load that comes and goes between the
    two, or levels that do, count as much as they do there.

    Args:
        watts: float64[n], the readings.
        missed: int64[n - 1], how many were missed after each but the last.

    Returns:
        float64[n - 1], W²; 0 where none was missed.
    """
    n, found = len(watts), np.zeros(len(missed))
    sums = np.concatenate(([0.0], np.cumsum(watts)))
    # Half octaves: of long silences, which differ in length, a few kinds are told apart.
    sizes = np.rint(2 ** (np.rint(2 * np.log2(np.maximum(missed, 1))) / 2)).astype(np.int64)
    sizes = np.minimum(sizes, max(n // 4, 1))
    for size in distinct(sizes[missed > 0]).tolist():
        between = (sums[size + 1 : -1] - sums[1 : -size - 1]) / size
        off = between - (watts[: -size - 1] + watts[size + 1 :]) / 2
        at = np.flatnonzero((missed > 0) & (sizes == size))
        found[at] = local_mean(off**2, _FAR)[np.clip(at - size // 2, 0, len(off) - 1)] if len(off) else 0.0
    return found


def whole_steps_apart(step: F64, watts: F64, is_sure: bool) -> F64:
    """How many steps of one kind are whole numbers of updates apart, for each of them: their errors add.

    Where readings show that steps are inside of what is looked at, their gaps have none. A load that creeps
    past a gap in n cycles has n places that are spread over it: the next step is an update more or less away,
    and errors add up as those of n / 3.

    Args:
        step: float64[n], from each reading to the next.
        watts: float64[n + 1], the readings.
        is_sure: Whether no update is missed, so that readings measure how far steps are apart.
    """
    found = np.ones(len(step))
    span = float(np.ptp(watts))
    is_open = ~_in_windows(step)
    for sign in (1, -1):
        at = np.flatnonzero((sign * step > _RISE * span) & is_open)
        if is_sure:  # one that a reading is in the middle of is not in a gap
            at = at[(np.diff(at, prepend=-2) > 1) & (np.diff(at, append=len(step) + 1) > 1)]
        if len(at) < _ROW:
            continue
        apart = np.diff(at)
        is_new = np.concatenate(([True], np.diff(apart) != 0))
        run = np.cumsum(is_new) - 1
        n = (np.bincount(run) + 1).astype(float)  # n equal distances are between n + 1 steps
        n[n < _ROW] = 1.0
        if is_sure:
            change = np.diff(apart[is_new])
            after, before = np.append(change, 0), np.append(0, -change)
            n = np.maximum(np.where((np.abs(after) == 1) & (after == before), n / _CREEPING, n), 1.0)
        found[at] = np.maximum(np.append(n[run], 1), np.append(1, n[run]))
    return found


def _in_windows(step: F64) -> Bools:
    """bool[n]: whether steps are to or from a reading between its neighbours in readings of four that repeat.

    The two later ones are the mirror image of the first two: of a load that is high for half of the time.
    """
    found = np.zeros(len(step), bool)
    if len(step) > 3:
        into, out = step[1:-2], step[2:-1]
        both = into + out
        lesser = np.minimum(into * np.sign(both), out * np.sign(both))
        mirrored = np.maximum(np.abs(step[3:] + into), np.abs(step[:-3] + out))
        is_one = (lesser > _ON_THE_WAY * np.abs(both)) & (mirrored < _ON_THE_WAY * np.abs(both))
        found[1:-2] |= is_one
        found[2:-1] |= is_one
    return found
