"""What a counter had counted at any instant: interpolated between its updates. Pure.

Between two updates the count grows in a straight line, with one exception. Where the power on the two sides
of a segment differs by more than its noise, and was steady on both, it *stepped* in between: the count runs
on at the one power up to an instant s and at the other from there, and s follows from what was gained:

    s = (P_after · length - gained) / (P_after - P_before)

The nearer the difference is to the noise, the less of this kink is taken. Not across a gap in the readings:
there the power may have stepped any number of times.

How much single updates scatter (*roughness*) is seen in the third differences of the counts around, which
neither steady power nor a ramp has: their lower quantile, so that some steps around do not count, or their
root mean square where that is less. With a standard uncertainty σ of each count, whatever it is from, a third
difference has √20 σ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...arrays import runs, taken
from ...trace.series import I64
from ..estimates.uncertainty import ROOT_3, ROOT_12
from .cut_quanta import CutQuanta
from .neighbourhood import (
    LEAST_ROUGH,
    OWN,
    SEGMENTS,
    Neighbourhood,
    changes,
    median,
    recurrence,
    roughness,
    scatter,
    steps_are_told,
    three_in_a_row,
    unevenness,
)
from .update_times import AROUND, F64, LEARN, SLOW_NS, Bools, Located, UpdateTimes

_STEPS_ALONE = 3.0  # times the scatter of levels that recur: differences that are more are of steps
_ROOT_2 = math.sqrt(2.0)
_CHUNK = 4096  # instants that are worked on at once
_POWER = 3  # segments on either side over which the power at an instant is taken
_SIDE = 2  # segments on one side of a step
GAP_SIDE = 16  # of a gap: its length multiplies what is not known of the two powers
_UNSEEN = 1.5  # usual segments: a slow counter's that is longer holds an update that nobody read
_LONG = 4  # usual segments; a longer one is no usual one
_SEEN_ALONE = 0.8  # of a period: the widest brackets whose distance is rounded to whole periods
_DENSE = 1.3  # updates apart, in readings apart, from which on each update is seen by itself
_ALMOST_ALL = 0.9


class Kink(NamedTuple):
    """A step inside each of n segments, and the power around it in counts a nanosecond.

    Attributes:
        before: Power before the segment.
        after: Power after it.
        noise: Variance of their difference.
        one: Standard uncertainty of the count at one update there, in counts.
        ramp: Difference of the power of the two neighbouring segments.
        sides: Differences of power within the two sides, added up; of a ramp that is ``ramp`` again.
        at_ns: When it stepped, from the left update on.
        trust: 0 to 1: how much of the kink is taken.
    """

    before: F64
    after: F64
    noise: F64
    one: F64
    ramp: F64
    sides: F64
    at_ns: F64
    trust: F64


class Segment(NamedTuple):
    """Where n instants lie between updates, and what was counted there.

    Attributes:
        left: int64[n], the number of the update before each; -1: before the first.
        start: The left update.
        end: The right one.
        x_ns: float64[n], from the left update to the instant.
        length_ns: float64[n].
        part: float64[n], 0 to 1.
        base: int64[n], counts up to the left update.
        gained: int64[n], counts from there to the right one.
        power: float64[n], counts a nanosecond.
        is_gap: Whether there was no reading for most of it.
        is_beyond: Whether it lies behind the last update, so that it is a guess by the power before it.
        cut: float64[n], counts: standard uncertainty from a quantum that the ends of the readings cut in two.
        near: The segments around.
        kink: The step inside.
    """

    left: I64
    start: Located
    end: Located
    x_ns: F64
    length_ns: F64
    part: F64
    base: I64
    gained: I64
    power: F64
    is_gap: Bools
    is_beyond: Bools
    cut: F64
    near: Neighbourhood
    kink: Kink

    def counted(self, x_ns: F64) -> F64:
        """float64[n]: counts from the left update to other instants of the same segments."""
        x, kink = np.clip(x_ns, 0.0, self.length_ns), self.kink
        straight = x / self.length_ns * self.gained
        kinked = kink.before * np.minimum(x, kink.at_ns) + kink.after * np.maximum(x - kink.at_ns, 0.0)
        return np.clip(straight + kink.trust * (kinked - straight), 0.0, self.gained)


class _Between(NamedTuple):
    """What a :class:`Segment` is made of; the fields of the same names are the same."""

    left: I64
    start: Located
    end: Located
    x_ns: F64
    length_ns: F64
    base: I64
    gained: I64
    is_beyond: Bools


class Interpolation:
    """The count between updates.

    Args:
        times: The updates, one at least.
        total: int64[m], what had been counted at each reading since the first one.
        quantum: The smallest step of the counter, in counts.
        goes_on: Tells whether it counts on at the same power behind the last update, or stands still there.
    """

    def __init__(self, times: UpdateTimes, total: I64, quantum: int, goes_on: Callable[[], bool]) -> None:
        self.times, self.quantum, self._of_readings = times, quantum, total
        self._last = len(times) - 1
        self._goes_on = goes_on
        self._cut = CutQuanta(times, self.total, quantum, goes_on)

    def count(self, x_ns: I64, bits: int) -> I64:
        """int64[n]: the count at instants, in ``2**-bits`` counts since the first reading."""
        parts = [self._count(some, bits) for some in _chunks(x_ns)]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _count(self, x_ns: I64, bits: int) -> I64:
        """The same of some: what is around is looked at only where the power may have stepped."""
        at = self._located_between(x_ns)
        counted = at.x_ns / at.length_ns * at.gained
        near = np.flatnonzero(self._may_step(at))
        if len(near):
            of = self._segment(x_ns[near])
            counted[near] = of.counted(of.x_ns)
        return (at.base << bits) + np.rint(counted * 2.0**bits).astype(np.int64)

    def segments(self, x_ns: I64) -> Iterator[Segment]:
        """The segments of instants, so many at a time."""
        return map(self._segment, _chunks(x_ns))

    def _located_between(self, x_ns: I64) -> _Between:
        """Between which updates instants lie, and what was gained there."""
        last = self._last
        left, start, end = self._around(x_ns)
        is_last = left == last
        is_beyond = is_last & (bool(is_last.any()) and self._goes_on())
        length = np.maximum(np.where(is_beyond, x_ns, end.t_ns) - start.t_ns, 1)
        base = self.total(left)
        gained = self.total(np.minimum(left + 1, last)) - base
        if is_beyond.any():
            power, _ = self._power(left - _POWER, left + 1 + _POWER, start)
            gained = np.where(is_beyond, np.rint(power * length).astype(np.int64), gained)
        elif is_last.any() and self._cut.last.length_ns:
            gained = np.where(is_last, self.quantum, gained)
        x = np.clip(x_ns - start.t_ns, 0, length)
        return _Between(
            left, start, end, x.astype(np.float64), length.astype(np.float64), base, gained, is_beyond
        )

    def _may_step(self, at: _Between) -> Bools:
        """Whether the powers on the two sides leave room for a step inside, whatever their noise."""
        before, _ = self._power(at.left - _SIDE, at.left, at.start)
        after, _ = self._power(at.left + 1, at.left + 1 + _SIDE, at.start)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            at_ns = (after * at.length_ns - at.gained) / (after - before)
        is_inside = (at.x_ns > 0) & (at.x_ns < at.length_ns) & (at.gained > 0)
        return is_inside & (at_ns >= 0) & (at_ns <= at.length_ns)

    def _segment(self, x_ns: I64) -> Segment:
        left, start, end, x, length, base, gained, is_beyond = self._located_between(x_ns)
        power, _ = self._power(left - _POWER, left + 1 + _POWER, start)
        # Of seldom reads many instants lie between the same two, and all of it costs 49 numbers each.
        first, of = runs(left)
        near = taken(self._neighbourhood(left[first], power[first], taken(start, first)), of)
        _, _, unread_ns = self.times.brackets(np.minimum(left + 1, self._last))
        longest = np.where(near.usual_ns < SLOW_NS, _LONG, _UNSEEN) * near.usual_ns
        is_gap = (length > longest) & (unread_ns > _LONG * near.apart_ns)
        kink = self._kink(left, length, gained, is_gap, (start, end), near)
        power = np.where(is_gap, gained / length, power)
        cut = self._cut.unknown(left, x, length)
        inside = x, length, x / length, base, gained, power
        return Segment(left, start, end, *inside, is_gap, is_beyond, cut, near, kink)

    def _around(self, x_ns: I64) -> tuple[I64, Located, Located]:
        """The number of the last update up to each instant, that update and the next one."""
        last = self._last
        # Of the updates that were read by then all are over, and of the next one alone it must be asked.
        following = self.times.read_by(x_ns)
        next_one = self._located(following)
        is_over = (following <= last) & (next_one.t_ns <= x_ns)
        left = following - 1 + is_over
        other = self._located(np.where(is_over, following + 1, following - 1))
        start = _either(is_over, next_one, other)
        end = _either(is_over, other, next_one)
        return left, start, end

    def _located(self, k: I64) -> Located:
        """Updates, and what stands for one in front of the first and behind the last."""
        last = self._last
        found = self.times.located(np.clip(k, 0, last))
        t_ns, own, usual = found.t_ns.copy(), found.own_ns.copy(), self.times.learned.usual_ns
        before, behind = np.flatnonzero(k < 0), np.flatnonzero(k > last)
        if len(behind) and self._cut.last.length_ns:
            t_ns[behind] += round(self._cut.last.length_ns)
            own[behind] = 0.0
        if len(before) and self._cut.first.length_ns:
            t_ns[before] -= round(self._cut.first.length_ns)
            own[before] = 0.0
        elif len(before):
            # The update that the first reading showed: one before the next, or somewhere before the reading.
            first_ns = self.times.first_ns
            is_near = t_ns[before] - first_ns < usual + 3 * self._uneven_ns
            is_first = np.minimum(t_ns[before] - usual, first_ns)
            waited_ns = t_ns[before] - first_ns
            t_ns[before] = np.where(is_near, is_first, first_ns - usual // 2)
            # Of a single update nobody knows since when it holds what it shows.
            unknown_ns = waited_ns / ROOT_3 if last == 0 else usual / ROOT_12
            own[before] = np.where(is_near, np.hypot(own[before], self._uneven_ns), unknown_ns)
        return found._replace(t_ns=t_ns, own_ns=own)

    @cached_property
    def _uneven_ns(self) -> float:
        """How much the times between the first updates scatter; of one update nobody knows its distance."""
        first = self.times.located(np.arange(min(AROUND, len(self.times)))).t_ns
        # As floats: the square of 4 s in ns is beyond int64.
        off = np.diff(first).astype(np.float64) - self.times.learned.usual_ns
        most = self.times.learned.usual_ns / ROOT_12
        n = len(off)
        return min(math.sqrt(float(off @ off) / n * (1 + 4 / n)), most) if n else most

    @cached_property
    def steps_are_told(self) -> bool:
        """Whether readings no denser than updates tell steps of power, by the first updates."""
        k = np.arange(min(LEARN, self._last))
        if len(k) < LEAST_ROUGH:
            return False
        length, _ = self._apart(k, k + 1)
        is_usual = length <= _LONG * float(np.median(length))
        usual_ns = float(self.times.learned.usual_ns) or 1.0
        return steps_are_told((self.total(k + 1) - self.total(k)) / length, length, is_usual, usual_ns)

    def total(self, k: I64) -> I64:
        """What had been counted after updates; nothing before the first."""
        found: I64 = self._of_readings[self.times.changes[np.clip(k, 0, self._last)]]
        return np.where(k >= 0, found, 0)

    def _apart(self, first: I64, then: I64, on: Located | None = None) -> tuple[F64, Bools]:
        """From one update to a later one, in whole periods where both were seen at once; and whether.

        Args:
            first: int64[n] or int64[n, m], their numbers.
            then: The later ones.
            on: n updates nearby; of those on the grid, which brackets as wide as a period are counted from.
        """
        earliest, latest, _ = self.times.brackets(first)
        next_earliest, next_latest, _ = self.times.brackets(then)
        middle, next_middle = (earliest + latest) / 2.0, (next_earliest + next_latest) / 2.0
        apart = next_middle - middle
        period = self.times.learned.period_ns
        if not period:
            return np.maximum(apart, 1.0), np.zeros(apart.shape, bool)
        widest = np.maximum(latest - earliest, next_latest - next_earliest)
        is_on_grid = widest < _SEEN_ALONE * period
        periods = np.rint(apart / period)
        if on is not None:
            shape = (-1,) + (1,) * (apart.ndim - 1)
            origin, is_known = on.t_ns.reshape(shape), on.is_on_grid.reshape(shape)
            counted = np.rint((next_middle - origin) / period) - np.rint((middle - origin) / period)
            periods = np.where(is_known, counted, periods)
            # A period holds one instant of a known grid; brackets that a silence made wider are cut to one.
            is_on_grid |= is_known & (widest <= self.times.learned.usual_ns)
        apart = np.where(is_on_grid, np.maximum(periods, 1.0) * period, apart)
        return np.maximum(apart, 1.0), is_on_grid

    def power(self, first: I64, then: I64, on: Located | None = None) -> F64:
        """Counts a nanosecond from one update to another; ``on`` are updates on the grid nearby."""
        return self._power(first, then, on)[0]

    def _power(self, first: I64, then: I64, on: Located | None = None) -> tuple[F64, F64]:
        """The same, and the time between them."""
        last = self._last
        first = np.clip(first, 0, max(last - 1, 0))
        then = np.maximum(np.clip(then, 0, last), np.minimum(first + 1, last))
        apart, _ = self._apart(first, then, on)
        return (self.total(then) - self.total(first)) / apart, apart

    def _neighbourhood(self, left: I64, power: F64, start: Located) -> Neighbourhood:
        last = self._last
        k = left[:, None] + SEGMENTS
        is_there = (k >= 0) & (k < last)
        k = np.clip(k, 0, max(last - 1, 0))
        then = np.minimum(k + 1, last)
        length, is_on_grid = self._apart(k, then, start)
        gained = self.total(then) - self.total(k)
        _, latest, unread_ns = self.times.brackets(then)
        unread = unread_ns.astype(np.float64)
        usual, apart = median(length, is_there), median(unread, is_there)
        is_usual = is_there & (length <= _LONG * usual[:, None])
        n = np.maximum(is_usual.sum(1), 1)
        is_dense = np.where(is_usual, length, 0.0).sum(1) > _DENSE * apart * n
        is_single = np.where(is_usual, gained <= self.quantum, False).sum(1) > _ALMOST_ALL * n
        rate, is_single = gained / length, is_single & is_dense
        # Lengths that are no whole periods scatter by their brackets, and the counts do not.
        is_exact = is_usual & is_on_grid
        are_enough = three_in_a_row(is_exact).sum(1) >= LEAST_ROUGH
        rough = roughness(rate, np.where(are_enough[:, None], is_exact, is_usual)) * power * usual
        # Readings that are far apart see power step often: then the lesser changes tell. No power tells none.
        off_ns = np.cumsum(gained / np.where(power > 0, power, np.inf)[:, None] - length, axis=1)
        least = np.minimum(usual * changes(rate, is_usual), scatter(off_ns, is_usual))
        is_told = np.isfinite(least) & ~is_dense & self.steps_are_told
        rough = np.where(is_told, np.minimum(rough, power * np.where(is_told, least, 0.0)), rough)
        if self.times.learned.usual_ns >= SLOW_NS:
            of_levels = recurrence(rate, is_usual, self.quantum / usual) * usual / _ROOT_2
            rough = np.where(rough > _STEPS_ALONE * of_levels, of_levels, rough)
        # A counter of single quanta shows each as soon as it is full.
        rough = np.where(is_single, np.minimum(rough, self.quantum / ROOT_12), rough)
        uneven = unevenness((latest - latest[:, OWN : OWN + 1]).astype(np.float64), is_usual)
        return Neighbourhood(
            rate, length, is_usual, is_exact, usual, apart, is_dense, is_single, uneven, rough
        )

    def _kink(
        self,
        left: I64,
        length: F64,
        gained: I64,
        is_gap: Bools,
        ends: tuple[Located, Located],
        near: Neighbourhood,
    ) -> Kink:
        last, side = self._last, np.where(is_gap, GAP_SIDE, _SIDE)
        behind = left + 1 + is_gap  # of the update after a gap its own bracket says little
        before, before_ns = self._power(left - side, left, ends[0])
        after, after_ns = self._power(behind, behind + side, ends[0])
        own = np.maximum(ends[0].own_ns, ends[1].own_ns)
        is_on_grid = ends[0].is_on_grid & ends[1].is_on_grid
        one = np.where(is_on_grid, near.rough, np.maximum(near.rough, (before + after) / 2 * own))
        noise = 2 * one**2 * (before_ns**-2.0 + after_ns**-2.0)
        rate = near.rate
        sides = rate[:, OWN - 1] - rate[:, OWN - 2] + rate[:, OWN + 2] - rate[:, OWN + 1]
        step = after - before
        # What a ramp adds between the sides it adds within them too: a third of it each.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            trust = 1.0 - (2 * noise + (1.5 * sides) ** 2) / step**2
            at_ns = (after * length - gained) / step
        is_inside = (left >= side) & (left + 1 + side <= last) & (gained > 0) & ~is_gap
        is_inside &= (at_ns >= 0) & (at_ns <= length) & (trust > 0)
        return Kink(
            before,
            after,
            noise,
            one,
            rate[:, OWN + 1] - rate[:, OWN - 1],
            sides,
            np.where(is_inside, at_ns, 0.0),
            np.where(is_inside, trust, 0.0),
        )


def _chunks(x_ns: I64) -> Iterator[I64]:
    return (x_ns[start : start + _CHUNK] for start in range(0, max(len(x_ns), 1), _CHUNK))


def _either(is_first: Bools, first: Located, second: Located) -> Located:
    """One of two updates for each instant."""
    return Located(*(np.where(is_first, a, b) for a, b in zip(first, second, strict=True)))
