"""The readings of a power gauge as a function of time: when, how many watts, and between them.

A reading's instant is the sensor's own time where it has one, brought to CLOCK_MONOTONIC by the trace's
clock pairs; readings of one instant are one reading, however often they were asked for. Equal *values*
never are: a steady power repeats itself.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..channel import Channel, Encoding, Timing
from ..trace.series import I64, NO_TIME, Series
from ..units import NS_PER_S, seconds

F64 = npt.NDArray[np.float64]
Clock = tuple[I64, I64]  # CLOCK_MONOTONIC and another clock's nanoseconds at the same instants

_GAP_NS = 2 * NS_PER_S  # no lane reads less than once a second: a longer silence is a hole
_OLDEST_NS = 60 * NS_PER_S  # a stamp further from its read than this is rubbish


class Shape(StrEnum):
    """How a reading follows the power."""

    POINT = "point"
    HOLD = "hold"
    BOXCAR = "boxcar"


def shape(timing: Timing) -> Shape:
    """The behaviour that a gauge's timing declares."""
    if timing.window_ns is None or timing.update_ns is None:
        return Shape.POINT
    return Shape.BOXCAR if timing.window_ns > timing.update_ns else Shape.HOLD


class Readings:
    """The readings of one power gauge, each update once.

    Args:
        series: The channel's readings.
        channel: The channel, of watts.
        clock: Pairs of the clock of ``sensor_ns``; None: the time of the read is taken.

    Attributes:
        t_ns: int64[n], ascending: the instants that the readings speak of, CLOCK_MONOTONIC. A held
            reading speaks of the period that ends then; where it saw a part of it, of the period whose
            middle that part is.
        watts: float64[n].
        failed_ns: int64, when reads failed.
        shape: How a reading follows the power.
        is_stamped: Whether the instants are the sensor's own.
    """

    def __init__(self, series: Series, channel: Channel, clock: Clock | None = None) -> None:
        self._timing = channel.timing
        self.shape = shape(channel.timing)
        valid = np.ones(len(series), bool) if series.valid is None else series.valid
        self.failed_ns = series.t_ns[~valid]
        rows = np.flatnonzero(valid)
        instants, stamps = _instants(series, channel.timing, clock)
        self.is_stamped = stamps is not None
        if stamps is not None:
            # By the stamps themselves: brought to our clock, two of one update differ by its slew.
            rows = rows[np.unique(stamps[rows], return_index=True)[1]]
        t_ns, first = np.unique(instants[rows] + _late_ns(channel.timing), return_index=True)
        raw = series.raw[rows[first]]
        counts = raw.view(np.int64) if channel.encoding is Encoding.SIGNED else raw
        self.t_ns: I64 = t_ns
        self.watts: F64 = counts.astype(np.float64) * float(channel.scale.unit)

    def __len__(self) -> int:
        return len(self.t_ns)

    def cumulative_j(self, t_ns: npt.ArrayLike) -> F64:
        """The integral of what the gauge said, from its first reading to instants within its readings."""
        t = np.atleast_1d(np.asarray(t_ns, np.int64))
        if len(self) < 2:
            return np.full(len(t), 0.0)
        left = np.clip(np.searchsorted(self.t_ns, t, "right") - 1, 0, len(self) - 2)
        x = (np.clip(t, self.t_ns[0], self.t_ns[-1]) - self.t_ns[left]) / NS_PER_S
        p0, p1, dt = self.watts[left], self.watts[left + 1], self.dt_s[left]
        inside = p1 * x if self.shape is Shape.HOLD else p0 * x + (p1 - p0) * x * x / (2 * dt)
        joules: F64 = self._sums[left] + inside
        return joules

    @cached_property
    def dt_s(self) -> F64:
        """float64[n - 1]: the time between neighbouring readings."""
        step: F64 = np.diff(self.t_ns) / NS_PER_S
        return step

    @cached_property
    def _sums(self) -> F64:
        """float64[n]: joules from the first reading to each."""
        mean = self.watts[1:] if self.shape is Shape.HOLD else (self.watts[1:] + self.watts[:-1]) / 2
        return np.concatenate(([0.0], np.cumsum(mean * self.dt_s)))

    @property
    def coverage(self) -> float:
        """Which part of the time the sensor looks at."""
        timing = self._timing
        if self.shape is Shape.POINT or not timing.update_ns or timing.window_ns is None:
            return 0.0
        return min(timing.window_ns / timing.update_ns, 1.0)

    @cached_property
    def _unseen_sums(self) -> F64:
        """float64[n]: the variance from the first reading to each, J²."""
        step = np.diff(self.watts)
        changed = np.flatnonzero(step)
        since = np.zeros(len(step))
        if len(changed):
            since[changed] = np.diff(self.t_ns[changed + 1], prepend=self.t_ns[0]) / NS_PER_S
        # A step shows at the first read after it, and was made at any time since the last update; a
        # stamp may be no more than the time of the call, so that reads come oftener than updates.
        dt = np.maximum(self.dt_s, np.minimum(since, seconds(self._timing.update_ns or _GAP_NS)))
        return np.concatenate(([0.0], np.cumsum((1 - self.coverage) * (step * dt) ** 2 / 2)))

    def unseen(self, t: I64, side: int) -> F64:
        """The variance up to the reading at or beside instants: before them (0) or after (1)."""
        if not len(self):
            return np.zeros(len(t))
        index = np.searchsorted(self.t_ns, t, "left") if side else np.searchsorted(self.t_ns, t, "right") - 1
        return self._unseen_sums[np.clip(index, 0, len(self) - 1)]

    def holes(self, t0: I64, t1: I64) -> I64:
        """How many times nothing was heard for too long, of those that touch each window."""
        if len(self) < 2:
            return np.zeros(len(t0), np.int64)
        gaps = np.diff(self.t_ns)
        usual = max(self._timing.update_max_ns, 2 * int(np.median(gaps)))
        # Silence is long where reads failed meanwhile; else only where no lane reads so seldom.
        failed = np.searchsorted(self.failed_ns, self.t_ns)
        hole = (gaps > max(usual, _GAP_NS)) | ((gaps > usual) & (np.diff(failed) > 0))
        at = np.flatnonzero(hole)
        ended = np.searchsorted(self.t_ns[at + 1], t0, "right")
        return np.searchsorted(self.t_ns[at], t1, "left") - ended

    def covers(self, t0: I64, t1: I64) -> npt.NDArray[np.bool_]:
        """Whether the readings reach from before each ``t0`` to after each ``t1``."""
        if len(self) < 2:
            return np.zeros(len(t0), bool)
        inside: npt.NDArray[np.bool_] = (t0 >= self.t_ns[0]) & (t1 <= self.t_ns[-1])
        return inside

    def outside(self, t0: I64, t1: I64) -> tuple[I64, I64]:
        """The last reading up to each ``t0`` and the first from each ``t1`` on; the nearest there is."""
        first = np.searchsorted(self.t_ns, t0, "right") - 1
        last = np.searchsorted(self.t_ns, t1, "left")
        return np.maximum(first, 0), np.minimum(last, len(self) - 1)

    def at(self, t: I64) -> F64:
        """What the gauge said at instants, between its readings."""
        if not len(self):
            return np.zeros(len(t))
        origin = self.t_ns[0]
        at, known = (t - origin).astype(float), (self.t_ns - origin).astype(float)
        return np.asarray(np.interp(at, known, self.watts), np.float64)

    def swing(self, start: I64, stop: I64, here: F64, else_at: F64) -> F64:
        """How much the readings from ``start`` to ``stop`` differ; of fewer than two: from another."""
        first = np.searchsorted(self.t_ns, start, "left")
        last = np.searchsorted(self.t_ns, stop, "right")
        swing = np.abs(here - else_at)
        some = last - first >= 2
        pairs = np.stack((first[some], last[some]), axis=1).ravel()
        if len(pairs):
            top = np.maximum.reduceat(np.append(self.watts, -np.inf), pairs)[::2]
            bottom = np.minimum.reduceat(np.append(self.watts, np.inf), pairs)[::2]
            swing[some] = np.maximum(top, here[some]) - np.minimum(bottom, here[some])
        return swing


def _late_ns(timing: Timing) -> int:
    """By how much the period that a held reading stands for outlasts the part, at its end, that was seen."""
    if shape(timing) is not Shape.HOLD or timing.update_ns is None or timing.window_ns is None:
        return 0
    return (timing.update_ns - timing.window_ns) // 2


def _instants(series: Series, timing: Timing, clock: Clock | None) -> tuple[I64, I64 | None]:
    """The CLOCK_MONOTONIC instants that readings speak of, and what the sensor called them, if it did."""
    middle: I64 = series.t_ns + series.read_ns.astype(np.int64) // 2
    if series.sensor_ns is None or timing.sensor_clock is None or clock is None or not len(clock[0]):
        return middle, None
    mono, other = clock
    base = int(other[0] - mono[0])
    # The offset of that clock as it was at the read: it is steered, and may have been set.
    offset = np.interp(series.t_ns, mono, (other - mono - base).astype(float)).astype(np.int64) + base
    instants = np.where(series.sensor_ns == NO_TIME, middle, series.sensor_ns - offset)
    is_sound = np.abs(instants - middle) < _OLDEST_NS
    return np.where(is_sound, instants, middle), np.where(is_sound, series.sensor_ns, middle)
