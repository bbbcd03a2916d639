"""By how much a reading trails the load that it reports: a square load.

Where the power steps clearly with the load, the steps bound the lag
(:mod:`microjoule.joules.counters.lag`). Elsewhere the increments are cross-correlated with the load, which
says about how much it is.

A power gauge is updated more rarely. It is read under a load of uneven lengths, which tells its lag as a
program's windows do (:mod:`microjoule.joules.lags.lag_of_gauge`); of a GPU no load here tells it.

The load is this thread at work and at rest in turns. Where the channel does not see it clearly (a
GPU, a scripted counter, a machine busy with other things) there is no figure rather than a bad one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..channel import Channel
from ..joules.counters.counter import Counter
from ..joules.counters.identity import is_joules
from ..joules.counters.lag import Marks
from ..joules.counters.update_record import record_of
from ..joules.estimates.lag_search import stated_ns
from ..joules.estimates.total import beside, is_power
from ..joules.gauges.gauge import Gauge
from ..joules.lags.lag_beside_gauge import lag_beside_gauge
from ..joules.lags.lag_of_gauge import with_lag_of
from ..recording.native import now_ns
from ..trace.series import I64, Series
from ..trace.window import Window
from ..units import NS_PER_MS, seconds
from .polling import look_now_and_then, poll
from .update_statistics import ObservedUpdates, updates

HALF_NS = 25 * NS_PER_MS
CYCLES = 20
CLEAR = 0.9  # correlation from which on a load is seen
STEPS = 200
UNEVEN_NS = tuple(ms * NS_PER_MS for ms in (330, 210, 470, 270, 390))
LOOK_NS = 5 * NS_PER_MS
SOURCE = "measured by uj probe --calibrate"
UPDATES_MIN = 50


@dataclass(slots=True)
class SquareLoad:
    """Works and rests in turns; a ``meanwhile`` of a watch.

    Attributes:
        switched_ns: When it began to work, stopped, began again, …
    """

    switched_ns: list[int] = field(default_factory=list)

    def __call__(self, _: float) -> None:
        """One cycle: half of it at work, half at rest."""
        begun_ns = now_ns()
        while now_ns() < begun_ns + HALF_NS:
            sum(range(1000))
        self.switched_ns += [begun_ns, now_ns()]
        time.sleep(seconds(HALF_NS))


@dataclass(slots=True)
class UnevenLoad:
    """Works and rests in turns, no two successive ones of a length; a ``meanwhile`` of a watch.

    Attributes:
        windows: When it worked.
    """

    windows: list[Window] = field(default_factory=list)

    def __call__(self, _: float) -> None:
        """Once at work, once at rest."""
        n, begun_ns = len(self.windows), now_ns()
        while now_ns() < begun_ns + UNEVEN_NS[n % len(UNEVEN_NS)]:
            sum(range(1000))
        self.windows.append(Window("load", begun_ns, now_ns()))
        time.sleep(seconds(UNEVEN_NS[(n + 2) % len(UNEVEN_NS)]))


class Lag(NamedTuple):
    """What is known of a lag.

    Attributes:
        most_ns: The longest that it may be; about how long it is, where ``least_ns`` is None.
        least_ns: The shortest.
    """

    most_ns: int | None = None
    least_ns: int | None = None


def lags(channels: Sequence[Channel]) -> list[Lag]:
    """The lag of each of a lane's channels."""
    if not any(_is_worth_it(channel) for channel in channels):
        return [Lag()] * len(channels)
    load = SquareLoad()
    watched = poll(channels, CYCLES * 2 * seconds(HALF_NS), 1 << 40, load)
    return [
        lag(series, channel, load.switched_ns) if _is_worth_it(channel) else Lag()
        for channel, series in zip(channels, watched.series, strict=True)
    ]


def lag(series: Series, channel: Channel, switched_ns: Sequence[int]) -> Lag:
    """The lag of a counter by its readings while a load ran.

    Args:
        series: The readings.
        channel: The counter's.
        switched_ns: When the load began, ended, began, …
    """
    marks = Marks(np.array(switched_ns[::2], np.int64), np.array(switched_ns[1::2], np.int64))
    counter = Counter(series, channel)
    timing = counter.with_learnt_lag(marks).channel.timing
    if timing != channel.timing:
        return Lag(timing.lag_ns, timing.lag_min_ns)
    return Lag(lag_ns(updates(series, channel), switched_ns))


def gauge_lags(channels: Sequence[Channel], for_s: float) -> list[tuple[int, int] | None]:
    """Between which two the lag of each gauge of a lane lies, by a load of so long; None: it shows none."""
    able = [is_power(channel) and channel.hw_type != "gpu" for channel in channels]
    if not any(able):
        return [None] * len(channels)
    load = UnevenLoad()
    watched = look_now_and_then(channels, for_s, LOOK_NS, load)
    return [
        gauge_lag(series, channel, load.windows) if is_gauge else None
        for is_gauge, series, channel in zip(able, watched.series, channels, strict=True)
    ]


def gauge_lag(series: Series, channel: Channel, windows: Sequence[Window]) -> tuple[int, int] | None:
    """Between which two the lag of a gauge lies by when a load worked; None: that does not show it.

    Args:
        series: The readings.
        channel: The gauge's.
        windows: When the load worked.
    """
    gauge = Gauge(series, channel)
    return stated_ns(with_lag_of(gauge, windows, SOURCE), gauge.readings.spread_s)


def beside_gauges(
    channel: Channel, channels: Sequence[Channel], series: Sequence[Series]
) -> tuple[int, int] | None:
    """Between which two the lag of a counter lies by the gauges of its device; None: they do not show it.

    That takes some changes of power while they were read, as when another program uses the device.

    Args:
        channel: The counter's.
        channels: Those of its lane.
        series: The readings of each.
    """
    by_id = dict(zip((each.id for each in channels), zip(channels, series, strict=True), strict=True))
    gauges = [Gauge(by_id[name][1], by_id[name][0]) for name in beside(channel, {c.id: c for c in channels})]
    counter = Counter(by_id[channel.id][1], channel)
    if not gauges or len(counter.changes) < UPDATES_MIN:
        return None
    return lag_beside_gauge(counter, record_of(counter), gauges).likely_lag_ns


def lag_ns(found: ObservedUpdates, switched_ns: Sequence[int]) -> int | None:
    """The shift of a load at which it explains the increments best; None: at none does it.

    Args:
        found: A counter's updates while the load ran.
        switched_ns: When the load began, ended, began, …
    """
    if len(found) < UPDATES_MIN or len(switched_ns) < 4:
        return None
    power = np.diff(found.value) / np.diff(found.t_ns)
    switched = np.array(switched_ns, np.int64)
    shifts = np.linspace(0, HALF_NS, STEPS + 1)
    match = np.array([_correlation(power, _share_on(found.t_ns - shift, switched)) for shift in shifts])
    best = int(np.argmax(match))
    # At the end of the search it could as well be half a period more: that is no answer.
    return round(shifts[best]) if match[best] >= CLEAR and best < STEPS else None


def _is_worth_it(channel: Channel) -> bool:
    quick = channel.timing.update_ns is not None and channel.timing.update_ns < HALF_NS // 2
    return is_joules(channel) and quick


def _share_on(t_ns: np.ndarray, switched_ns: I64) -> np.ndarray:
    """The share of each interval between instants in which the load was at work."""
    lengths = np.diff(switched_ns)
    lengths[1::2] = 0
    worked = np.concatenate(([0], np.cumsum(lengths)))
    share: np.ndarray = np.diff(np.interp(t_ns, switched_ns, worked)) / np.diff(t_ns)
    return share


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0
