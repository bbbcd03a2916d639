"""The fit of a counter's updates under the likeliest schedule of a server's work (:mod:`.request_shares`).

Decision: updates are added up to a tenth of a second, where enough are left. A client sees a token some
milliseconds after it was computed, and a server's steps take up to a tenth of a second. Finer updates would
show the load at another time than the log has it, which makes coefficients too small. What the steps of the
log scatter says how well it is known when work was done, and updates up to eight times as long are taken.

Decision: of all schedules that are tried the one is taken under which the updates are likeliest, whether its
rate was searched for or comes from the log's own steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_MS, NS_PER_S
from ..counters.update_record import Updates
from ..profiling.regression import LOADED, Fit, between_updates, fit
from .requests import IDLE, SHORTEST_NS, STATES, Requests, Schedule, StepClock, Work, computed, prefills, work

F64 = npt.NDArray[np.float64]

_ENOUGH, _PLENTY = 60, 180  # updates that are left at least, up to a tenth of a second, and beyond
# In which a token may have been computed before a client saw it, or after a step began.
LEAST_DOUBT_NS = 100 * NS_PER_MS
_SCATTER = 0.01  # of steps' durations, up to which it is no more than that; beyond, it grows with the scatter
_MOST = 8.0  # times that, at which it is as unsure as it gets
_AT_ONCE = 4  # requests, from which on loads are not known where nothing shows the steps
_OPEN = 2.0  # standard uncertainties by which a direction may move an energy
_QUANTILES = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
FINER = (1.1, 1.05, 1.03, 1.02, 1.01)
"""By how much rates that are tried after others differ from the best one so far."""
_NEARLY = 0.95  # of that doubt: a counter that is updated every 99.9 ms is fine enough for 100 ms
_MUCH = 0.25  # of the measured energy: states that may exchange this much are not told apart


class Fitted(NamedTuple):
    """The fit under one schedule."""

    schedule: Schedule
    works: Mapping[str, Work]
    states: tuple[str, ...]
    design: F64
    late: F64
    fit: Fit
    inseparable: tuple[tuple[str, ...], ...]


class Fitting:
    """Fits of one counter's updates under schedules.

    Args:
        of: The updates.
        requests: The requests.
        u_align_ns: By how much all instants may be off.
        has_idle: Whether idle may have a column.
    """

    def __init__(self, of: Updates, requests: Requests, u_align_ns: int, *, has_idle: bool) -> None:
        self._has_idle = has_idle
        self._of, self._requests, self._u_align_ns = of, requests, u_align_ns
        margin = round(float(of.spread_s.max()) * 2 * NS_PER_S) + abs(u_align_ns)
        self._around_ns = int(of.edges_ns[0]) - margin, int(of.edges_ns[-1]) + margin

    def under(self, schedule: Schedule) -> Fitted:
        """The fit under one schedule."""
        works = work(self._requests, schedule, self._around_ns)
        states, design, late = _columns(works, self._of, self._u_align_ns)
        found = fitted(self._of, design, late)
        groups = _inseparable(found, states, self._of)
        is_lost = not self._has_idle or any(IDLE in group for group in groups)
        if is_lost and IDLE in states and len(states) > 1:
            states, design, late = states[1:], design[:, 1:], late[:, 1:]
            found = fitted(self._of, design, late)
            groups = _inseparable(found, states, self._of)
        return Fitted(schedule, works, states, design, late, found, groups)

    def likeliest(self, clock: StepClock | None) -> Fitted:
        """The fit under the likeliest schedule.

        Args:
            clock: The server's steps, where the log shows them.
        """
        rates = _rates(self._requests)
        clocks = (None,) if clock is None or any(map(len, self._requests.pieces_ns)) else (None, clock)
        tried = [Schedule(False), Schedule(True)]
        tried += [Schedule(True, rate, each) for rate in rates for each in clocks]
        found = [self._refined(min(map(self.under, tried), key=_score))]
        if clock is not None:
            shown = self.under(Schedule(True, clock.rate, clock, by_excess=True))
            found.append(self._refined(shown))
        return min(found, key=_score)

    def _refined(self, best: Fitted) -> Fitted:
        """The likeliest fit with a rate near that of a schedule."""
        for step in FINER if math.isfinite(best.schedule.rate) else ():
            near = [best.schedule._replace(rate=best.schedule.rate * by) for by in (1 / step, step)]
            best = min((best, *map(self.under, near)), key=_score)
        return best


def _score(of: Fitted) -> float:
    return of.fit.score


def _rates(requests: Requests) -> list[float]:
    """Rates at which prompts may have been computed: quantiles of tokens by time, by tokens."""
    begin, end = prefills(requests, Schedule(True))
    tokens = computed(requests)
    some = np.flatnonzero(tokens > 0)
    rate = tokens[some] / np.maximum(end - begin, SHORTEST_NS)[some] * NS_PER_S
    order = np.argsort(rate)
    below = np.cumsum(tokens[some][order])
    at = np.searchsorted(below, np.array(_QUANTILES) * below[-1]) if len(some) else []
    return sorted({float(rate[order][min(i, len(some) - 1)]) for i in at})


def fitted(of: Updates, design: F64, late: F64) -> Fit:
    """The energies of states by their amounts between updates, and by those if all came later."""
    return fit(of, design, design.sum(axis=0), late, np.diff(of.edges_ns) / NS_PER_S)


def joined(of: Updates, by: int) -> Updates:
    """Every so many updates as one: what was counted between them in all."""
    n = len(of.energy_j) // by * by
    return of._replace(
        edges_ns=of.edges_ns[: n + 1 : by],
        energy_j=added(of.energy_j, by),
        is_ok=added(~of.is_ok, by) == 0,
        spread_s=of.spread_s[: n + 1 : by],
    )


def added(values: npt.NDArray[Any], by: int) -> F64:
    """So many neighbours added at a time; what is left over is left out."""
    n = len(values) // by * by
    found: F64 = values[:n].astype(np.float64).reshape(-1, by, *values.shape[1:]).sum(axis=1)
    return found


def doubt_ns(of: Requests, clock: StepClock | None) -> int:
    """How unsure it is when work was done: by how much the log's steps scatter, where it shows steps.

    Elsewhere it is the more so, the more requests are between two instants of one, up to four.
    """
    if clock is not None and math.isfinite(clock.scatter):
        by = clock.scatter / _SCATTER
    else:
        by = 1.0 if any(map(len, of.pieces_ns)) else min(_at_once(of), _AT_ONCE)
    return round(LEAST_DOUBT_NS * min(max(by, 1.0), _MOST))


def is_sure_of_loads(of: Requests, schedule: Schedule) -> bool:
    """Whether it is known well enough when work was done to see how power bends with the load.

    It is where the log's own steps explain the readings best, or where few requests overlap. Elsewhere the
    loads of the log are smoother than those of the server, which looks as if power saturated.
    """
    return schedule.by_excess or any(map(len, of.pieces_ns)) or _at_once(of) < _AT_ONCE


def _at_once(of: Requests) -> float:
    """How many requests there were at once, in the mean."""
    return float((of.end_ns - of.start_ns).sum()) / max(int(of.end_ns.max() - of.start_ns.min()), 1)


def no_finer(of: Updates, doubt_ns: int) -> Updates:
    """The updates, so many as one that their length is that of a log's doubt, where there are enough."""
    n, usual_ns = len(of.energy_j), float(np.median(np.diff(of.edges_ns)))
    least, wanted = (math.ceil(_NEARLY * each / usual_ns) for each in (LEAST_DOUBT_NS, doubt_ns))
    by = min(wanted, max(min(least, n // _ENOUGH), n // _PLENTY))
    return joined(of, by) if by > 1 else of


def _columns(works: Mapping[str, Work], of: Updates, late_ns: int) -> tuple[tuple[str, ...], F64, F64]:
    """The states of which there was something, their amounts between updates, and those if all came later."""

    def until(t_ns: I64) -> F64:
        return np.stack([works[state].until(t_ns) for state in STATES], axis=1)

    design = between_updates(until, of)
    late = between_updates(until, of, late_ns) if late_ns else design
    some = design[of.is_ok].sum(axis=0) > 0
    states = tuple(state for state, is_some in zip(STATES, some.tolist(), strict=True) if is_some)
    return states, design[:, some], late[:, some]


def _inseparable(of: Fit, states: Sequence[str], updates: Updates) -> tuple[tuple[str, ...], ...]:
    """Groups of states whose energies the fit leaves open against one another; groups that touch are one."""
    much = _MUCH * float(updates.energy_j[updates.is_ok].sum())
    groups: list[set[str]] = []
    for number, u in enumerate(of.u_j):
        along = np.abs(of.directions[:, number])
        is_member = along > LOADED if math.isinf(u) else (_OPEN * along * u >= much) & (along > LOADED)
        mine = {state for state, is_in in zip(states, is_member.tolist(), strict=True) if is_in}
        if len(mine) > 1:
            touching = [group for group in groups if group & mine]
            groups = [group for group in groups if not group & mine] + [mine.union(*touching)]
    return tuple(tuple(state for state in states if state in group) for group in groups)
