"""The energy of sampled moments: what a counter counted, shared among samples of what ran.

A profiler looks at instants t_i what each running thread is in. Sample i stands for the time w_i around it,
to half way to the thread's next sample, shared equally with the threads that ran at the same time. Time in
which no thread ran is idle. Two ways lead from time to energy, by which is the finer grid:

* *points*: samples no more often than the counter's updates. The power of the update in which t_i lies, times
  w_i. A function that is as often sampled in updates of 30 W as in those of 90 W used 60 W: ALEA's estimator
  (Mukhanov et al., ACM TACO 14(1), 2017, doi 10.1145/3050436), for which no function need outlast the time
  between samples. An update in which the function changed mixes two powers: in one of length T around a
  sample near a change the other function has T/6 on average (the mean of u(1-u), the change being anywhere in
  it). So the difference of the powers of neighbouring samples of different functions, times T/6, is moved
  back.
* *fit*: several samples in each update. What ran is then known better than the energy: each function has one
  mean power, fitted over all updates (:mod:`.regression`), and a sample has the power of its function.

All samples together are then scaled to the energy of their time, which is measured: the sum of all samples,
idle time and time that was not sampled is the counter's energy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from ..units import NS_PER_S
from .attribution import Span, States
from .counter import Counter
from .occupancy import Events, Occupancy, together
from .update_record import Updates, updates

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

POINTS, FIT = "points", "fit"
_FINE = 0.25  # of an update that samples must be apart at most for a fit
_BESIDE = 3  # updates on either side of the span
_APART = 1.75  # periods beyond which a thread did not run between two of its samples
_MIXED = 1.0 / 6.0  # of an update in which a change falls, the other function's part at a sample


class Moments(NamedTuple):
    """Samples of what ran, in the trace's time.

    Attributes:
        t_ns: int64[n], ascending, CLOCK_MONOTONIC.
        thread: int32[n], from 0 on.
        what: int32[n], what each thread was in, from 0 on.
        period_ns: The time between two samples of a thread that runs.
        u_ns: Standard uncertainty of the instants, all early or late together.
    """

    t_ns: I64
    thread: I32
    what: I32
    period_ns: int
    u_ns: float


class Shares(NamedTuple):
    """The energy of each sample.

    Attributes:
        way: ``points`` or ``fit``.
        energy_j: float64[n].
        late_j: float64[n], if the samples are later than thought by their standard uncertainty.
        time_s: float64[n], what each stands for.
        threads: float64[n], how many threads ran at once, in the mean of its time.
        is_next: bool[n], whether the thread's next sample follows without a pause.
        following: int64[n], which sample that is; itself where there is none.
        idle_j: The energy of the time between samples in which no thread ran.
        idle_s: How long that was.
        outside_j: The energy of the time before the first sample and after the last one.
        outside_s: How long that was.
        update_s: The usual time between two updates.
        span: The fit, where there is one.
        column: int64[n], the fit's column of each sample; -1: none.
        is_open: bool[n], whether the fit left a sample's power open against that of others.
    """

    way: str
    energy_j: F64
    late_j: F64
    time_s: F64
    threads: F64
    is_next: npt.NDArray[np.bool_]
    following: I64
    idle_j: float
    idle_s: float
    outside_j: float
    outside_s: float
    update_s: float
    span: Span | None
    column: I64
    is_open: npt.NDArray[np.bool_]


def around(counter: Counter, t0_ns: int, t1_ns: int) -> Updates:
    """The updates of a span and a few on either side of it, so that its ends lie between two."""
    timing = counter.channel.timing
    margin = _BESIDE * (max(timing.update_ns or 0, timing.update_max_ns) + timing.lag_ns)
    return updates(counter, t0_ns - margin, t1_ns + margin)


def shares(counter: Counter, of: Updates, moments: Moments, total_j: float, t_ns: tuple[int, int]) -> Shares:
    """The energy of each sample.

    Args:
        counter: The counter.
        of: Its updates, of :func:`around`.
        moments: The samples; at least one.
        total_j: What the counter says of the whole span.
        t_ns: From when to when that is.
    """
    cells, following, is_next = _cells(moments)
    time_s, threads, gaps = _shared(cells)
    first, last = int(cells[:, 0].min()), int(cells[:, 1].max())
    counted = _Counted(of)
    idle = counted.of(gaps[:, 0], gaps[:, 1]).sum() if len(gaps) else 0.0
    first, last = max(first, t_ns[0]), min(last, t_ns[1])
    # Of the counter's lines between updates; what they round is scaled away below.
    ends = counted.of(np.array([t_ns[0], last]), np.array([first, t_ns[1]]))
    sampled_j = max(total_j - float(ends.sum()), 0.0)
    update_s = float(np.median(np.diff(of.edges_ns))) / NS_PER_S
    way = FIT if moments.period_ns < _FINE * update_s * NS_PER_S else POINTS
    span, column, is_open = None, np.full(len(time_s), -1, np.int64), np.zeros(len(time_s), bool)
    if way == FIT:
        occupancy = _occupancy(moments, cells, of)
        span = Span(counter, of, occupancy, moments.u_ns)
        watts, column, is_open = _fitted_w(span, occupancy, moments.t_ns)
        late_w = watts
    else:
        watts = counted.watts(moments.t_ns)
        late_w = counted.watts(moments.t_ns + round(moments.u_ns))
    raw, late = watts * time_s, late_w * time_s
    if way == POINTS:
        chain = _Chain(moments, following, is_next)
        raw = chain.unmixed(raw, time_s, update_s)
        late = chain.unmixed(late, time_s, update_s)
    busy_j = max(sampled_j - float(idle), 0.0)
    return Shares(
        way,
        _scaled(raw, busy_j),
        _scaled(late, busy_j),
        time_s,
        threads,
        is_next,
        following,
        float(idle),
        float((gaps[:, 1] - gaps[:, 0]).sum()) / NS_PER_S,
        total_j - sampled_j,
        (t_ns[1] - t_ns[0] - (last - first)) / NS_PER_S,
        update_s,
        span,
        column,
        is_open,
    )


def _scaled(energies: F64, to_j: float) -> F64:
    whole = float(energies.sum())
    return energies * (to_j / whole) if whole > 0 else np.full(len(energies), to_j / max(len(energies), 1))


def _cells(of: Moments) -> tuple[I64, I64, npt.NDArray[np.bool_]]:
    """The time that each sample stands for; which sample of its thread follows; and whether at once."""
    n = len(of.t_ns)
    order = np.lexsort((of.t_ns, of.thread))
    t = of.t_ns[order]
    gap = np.diff(t)
    near = (np.diff(of.thread[order]) == 0) & (gap < _APART * of.period_ns)
    half = of.period_ns // 2
    middle = t[:-1] + gap // 2
    start, end = t - half, t + half
    start[1:] = np.where(near, middle, start[1:])
    end[:-1] = np.where(near, middle, end[:-1])
    # Of one thread no two samples stand for one time, however late one of them came.
    same = np.diff(of.thread[order]) == 0
    start[1:] = np.where(same, np.maximum(start[1:], end[:-1]), start[1:])
    cells = np.empty((n, 2), np.int64)
    cells[order] = np.stack((start, np.maximum(end, start)), axis=1)
    following, is_next = np.arange(n), np.zeros(n, bool)
    following[order[:-1]] = np.where(near, order[1:], order[:-1])
    is_next[order[:-1]] = near
    return cells, following, is_next


def _shared(cells: I64) -> tuple[F64, F64, I64]:
    """Seconds of each cell, shared among those at once; how many those are; and the pauses of all."""
    n = len(cells)
    times = np.concatenate((cells[:, 0], cells[:, 1]))
    order = np.argsort(times, kind="stable")
    at = times[order]
    running = np.cumsum(np.where(order < n, 1, -1))
    long = np.diff(at, append=at[-1]).astype(float)
    part = np.concatenate(([0.0], np.cumsum(np.where(running > 0, long / np.maximum(running, 1), 0.0))))
    place = np.empty(2 * n, np.int64)
    place[order] = np.arange(2 * n)
    shared = part[place[n:]] - part[place[:n]]
    whole = (cells[:, 1] - cells[:, 0]).astype(float)
    threads = np.where(shared > 0, whole / np.where(shared > 0, shared, 1.0), 1.0)
    still = np.flatnonzero((running == 0) & (long > 0))
    gaps = np.stack((at[still], at[still] + long[still].astype(np.int64)), axis=1)
    return shared / NS_PER_S, threads, gaps


class _Counted:
    """What had been counted at an instant: straight lines between updates."""

    def __init__(self, of: Updates) -> None:
        self._edges = of.edges_ns
        mean_w = of.energy_j[of.is_ok].sum() / max(float(np.diff(of.edges_ns)[of.is_ok].sum()), 1.0)
        long = np.diff(of.edges_ns).astype(float)
        energy = np.where(of.is_ok, of.energy_j, mean_w * long)
        self._sum = np.concatenate(([0.0], np.cumsum(energy)))
        self._watts = energy / long * NS_PER_S

    def of(self, t0_ns: I64, t1_ns: I64) -> F64:
        """Joules between instants."""
        at = [np.interp((t - self._edges[0]).astype(float), self._x, self._sum) for t in (t0_ns, t1_ns)]
        found: F64 = at[1] - at[0]
        return found

    @property
    def _x(self) -> F64:
        found: F64 = (self._edges - self._edges[0]).astype(float)
        return found

    def watts(self, t_ns: I64) -> F64:
        """The mean power of the update that each instant lies in."""
        at = np.clip(np.searchsorted(self._edges, t_ns, "right") - 1, 0, len(self._watts) - 1)
        found: F64 = self._watts[at]
        return found


class _Chain:
    """The samples of each thread as they follow one another, and where the function changes.

    Args:
        of: The samples.
        following: int64[n], the next sample of the thread.
        is_next: bool[n], whether it comes at once.
    """

    def __init__(self, of: Moments, following: I64, is_next: npt.NDArray[np.bool_]) -> None:
        before = np.arange(len(following))
        before[following[is_next]] = np.flatnonzero(is_next)
        self._before = np.flatnonzero(is_next & (of.what[following] != of.what))
        self._after = following[self._before]
        # The samples at a change are mixed themselves: one further away, of the same stay, shows the power.
        earlier, later = before[self._before], following[self._after]
        self._clear_before = np.where(of.what[earlier] == of.what[self._before], earlier, self._before)
        self._clear_after = np.where(of.what[later] == of.what[self._after], later, self._after)

    def unmixed(self, energy: F64, time_s: F64, update_s: float) -> F64:
        """The energies, with what an update mixed at each change moved back: T/6 of the step."""
        watts = energy / np.where(time_s > 0, time_s, 1.0)
        step = watts[self._clear_before] - watts[self._clear_after]
        least = np.minimum(time_s[self._before], time_s[self._after])
        moved = step * np.minimum(update_s * _MIXED, least / 2)
        found = energy.copy()
        np.add.at(found, self._before, moved)
        np.add.at(found, self._after, -moved)
        return found


def _occupancy(of: Moments, cells: I64, updates: Updates) -> Occupancy:
    names = tuple(map(str, range(int(of.what.max()) + 1)))
    events = Events(names, of.what.astype(np.int64), cells[:, 0], cells[:, 1], of.thread.astype(np.int64))
    margin = round(float(updates.spread_s.max()) * 2 * NS_PER_S)
    return together(events, int(updates.edges_ns[0]) - margin, int(updates.edges_ns[-1]) + margin)


def _fitted_w(span: Span, occupancy: Occupancy, t_ns: I64) -> tuple[F64, I64, npt.NDArray[np.bool_]]:
    """The power of the state in which each sample lies, the fit's column of it, and whether it is open.

    States that the readings leave open against one another have their mean power.
    """
    watts = States.of(span).watts.copy()
    column_of = np.full(len(watts), -1, np.int64)
    for number, states in enumerate(span.columns):
        column_of[states] = number
    is_open = np.zeros(len(watts), bool)
    for group in span.groups():
        members = sorted(group)
        mean_w = span.fit.energy_j[members].sum() / span.time_s[members].sum()
        for number in members:
            watts[span.columns[number]] = mean_w
            is_open[span.columns[number]] = True
    starts = np.concatenate([each[:, 0] for each in occupancy.pieces])
    of_piece = np.repeat(np.arange(len(occupancy.pieces)), [len(each) for each in occupancy.pieces])
    order = np.argsort(starts, kind="stable")
    at = np.clip(np.searchsorted(starts[order], t_ns, "right") - 1, 0, None)
    state = of_piece[order][at]
    found: F64 = watts[state]
    return found, column_of[state], is_open[state]
