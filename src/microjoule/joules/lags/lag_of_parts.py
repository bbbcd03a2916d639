"""By how much a package's counter trails that of a part of it, such as its cores. Pure.

What a package used contains what its cores used. So between its updates at t_k a package counted

    C(t_k) - C(t_k-1) = g (P(t_k - D) - P(t_k-1 - D)) + b (t_k - t_k-1) + rest,

P being the part's count, g and b the line on which the rest of the package goes with the part, and D the lag
of the package less that of the part. The line is profiled out, so that each D leaves a sum of squares, and
the least of these tells D. How well it is known is found as beside a gauge (:mod:`.lag_beside_gauge`): by
leaving out one block of updates after the other, and by all D that leave little more than the least.

Between two updates a count is taken for a straight line, and power that stepped there strays from it, least
where the updates of both counters coincide: so a D that makes them coincide would leave too little. Therefore
both sides are averaged over some updates with the same weights, which takes out most of what strays between
two; and the changes of these averages are compared, because what the rest of the package does on its own is
mostly slow.

Readings no denser than updates tell nothing. Some of them show two updates and some none, at a beat with the
readings, and where power goes up and down regularly a lag that is wrong by milliseconds fits best.

A lag that both share changes nothing in this and is not seen: what is learnt is a difference. It places the
figures and is in their 95 % intervals where one of the two lags was measured; guaranteed intervals allow what
they did. Only where one counter surely trails another by more than its declared lag is that lag taken to be
longer, in both.

Decision: DRAM and other parts that lie outside a package are not compared with it. Their power changes with
the program and not with the package, so that a difference may be the program's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ..counters.counter import Counter
from ..counters.update_record import UpdateRecord
from ..counters.update_times import Located, UpdateTimes, learn
from ..estimates.brackets import F64
from ..estimates.lag_search import NEARLY, half_width_ns, of_least, without_one

_PART = 8  # steps of the search to an update
_FARTHEST = 8  # updates or declared lags by which one may trail the other
_BLOCKS, _FEWEST, _BLOCK = 24, 8, 128
_SHAPE = np.hanning(11)[1:-1]
_SMOOTH = np.convolve(_SHAPE / _SHAPE.sum(), (1.0, -1.0))
_SURE = 2.5  # standard uncertainties of a jackknife over some blocks, for 95 %
_CLEAR = 0.1  # of the changes of the package's power, the least that the part's explain
_GAIN = 0.5  # of these changes on those of the part, below which the part is not inside
_BOTH = 1.9  # of two rectangular ones of like size, for 95 %
_OWN = 0.03  # of an update, what steps between two of them leave
_ALIKE = 0.8  # of what the best difference explains: where another one does so too, swings repeat


class LagDifference(NamedTuple):
    """By how much a counter trails another one, in nanoseconds: the likeliest, and its half-width at 95 %."""

    ns: float
    half_ns: float


class Recorded(NamedTuple):
    """A counter with its updates."""

    counter: Counter
    record: UpdateRecord


class _Columns(NamedTuple):
    """Updates of a counter: when they were, and what had been counted by then, in joules."""

    t_ns: I64
    counted: F64
    times: UpdateTimes
    usual_ns: int

    @classmethod
    def of(cls, one: Recorded) -> _Columns:
        instants, widths, total = one.record.columns()
        instants = instants + one.counter.declared.middle_lag_ns
        earliest, latest = instants - widths // 2, instants + (widths - widths // 2)
        apart = np.diff(instants)
        usual_ns = int(np.median(apart)) if len(apart) else 0
        learned = learn(earliest, latest, max(usual_ns, 1))
        ends = np.stack((earliest, latest), axis=1).ravel()
        nothing = np.zeros(len(ends), np.uint32)
        times = UpdateTimes(ends, nothing, np.arange(1, len(ends), 2), learned)
        return cls(instants, one.counter.quantity(total - total[:1], 0), times, usual_ns)


def lag_difference(whole: Recorded, part: Recorded) -> LagDifference | None:
    """The lag of a counter less that of a part; None: neither swings nor dense readings show it.

    Args:
        whole: What contains the part.
        part: The part.
    """
    if not (whole.counter.has_dense_readings and part.counter.has_dense_readings):
        return None
    of, inside = _Columns.of(whole), _Columns.of(part)
    slower_ns = max(of.usual_ns, inside.usual_ns)
    if min(len(of.t_ns), len(inside.t_ns)) < _FEWEST * _BLOCK:
        return None
    farthest = _FARTHEST * max(slower_ns, whole.counter.declared.lag_ns, part.counter.declared.lag_ns)
    step = max(slower_ns // _PART, 1)
    shifts = step * np.arange(-(farthest // step) - 1, farthest // step + 2)
    reach_ns = int(shifts[-1]) + 2 * slower_ns
    k = _blocks(of, inside, reach_ns)
    if len(k) < _FEWEST:
        return None
    at = of.times.located(k.ravel())
    edges = at.t_ns.reshape(k.shape)
    around = _around(inside, edges, reach_ns)
    of_part = inside.times.located(around)
    known = np.maximum.accumulate(of_part.t_ns), inside.counted[around]
    squares = _Squares(edges, of.counted[k], known, shifts)
    every = np.ones(len(k))
    best = squares.best(every)
    if best is None or not squares.is_clear():
        return None
    others = without_one(squares.best, len(k))
    if others is None:
        return None
    left, _, _ = squares.left(every)
    possible = shifts[left <= left.min() * (1 + NEARLY * len(_SHAPE) / (len(k) * _BLOCK))]
    wide = half_width_ns(best, _SURE, others, possible)
    located = _BOTH * float(np.hypot(_phase(at), _phase(of_part)))
    return LagDifference(best, math.hypot(wide, located, _OWN * slower_ns))


def _phase(at: Located) -> float:
    """What all updates may be off by together: the phase of their grid, or their brackets."""
    return float(np.median(np.where(at.is_on_grid, at.phase_ns, at.own_ns)))


def _blocks(of: _Columns, inside: _Columns, reach_ns: int) -> I64:
    """int64[blocks, _BLOCK + 1]: the updates of those blocks in which power varies most."""
    first, last = np.searchsorted(of.t_ns, (inside.t_ns[0] + reach_ns, inside.t_ns[-1] - reach_ns)).tolist()
    # Between two updates of a coarser part nothing is known of it.
    apart = max(round(inside.usual_ns / of.usual_ns), 1)
    number = np.arange(first, last, apart)
    starts = np.arange(0, len(number) - _BLOCK, _BLOCK)
    k = (
        number[starts[:, None] + np.arange(_BLOCK + 1)]
        if len(starts)
        else np.empty((0, _BLOCK + 1), np.int64)
    )
    some = k[:, :: len(_SHAPE)]
    power = np.diff(of.counted[some], axis=1) / np.diff(of.t_ns[some], axis=1)
    found: I64 = k[np.sort(np.argsort(-power.var(1), kind="stable")[:_BLOCKS])]
    return found


def _around(inside: _Columns, edges_ns: I64, reach_ns: int) -> I64:
    """int64: the updates of a part during blocks of its package, and so far around them."""
    first = np.searchsorted(inside.t_ns, edges_ns[:, 0] - reach_ns)
    last = np.searchsorted(inside.t_ns, edges_ns[:, -1] + reach_ns)
    wanted = np.zeros(len(inside.t_ns) + 1, np.int64)
    np.add.at(wanted, first, 1)
    np.add.at(wanted, last, -1)
    found: I64 = np.flatnonzero(np.cumsum(wanted[:-1]) > 0)
    return found


class _Squares:
    """What each difference of lags leaves.

    Args:
        edges_ns: int64[blocks, n + 1], updates of the package.
        counted: float64[blocks, n + 1], what it had counted.
        part: When the part was updated, and what it had counted.
        shifts_ns: int64[shifts].
    """

    def __init__(self, edges_ns: I64, counted: F64, part: tuple[I64, F64], shifts_ns: I64) -> None:
        self._shifts_ns = shifts_ns
        c, t = _changes(counted), _changes((edges_ns - edges_ns[:, :1]) / 1e9)
        sums = []
        for shift_ns in shifts_ns.tolist():
            p = _changes(np.interp(edges_ns - shift_ns, *part))
            pairs = ((p, p), (p, t), (p, c), (t, t), (t, c), (c, c))
            sums.append([np.einsum("bk,bk->b", one, other) for one, other in pairs])
        self._sums: F64 = np.array(sums).transpose(1, 0, 2)  # [6, shifts, blocks]

    def left(self, weights: F64) -> tuple[F64, F64, F64]:
        """float64[shifts] each: the sum of squares left, the gain, and the share that the part explains."""
        pp, pt, pc, tt, tc, cc = self._sums @ weights
        tt = np.maximum(tt, 1e-300)
        own, both, alone = pp - pt**2 / tt, pc - pt * tc / tt, cc - tc**2 / tt
        gain = np.maximum(both, 0.0) / np.maximum(own, 1e-300)
        explained = gain * both / np.maximum(alone, 1e-300)
        return np.maximum(alone - gain * both, 0.0), gain, explained

    def best(self, weights: F64) -> float | None:
        """The difference that leaves least; None: it is at an end of those asked for."""
        return of_least(self.left(weights)[0], self._shifts_ns)

    def is_clear(self) -> bool:
        """Whether the package's power changes with the part's, no less, and at one difference alone."""
        left, gain, explained = self.left(np.ones(self._sums.shape[2]))
        i = int(np.argmin(left))
        is_low = (left[1:-1] <= left[:-2]) & (left[1:-1] < left[2:])
        alike = np.count_nonzero(is_low & (explained[1:-1] > _ALIKE * explained[i]))
        return bool(gain[i] >= _GAIN and explained[i] >= _CLEAR and alike == 1)


def _changes(counted: F64) -> F64:
    """How averages of successive increments change, along the last axis."""
    increments = np.diff(counted, axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(increments, len(_SMOOTH), axis=-1)
    found: F64 = windows @ _SMOOTH
    return found
