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

A profile is gone through block by block (:mod:`.sample_cells`), once for points and three times for a fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.update_record import Updates, every_update, thinned
from .sample_cells import F64, Bools, Cells, Sampled, cells
from .sample_fit import SampleFit, fitted
from .sample_sums import Summing, Sums
from .state_fit import StateFit

POINTS, FIT = "points", "fit"
_FINE = 0.25  # of an update that samples must be apart at most for a fit
_BESIDE = 3  # updates on either side of the span
_MIXED = 1.0 / 6.0  # of an update in which a change falls, the other function's part at a sample


class Shares(NamedTuple):
    """The energy of samples, summed by stack.

    Attributes:
        way: ``points`` or ``fit``.
        sums: By node.
        idle_j: The energy of the time between samples in which no thread ran.
        idle_s: How long that was.
        outside_j: The energy of the time before the first sample and after the last one.
        outside_s: How long that was.
        update_s: The usual time between two updates.
        period_s: The time between two samples of a thread that runs.
        fit: Where there is one.
    """

    way: str
    sums: Sums
    idle_j: float
    idle_s: float
    outside_j: float
    outside_s: float
    update_s: float
    period_s: float
    fit: StateFit | None


class _Powers(NamedTuple):
    """What is said of each sample of a block: energies as they are before all are scaled, and its column."""

    energy_j: F64
    late_j: F64
    column: I64
    is_open: Bools


def around(counter: Counter, t0_ns: int, t1_ns: int) -> Updates:
    """The updates of a span and a few on either side of it, so that its ends lie between two."""
    timing = counter.channel.timing
    margin = _BESIDE * (max(timing.update_ns or 0, timing.update_max_ns) + timing.lag_ns)
    return every_update(counter, t0_ns - margin, t1_ns + margin)


def shares(of: Updates, sampled: Sampled, total_j: float, t_ns: tuple[int, int]) -> Shares:
    """The energy of each stack.

    Args:
        of: The counter's updates, of :func:`around`.
        sampled: The samples; at least one.
        total_j: What the counter says of the whole span.
        t_ns: From when to when that is.
    """
    counted = _Counted(of)
    update_s = float(np.median(np.diff(of.edges_ns))) / NS_PER_S
    way = FIT if sampled.period_ns < _FINE * update_s * NS_PER_S else POINTS
    fit = fitted(thinned(of), sampled) if way == FIT else None
    powers = _by_fit(fit) if fit else _by_points(counted, update_s, round(sampled.u_ns))
    summing = Summing(sampled.nodes, fit.columns if fit else 0)
    idle_j = idle_s = 0.0
    first, last = t_ns[1], t_ns[0]
    for block in cells(sampled):
        summing.add(block, *powers(block))
        pauses = block.pauses_ns
        idle_j += float(counted.of(pauses[:, 0], pauses[:, 1]).sum())
        idle_s += float((pauses[:, 1] - pauses[:, 0]).sum()) / NS_PER_S
        own = block.cells_ns[block.own]
        first, last = (
            min(first, int(own[:, 0].min(initial=first))),
            max(last, int(own[:, 1].max(initial=last))),
        )
    first, last = max(first, t_ns[0]), min(last, t_ns[1])
    # Of the counter's lines between updates; what they round is scaled away below.
    ends = counted.of(np.array([t_ns[0], last]), np.array([first, t_ns[1]]))
    sampled_j = max(total_j - float(ends.sum()), 0.0)
    return Shares(
        way,
        summing.scaled(max(sampled_j - idle_j, 0.0)),
        idle_j,
        idle_s,
        total_j - sampled_j,
        (t_ns[1] - t_ns[0] - (last - first)) / NS_PER_S,
        update_s,
        sampled.period_ns / NS_PER_S,
        fit.states if fit else None,
    )


def _by_points(counted: _Counted, update_s: float, u_ns: int) -> Callable[[Cells], _Powers]:
    """The power of the update in which a sample lies, with what an update mixed at each change moved back."""

    def powers(of: Cells) -> _Powers:
        chain = _Chain(of)
        t_ns, n = of.of.t_ns, len(of.time_s)
        now, late = (
            chain.unmixed(counted.watts(t) * of.time_s, of.time_s, update_s) for t in (t_ns, t_ns + u_ns)
        )
        return _Powers(now, late, np.full(n, -1, np.int64), np.zeros(n, bool))

    return powers


def _by_fit(fit: SampleFit) -> Callable[[Cells], _Powers]:
    """The power of the state in which a sample lies."""

    def powers(of: Cells) -> _Powers:
        watts, column, is_open = fit.at(of)
        energy_j = watts * of.time_s
        return _Powers(energy_j, energy_j, column, is_open)

    return powers


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
        block: The samples.
    """

    def __init__(self, block: Cells) -> None:
        of, following, is_next = block.of, block.following, block.is_next
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
