"""The updates of a power gauge: when it changed, to how many watts, and what each value speaks of.

A lane asks a gauge oftener than it is updated, or not as often. Where readings carry the sensor's own stamps,
one stamp is one update. Where they do not, an update lies between the last read of the old value and the
first of the new one; the period is the usual time between two changes, and a value that was read for
several periods was the sensor's answer in each of them. Declared periods are where the search begins; the
trace decides.

Instants are those of :mod:`.update_times`: on the grid of a sensor that has one, inside the reads that
bracket them.
"""

from __future__ import annotations

from copy import copy
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Channel, Encoding, Timing
from ...trace.series import I64, Series
from ...units import NS_PER_S
from ..counters.update_times import AROUND, Learned, UpdateTimes, brackets, learn
from ..estimates.uncertainty import ROOT_12
from .averaged_part import averaged_part
from .averaging import Averaging, averaging, is_twofold
from .running import MISSED
from .seldom_reads import IN_STEP, LIKE, MOSTLY, OFTEN, is_seldom, of_reads
from .stamps import Clock, Stamped, ahead_ns, instants, middles
from .standstills import Skipped, skipped, stands_still, stops_in_motion

F64 = npt.NDArray[np.float64]

_GAP_NS = 2 * NS_PER_S  # no lane reads less than once a second: a longer silence is a hole
_SHORT, _MANY = 0.7, 0.2  # of the declared period, and share of gaps that short from which on it is refuted
_LATE = 0.25  # of the time between two reads: what a gap is longer by than it is likely to be by chance
_FEW_OF = 0.1  # share of gaps shorter than one length, up to which most make a longer period
_RAGGED = 0.004  # of a period, its own jitter at the least
_COARSEST_W = 5.0  # few values may be round ones by chance: of them no larger step is believed
_ENOUGH, _SEVERAL = 100_000, 16  # readings that tell the smallest step, and different values of them
_FEW = 8  # changes below which a period is no more than a guess
_IN_TURN = 0.5  # of a period, by which a reading may come early or late and be the next one
_LEAST_NOISE = 1e-3  # of the highest reading, what is taken for noise where a step is looked for
_FULL = 0.75  # a sensor that looks at so much of each period is taken to look at all of it


class Shape(StrEnum):
    """How a reading follows the power."""

    POINT = "point"
    HOLD = "hold"
    BOXCAR = "boxcar"
    CHARGE = "charge"


def shape(timing: Timing) -> Shape:
    """The behaviour that a gauge's timing declares."""
    if timing.decay_ns:
        return Shape.CHARGE
    if timing.window_ns is None or timing.update_ns is None:
        return Shape.POINT
    return Shape.BOXCAR if timing.window_ns > 1.5 * timing.update_ns else Shape.HOLD


class Readings:
    """The updates of one power gauge.

    Args:
        series: The channel's readings.
        channel: The channel, of watts.
        clocks: Pairs of the clock of ``sensor_ns``, and of others that it may be; none: the time of the read
            is taken.

    Attributes:
        t_ns: int64[n], ascending: when it was updated, CLOCK_MONOTONIC.
        watts: float64[n].
        spread_s: float64[n]: the standard uncertainty of each instant.
        left_open_ns: By how much all instants may be off together, because reads come in step with updates.
        slips: By which share of all that may differ from one reading to the next; 0: by nothing.
        is_unread: bool[n]: whether an update may have been missed before the read that shows it.
        period_ns: The usual time between two updates; 0: nothing is known of it.
        quantum_w: The smallest step that its values show, or that is declared where that is larger.
        window_ns: What each value is the mean of; 0: a momentary one; None: not known.
        decay_ns: The time constant of one that approaches the power like a capacitor; None: it does not.
        is_shown: Whether these are what the readings show, in place of what is declared.
        moved_ns: By how much all instants are earlier than it showed them, because it was seen to trail.
        longer: How the sensor averages if it is what makes the readings follow steps slowly, and not the load
            whose power does; None: they do not.
        first_ns: When the first read that gave a value began; 0: none did.
        last_ns: And the last one.
        read_every_ns: The usual time between two reads; 0: there are none.
        failed_ns: int64, when reads failed.
        shape: How a reading follows the power.
        stamped: What the stamps are.
        stamps_ahead_ns: By how much they are ahead of CLOCK_MONOTONIC; None: there are none.
    """

    def __init__(self, series: Series, channel: Channel, *clocks: Clock) -> None:
        timing = channel.timing
        self._timing = timing
        self.shape = shape(timing)
        valid = np.ones(len(series), bool) if series.valid is None else series.valid
        self.failed_ns = series.t_ns[~valid]
        good = series if valid.all() else _taken(series, np.flatnonzero(valid))
        found = instants(good, clocks if timing.sensor_clock is not None else ())
        self.stamped, self.stamps_ahead_ns = found.kind, ahead_ns(good)
        self.left_open_ns, self.slips, self.is_seldom = 0, 0.0, False
        raw = good.raw.view(np.int64) if channel.encoding is Encoding.SIGNED else good.raw
        if found.kind is Stamped.UPDATE:
            rows, t_ns, spread_ns = _of_stamps(good, found.t_ns, found.is_sound)
            self.period_ns = _period_of_stamps(t_ns, timing)
        else:
            rows, t_ns, spread_ns, self.period_ns, self.left_open_ns = _of_changes(
                good, raw, timing, self.shape
            )
            self.is_seldom = len(rows) > OFTEN * len(good)
            is_in_step = self.is_seldom and self.left_open_ns > 0
            self.slips = IN_STEP * self.period_ns / (2 * self.left_open_ns) if is_in_step else 0.0
        watts = raw[rows].astype(np.float64) * float(channel.scale.unit) + channel.scale.offset_w
        read_ns = middles(good)
        # Without stamps a value that lasts may be that of many updates: nothing was missed while it was read.
        is_stamped = found.kind is Stamped.UPDATE
        self._silent_ns = t_ns if is_stamped else read_ns[:-1][np.diff(read_ns) > _GAP_NS]
        self.is_unread = np.diff(read_ns, prepend=read_ns[:1])[rows] > MISSED * self.period_ns
        self.t_ns: I64 = t_ns
        self.watts: F64 = watts
        self.spread_s: F64 = spread_ns / NS_PER_S
        unit_w = float(channel.scale.unit)
        self.quantum_w = max(channel.scale.quantum, _quantum(raw, round(_COARSEST_W / unit_w))) * unit_w
        self.window_ns = timing.window_ns
        self.decay_ns = timing.decay_ns
        self.is_shown = False
        self.moved_ns = 0
        self.longer: Averaging | None = None
        # A mean of so much has a capacitor's variance: one that is read seldom is such a mean.
        kept_ns = 2 * (timing.decay_ns or 0)
        if self.shape is Shape.CHARGE and kept_ns < _FULL * self.period_ns:
            self.shape, self.window_ns, self.decay_ns, self.is_shown = Shape.HOLD, kept_ns, None, True
        self._look_for_averaging()
        self.first_ns, self.last_ns = (int(good.t_ns[0]), int(good.t_ns[-1])) if len(good) else (0, 0)
        self.read_every_ns = int(np.median(np.diff(read_ns))) if len(read_ns) > 1 else 0

    def _look_for_averaging(self) -> None:
        """What steps show of a declared mean of all of the time, and of what nobody declared.

        Jumps without values between are the sensor's: no load adds them. Slow ones may be either's.
        """
        is_whole = self.shape is Shape.HOLD and self.coverage >= 1
        if not (is_whole or self.shape is Shape.POINT) or len(self) < 2 or not self.period_ns:
            return
        is_next = np.abs(np.diff(self.t_ns) / self.period_ns - 1) < _IN_TURN
        noise_w = max(self.quantum_w, _LEAST_NOISE * float(np.abs(self.watts).max()))
        self.longer = averaging(self.watts, is_next, noise_w)
        if self.longer is None and is_whole and not is_twofold(self.watts, is_next, noise_w):
            part = averaged_part(self.watts, is_next, noise_w)
            if part is not None:
                self.window_ns, self.is_shown = round(part * self.period_ns), True

    def __len__(self) -> int:
        return len(self.t_ns)

    def as_longer(self) -> Self:
        """The same updates, of a sensor that averages as ``longer`` says."""
        assert self.longer is not None
        found = copy(self)
        found.longer, found.is_shown = None, True
        found.shape = Shape.BOXCAR if self.longer.window else Shape.CHARGE
        found.window_ns, found.decay_ns = (
            round(each * self.period_ns) if each else None for each in (self.longer.window, self.longer.decay)
        )
        return found

    def moved(self, earlier_ns: int) -> Self:
        """The same updates, all of them so much earlier."""
        found = copy(self)
        found.t_ns, found.moved_ns = self.t_ns - earlier_ns, self.moved_ns + earlier_ns
        found.first_ns, found.last_ns = self.first_ns - earlier_ns, self.last_ns - earlier_ns
        return found

    @property
    def declared_shape(self) -> Shape:
        """What is declared of how a reading follows the power."""
        return shape(self._timing)

    @property
    def is_declared(self) -> bool:
        """Whether its driver, or a table, says how often it is updated."""
        return self._timing.update_ns is not None

    @property
    def longest_ns(self) -> int:
        """The longest time between two updates that is declared; 0: none is."""
        return self._timing.update_max_ns

    @property
    def coverage(self) -> float:
        """Which part of the time the sensor looks at; 0 where nobody knows."""
        if self.shape in (Shape.BOXCAR, Shape.CHARGE):
            return 1.0
        if self.shape is Shape.POINT or not self.period_ns or not self.window_ns:
            return 0.0
        part = self.window_ns / self.period_ns
        return 1.0 if part >= _FULL and not self.is_shown else part

    def holes(self, t0: I64, t1: I64) -> I64:
        """How many times nothing was heard for too long, of those that touch each window."""
        if len(self) < 2:
            return np.zeros(len(t0), np.int64)
        gaps = np.diff(self.t_ns)
        usual = max(self._timing.update_max_ns, 2 * int(np.median(gaps)))
        # Silence is long where reads failed meanwhile; else only where no lane reads so seldom.
        failed, silent = (np.diff(np.searchsorted(t, self.t_ns)) for t in (self.failed_ns, self._silent_ns))
        hole = (gaps > usual) & ((failed > 0) | (gaps > _GAP_NS) & (silent > 0))
        at = np.flatnonzero(hole)
        ended = np.searchsorted(self.t_ns[at + 1], t0, "right")
        return np.searchsorted(self.t_ns[at], t1, "left") - ended


def _quantum(raw: npt.NDArray[np.int64 | np.uint64], most: int) -> int:
    """What all values are multiples of, in counts; of few different ones 1, 2 or 5, 10 … up to the most."""
    values = distinct(np.abs(raw[:_ENOUGH].astype(np.int64)))
    divisor = int(np.gcd.reduce(values, initial=0))
    if not divisor or len(values) >= _SEVERAL:
        return max(divisor, 1)
    steps: list[int] = [k * 10**e for e in range(len(str(most))) for k in (1, 2, 5)]
    return max(step for step in steps if step == 1 or (step <= most and divisor % step == 0))


def _taken(series: Series, rows: I64) -> Series:
    return Series(
        series.t_ns[rows],
        series.read_ns[rows],
        series.raw[rows],
        series.status[rows],
        None,
        None if series.sensor_ns is None else series.sensor_ns[rows],
    )


def _of_stamps(series: Series, t_ns: I64, is_sound: npt.NDArray[np.bool_]) -> tuple[I64, I64, F64]:
    """Rows, instants and their spread where stamps say which reads are one update."""
    # By the stamps themselves: brought to our clock, two of one update differ by its slew.
    key = np.where(is_sound, series.sensor_ns, series.t_ns) if series.sensor_ns is not None else series.t_ns
    rows = np.unique(key, return_index=True)[1]
    t_ns, first = np.unique(t_ns[rows], return_index=True)
    if len(t_ns) < _FEW:
        return rows[first], t_ns, np.zeros(len(t_ns))
    # How far a period is from the usual one is not in what was averaged.
    gaps = np.diff(t_ns).astype(np.float64)
    usual = np.median(gaps)
    ragged = float(np.median(np.abs(gaps - usual)))
    return rows[first], t_ns, np.full(len(t_ns), max(ragged, _RAGGED * float(usual)))


def _period_of_stamps(t_ns: I64, timing: Timing) -> int:
    return int(np.median(np.diff(t_ns))) if len(t_ns) > 2 else timing.update_ns or 0


def _of_changes(
    series: Series, raw: npt.NDArray[np.int64 | np.uint64], timing: Timing, kind: Shape
) -> tuple[I64, I64, F64, int, int]:
    """Rows, instants, their spread, the period and what is left open where only changes tell of updates."""
    middle = middles(series)
    n = len(middle)
    changed = np.flatnonzero(raw[1:] != raw[:-1]) + 1
    if n < 3:
        return np.arange(n), middle, np.zeros(n), timing.update_ns or 0, 0
    read_ns = int(np.median(np.diff(middle)))
    if is_seldom(changed, n, read_ns, timing.update_ns or 0, kind is Shape.BOXCAR):
        t_ns, own_ns, left_open_ns = of_reads(middle, 1 - len(changed) / (n - 1), read_ns, timing.update_ns)
        rows, gaps, window_ns = np.arange(n), np.diff(middle[changed]), timing.window_ns or 0
        if kind is Shape.BOXCAR and _skips(raw, middle, changed, gaps, read_ns, window_ns):
            rows = np.concatenate(([0], changed))
        return rows, t_ns[rows], np.full(len(rows), own_ns), read_ns, left_open_ns
    period, at, spread, left_open_ns = _located(series, changed, read_ns, timing)
    rows = np.concatenate(([0], changed))
    first_ns = min(int(middle[0]), int(at[0]) - 1 if len(at) else int(middle[0]))
    at = np.concatenate(([first_ns], at))
    spread = np.concatenate(([0.0], spread))
    # A mean that stands still while its machine is idle was not updated at all.
    window_ns = timing.window_ns or 0
    is_skipping = kind is Shape.BOXCAR and _skips(raw, middle, changed, np.diff(at[1:]), period, window_ns)
    none = Skipped(*np.zeros((2, len(rows)), np.int64))
    patience = max(timing.update_max_ns, window_ns)
    values = raw[rows].astype(np.float64)
    skips = skipped(values, at, period, window_ns, patience) if is_skipping else none
    is_open = kind is Shape.POINT and not timing.update_ns
    rows, at, spread = _with_repeats(rows, at, spread, period, middle, skips, is_open)
    # Of a point all of a period is left open anyway.
    return rows, at, spread, period, left_open_ns if kind is not Shape.POINT else 0


def _located(series: Series, changed: I64, read_ns: int, timing: Timing) -> tuple[int, I64, F64, int]:
    """The period, when the updates were that readings first show, their spread, and what all leave open."""
    told = timing.update_ns or 0
    learned = learn(*brackets(series.t_ns, series.read_ns, changed), told)
    found = UpdateTimes(series.t_ns, series.read_ns, changed, learned).located(np.arange(len(changed)))
    period = _period(np.diff(found.t_ns), learned, read_ns, told)
    spread = np.minimum(found.own_ns, found.phase_ns)
    # What was averaged is as long as always, whenever the update came.
    t_ns, spread = np.maximum.accumulate(found.t_ns), np.hypot(spread, _RAGGED * period)
    march = abs(period - round(period / max(read_ns, 1)) * read_ns)
    is_in_step = 2 * AROUND * march < read_ns
    left_open_ns = round(ROOT_12 / 2 * float(np.median(found.phase_ns))) if is_in_step and len(changed) else 0
    return period, t_ns, spread, left_open_ns


def _period(gaps_ns: I64, learned: Learned, read_ns: int, told: int) -> int:
    """The time between two updates: the changes' own, or the declared one of which that is a multiple.

    A value that repeats itself hides updates, so that changes are fewer; they are never more.
    """
    gaps = gaps_ns[gaps_ns > 0]
    if len(gaps) < _FEW:
        return told or (int(np.median(gaps)) if len(gaps) else read_ns)
    # Read a few times an update only, the gaps are one or two reads too long or too short, and right on
    # average.
    own = learned.period_ns or float(gaps[gaps <= 2.2 * np.median(gaps)].mean())
    if not told:
        return round(own)
    if abs(own / told - 1) < LIKE:
        # A value that came twice hid an update: such a gap is two periods, and no part of the mean of one.
        is_single = np.abs(gaps - told) < max(0.5 * told, 1.2 * read_ns)
        return round(learned.period_ns or (float(gaps[is_single].mean()) if is_single.any() else own))
    # What was declared gives way to changes that come oftener, or nearly all at another distance.
    is_quicker = np.mean(gaps < _SHORT * told) > _MANY and own < told
    is_alike = np.mean(np.abs(gaps - own) <= max(LIKE * own, 1.5 * read_ns)) > MOSTLY
    is_slower = own > told and is_alike and np.mean(gaps < _SHORT * own) < _FEW_OF
    return round(own) if is_quicker or is_slower else told


def _skips(
    raw: npt.NDArray[np.int64 | np.uint64],
    read_ns: I64,
    changed: I64,
    gaps_ns: I64,
    period: int,
    window_ns: int,
) -> bool:
    """Whether readings show a mean that is not always updated, those aside before which nobody read."""
    every_ns = np.diff(read_ns)
    is_seen = every_ns[changed[1:] - 1] <= MISSED * period
    values = raw[changed].astype(np.int64)
    steps = np.abs(np.diff(values.astype(np.float64)))
    if stands_still(steps[is_seen], gaps_ns[is_seen], period, window_ns):
        return True
    kept_ns = gaps_ns - float(np.median(every_ns))
    return stops_in_motion(values, gaps_ns, is_seen & (kept_ns > MISSED * period), window_ns - 2 * period)


def _with_repeats(
    rows: I64, at: I64, spread: F64, period: int, read_ns: I64, skips: Skipped, is_open: bool
) -> tuple[I64, I64, F64]:
    """The updates that showed the same value again, put where the beat says; and what was read last."""
    last_ns = int(read_ns[-1])
    ends = np.append(at[1:], last_ns)
    gaps = ends - at
    # Only the next read sees a change: three reads of half a period each are one period that began late.
    late_ns = _LATE * float(np.median(np.diff(read_ns)))
    times = np.ones(len(at), np.int64)
    if period > 0:
        times = np.maximum(np.rint((gaps - skips.end_ns - late_ns) / period), 1).astype(np.int64)
    # The last value holds up to the last read, and was seen then if nothing else was.
    times[-1] = max(int((last_ns - at[-1]) // period) + 1, 1) if period > 0 else 1
    step = (gaps - skips.end_ns) / times
    times = np.where(gaps <= skips.longest_ns, 1, times + (skips.end_ns > 0))
    index = np.repeat(np.arange(len(at)), times)
    within = np.arange(len(index)) - np.repeat(np.cumsum(times) - times, times)
    step[-1] = period
    t_ns = at[index] + np.rint(within * step[index]).astype(np.int64)
    # Where nothing was read nothing was seen to be the same.
    nearest = read_ns[np.minimum(np.searchsorted(read_ns, t_ns), len(read_ns) - 1)]
    is_seen = (within == 0) | (np.abs(nearest - t_ns) <= period)
    index, t_ns, within = index[is_seen], t_ns[is_seen], within[is_seen]
    if is_open and t_ns[-1] < last_ns:
        # No period is known that a recorder could wait for; the last read showed the power of a moment too.
        index, t_ns, within = np.append(index, index[-1]), np.append(t_ns, last_ns), np.append(within, 1)
    return rows[index], t_ns, np.where(within > 0, np.maximum(spread[index], period / 20), spread[index])
