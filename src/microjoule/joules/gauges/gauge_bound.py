"""What a gauge's readings guarantee of the energy of windows, without any statistics.

A device draws no less than nothing and no more than twice its limit, which holds on average and not in each
millisecond. A reading says more where it is declared of what it is the mean: of a window w that ended at its
update, or up to a declared lag before, P w was used. Tables of windows are measured and not promised, so that
the window may be half as long or half as long again:

    low  = sum of P w / 2 over windows that lie inside for certain
    high = sum of P 3 w / 2 over the same + 2 limit (length - sum of w / 2 over the same)

for windows that do not overlap; of a mean of a past second those a second apart are taken. A point, of which
nobody knows what it is the mean of, guarantees nothing more than the limit does.
"""

from __future__ import annotations

import numpy as np

from ...channel import Channel
from ...trace.series import I64
from ...units import NS_PER_S, seconds
from ..estimates.brackets import F64, drawn_at_most
from .readings import Readings, Shape

_LEAST, _MOST = 0.5, 1.5  # of a declared window
_LATE = 4.0  # standard uncertainties by which an update may be elsewhere


def guaranteed(readings: Readings, channel: Channel, t0: I64, t1: I64) -> tuple[F64, F64]:
    """The least and the most energy of windows in joules: float64[n] each.

    Args:
        readings: Of the gauge.
        channel: Its limit and timing.
        t0: int64[n], CLOCK_MONOTONIC ns.
        t1: int64[n], not before.
    """
    length_s = (t1 - t0) / NS_PER_S
    high = drawn_at_most(channel, length_s)
    if len(readings) and (readings.watts < 0).any():
        return -high, high  # what was seen to feed back can do so unseen too
    low = np.zeros(len(t0))
    window_s = seconds(readings.window_ns or 0)
    # What was declared and is refuted promises nothing, nor does what was found in its place.
    is_known = readings.shape in (Shape.HOLD, Shape.BOXCAR) and not (readings.is_shown or readings.longer)
    if len(readings) < 2 or not window_s or not is_known:
        return low, high
    apart = _apart(readings, window_s)
    ends_s = (readings.t_ns[apart] + readings.moved_ns - readings.t_ns[0]) / NS_PER_S
    late_s = _LATE * readings.spread_s[apart]
    step_w = readings.quantum_w
    least_w, top_w = np.maximum(readings.watts[apart] - step_w, 0.0), readings.watts[apart] + step_w
    # A lag that windows show makes no promise narrower, and one beyond what was allowed makes it wider.
    least_ns, most_ns = channel.timing.likely_lag_ns or (0, 0)
    lag_s = max(seconds(channel.timing.lag_ns), seconds(readings.period_ns) / 2, seconds(most_ns))
    lead_s = max(-seconds(least_ns), 0.0)
    first_s = np.minimum.accumulate((ends_s - _MOST * window_s - lag_s - late_s)[::-1])[::-1]
    last_s = np.maximum.accumulate(ends_s + lead_s + late_s)
    a, b = (t0 - readings.t_ns[0]) / NS_PER_S, (t1 - readings.t_ns[0]) / NS_PER_S
    inside = _sums(first_s, last_s, least_w * _LEAST * window_s, a, b)
    n_inside = _sums(first_s, last_s, np.full(len(apart), _LEAST * window_s), a, b)
    seen = _sums(first_s, last_s, top_w * _MOST * window_s, a, b)
    rest = drawn_at_most(channel, np.maximum(length_s - n_inside, 0.0))
    return np.minimum(inside, high), np.minimum(high, seen + rest)


def _apart(readings: Readings, window_s: float) -> I64:
    """Readings whose windows do not overlap: all, or of a boxcar those a window apart."""
    n = len(readings)
    if readings.shape is Shape.HOLD:
        return np.arange(n)
    step_ns = round(1.2 * window_s * NS_PER_S)
    found, t_ns = [0], readings.t_ns
    while (at := int(np.searchsorted(t_ns, t_ns[found[-1]] + step_ns))) < n:
        found.append(at)
    return np.array(found)


def _sums(first_s: F64, last_s: F64, value: F64, a: F64, b: F64) -> F64:
    """Sums of values whose spans lie inside each window."""
    sums = np.concatenate(([0.0], np.cumsum(value)))
    start = np.searchsorted(first_s, a, "left")
    stop = np.searchsorted(last_s, b, "right")
    found: F64 = sums[np.maximum(stop, start)] - sums[start]
    return found
