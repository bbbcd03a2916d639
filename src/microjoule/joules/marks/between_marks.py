"""The time between the marks of a trace, in pieces, and the updates of a counter in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ..counters.counter import Counter
from ..counters.update_record import are_known
from ..counters.update_times import FIRST
from ..estimates.brackets import F64
from ..estimates.uncertainty import ROOT_3
from .unseen_scatter import Left

NEAR = 5  # updates on one side from which the power there is taken
_TRIPLES = (-3, -2, -1, 2, 3, 4)  # updates around a mark that tell how evenly they come
_FEWEST, _KEPT = 20, 0.98  # such updates; and the share of them that is no step of power by itself
_UNLOCKED = 1.6  # where reads beat with updates, the errors of a window's two marks add in the worst case
AT_ONCE = 1 << 16  # marks that are worked on at once
_SURE = 3.0  # standard uncertainties by which two of them show another power than five
_PLACES = 8  # at which an update is thought to have been
_PLACES_AT = (np.arange(_PLACES) + 0.5) / _PLACES * 2.0 - 1.0
_TELLING = 20_000  # pairs of updates at most that show how powers scatter


class Pieces(NamedTuple):
    """The time of a trace between marks.

    Attributes:
        bounds_ns: int64[n + 1], from the first piece's beginning to the last one's end.
        state: int64[n], what was under way.
        watts: float64[n], the power of all pieces of the state, in counts a nanosecond.
        scatter: float64[n], by how much the power of the state's pieces scatters.
        doubt: float64[n], how well ``watts`` is known.
        sums: float64[n + 1], the counts up to the bounds by these powers.
        unsure: float64[n], how well the power of each piece is known, its scatter and doubt together.
        unsure_sums: float64[n + 1], the counts up to the bounds by these.
    """

    bounds_ns: I64
    state: I64
    watts: F64
    scatter: F64
    doubt: F64
    sums: F64
    unsure: F64
    unsure_sums: F64

    def energy(self, t_ns: I64 | F64) -> F64:
        """The counts up to instants by these powers, which go on beyond the ends."""
        return until(t_ns, self.bounds_ns, self.sums, self.watts)

    def doubted(self, t_ns: I64) -> F64:
        """How well the counts up to instants are known, where the doubts of all pieces add up."""
        return until(t_ns, self.bounds_ns, self.unsure_sums, self.unsure)

    def at(self, t_ns: I64) -> I64:
        """The piece around each instant."""
        return np.clip(np.searchsorted(self.bounds_ns, t_ns, "right") - 1, 0, len(self.state) - 1)


def sums_of(bounds_ns: I64, rate: F64) -> F64:
    """float64[n + 1]: what pieces of these rates come to, up to each of their bounds."""
    return np.concatenate(([0.0], np.cumsum(rate * np.diff(bounds_ns))))


def until(t_ns: I64 | F64, bounds_ns: I64, sums: F64, rate: F64) -> F64:
    """What they come to up to instants; the first rate and the last one go on beyond the bounds."""
    found: F64 = np.interp(t_ns, bounds_ns, sums)
    found += np.maximum(t_ns - bounds_ns[-1], 0) * rate[-1]
    found += np.minimum(t_ns - bounds_ns[0], 0) * rate[0]
    return found


class PowerBeside(NamedTuple):
    """The power next to marks, as the updates there show it: counts a ns; u is infinite where none does."""

    value: F64
    u: F64


class Counted(NamedTuple):
    """The energy up to n updates by the powers of pieces, float64[n] each, in counts.

    Attributes:
        mean: Over where they may have been.
        spread: Standard deviation over where each may have been by itself.
        phase: And over where their grid may have been, as far as that moves it in proportion; signed.
        bend: And beyond that, as power steps where they may have been; negative where it steps down.
    """

    mean: F64
    spread: F64
    phase: F64
    bend: F64


def _evenly(numbers: I64) -> I64:
    """So many of them that tell enough, all over."""
    return numbers[:: max(1, math.ceil(len(numbers) / _TELLING))]


class UpdatesAround:
    """The updates of a counter: when they were, how well that is known, and what was counted by then.

    Args:
        counter: The counter.
        pieces: int64[n, 2], the time between marks.
    """

    def __init__(self, counter: Counter, pieces: I64) -> None:
        located = counter.located(np.arange(len(counter.changes)))
        self.at_ns: I64 = np.maximum.accumulate(located.t_ns)
        self.total: I64 = counter.steps.total[counter.changes]
        self._counter, self._quantum = counter, counter.quantum
        self._own_ns: F64 = located.spread_ns
        # All updates around share the phase of their grid: no difference between them shows it.
        self.phase_ns: F64 = np.where(located.is_on_grid, located.phase_ns, 0.0)
        each_ns = np.where(located.is_on_grid, located.jitter_ns, located.own_ns)
        # Where it is in the lag, no count at a mark is off by it.
        self._grid_ns = np.zeros(len(self.at_ns)) if counter.is_in_lag else self.phase_ns
        timing = counter.channel.timing
        declared_ns = np.hypot(each_ns, timing.half_lag_ns / ROOT_3)
        uneven_ns = self._uneven_ns(pieces)  # where it was, and what it shows late, together
        self._spread_ns: F64 = declared_ns if uneven_ns is None else np.maximum(each_ns, uneven_ns)
        self._worst = np.where(located.is_on_grid, 1.0, _UNLOCKED)

    def counted_by(self, pieces: Pieces, k: I64) -> tuple[Counted, Counted]:
        """The energy up to updates ``k`` and ``k + 1`` by the powers of pieces, and how well it is known.

        It is taken over where these updates may have been. All of them share where their grid was: what that
        moves in proportion is one part, and what a step of power bends of it another.
        """
        some = self._these((k, k + 1))
        each = self._everywhere(pieces, some)
        grid_ns = ROOT_3 * self._grid_ns[some] * _PLACES_AT[:, None]
        apart = pieces.energy(self.at_ns[some] + grid_ns) - pieces.energy(self.at_ns[some])
        square = (grid_ns**2).sum(0)
        of_piece = pieces.watts[pieces.at(self.at_ns[some])]
        slope = np.where(square > 0, (apart * grid_ns).sum(0) / np.maximum(square, 1e-300), of_piece)
        lifted = apart.mean(0)
        bend = np.copysign(np.sqrt(np.maximum((apart - slope * grid_ns).var(0), 0.0)), lifted)
        spread = np.sqrt(each.var(0) * self._worst[some] ** 2 + self._quantum**2 / 12.0)
        mean = each.mean(0) + lifted
        rank = np.zeros(len(self.at_ns), np.int64)
        rank[some] = np.arange(len(some))
        of_grid_u = slope * self.phase_ns[some]
        first, second = (Counted(mean[i], spread[i], of_grid_u[i], bend[i]) for i in (rank[k], rank[k + 1]))
        return first, second

    def _everywhere(self, pieces: Pieces, some: I64) -> F64:
        """float64[places, n]: the energy up to updates by pieces' powers, wherever these may have been."""
        half_ns = ROOT_3 * self._spread_ns[some]
        return np.array([pieces.energy(self.at_ns[some] + half_ns * place) for place in _PLACES_AT])

    def left(self, pieces: Pieces, is_asked: npt.NDArray[np.bool_]) -> Left:
        """What the powers of pieces leave of the counts between updates.

        Args:
            pieces: All of them.
            is_asked: bool[n], whose sum of squares is asked for.
        """
        at_ns, is_known = self.at_ns, are_known(self._counter, self.at_ns)
        inside = (pieces.bounds_ns > at_ns[0]) & (pieces.bounds_ns < at_ns[-1])
        bounds_ns = np.sort(np.concatenate((at_ns, pieces.bounds_ns[inside])), kind="stable")
        start, length = bounds_ns[:-1], np.diff(bounds_ns)
        of = pieces.at(start)
        between = np.clip(np.searchsorted(at_ns, start, "right") - 1, 0, len(at_ns) - 2)
        square = np.where(is_asked[of], (pieces.watts[of] * length) ** 2, 0.0)
        squares = np.bincount(between, square, len(at_ns) - 1)
        is_known &= (at_ns[:-1] >= pieces.bounds_ns[0]) & (at_ns[1:] <= pieces.bounds_ns[-1])
        some = np.concatenate(
            [_evenly(np.flatnonzero(is_known & is_so)) for is_so in (squares > 0, squares == 0)]
        )
        first, second = self._everywhere(pieces, some), self._everywhere(pieces, some + 1)
        off = (self.total[some + 1] - self.total[some]) - (second - first).mean(0)
        # Each power was fitted to its own pieces: of so many squares, one a power is taken up by that.
        n, powers = int(is_asked.sum()), len(np.unique(pieces.state[is_asked]))
        taken = np.where(squares[some] > 0, n / max(n - powers, 1), 1.0)
        return Left(
            off**2 * taken,
            first.var(0) + second.var(0),
            (second - first).var(0),
            self._quantum**2 / 6.0,
            (at_ns[some + 1] - at_ns[some]).astype(np.float64),
            squares[some],
        )

    def _these(self, numbers: Iterable[I64]) -> I64:
        """The different ones of some updates, ascending: without a sort, of which there may be a million."""
        is_meant = np.zeros(len(self.at_ns), np.bool_)
        for each in numbers:
            is_meant[each] = True
        return np.flatnonzero(is_meant)

    def _uneven_ns(self, pieces: I64) -> float | None:
        """By how much updates come early or late, or show what was used late: from those near marks.

        Where the power is steady, an update between two others lies on the line through these, but for
        e = n1 - (n0 + n2)/2, of variance 3/2 u². Those near marks are taken, and where they are too few the
        first ones of the trace, which a stream keeps as well.
        """
        k = np.searchsorted(self.at_ns, pieces[1:, 0], "right") - 1
        last = len(self.at_ns) - 1
        middle = self._these(np.clip(k + at, 0, last) for at in _TRIPLES)
        middle = middle[(middle > 0) & (middle < last)]
        if len(middle) < _FEWEST:
            middle = np.arange(1, last)[:FIRST]
        t0, t1, t2 = (self.at_ns[middle + i] for i in (-1, 0, 1))
        piece = np.searchsorted(pieces[:, 0], t0, "right")
        steady = (np.searchsorted(pieces[:, 0], t2, "left") == piece) & (t2 > t1) & (t1 > t0)
        middle, t0, t1, t2 = middle[steady], t0[steady], t1[steady], t2[steady]
        c0, c1, c2 = (self.total[middle + i] for i in (-1, 0, 1))
        rate = (c2 - c0) / np.maximum(t2 - t0, 1)
        off = (c1 - c0) - rate * (t1 - t0)
        some = rate > 0
        if some.sum() < _FEWEST:
            return None
        square = np.sort((off[some] ** 2 - self._quantum**2 / 8.0) / (1.5 * rate[some] ** 2))
        return float(np.sqrt(max(square[: max(int(_KEPT * len(square)), 1)].mean(), 0.0)))

    def power(self, pieces: I64, *, is_end: bool) -> PowerBeside:
        """The power at the ends, or at the beginnings, of pieces of time, from the updates inside them.

        An update that may have been outside is left out. At the last end and the first beginning is no mark.
        """
        of = pieces[:-1] if is_end else pieces[1:]
        found = PowerBeside(np.empty(len(of)), np.empty(len(of)))
        for start in range(0, len(of), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            found.value[some], found.u[some] = self._power(of[some], is_end)
        return found

    def _power(self, pieces: I64, is_end: bool) -> PowerBeside:
        first = np.searchsorted(self.at_ns, pieces[:, 0], "left")
        last = np.searchsorted(self.at_ns, pieces[:, 1], "right") - 1
        top = len(self.at_ns) - 1
        half_ns = ROOT_3 * self._own_ns
        at = np.minimum(first, top)
        first = first + (self.at_ns[at] - half_ns[at] < pieces[:, 0])
        at = np.maximum(last, 0)
        last = last - (self.at_ns[at] + half_ns[at] > pieces[:, 1])
        some = last > first
        first, last = np.where(some, first, 0), np.where(some, last, min(1, top))
        of_all, of_next = (
            self._shown(np.maximum(first, last - n), last)
            if is_end
            else self._shown(first, np.minimum(last, first + n))
            for n in (NEAR, 1)
        )
        # What a power of the others would leave open of these two: they may show little by that alone.
        u_next = of_next.u * np.maximum(of_all.value / np.maximum(of_next.value, 1e-300), 1.0)
        # Power may have stepped among them: then the two next to the mark alone show what it is there.
        is_even = np.abs(of_all.value - of_next.value) <= _SURE * u_next
        value, u = np.where(is_even, of_all.value, of_next.value), np.where(is_even, of_all.u, u_next)
        return PowerBeside(np.where(some, value, 0.0), np.where(some, u, np.inf))

    def _shown(self, first: I64, last: I64) -> PowerBeside:
        """The power between two updates of each pair."""
        apart_ns = np.maximum(self.at_ns[last] - self.at_ns[first], 1).astype(np.float64)
        value = (self.total[last] - self.total[first]) / apart_ns
        edges = value * np.hypot(self._spread_ns[first], self._spread_ns[last])
        return PowerBeside(value, np.hypot(edges, self._quantum / math.sqrt(6.0)) / apart_ns)
