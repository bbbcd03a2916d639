"""The segments around an instant: how long and how even, and how much single updates scatter. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from .update_times import AROUND, F64, Bools

SEGMENTS = np.arange(-AROUND, AROUND + 1)
OWN = AROUND  # the column of the segment itself
LEAST_ROUGH = 8  # third differences, below which they tell nothing
_QUANTILE = 0.4  # of the third differences
_OF_NORMAL = 0.5244  # that quantile of the absolute value of a standard normal variable
_MOST = 0.7  # of changes; larger ones are taken to be as large
_OF_MOST = 0.642 * math.sqrt(6.0)  # their mean, of second differences of what is distributed normally
_QUICK = 1.2  # mean square change to the next, in mean squares: 2 where nothing is common to both
_SPARE = 2.0  # times what rates of one level scatter by: steady power has its scatter by differences
_LOCAL = 8  # segments on either side, with whose mean power a count is compared
MOST_ALONE = 0.6  # of the counts that have more or less than both neighbours: of missed updates several
_TOLD = 0.01  # of counts that have one update more or less, from which on they tell how far updates are apart
_ABOUT = 0.25  # of the declared time, within which half of those are
_OF_LESSER = 1.09 / math.sqrt(20.0)  # the lesser of two estimates is by so much too small


class Neighbourhood(NamedTuple):
    """The segments around n instants: arrays [n, 2 AROUND + 1], the instant's own in the middle column.

    Attributes:
        rate: Counts a nanosecond; on a grid of updates their distance is taken in whole periods.
        length_ns: float64.
        is_usual: Whether there is such a segment, and it is no gap.
        is_exact: Whether it is usual, and whole periods long for certain.
        usual_ns: float64[n], the usual distance of two updates.
        apart_ns: float64[n], the usual distance of two readings.
        is_dense: bool[n], whether readings are denser than updates.
        is_single: bool[n], whether the counter grows by single quanta, less than one an update.
        uneven_ns: float64[n], by how much the readings that show updates stray from equal distances.
        rough: float64[n], counts: how much the count at one update scatters.
    """

    rate: F64
    length_ns: F64
    is_usual: Bools
    is_exact: Bools
    usual_ns: F64
    apart_ns: F64
    is_dense: Bools
    is_single: Bools
    uneven_ns: F64
    rough: F64


def median(values: F64, is_there: Bools) -> F64:
    """float64[n]: medians of the rows of values that are there; 1 where none is."""
    ordered = np.sort(np.where(is_there, values, np.inf), axis=1)
    n = is_there.sum(1)
    found = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0)[:, None], 1)[:, 0]
    return np.where(n > 0, found, 1.0)


def three_in_a_row(is_usual: Bools) -> Bools:
    """bool[n, 2 AROUND - 1]: where three segments follow one another, the instant's own not among them."""
    is_other = is_usual.copy()
    is_other[:, OWN] = False
    found: Bools = is_other[:, 2:] & is_other[:, 1:-1] & is_other[:, :-2]
    return found


def roughness(rate: F64, is_usual: Bools) -> F64:
    """float64[n]: the standard uncertainty of the count at an update, in parts of an update's energy."""
    is_whole = three_in_a_row(is_usual)
    of_all = (rate[:, 2:] + rate[:, 1:-1] + rate[:, :-2]) / 3  # what jitters does so in proportion
    third = np.abs(rate[:, 2:] - 2 * rate[:, 1:-1] + rate[:, :-2]) / np.maximum(of_all, 1e-300)
    n = is_whole.sum(1)
    ordered = np.sort(np.where(is_whole, third, np.inf), axis=1)
    low = np.take_along_axis(ordered, (n * _QUANTILE).astype(np.int64)[:, None], 1)[:, 0] / _OF_NORMAL
    square = np.where(is_whole, third * third, 0.0).sum(1) / np.maximum(n, 1)
    return np.where(n >= LEAST_ROUGH, np.minimum(low, np.sqrt(square)), 0.0) * _OF_LESSER


def changes(rate: F64, is_usual: Bools) -> F64:
    """float64[n]: the same by changes from one to the next; infinite where there are too few."""
    is_pair = is_usual[:, 1:] & is_usual[:, :-1]
    change = np.abs(np.diff(rate, axis=1)) / np.maximum((rate[:, 1:] + rate[:, :-1]) / 2, 1e-300)
    n = is_pair.sum(1)
    ordered = np.sort(np.where(is_pair, change, np.inf), axis=1)
    most = np.take_along_axis(ordered, np.clip((n * _MOST).astype(np.int64), 0, None)[:, None], 1)
    mean = np.where(is_pair, np.minimum(change, most), 0.0).sum(1) / np.maximum(n, 1)
    return np.where(n >= LEAST_ROUGH, mean / _OF_MOST, np.inf)


def scatter(at_ns: F64, is_there: Bools) -> F64:
    """float64[n]: the standard deviation of instants from a straight line; infinite where it changes slowly.

    Neighbours that have nothing in common differ by twice its square, on average.
    """
    left, n = _off_line(at_ns, is_there)
    square = (left * left).sum(1)
    change = np.where(is_there[:, 1:] & is_there[:, :-1], np.diff(left, axis=1), 0.0)
    is_quick = (n >= LEAST_ROUGH) & ((change * change).sum(1) > _QUICK * square)
    return np.where(is_quick, np.sqrt(square / np.maximum(n - 4, 1)), np.inf)


def recurrence(rate: F64, is_there: Bools, step: F64) -> F64:
    """float64[n]: the scatter of rates by how near to one another a quarter of them come; infinite of few.

    Of m values of one level that scatter by s, a quarter of those next to one another are closer than s/m.
    So a load that goes up and down between levels has no more scatter than its levels, where each update is
    unlike both of its neighbours. Of rates that are nowhere alike it is twice as far as they reach.

    Args:
        rate: float64[n, 2 AROUND + 1], power between updates.
        is_there: Which of them count.
        step: float64[n], the smallest difference that they can have: two that are equal may differ by it.
    """
    n = is_there.sum(1)
    with np.errstate(invalid="ignore"):
        gaps = np.diff(np.sort(np.where(is_there, rate, np.inf), axis=1), axis=1)
    gaps = np.sort(np.where(np.isfinite(gaps), gaps, np.inf), axis=1)
    near = np.take_along_axis(gaps, (np.maximum(n - 1, 0) // 4)[:, None], 1)[:, 0]
    return np.where(n > LEAST_ROUGH, _SPARE * (near + step) * np.maximum(n, 1), np.inf)


def unevenness(at_ns: F64, is_there: Bools) -> F64:
    """float64[n]: the root mean square distance of instants from the straight line through them."""
    left, n = _off_line(at_ns, is_there)
    found: F64 = np.sqrt((left * left).sum(1) / n)
    return found


def _off_line(at_ns: F64, is_there: Bools) -> tuple[F64, I64]:
    """float64[n, m]: the distance of instants from the straight line through them; int64[n], how many."""
    n = np.maximum(is_there.sum(1), 1)
    x = np.where(is_there, SEGMENTS - (np.where(is_there, SEGMENTS, 0).sum(1) / n)[:, None], 0.0)
    y = np.where(is_there, at_ns - (np.where(is_there, at_ns, 0.0).sum(1) / n)[:, None], 0.0)
    square = (x * x).sum(1)  # of two neighbours 0.5, of fewer 0
    slope = (x * y).sum(1) / np.where(square > 0, square, 1.0)
    return y - slope[:, None] * x, n


def alone_ns(rate: F64, length_ns: F64, is_there: Bools, least_ns: F64) -> tuple[F64, Bools]:
    """float64[n, m - 2], bool[n, m - 2]: the time that a count has more or less than both neighbours; where.

    Args:
        rate: float64[n, m], power between updates.
        length_ns: float64[n, m], between them.
        is_there: Which of them count.
        least_ns: float64[n], below which nothing is more or less.
    """
    beside = np.stack((rate[:, :-2], rate[:, 2:]))
    alone = np.maximum(rate[:, 1:-1] - beside.max(0), beside.min(0) - rate[:, 1:-1])
    around = _others(np.where(is_there, rate, 0.0)) / np.maximum(_others(is_there.astype(np.float64)), 1.0)
    with np.errstate(over="ignore"):  # where there are none around, which is_clear leaves out
        alone = alone * length_ns[:, 1:-1] / np.maximum(around[:, 1:-1], 1e-300)
    is_clear = is_there[:, 2:] & is_there[:, 1:-1] & is_there[:, :-2] & (alone > least_ns[:, None])
    return alone, is_clear


def steps_are_told(rate: F64, length_ns: F64, is_there: Bools, usual_ns: float) -> bool:
    """Whether readings no denser than updates tell steps of power from updates that are far apart.

    They do where counts show that a reading has several updates of the declared time, one more or one less.
    Of updates that are farther apart, and of those of a load in step with readings, one more is another time.

    Args:
        rate: float64[m], power between updates of a trace.
        length_ns: float64[m], between them.
        is_there: Which of them count.
        usual_ns: Between updates, as it was declared.
    """
    before, own, after = rate[:-2], rate[1:-1], rate[2:]
    more = np.maximum(own - np.maximum(before, after), np.minimum(before, after) - own)
    beside = (before + after) / 2  # nearer than what is around: the power may have stepped there
    is_known = is_there[:-2] & is_there[1:-1] & is_there[2:] & (beside > 0)
    off = more * length_ns[1:-1] / np.where(is_known, beside, np.inf)
    n, off = int(is_there.sum()), off[off > usual_ns / 2]
    if len(off) < max(_TOLD * n, LEAST_ROUGH):
        return False
    low, high = np.quantile(off, (0.25, 0.75))
    return bool(high - usual_ns < _ABOUT * usual_ns > usual_ns - low)


def _others(values: F64) -> F64:
    """float64[n, m]: the sum of some columns on either side of each."""
    sums = np.cumsum(np.pad(values, ((0, 0), (_LOCAL + 1, _LOCAL))), axis=1)
    found: F64 = sums[:, 2 * _LOCAL + 1 :] - sums[:, : -2 * _LOCAL - 1] - values
    return found
