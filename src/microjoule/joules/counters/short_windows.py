"""What interpolation may spread outside of windows of an update or two. Pure.

In such a window no update tells what ran there, so that the power at its edges says little. But the power
some updates before and after it is known. If the power stepped at its edges, all that was gained between
beyond that power would be the window's: what it has less was spread.
"""

from __future__ import annotations

import numpy as np

from ...arrays import taken
from ...channel import Channel
from ..estimates.brackets import Brackets
from ..estimates.uncertainty import K_OF_RECTANGULAR
from .budget import Edges, beyond, count_worth, most_rate
from .interpolation import Interpolation
from .slow_updates import has_its_own
from .update_times import F64, SLOW_NS

_SHORT = 2  # updates between a window's edges, up to which what ran there has no power of its own to show
_SIDE = 2  # updates on one side of such a window that tell the power there
_OF_ONE = 1.5  # the variance of one update, over that of an edge between two: 2/3 of it, as f varies


def spread_outside(
    between: Interpolation | None, channel: Channel, brackets: Brackets, begin: Edges, end: Edges
) -> F64:
    """float64[n], counts: what is spread outside of short windows, as a standard uncertainty, signed.

    Args:
        between: The counter's updates; None: it never changed.
        channel: The counter's.
        brackets: The windows.
        begin: Their beginnings.
        end: Their ends.
    """
    plain, timing = np.nan_to_num(brackets.value) / count_worth(channel), channel.timing
    found = np.zeros(len(plain))
    if between is None:
        return found
    usual_ns = between.times.learned.usual_ns
    reach = 1 if timing.half_lag_ns else 0  # what is shown an update late may be the window's
    left, right = begin.left - reach, end.left + 1 + reach
    last = len(between.times) - 1
    is_short = brackets.t1_ns - brackets.t0_ns <= (_SHORT + 1) * usual_ns
    is_short &= (end.left - begin.left <= _SHORT) & (left >= _SIDE) & (right <= last - _SIDE)
    short = np.flatnonzero(is_short)
    if not len(short):
        return found
    left, right, plain = left[short], right[short], plain[short]
    before, after = between.power(left - _SIDE, left), between.power(right, right + _SIDE)
    shift, half_ns = timing.middle_lag_ns, timing.half_lag_ns
    t0, t1 = brackets.t0_ns[short] + shift, brackets.t1_ns[short] + shift
    span = np.asarray(t0 - half_ns, np.float64), np.asarray(t1 + half_ns, np.float64)
    begins, ends = taken(begin, short), taken(end, short)
    one = _OF_ONE * np.maximum(_variance(begins), _variance(ends))
    k = begins.left, ends.left
    is_own = has_its_own(between, k, span, np.abs(after - before), np.sqrt(one))
    at_left, at_right = between.times.located(left).t_ns, between.times.located(right).t_ns
    middle = t0 + (t1 - t0) // 2
    sides_ns = (middle - at_left).astype(np.float64), (at_right - middle).astype(np.float64)
    without = before * sides_ns[0] + after * sides_ns[1]
    inside = (before + after) / 2 * (t1 - t0)
    more = between.total(right) - between.total(left) - without + inside - plain
    # Of a load that comes and goes, what ran some updates away says how much that may be, and not of which
    # sign: a window of more power than the updates beside it lacks what was spread.
    beside = (between.power(left - 1, left) + between.power(right, right + 1)) / 2
    away = np.where(plain < beside * (t1 - t0), -1.0, 1.0)
    if usual_ns < SLOW_NS:
        noise = 2 * (begins.edges**2 + ends.edges**2 + begins.phase**2 + ends.phase**2)
        found[short] = -away * np.abs(beyond(more, noise)) * is_own
        return found
    # A slow counter's power is drawn out over long times, with all that its updates scatter by; and a window
    # holds no more than the device may draw. U is what is spread at most.
    one = one + _OF_ONE * np.maximum(begins.phase, ends.phase) ** 2
    out = [side_ns / (_SIDE * usual_ns) for side_ns in sides_ns]
    noise = one * ((1 + out[0]) ** 2 + out[0] ** 2 + (1 + out[1]) ** 2 + out[1] ** 2)
    length_ns = np.maximum(t1 - t0, 1)  # of a window of no length infinite power would be no number
    room = np.maximum(most_rate(channel) * length_ns - plain, 0.0)
    most = np.abs(beyond(np.clip(more, -plain, room), noise))
    found[short] = -away * most * is_own / K_OF_RECTANGULAR
    return found


def _variance(edges: Edges) -> F64:
    return edges.edges**2 + edges.of_left**2 + edges.of_right**2
