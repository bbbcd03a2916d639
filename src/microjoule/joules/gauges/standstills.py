"""Means of a past second that stand still at idle: when they did, and what that may hide. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64

_ISOLATED = 8  # updates between two standstills from which on they show what went on
_REST = 16  # updates between two standstills from which on nothing is taken of what they hid
_LONG = 1.2  # windows: a longer standstill is one of the readings, too
_SOLID = 1e-9
_SINGLE = 1.5  # periods: up to here one update came after the other
_MORE_THAN_ONE = 2.0  # of the largest change from one update to the next: more than one update can change
_FINE = 1e-4  # of the highest reading: power that repeats W later repeats less exactly than that
_ALIKE, _MOST = 0.05, 0.75  # of a window, by which a standstill is longer or shorter; share of long ones


def stands_still(steps: F64, gaps_ns: I64, period: int, window_ns: int) -> bool:
    """Whether a mean of a long window is not always updated at idle; else it showed equal values.

    It is where most long standstills last for one window, as those of idle boards do. One update lets go of
    one period and takes in another: where more changes after a standstill than ever from one update to the
    next, those between were left out.

    Args:
        steps: float64[n], by how much readings change.
        gaps_ns: int64[n], after which time each does.
        period: The time between two updates.
        window_ns: What each reading is the mean of.
    """
    least = steps[steps > 0].min(initial=np.inf)
    windows = gaps_ns[(gaps_ns > (1 - _ALIKE) * window_ns) & (steps > least)] / window_ns  # or by rounding
    of_one = np.count_nonzero(windows < 1 + _ALIKE)
    return bool(of_one > max(1, _MOST * len(windows)) or _jumps(steps, gaps_ns, period).any())


def stops_in_motion(values: I64, gaps_ns: I64, is_kept: Bools, within_ns: int) -> bool:
    """Whether a mean keeps values too often, while its power changes, for these to be updates to equal ones.

    A mean of W has the same value again where its power has rested for W, and so not again until W after it
    had another one. Before that it has by chance, if its noise is more than its quantum, and then it is
    oftener off by one or two of them than by none. Of a coarse quantum nobody knows that.

    Args:
        values: int64[n + 1], what was read, one after another, in counts.
        gaps_ns: int64[n], the time from each to the next.
        is_kept: bool[n], which were read for longer than from one update to the next.
        within_ns: After the end of such a time, until when power cannot have rested for W.
    """
    quantum = int(np.gcd.reduce(values, initial=0))
    if not len(gaps_ns) or quantum > _FINE * np.abs(values).max():
        return False
    ends_ns = np.cumsum(gaps_ns)
    ended_ns = np.maximum.accumulate(np.where(is_kept, ends_ns, -np.inf))
    since_ns = (ends_ns - gaps_ns)[1:] - ended_ns[:-1]
    n = np.count_nonzero(is_kept[1:] & (since_ns < within_ns))
    return bool(n > np.count_nonzero(np.abs(np.diff(values)) <= 2 * quantum))


def _jumps(steps: F64, gaps_ns: I64, period: int) -> Bools:
    """bool[n]: which readings changed by more than one update can, after a time without changes."""
    is_single = gaps_ns < _SINGLE * period
    most, least = steps[is_single].max(initial=0.0), steps[steps > 0].min(initial=np.inf)
    found: Bools = ~is_single & (steps > _MORE_THAN_ONE * (most + least))
    return found


class Skipped(NamedTuple):
    """For how long a mean that stands still at idle had no update after each change of its value.

    Attributes:
        longest_ns: int64[n], up to which length the time to the next change had none.
        end_ns: int64[n], the end of a longer one that had none.
    """

    longest_ns: I64
    end_ns: I64


def skipped(values: F64, t_ns: I64, period: int, window_ns: int, patience: int) -> Skipped:
    """Where a mean stood still, and where it was updated to the value that it had: steady power has one, too.

    Where its sensor stood still the machine was idle, and in the rest of the W before a reading its power was
    the highest at most. Where the reading is higher than the mean of these, the sensor was updated. Where a
    value that lasted for longer than any standstill changes by more than one update can, its end was one.

    Args:
        values: float64[n], what was read, in counts.
        t_ns: int64[n], since when.
        period: The time between two updates.
        window_ns: W, what each value is the mean of.
        patience: The longest standstill.
    """
    gaps_ns, steps, low = np.diff(t_ns), np.abs(np.diff(values)), values.min()
    range_w = max(np.ptp(values), steps[gaps_ns < _SINGLE * period].max(initial=0.0) * window_ns / period)
    idle_ns = np.minimum(gaps_ns, window_ns) - 2 * period  # it was busy up to a period at either end
    was_updated = values[1:] > low + range_w * (1 - idle_ns / window_ns)
    longest_ns = np.append(np.where(was_updated, 0, patience), patience)
    is_end = _jumps(steps, gaps_ns, period) & (gaps_ns > patience) & ~was_updated
    return Skipped(longest_ns, np.append(np.where(is_end, window_ns, 0), 0))


def still(is_long: Bools, is_unread: Bools | None) -> Bools:
    """bool[n]: before which updates the mean stood still, of those that came late: or nobody read others.

    Of a sensor that is seen to stand still as often as it was not read it may be either.
    """
    if is_unread is None:
        return is_long
    seen, unread = (int(np.count_nonzero(is_long & each)) for each in (~is_unread, is_unread))
    return is_long if 2 * seen > unread else is_long & ~is_unread


def hidden(gaps_s: F64, step_w: F64, is_still: Bools) -> F64:
    """What standstills may hide, joules: those with few updates between them."""
    found: F64 = np.where(is_still, _apart(is_still, _ISOLATED) * gaps_s * np.abs(step_w), 0.0)
    return found


def _apart(is_still: Bools, most: int) -> F64:
    """float64: 1 where no update comes between two standstills, and 0 from so many on."""
    run = np.cumsum(is_still)
    lengths = np.bincount(run, ~is_still)
    between = np.minimum(lengths[np.maximum(run - 1, 0)], lengths[run])
    found: F64 = np.clip(1.0 - between / most, 0.0, 1.0)
    return found


def idle(edges_s: F64, t_s: F64, is_other: Bools, is_still: Bools, window_s: float) -> F64:
    """float64, of each bin: how surely its update was missed because the machine was idle, 0 to 1.

    The last bin of a standstill ends with an update.
    """
    gaps_s = np.diff(t_s)
    surely = np.where(is_still & is_other & (gaps_s < _LONG * window_s), _apart(is_still, _REST), 0.0)
    after = np.searchsorted(t_s, edges_s[1:] - _SOLID)
    is_missed = (after > 0) & (t_s[after] > edges_s[1:] + _SOLID)
    return np.where(is_missed, surely[after - 1], 0.0)
