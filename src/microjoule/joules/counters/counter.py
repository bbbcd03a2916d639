"""The energy of windows from the readings of one counter.

What is known of the counter's true count at an instant T without any model of power:

* *lower*: the count of the last reading that had ended by T (and the least lag, where that was measured);
* *upper*: let m be the first reading begun at or after T + lag. The first later reading that differs
  from m shows an update made after m began, and so everything up to T; it falls short by less than
  one quantum. Where no later reading differs, one begun at T + lag + the longest update period or
  later shows everything too. Where there is neither, the window is ``incomplete``.

Between these, the *position* F(T) interpolates between the instants at which the counter was updated
(:mod:`.interpolation`), each put where it was most likely (:mod:`.update_times`), and is clipped into
[lower, upper]. The energy of a window is F(b) - F(a), so that it lies inside its
guaranteed interval and adds up exactly over adjoining windows.

Decision: F is an integer, in a fixed binary fraction of a count, so that additivity is exact; the
clip is made at each edge, not at each window, for the same reason. What was given up: nothing but
the last 2**-10 quantum.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from ...channel import Channel, Timing
from ...trace.series import I64, Series
from ...units import NS_PER_S
from ..estimates.brackets import F64, Brackets, drawn_at_most
from ..estimates.estimate import STATUSES, Estimate
from ..estimates.uncertainty import Component
from .budget import budgets, edges_of
from .doubtful_counts import MARGIN
from .interpolation import Interpolation, Segment
from .lag import Marks, learnt
from .lessons import Lessons
from .readings_around import Edges, at_or, readings_around
from .resets import Resets
from .short_windows import spread_outside
from .unwrap import Steps, quantum
from .unwrapped import Unwrapped, unwrapped
from .update_times import Located, UpdateTimes

_FRACTION_BITS = 10
_LONG_READ_NS = 250_000  # a read takes 1 to 80 µs; one that takes longer was interrupted
_OF_DEVICE_NS = 5_000_000  # a declared lag of a device that is held to its limit; a CPU's is none
_UNKNOWN_NS = 1 << 60  # as wide as where nothing is known of an update
_OK, _INCOMPLETE, _AMBIGUOUS, _RESET, _FAILED = range(len(STATUSES))


class Counter:
    """The readings of one counter, ready to answer for any number of windows.

    Failed readings are left out, and so widen the bound and nothing else.

    Args:
        series: The channel's readings.
        channel: The channel.
        machine: Whose it is: figures of two machines share no cause.
    """

    def __init__(self, series: Series, channel: Channel, machine: str = "") -> None:
        self._take(unwrapped(series, channel), channel, machine)

    @classmethod
    def of(cls, readings: Unwrapped, channel: Channel, machine: str = "") -> Counter:
        """The counter of readings that were unwrapped before."""
        counter = cls.__new__(cls)
        counter._take(readings, channel, machine)
        return counter

    def _take(self, readings: Unwrapped, channel: Channel, machine: str) -> None:
        self._readings = readings
        self.channel = channel
        self.declared = channel.timing
        self.machine = machine
        self.t_ns, self._read_ns = readings.t_ns, readings.read_ns
        self.steps: Steps = readings.steps
        self._failed_ns, self.dropped_ns = readings.failed_ns, readings.dropped_ns
        self.is_noise, self.uncounted = readings.is_noise, readings.uncounted
        self._lessons = readings.lessons or Lessons(
            channel, readings.t_ns, readings.read_ns, readings.steps.total, readings.steps.changes
        )
        self.is_in_lag = False
        self.quantum = quantum(channel)
        self.bits = max(0, _FRACTION_BITS + 1 - self.quantum.bit_length())

    def with_learnt_lag(self, marks: Marks) -> Counter:
        """The same counter with the lag that the power steps at marks show; itself where they show none."""
        if not len(self.changes) or self.channel.trust.model is not None:
            return self
        times = self._between.times
        return self.with_timing(learnt(self.declared, times, self.steps.total, self.quantum, marks))

    def with_timing(self, timing: Timing, is_in_lag: bool = False) -> Counter:
        """The same counter with what readings tell of its timing; ``is_in_lag`` as of :class:`.Learned`."""
        if timing is self.channel.timing:
            return self
        readings = self._readings._replace(lessons=self._lessons)
        counter = Counter.of(readings, replace(self.channel, timing=timing), self.machine)
        counter.declared, counter.is_in_lag = self.declared, is_in_lag or self.is_in_lag
        return counter

    def __len__(self) -> int:
        return len(self.t_ns)

    @property
    def unit(self) -> str:
        """``J``, or the channel's own quantity where no power model turns it into joules."""
        return self.channel.scale.quantity if self.channel.trust.model is None else "J"

    @property
    def watts(self) -> float:
        """What a count of seconds is worth in joules by the power model; 1 of a counter of joules."""
        model = self.channel.trust.model
        return 1.0 if model is None else model.value_w

    @cached_property
    def changes(self) -> I64:
        """int64: the readings that differ from the one before; all of what is up to date at every read."""
        return self.steps.changes if self.channel.timing.update_max_ns else np.arange(1, len(self))

    @cached_property
    def span_ns(self) -> tuple[int, int] | None:
        """The first and the last instant that is bracketed on both sides; None: there is none."""
        if not len(self):
            return None
        timing = self.declared  # so that a few readings tell it, but for a lag that is longer
        lag_ns = max(timing.lag_ns, self.channel.timing.lag_ns)
        last = int(self.t_ns[-1]) - lag_ns - timing.update_max_ns
        if len(self.changes):
            changed = int(self.t_ns[self.changes[-1] - 1]) - lag_ns
            if last > changed:
                last = int(self.t_ns[-1]) - lag_ns - self.update_max_ns
            last = max(last, changed)
        first = int(self.ends_ns(np.array([0]))[0]) - timing.lag_min_ns
        return (first, last) if first <= last else None

    @cached_property
    def update_max_ns(self) -> int:
        """The longest time between two updates: as declared, or as the readings show where that is longer."""
        return max(self.channel.timing.update_max_ns, round(MARGIN * self.longest_ns))

    @property
    def longest_ns(self) -> int:
        """The longest time between two updates that the readings show; 0: it is up to date at every read."""
        return self._lessons.longest_ns if self.channel.timing.update_max_ns else 0

    @property
    def usual_ns(self) -> int:
        """The usual time between two updates: as the readings show, or as declared where they do not."""
        return self._lessons.learned.usual_ns

    @property
    def has_dense_readings(self) -> bool:
        """Whether readings are clearly denser than its updates, by what they show."""
        return self._lessons.learned.is_seen

    @cached_property
    def resets(self) -> Resets:
        """What it may have counted unseen."""
        return Resets(self)

    @cached_property
    def _between(self) -> Interpolation:
        learned = self._lessons.learned._replace(is_in_lag=self.is_in_lag)
        times = UpdateTimes(self.t_ns, self._read_ns, self.changes, learned, _LONG_READ_NS)
        return Interpolation(times, self.steps.total, self.quantum, partial(getattr, self, "goes_on"))

    def energies(self, t0_ns: npt.ArrayLike, t1_ns: npt.ArrayLike) -> Brackets:
        """The energies of windows ``[t0_ns, t1_ns)``: int64[n] each, with t0 <= t1.

        Seconds of a channel with a power model come out as joules, its interval of watts
        included.
        """
        t0, t1 = np.atleast_1d(np.asarray(t0_ns, np.int64)), np.atleast_1d(np.asarray(t1_ns, np.int64))
        if not len(self):
            return self._nothing(t0, t1)
        begin, end = self._edges(t0), self._edges(t1)
        return self._bracketed(t0, t1, begin, end, self.quantity(end.position - begin.position, self.bits))

    def adjoining(self, edges_ns: I64) -> tuple[Brackets, I64]:
        """:meth:`energies` between neighbours of n + 1 ascending edges, and :meth:`position` at the edges.

        Each edge is worked out once, where windows of their own would ask for it twice.
        """
        if not len(self):
            return self._nothing(edges_ns[:-1], edges_ns[1:]), np.zeros(len(edges_ns), np.int64)
        edges = self._edges(edges_ns)
        begin, end = (Edges(*(part[some] for part in edges)) for some in (slice(-1), slice(1, None)))
        value = self.quantity(np.diff(edges.position), self.bits)
        return self._bracketed(edges_ns[:-1], edges_ns[1:], begin, end, value), edges.position

    def bounds(self, t0_ns: I64, t1_ns: I64) -> Brackets:
        """The guaranteed intervals of windows in a tenth of the time of :meth:`energies`; values are NaN."""
        if not len(self):
            return self._nothing(t0_ns, t1_ns)
        begin, end = readings_around(self, t0_ns), readings_around(self, t1_ns)
        return self._bracketed(t0_ns, t1_ns, begin, end, np.full(len(t0_ns), np.nan))

    def _bracketed(self, t0: I64, t1: I64, begin: Edges, end: Edges, value: F64) -> Brackets:
        n, total, q = len(self), self.steps.total, self.quantum
        low = np.maximum(total[np.maximum(end.before, 0)] - total[np.minimum(begin.after, n - 1)] - q, 0)
        high = total[np.minimum(end.after, n - 1)] + q - total[np.maximum(begin.before, 0)]
        high += self._extra(end.after) - self._extra(begin.before) + end.unseen
        low = np.maximum(low - begin.unseen, 0)
        status = self._status(begin, end)
        low_q = self.quantity(np.where((end.before < 0) | (begin.after == n), 0, low), 0)
        high_q = self.quantity(high, 0) + self.resets.most(begin.before, end.after)
        is_open = self._within(self.resets.unbounded, begin, end) > 0
        if self.declared.lag_ns >= _OF_DEVICE_NS:
            drawn = drawn_at_most(self.channel, (t1 - t0) / NS_PER_S)
            high_q = np.minimum(high_q, np.fmax(drawn, np.fmax(low_q, value)))
        high_q[(begin.before < 0) | (end.after == n) | is_open | self.is_noise] = np.inf
        low_q[np.full(len(t0), self.is_noise)] = 0.0
        low_q[t0 == t1] = high_q[t0 == t1] = value[t0 == t1] = 0.0
        status[t0 == t1] = _OK
        value[status != _OK] = np.nan
        return self._estimated(Brackets(t0, t1, value, low_q, high_q, status))

    def energy(self, t0_ns: int, t1_ns: int) -> Estimate:
        """The energy of one window."""
        return self.estimates(self.energies([t0_ns], [t1_ns]))[0]

    def estimates(self, brackets: Brackets) -> list[Estimate]:
        """Brackets of this counter as estimates."""
        trust = self.channel.trust
        columns = (
            brackets.value.tolist(),
            brackets.low.tolist(),
            brackets.high.tolist(),
            brackets.status.tolist(),
        )
        return [
            Estimate(
                value=value if status == _OK else None,
                low=low,
                high=high,
                unit=self.unit,
                status=STATUSES[status],
                provenance=self.channel.provenance,
                accuracy=trust.accuracy,
                components=components,
            )
            for value, low, high, status, components in zip(*columns, self._budgets(brackets), strict=True)
        ]

    def _budgets(self, brackets: Brackets) -> list[tuple[Component, ...]]:
        between = self._between if len(self.changes) else None
        begin, end = edges_of(between, lambda: self._lessons.skeleton, self.channel, brackets)
        short = spread_outside(between, self.channel, brackets, begin, end)
        found = budgets(self.channel, self.machine, brackets, begin, end, short)
        return self.resets.losses.added_to(found, brackets.t0_ns, brackets.t1_ns)

    def position(self, t_ns: npt.ArrayLike) -> I64:
        """int64: the interpolated count at instants, in ``2**-bits`` counts since the first reading."""
        instants = np.atleast_1d(np.asarray(t_ns, np.int64))
        return self._edges(instants).position if len(self) else np.zeros(len(instants), np.int64)

    def limits(self, t_ns: I64) -> tuple[I64, I64]:
        """int64: the least and the most that :meth:`position` can be at instants within ``span_ns``."""
        edges, total = readings_around(self, t_ns), self.steps.total
        least = total[np.maximum(edges.before, 0)] << self.bits
        return least, total[np.minimum(edges.after, len(self) - 1)] + self.quantum + edges.unseen << self.bits

    def located(self, k: I64) -> Located:
        """When updates were, by their numbers in ``changes``: where the interpolated count is exactly theirs.

        The middle of the lag earlier, as everywhere here.
        """
        found = self._between.times.located(k)
        return found._replace(t_ns=found.t_ns - self.channel.timing.middle_lag_ns)

    def segments(self, t_ns: I64) -> list[Segment]:
        """Between which updates instants lie, the lag taken into account; some at a time."""
        return list(self._between.segments(t_ns + self.channel.timing.middle_lag_ns))

    def update_ns(self, at: I64) -> I64:
        """int64: when the counter was updated to what the readings ``at`` (from 1 on) first showed.

        It was after the reading before had ended, no longer before the reading than a period,
        and before the reading ended. Half the declared lag earlier is what the count stands for.
        """
        timing = self.channel.timing
        earliest, latest, next_early, next_late = self._around(at)
        width_ns = latest - earliest
        found = earliest + width_ns // 2
        # An update that an edge-locked lane missed, or the last one in a silence, came a period before the
        # next one, which is known much better.
        known = np.flatnonzero((next_late - next_early) * 4 < width_ns[: len(next_late)])
        if len(known):
            period = timing.update_ns or self.usual_ns
            guess = next_early[known] + (next_late[known] - next_early[known]) // 2 - period
            found[known] = np.clip(guess, earliest[known], latest[known])
        return found - self.declared.middle_lag_ns

    def _around(self, at: I64) -> tuple[I64, I64, I64, I64]:
        """Between which instants the updates ``at`` must have been, and the next ones.

        The latter may be one fewer, where the last one of all has no next one.
        """
        n, changes = len(at), self.changes
        first = int(np.searchsorted(changes, at[0])) if n else 0
        run = changes[first : first + n + 1]
        if np.array_equal(run[:n], at):  # all of them, mostly, so the next of each is known
            early, late = self.update_span_ns(run)
            return early[:n], late[:n], early[1:], late[1:]
        after = np.searchsorted(changes, at, "right")
        next_early, next_late = self.update_span_ns(at_or(changes, after, 1))
        unknown = after == len(changes)
        next_late[unknown] = next_early[unknown] + _UNKNOWN_NS
        return *self.update_span_ns(at), next_early, next_late

    def update_span_ns(self, at: I64) -> tuple[I64, I64]:
        """int64: between which instants that update must have been."""
        timing = self.channel.timing
        period = timing.update_ns or timing.update_max_ns
        t_ns = self.t_ns[at]
        latest = t_ns + self._read_ns[at]
        earliest = np.maximum(self.ends_ns(at - 1), t_ns - period)
        return np.minimum(earliest, latest, out=earliest), latest

    def read_ns(self, at: I64) -> I64:
        """How long the reads ``at`` took."""
        return self._read_ns[at].astype(np.int64)

    def ends_ns(self, at: I64) -> I64:
        """int64: when the reads ``at`` ended."""
        return self.t_ns[at] + self._read_ns[at]

    @cached_property
    def goes_on(self) -> bool:
        """Whether it is updated so rarely that it counts on where readings show no update: by its power."""
        declared_ns = self.channel.timing.update_max_ns
        return len(self.changes) > 1 and self.usual_ns > declared_ns and self.longest_ns > declared_ns

    def _edges(self, t: I64) -> Edges:
        before, after, _, unseen = readings_around(self, t)
        n, total = len(self), self.steps.total
        position = self._interpolated(t)
        floor = total[np.maximum(before, 0)] << self.bits
        position = np.where(before >= 0, np.maximum(position, floor), position)
        ceiling = total[np.minimum(after, n - 1)] + self.quantum + unseen << self.bits
        position = np.where(after < n, np.minimum(position, ceiling), position)
        return Edges(before, after, position, unseen)

    def _interpolated(self, t: I64) -> I64:
        if not len(self.changes):
            return np.zeros(len(t), np.int64)
        return self._between.count(t + self.channel.timing.middle_lag_ns, self.bits)

    def _status(self, begin: Edges, end: Edges) -> npt.NDArray[np.uint8]:
        n = len(self)
        missing_before = (begin.before < 0) | (end.before < 0)
        missing_after = (begin.after == n) | (end.after == n)
        failed_before = bool((self._failed_ns < self.t_ns[0]).any())
        failed_after = bool((self._failed_ns > self.t_ns[-1]).any())
        status = np.zeros(len(begin.before), np.uint8)
        status[missing_before | missing_after] = _INCOMPLETE
        status[self._within(self.steps.ambiguous, begin, end) > 0] = _AMBIGUOUS
        status[(self._within(self.steps.reset, begin, end) > 0) | self.is_noise] = _RESET
        status[(missing_before & failed_before) | (missing_after & failed_after)] = _FAILED
        return status

    def _within(self, steps: I64, begin: Edges, end: Edges) -> I64:
        """How many of some steps touch each window's bracket."""
        return np.searchsorted(steps, end.after, "right") - np.searchsorted(steps, begin.before, "right")

    def _extra(self, reading: I64) -> I64:
        """The counts that ambiguous steps up to a reading may have had more."""
        sums = np.concatenate(([0], np.cumsum(self.steps.extra)))
        return sums[np.searchsorted(self.steps.ambiguous, reading, "right")]

    def quantity(self, counts: I64, bits: int) -> F64:
        """Counts, in ``2**-bits``, times the exact unit: the one multiplication, in extended precision."""
        unit = self.channel.scale.unit
        exact = counts.astype(np.longdouble) * np.longdouble(unit.numerator)
        return (exact / np.longdouble(unit.denominator << bits)).astype(np.float64)

    def _estimated(self, brackets: Brackets) -> Brackets:
        model = self.channel.trust.model
        if model is None:
            return brackets
        return replace(
            brackets,
            value=brackets.value * model.value_w,
            low=brackets.low * model.low_w,
            high=brackets.high * model.high_w,
        )

    def _nothing(self, t0: I64, t1: I64) -> Brackets:
        empty = t0 == t1
        bad = _FAILED if len(self._failed_ns) else _INCOMPLETE
        status = np.where(empty & (bad == _INCOMPLETE), _OK, bad).astype(np.uint8)
        high, value = (np.where(status == _OK, 0.0, other) for other in (np.inf, np.nan))
        return Brackets(t0, t1, value, np.zeros(len(empty)), high, status)
