"""By how much a gauge's readings trail the power, learnt from windows that hold their work. Pure.

A reading P_k of the time from a_k to b_k is the mean of the powers of the windows that were open then, and of
the rest. So with a power of its own for each window, P_w, and one around them, P_0, the lag L leaves

    P_k (b_k - a_k) = P_0 (b_k - a_k) + Σ P_w (S_w(b_k - L) - S_w(a_k - L)) + rest,

where S_w(t) is for how long window w had been open by t. The powers are profiled out in each block of
readings, and the least sum of squares tells L (:mod:`.lag_search`). A window in which the power does not step
gets that power, and tells nothing. Of a capacitor, and of what nobody knows the mean of, a_k and b_k are
successive updates, and what it gained is the energy that figures are made of. So the lag is that by which
these figures trail, whatever its cause.

A window holds its work, which may begin later than it and end earlier. So where power rises trails beginnings
by the lag or more, and where it falls trails ends by the lag or less: the lag lies between what ends and what
beginnings tell. No sensor leads: what lies below the prior is not believed.

A gauge's prior is a lag of nothing, give or take a part of its period. It gives way where windows tell the
lag more closely, and where they tell one that lies outside it. Steps of power alone tell no lag: when they
were is in the marks of a program and nowhere in the readings.

Decision: a launch returns before its kernel runs, so that of a GPU only windows that waited for it tell.
Elsewhere the program's own instants are the work's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from ...channel import Channel, Timing
from ...trace.series import I64, Series
from ...trace.window import Window
from ...trace.window_columns import WindowColumns
from ...units import NS_PER_MS, NS_PER_S
from ..estimates.brackets import F64
from ..estimates.lag_search import SOURCE
from ..estimates.run_window import RECORDING
from ..gauges.gauge import Gauge
from ..gauges.stamps import Clock
from .lag_of_windows import FEWEST, MOST, SYNCHRONISED, held, in_blocks, lag_between
from .lag_samples import looked

_WINDOWS = 6  # that are needed
_OF_BLOCK = 16  # windows of a block, the first: each has a power that is solved for
_LOOKS = 2  # of a block for each power that it tells
_EARLY, _LATE = 1, 3  # updates by which readings may lead or trail, and no less than
_REACH_NS = 100 * NS_PER_MS
_STEPS = 50  # lags in one of them
_OWN, _OWN_NS = 0.02, NS_PER_MS  # of an update, and no less: power may change so much off a window's edge
_HELD = (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80)  # of them: windows may be so much longer than work
_NEARLY = 2.0  # priors
_AS_MUCH = 1.0  # of what is left, which is no noise: power may change within windows in step with them
_CLEAR = 0.2  # of what the worst lag leaves: what leaves more follows no window


def placed(
    series: Series, channel: Channel, clocks: Sequence[Clock], machine: str, windows: WindowColumns
) -> Gauge:
    """A gauge with its readings where the windows of a program say that they were.

    Args:
        series: The channel's readings.
        channel: The channel, of watts.
        clocks: Pairs of the clocks that its own times may be on.
        machine: Whose gauge it is.
        windows: Of the program.
    """
    gauge = Gauge(series, channel, *clocks, machine=machine)
    timing = with_lag_of(gauge, _holding(gauge, windows) if len(windows) >= _WINDOWS else (), SOURCE)
    return gauge if timing.likely_lag_ns is None else gauge.with_timing(timing)


def with_lag_of(gauge: Gauge, windows: Sequence[Window], source: str) -> Timing:
    """The timing of a gauge with the lag that windows show; as it is where they show none, or no more.

    Args:
        gauge: As it is read.
        windows: That hold their work, in the order in which they began.
        source: Where the lag is from, in words.
    """
    found, timing = _seen(gauge, windows), gauge.channel.timing
    if found is None:
        return timing
    lag_ns, half_ns = found
    return timing.with_likely_lag(round(lag_ns - half_ns), round(lag_ns + half_ns), source)


def _seen(gauge: Gauge, known: Sequence[Window]) -> tuple[float, float] | None:
    """The lag and its half-width at 95 %, in nanoseconds; None: windows tell no more than is known."""
    period_ns, timing = gauge.readings.period_ns, gauge.channel.timing
    if not period_ns or gauge.readings.longer is not None or len(known) < _WINDOWS or gauge.span_ns is None:
        return None
    reach_ns = max(period_ns, _REACH_NS)
    step_ns = reach_ns // _STEPS
    shifts = np.arange(-_EARLY * reach_ns, _LATE * reach_ns + step_ns, step_ns)
    first, last = known[0].t0_ns - reach_ns, max(each.t1_ns for each in known) + reach_ns
    t0_ns, t1_ns, gained = _looks(gauge)
    inside = (t0_ns + shifts[0] >= first) & (t1_ns - shifts[-1] <= last)
    t0_ns, t1_ns, gained = t0_ns[inside], t1_ns[inside], gained[inside]
    at = in_blocks(len(gained))
    if len(at) < FEWEST:
        return None
    asked = t0_ns[at], t1_ns[at], gained[at], shifts
    steps = held(known, step_ns, _HELD)
    of_ends = [_Own.of(known, n * step_ns, *asked) for n in steps]
    found = lag_between(of_ends, steps, shifts, at.shape, more=_AS_MUCH, clear=_CLEAR)
    if found is None:
        return None
    own_ns, prior_ns = max(_OWN * period_ns, _OWN_NS), gauge.lag_s * NS_PER_S
    expected_ns = timing.middle_lag_ns if timing.likely_lag_ns is not None else 0
    low_ns = max(found[0] - own_ns, expected_ns - prior_ns)
    high_ns = found[1] + own_ns
    lag_ns, half_ns = (high_ns + low_ns) / 2, (high_ns - low_ns) / 2
    if half_ns < own_ns / 2:
        return None
    # What lies outside the prior takes its place, if it is known nearly as well or is so for certain.
    off_ns = abs(lag_ns - expected_ns)
    is_known = half_ns < prior_ns * (_NEARLY if off_ns > prior_ns else 1.0) or off_ns - half_ns > prior_ns
    return (lag_ns, half_ns) if is_known else None


def _holding(gauge: Gauge, windows: WindowColumns) -> list[Window]:
    """The windows that last from where the device's power may step to where it may step again."""
    if gauge.channel.hw_type == "gpu":
        told = windows.each(windows.mentioning(SYNCHRONISED))
        able = (each for each in told if each.attributes.get(SYNCHRONISED) is True)
    else:
        able = (each for each in windows.each() if each.name != RECORDING)
    return list(islice((each for each in able if not each.is_open), MOST))


def _looks(gauge: Gauge) -> tuple[I64, I64, F64]:
    """int64[n], int64[n] and float64[n]: from when to when a gauge looked, and watts times nanoseconds."""
    looks = looked(gauge)
    if looks is not None:
        t0_ns, t1_ns = looks
        return t0_ns, t1_ns, gauge.readings.watts[1:] * (t1_ns - t0_ns)
    t_ns = gauge.readings.t_ns
    return t_ns[:-1], t_ns[1:], np.diff(gauge.joules_until(t_ns)) * NS_PER_S


class _Own(NamedTuple):
    """What each lag leaves of each block of looks, with a power of its own for each window.

    Attributes:
        squares: float64[shifts, blocks].
    """

    squares: F64

    @classmethod
    def of(
        cls, windows: Sequence[Window], after_ns: int, t0_ns: I64, t1_ns: I64, gained: F64, shifts_ns: I64
    ) -> _Own:
        """What each lag of windows' ends leaves.

        Args:
            windows: That hold their work.
            after_ns: How much longer than the work they are.
            t0_ns: int64[blocks, n], when looks began.
            t1_ns: int64[blocks, n], when they ended.
            gained: float64[blocks, n].
            shifts_ns: int64[shifts], the lags.
        """
        ends = np.array([each.t1_ns for each in windows], np.int64)
        begins = np.minimum(np.array([each.t0_ns for each in windows], np.int64) + after_ns, ends)
        squares = np.zeros((len(shifts_ns), len(gained)))
        for block, (first, last, joules) in enumerate(zip(t0_ns, t1_ns, gained, strict=True)):
            some = np.flatnonzero((ends > first[0] - shifts_ns[-1]) & (begins < last[-1] - shifts_ns[0]))
            n = len(first)
            if len(some) > _OF_BLOCK:
                n = int(np.searchsorted(last, begins[some[_OF_BLOCK]] + shifts_ns[0], "right"))
                some = some[:_OF_BLOCK]
            if 0 < _LOOKS * len(some) < n:
                spans = begins[some], ends[some]
                squares[:, block] = _left(first[:n], last[:n], joules[:n], spans, shifts_ns)
        return cls(squares)

    def left(self, weights: F64) -> F64:
        """float64[shifts]: the sum of squares that each lag leaves of blocks of these weights."""
        found: F64 = self.squares @ weights
        return found


def _left(t0_ns: I64, t1_ns: I64, gained: F64, spans: tuple[I64, I64], shifts_ns: I64) -> F64:
    """float64[shifts]: the squares that the best powers of some spans, and of the rest, leave of looks."""
    bounds = np.stack((t0_ns, t1_ns))[..., None] - shifts_ns[:, None, None, None]
    open_ns = np.diff(np.clip(bounds, *spans), axis=1)[:, 0]
    whole = np.broadcast_to((t1_ns - t0_ns)[:, None], (*open_ns.shape[:2], 1))
    lasted = np.concatenate((whole, open_ns), axis=2) * 1.0
    turned = lasted.transpose(0, 2, 1)
    normal, right = turned @ lasted, turned @ gained  # of long recordings einsum takes nine times as long
    solid = np.einsum("sii->s", normal) * 1e-9  # of a span that no look saw
    normal = normal + solid[:, None, None] * np.eye(normal.shape[1])
    power = np.linalg.solve(normal, right[..., None])[..., 0]
    found: F64 = np.maximum(float(gained @ gained) - (power * right).sum(1), 0.0)
    return found
