"""When a sensor was updated, learnt from the readings in which its value changed. Pure.

A reading that differs from the one before it *brackets* an update: it came between the two reads. Taken
by itself each update lies in the middle of its bracket, ± width/√12. But most sensors are updated by a
timer, so that updates lie on a regular grid of period T, some of them missed, each late by a little. The
brackets of neighbouring updates, moved by whole periods onto one another, must all hold the same instant:

    phase in [max(earliest_i - n_i T), min(latest_i - n_i T)]

which is far narrower than one bracket where reads and updates do not march in step. The phase is put in the
middle, ± its width W/√12. Where updates jitter by J, W is negative; of n brackets of width w it is about
-J + 2.2 √(J w/n) then, which gives J, and the middle scatters by √(0.2 J w/n) (both from simulation). Where
J is no less than what a bracket leaves open, the bracket is taken; and where readings are no denser than
updates all brackets together say nothing of the phase.

The period is that of the first updates (:mod:`.update_period`).

Decision: the period is learnt from the first updates alone, and from there on the phase from 24 updates on
either side. So a trace that is taken piece by piece gives the same times as one in memory. What was given
up: a sensor whose first updates are not its usual ones keeps the brackets.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...trace.series import I64
from ...units import NS_PER_MS
from ..estimates.uncertainty import ROOT_12
from .update_period import COHERENT, LEAST, TURN, period

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEARN = 1024  # updates from which the period is learnt
FIRST = 256  # updates that tell how evenly they come, where too few are near a program's marks
AROUND = 24  # updates on either side from which the phase is taken
_DENSE = 1.3  # readings to an update from which on readings are called denser than updates
_REFUTED = 1.8  # changes in the declared time, from which on it is not the usual one
_SPARSE = 1.5  # declared times between readings, from which on they are no denser than updates should be
_LONGER = 1.3  # declared times between changes, from which on updates must have been seen to be farther apart
_STILL = 0.05  # share of the updates, at least, before which the value stood still for longer than declared
_UNCHANGED = 1.1  # readings to a change, from which on some show none
_MORE = 4  # quanta, from which on a counter is not still for the lack of one
_NARROW = 0.8  # of a period: a wider bracket tells nothing of the phase
SLOW_NS = 5 * NS_PER_MS  # between updates of a GPU's counter, at least
_IN_STEP = 0.5  # of a bracket that all of them leave open, while reads come in step with updates
_APART = 2 * AROUND + 1  # updates that have no neighbour in common
_SINGLE = 0.75  # share of steps of one quantum, from which on the value grows by less than one an update
_CONFIRMED = 1.2  # of the declared time: a longer period of single quanta is one of theirs, or half of it
_ENOUGH = 12  # neighbours in whose brackets the phase must lie
_WORTH = 0.7  # of a bracket's own uncertainty, below which the phase's is taken
_WORTH_OF_SLOW = 1.5  # the same of a slow counter
_AT_AN_END = 1.1  # reads in step keep the phase where it is in what they leave open, be it at an end
_AT_ONCE = 4096  # updates that are located at once
_TRIED = 64  # updates, to see whether the grid is of use
_NEIGHBOURS = np.arange(-AROUND, AROUND + 1)
_NO_STEPS = np.empty(0, np.int64)


class Learned(NamedTuple):
    """What the changes of a series tell of its updates.

    Attributes:
        period_ns: The period of the grid on which updates lie; 0: none was found.
        usual_ns: The usual time between two updates; as declared where the readings do not tell.
        is_seen: Whether readings are clearly denser than the changes that they show.
        together: Updates over which what is not known of the grid's phase is nearly one.
        worth: Of a bracket's own uncertainty, below which the phase's is taken.
        is_in_lag: Whether what is not known of the phase is in the lag: that was learnt from updates in the
            middle between two reads which came in step with all of them, so that all stay there.
    """

    period_ns: float = 0.0
    usual_ns: int = 0
    is_seen: bool = False
    together: int = 2 * AROUND + 1
    worth: float = _WORTH
    is_in_lag: bool = False


class Located(NamedTuple):
    """When n updates were, and how well that is known.

    Attributes:
        t_ns: int64[n].
        own_ns: float64[n], standard uncertainty of the update by its own bracket.
        phase_ns: float64[n], of the grid there, without its own jitter; ``own_ns`` where it is on none.
        jitter_ns: float64[n], of updates around the grid, as far as brackets show it.
        is_on_grid: bool[n].
    """

    t_ns: I64
    own_ns: F64
    phase_ns: F64
    jitter_ns: F64
    is_on_grid: Bools

    @property
    def spread_ns(self) -> F64:
        """float64[n], standard uncertainty of the instants."""
        return np.where(self.is_on_grid, np.hypot(self.phase_ns, self.jitter_ns), self.own_ns)


def brackets(t_ns: I64, read_ns: npt.NDArray[np.uint32], at: I64) -> tuple[I64, I64]:
    """Between which instants the updates were that readings first show: the middles of two reads each."""
    earliest = t_ns[at - 1] + read_ns[at - 1] // 2
    return earliest, np.maximum(t_ns[at] + read_ns[at] // 2, earliest)


def learn(
    earliest_ns: I64, latest_ns: I64, declared_ns: int, steps: I64 = _NO_STEPS, quantum: int = 1
) -> Learned:
    """What the first updates of a series tell.

    Args:
        earliest_ns: int64[n]: :func:`brackets` of its changes, of which the first ``LEARN`` are taken.
        latest_ns: int64[n].
        declared_ns: The usual time between two updates as it was declared.
        steps: int64[n], by how much a counter grew; empty: it is a gauge.
        quantum: The least by which it can change.
    """
    earliest, latest = earliest_ns[:LEARN], latest_ns[:LEARN]
    is_told = len(earliest) > 2 or (len(earliest) == len(steps) == 2 and steps[1] > quantum)
    if not is_told:
        return Learned(usual_ns=declared_ns)
    width_ns, gap_ns = float(np.median(latest - earliest)), float(np.median(np.diff(latest)))
    if not gap_ns > 0:
        return Learned(usual_ns=declared_ns)
    # What grows by single quanta is updated oftener than it shows: declared times do not say when it will,
    # and the time between two quanta is no timer's.
    is_single = bool(np.count_nonzero(steps[:LEARN] <= quantum) > _SINGLE * len(steps[:LEARN]))
    period_ns, is_seen = period(earliest, latest), gap_ns > _DENSE * width_ns
    if period_ns and not (is_single and period_ns > _CONFIRMED * declared_ns):
        # A slow counter's windows are few updates long, and what all of these are off by together cancels.
        is_slow = len(steps) > 0 and period_ns >= SLOW_NS
        worth = _WORTH_OF_SLOW if is_slow else _WORTH
        is_useful = _is_useful(earliest, latest, period_ns, worth)
        together = _together(earliest, latest, period_ns) if is_useful and is_slow else _APART
        return Learned(period_ns if is_useful else 0.0, round(period_ns), is_seen, together, worth)
    if not is_single and gap_ns < declared_ns / _REFUTED:  # what was declared is no more than a bound
        return Learned(usual_ns=round(gap_ns), is_seen=is_seen)
    # Readings a few declared times apart of which some show no change say that updates are farther apart.
    gaps = np.diff(latest)[steps[1 : len(latest)] > _MORE * quantum] if len(steps) else np.empty(0)
    gaps = gaps[gaps <= 4 * gap_ns]
    mean_ns = float(np.mean(gaps)) if len(gaps) >= LEAST else 0.0
    is_rare = not is_single and width_ns > _SPARSE * declared_ns and mean_ns > _UNCHANGED * width_ns
    gap_ns = mean_ns if is_rare and not is_seen else gap_ns
    # Beside busy threads changes are as far apart as reads were: only a value that stood still for longer
    # than declared says that updates are.
    is_still = float(np.mean(earliest[1:] - latest[:-1] > declared_ns)) > _STILL
    is_longer = is_single or ((is_seen or is_rare) and (is_still or gap_ns < _LONGER * declared_ns))
    return Learned(usual_ns=max(round(gap_ns), declared_ns) if is_longer else declared_ns, is_seen=is_seen)


def _is_useful(earliest_ns: I64, latest_ns: I64, period_ns: float, worth: float) -> bool:
    """Whether updates keep to a grid better than their own brackets place them, more than half of them."""
    last = len(earliest_ns) - 1
    k = distinct(np.linspace(0, last, _TRIED).astype(np.int64))
    near = k[:, None] + _NEIGHBOURS
    low, high = (ends[np.clip(near, 0, last)] - earliest_ns[k][:, None] for ends in (earliest_ns, latest_ns))
    _, phase, jitter, is_known = _phase(low, high, (near >= 0) & (near <= last), period_ns)
    own = (latest_ns - earliest_ns)[k] / ROOT_12
    return bool(np.mean(is_known & (np.hypot(phase, jitter) < worth * own)) > 0.5)


def _together(earliest_ns: I64, latest_ns: I64, period_ns: float) -> int:
    """Over how many updates reads come in step with them, so that all brackets leave the same time open.

    The phase of updates that lie in the same part of n brackets moves by a part of it in n of them, at most.
    """
    middle, width = (earliest_ns + latest_ns) / 2.0, latest_ns - earliest_ns
    after = np.rint((middle - middle[0]) / period_ns)
    is_usual = width < _NARROW * period_ns
    low = np.where(is_usual, earliest_ns - after * period_ns, -np.inf)
    high = np.where(is_usual, latest_ns - after * period_ns, np.inf)
    left = np.minimum.accumulate(high) - np.maximum.accumulate(low)
    is_open = left > _IN_STEP * np.median(width)
    return max(int(after[max(int(is_open.sum()) - 1, 0)]), _APART)


class UpdateTimes:
    """The times of a series' updates, by their numbers 0 … n - 1.

    Args:
        t_ns: int64[m], when each read began.
        read_ns: uint32[m], how long it took.
        changes: int64[n], from 1 on: the readings that differ from the one before them.
        learned: What its updates told.
        long_ns: Of a read that took longer nobody knows when it took the value; others did so in the middle.
    """

    def __init__(
        self,
        t_ns: I64,
        read_ns: npt.NDArray[np.uint32],
        changes: I64,
        learned: Learned,
        long_ns: int = 1 << 40,
    ) -> None:
        self._t_ns, self._read_ns, self.changes = t_ns, read_ns, changes
        self.learned, self._long_ns = learned, long_ns
        self._has_long = bool(len(read_ns) and int(read_ns.max()) > long_ns)

    def __len__(self) -> int:
        return len(self.changes)

    @property
    def first_ns(self) -> int:
        """When the first reading began."""
        return int(self._t_ns[0])

    @property
    def last_ns(self) -> int:
        """When the last reading began."""
        return int(self._t_ns[-1])

    @cached_property
    def seen_ns(self) -> float:
        """How long before the first read that showed it an update may have been, by the first updates."""
        earliest, latest, _ = self.brackets(np.arange(min(LEARN, len(self))))
        return float(np.median(latest - earliest))

    def read_by(self, t_ns: I64) -> I64:
        """int64: how many updates had been read by instants."""
        begun = np.searchsorted(self.changes, np.searchsorted(self._t_ns, t_ns, "right"))
        for _ in range(2):  # one read is under way at a time, and two where files of one lane were merged
            begun -= (begun > 0) & (self.read_at_ns(np.maximum(begun - 1, 0)) > t_ns)
        return begun

    def read_at_ns(self, k: I64) -> I64:
        """int64: the middle of the read that first showed update ``k``."""
        found: I64 = self._t_ns[self.changes[k]] + self._read_ns[self.changes[k]] // 2
        return found

    def read_ns(self, k: I64) -> I64:
        """int64: how long the read took that first showed update ``k``; 0 where brackets have it."""
        read_ns = self._read_ns[self.changes[k]].astype(np.int64)
        return np.where(read_ns > self._long_ns, 0, read_ns)

    def brackets(self, k: I64) -> tuple[I64, I64, I64]:
        """Between which instants updates were, and the time between the two reads; arrays shaped as ``k``."""
        at, usual = self.changes[k], self.learned.usual_ns
        earliest, latest = brackets(self._t_ns, self._read_ns, at)
        taken = latest
        if self._has_long:
            is_long = self._read_ns[at] > self._long_ns
            earliest = np.where(self._read_ns[at - 1] > self._long_ns, self._t_ns[at - 1], earliest)
            taken = np.where(is_long, self._t_ns[at], latest)  # or later
            latest = np.where(is_long, self._t_ns[at] + self._read_ns[at], latest)
        # Nobody read for long before some: those were no longer before the read than usual.
        return (np.maximum(earliest, taken - usual) if usual else earliest), latest, latest - earliest

    def located(self, k: I64) -> Located:
        """When the updates ``k`` were, on their grid where that is better known than their own bracket."""
        if len(k) > _AT_ONCE:  # each looks at its neighbours, which of a million are gigabytes
            parts = [self._located(k[start : start + _AT_ONCE]) for start in range(0, len(k), _AT_ONCE)]
            return Located(*map(np.concatenate, zip(*parts, strict=True)))
        return self._located(k)

    def _located(self, k: I64) -> Located:
        earliest, latest, _ = self.brackets(k)
        middle, width = earliest + (latest - earliest) // 2, latest - earliest
        # An interrupted read takes its value at its beginning or at its end, and hardly ever in between.
        own = np.where(width > 1.5 * self.learned.usual_ns, width / 2, width / ROOT_12)
        if not self.learned.period_ns or not len(k):
            return Located(middle, own, own, np.zeros(len(k)), np.zeros(len(k), bool))
        near = k[:, None] + _NEIGHBOURS
        is_there = (near >= 0) & (near < len(self))
        low, high, _ = self.brackets(np.clip(near, 0, len(self) - 1))
        low, high = low - middle[:, None], high - middle[:, None]
        shift, phase, jitter, is_known = _phase(low, high, is_there, self.learned.period_ns)
        if self.learned.is_in_lag:
            usual = _usual(low, high, is_there, self.learned.period_ns)
            shift, phase = (np.where(is_known, *both) for both in zip(usual, (shift, phase), strict=True))
        is_on_grid = is_known & (np.hypot(phase, jitter) < self.learned.worth * own)
        is_on_grid &= width < 1.5 * self.learned.period_ns  # of several the grid does not tell which
        on_grid = np.clip(middle + np.rint(shift).astype(np.int64), earliest, latest)
        t_ns = np.where(is_on_grid, on_grid, middle)
        if self.learned.worth > _WORTH:
            phase = _AT_AN_END * phase
        phase, jitter = np.where(is_on_grid, phase, own), np.where(is_on_grid, jitter, 0.0)
        return Located(t_ns, own, phase, jitter, is_on_grid)


def _phase(low: I64, high: I64, is_there: Bools, period_ns: float) -> tuple[F64, F64, F64, Bools]:
    """By how much the grid passes origins, how well that is known, the jitter; and whether it is known.

    Args:
        low: int64[n, 2 AROUND + 1], where brackets around each origin begin, seen from it.
        high: int64[n, 2 AROUND + 1], where they end.
        is_there: Which of them there are.
        period_ns: Of the grid.
    """
    is_there = is_there & (high - low < _NARROW * period_ns)
    middle = (low + high) * 0.5
    angle = middle * (TURN / period_ns)
    x, y, n = (np.where(is_there, part, 0.0).sum(1) for part in (np.cos(angle), np.sin(angle), 1.0))
    # Whole periods are counted from about where the grid is: a bracket alone is too wide for that.
    start = np.arctan2(y, x) * (period_ns / TURN)
    periods = np.rint((middle - start[:, None]) / period_ns) * period_ns
    lowest = np.where(is_there, low - periods, -np.inf).max(1)
    highest = np.where(is_there, high - periods, np.inf).min(1)
    is_known = (n >= _ENOUGH) & (np.hypot(x, y) > COHERENT * n)
    with np.errstate(invalid="ignore"):
        shift = np.where(is_known, (lowest + highest) / 2, 0.0)
        common = np.where(is_known, highest - lowest, 0.0)
    apart = np.where(is_there, high - low, 0.0).sum(1) / np.maximum(n, 1) ** 2
    beyond = 1.21 * apart - common
    jitter = np.where(beyond > 0, (1.1 * np.sqrt(apart) + np.sqrt(np.maximum(beyond, 0.0))) ** 2, 0.0)
    spread = np.sqrt(np.maximum(common, 0.0) ** 2 / 12 + 0.2 * jitter * apart)
    return shift, spread, jitter / ROOT_12, is_known


def _usual(low: I64, high: I64, is_there: Bools, period_ns: float) -> tuple[F64, F64]:
    """By how much the grid of most brackets' middles passes origins, and how well such a middle is known.

    Args are those of :func:`_phase`.
    """
    width = (high - low).astype(np.float64)
    is_usual = is_there & (width < _NARROW * period_ns)
    middle = (low + high) * 0.5
    off = middle - np.rint(middle / period_ns) * period_ns
    for each in (off, width):
        each[~is_usual] = np.nan
        each[~is_usual.any(1)] = 0.0
    return np.nanmedian(off, axis=1), np.nanmedian(width, axis=1) / ROOT_12
