"""The energy of each request of a server that batches: a fit by what the batch was made of.

Between two updates a counter counted

    y_k = P_idle t_k + P_running r_k + e_prefill p_k + e_decode d_k + noise

with the time t_k, the request-seconds r_k, the prompt tokens p_k and the output tokens d_k between them
(:mod:`.requests`). The four coefficients are never negative, and come from all updates at once by
:func:`.regression.fit`. A request's *share* is what its own tokens and seconds take by them. What idle takes
is nobody's, and what the states leave unexplained stands by itself: shares, idle and unexplained energy add
up to what was measured.

A share has the interval of its combination of coefficients. It is narrow also where single coefficients are
not known: at one request at a time whose prefill and decode always run at the same speed, "running" cannot
be distinguished from the tokens, and what all three take together can.

Where the server was never idle, or always, its idle power and that of its requests cannot be distinguished.
Then there is no idle column, and requests carry what is drawn whether they are there or not.

Decision: updates are added up to a tenth of a second, where enough are left. A client sees a token some
milliseconds after it was computed, and a server's steps take up to a tenth of a second. Finer updates would
show the load at another time than the log has it, which makes coefficients too small. Where the log has three
instants a request, what lies between is known to some tenths of a second, and updates are as long as that.

Decision: power is linear in the states. A GPU near its power limit is not: its requests' shares then follow
the mean slope, and energy is left unexplained. The report says how much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import TooFewUpdates
from ..trace.series import I64
from ..units import NS_PER_MS, NS_PER_S
from ..value_class import dataclass
from .budget import sensor
from .counter import Counter
from .estimate import Estimate
from .regression import LOADED, Fit, between_updates, fit, places_ns
from .requests import IDLE, SHORTEST_NS, STATES, Requests, Schedule, Work, computed, prefills, work
from .saturation import bent
from .step_clock import step_clock
from .uncertainty import NORMAL, RECTANGULAR, Component
from .update_record import Updates

F64 = npt.NDArray[np.float64]

_ROOT_3 = math.sqrt(3.0)
_FEWEST = 12  # updates below which four coefficients and their scatter cannot be had
_ENOUGH = 60  # updates that are left at least where several are taken as one
# In which a token may have been computed before a client saw it, or after a step began.
_DOUBT_NS = 100 * NS_PER_MS
_AT_ONCE = 4  # requests, beyond which that is as unsure as it gets where pieces of answers have no times
_OPEN = 2.0  # standard uncertainties by which a direction may move an energy
_QUANTILES = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
_FINER = (1.1, 1.05, 1.03, 1.02, 1.01)
_NEARLY = 0.95  # of that: a counter that is updated every 99.9 ms is fine enough for 100 ms
_MUCH = 0.25  # of the measured energy: states that may exchange this much are not told apart


@dataclass(frozen=True, slots=True, eq=False)
class RequestShares:
    """The energy of requests over a span of a counter.

    Attributes:
        counter: The counter.
        requests: All of them.
        t0_ns: The beginning of the span: an update.
        t1_ns: Its end: another one.
        measured: What the counter says of the span.
        states: The states that have a column.
        schedule: The likeliest one.
        totals: float64[m], how much there was of each state between the updates of the span.
        amounts: float64[n, m], what each request had of each state in the span.
        is_whole: bool[n], whether a request lies in the span with all its time.
        fit: The fit.
        timing_j: float64[m], by how much energies move if every second update is fitted: what is not known
            of when the work was done matters half as much there.
        rate_j: float64[m], by how much energies move with the next rate that was tried.
        bent_j: float64[n, m], by how much each share differs if power saturates (:mod:`.saturation`).
        bend: How much it does: 0 where power is linear, 1 where the usual load draws half of that.
        inseparable: Groups of states whose energies are known together only.
    """

    counter: Counter
    requests: Requests
    t0_ns: int
    t1_ns: int
    measured: Estimate
    states: tuple[str, ...]
    schedule: Schedule
    totals: F64
    amounts: F64
    is_whole: npt.NDArray[np.bool_]
    fit: Fit
    timing_j: F64
    rate_j: F64
    bent_j: F64
    bend: float
    inseparable: tuple[tuple[str, ...], ...]

    @property
    def is_idle_known(self) -> bool:
        """Whether idle power is known apart from that of requests."""
        return IDLE in self.states

    @property
    def values_j(self) -> F64:
        """float64[n]: each request's share, in J, of the part of it that lies in the span."""
        found: F64 = self.amounts @ (self.fit.energy_j / self.totals)
        return found

    def share(self, number: int) -> Estimate:
        """The energy of one request."""
        of, t = self.requests, (self.t0_ns, self.t1_ns)
        ends = np.clip([of.start_ns[number], of.end_ns[number]], *t)
        return self._of(self.amounts[number], ends[:1], ends[1:], float(self.bent_j[number].sum()))

    def of_some(self, numbers: Sequence[int] | I64) -> Estimate:
        """The energy of several requests together."""
        at = np.asarray(numbers, np.int64)
        whole = np.array([self.t0_ns]), np.array([self.t1_ns])
        return self._of(self.amounts[at].sum(axis=0), *whole, float(self.bent_j[at].sum()))

    def of_state(self, states: Iterable[str], numbers: Sequence[int] | I64 | None = None) -> Estimate:
        """The energy of some states, of all requests or of some."""
        at = slice(None) if numbers is None else np.asarray(numbers, np.int64)
        amounts = self.totals if numbers is None else self.amounts[at].sum(axis=0)
        mine = np.isin(self.states, list(states))
        whole = np.array([self.t0_ns]), np.array([self.t1_ns])
        return self._of(np.where(mine, amounts, 0.0), *whole, float(self.bent_j[at][:, mine].sum()))

    def coefficient(self, state: str) -> Estimate:
        """What a unit of a state takes: W of idle and of a running request, J of a token."""
        energy = self.of_state([state])
        return energy / float(self.totals[self.states.index(state)])

    @property
    def unexplained(self) -> Estimate:
        """What was measured and is neither idle's nor any request's; it may be negative."""
        whole = np.array([self.t0_ns]), np.array([self.t1_ns])
        all_ = self._of(self.totals, *whole, float(self.bent_j.sum()))
        return self.measured - all_

    def _of(self, amounts: F64, t0: I64, t1: I64, bent_j: float = 0.0) -> Estimate:
        parts = amounts / self.totals
        value = float(parts @ self.fit.energy_j)
        is_known = not self.fit.is_open(parts)
        counter, duration_s = self.counter, float((t1 - t0).sum()) / NS_PER_S
        name = f"{counter.channel.id}@{counter.machine}/{self.t0_ns}/{self.t1_ns}"
        moved = float(parts @ self.fit.shift_j)
        late = float(parts @ self.timing_j)
        components = (
            *self.fit.components(parts, f"requests:{name}"),
            Component("alignment", moved, "B", RECTANGULAR, group=f"alignment:{name}"),
            Component("work times", 2 * late / _ROOT_3, "B", RECTANGULAR, group=f"work:{name}"),
            Component(
                "prompt rate", float(parts @ self.rate_j) / _ROOT_3, "B", RECTANGULAR, group=f"rate:{name}"
            ),
            Component("lack of fit", bent_j, "B", NORMAL, group=f"bend:{name}"),
            *sensor(counter.channel, counter.machine, value, duration_s),
        )
        return Estimate(
            value=value if is_known else None,
            low=0.0,
            high=max(float(counter.bounds(t0, t1).high.sum()), value),
            status="ok" if is_known else "incomplete",
            provenance=counter.channel.provenance,
            accuracy=counter.channel.trust.accuracy,
            components=components if is_known else (),
        )


def shares(
    counter: Counter,
    of: Updates,
    requests: Requests,
    u_align_ns: float = 0.0,
    schedule: Schedule | None = None,
    *,
    has_idle: bool = True,
) -> RequestShares:
    """The energies of requests over the updates of a counter.

    Args:
        counter: The counter.
        of: Its updates over the span.
        requests: The requests.
        u_align_ns: Standard uncertainty of the requests' instants, all late or early together.
        schedule: When prompts were computed; None: the likeliest schedule.
        has_idle: Whether idle may have a column of its own.

    Raises:
        TooFewUpdates: There are too few for a fit.
    """
    if int(of.is_ok.sum()) < _FEWEST:
        raise TooFewUpdates(
            f"{counter.channel.id} shows {int(of.is_ok.sum())} updates while requests ran, and a fit needs "
            f"{_FEWEST}",
            "Record for longer, or take a --channel that is updated more often",
        )
    of = _no_finer(of, _doubt_ns(requests))
    fitting = _Fitting(of, requests, round(u_align_ns), has_idle=has_idle)
    best = fitting.likeliest() if schedule is None else fitting.under(schedule)
    return _finished(counter, of, requests, fitting, best)


class _Fitted(NamedTuple):
    """The fit under one schedule."""

    schedule: Schedule
    works: Mapping[str, Work]
    states: tuple[str, ...]
    design: F64
    late: F64
    fit: Fit
    inseparable: tuple[tuple[str, ...], ...]


class _Fitting:
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

    def under(self, schedule: Schedule) -> _Fitted:
        """The fit under one schedule."""
        works = work(self._requests, schedule, self._around_ns)
        states, design, late = _columns(works, self._of, self._u_align_ns)
        found = _fit(self._of, design, late)
        groups = _inseparable(found, states, self._of)
        is_lost = not self._has_idle or any(IDLE in group for group in groups)
        if is_lost and IDLE in states and len(states) > 1:
            states, design, late = states[1:], design[:, 1:], late[:, 1:]
            found = _fit(self._of, design, late)
            groups = _inseparable(found, states, self._of)
        return _Fitted(schedule, works, states, design, late, found, groups)

    def likeliest(self) -> _Fitted:
        """The fit under the likeliest schedule."""
        rates, clock = _rates(self._requests), step_clock(self._requests)
        clocks = (None,) if clock is None or any(map(len, self._requests.pieces_ns)) else (None, clock)
        tried = [Schedule(False), Schedule(True)]
        tried += [Schedule(True, rate, each) for rate in rates for each in clocks]
        if clock is not None:
            tried.append(Schedule(True, clock.rate, clock, by_excess=True))
        best = min(map(self.under, tried), key=_score)
        for step in _FINER:
            if not math.isfinite(best.schedule.rate):
                break
            near = [best.schedule._replace(rate=best.schedule.rate * by) for by in (1 / step, step)]
            best = min((best, *map(self.under, near)), key=_score)
        return best


def _score(of: _Fitted) -> float:
    return of.fit.score


def _finished(
    counter: Counter, of: Updates, requests: Requests, fitting: _Fitting, best: _Fitted
) -> RequestShares:
    t0, t1 = int(of.edges_ns[0]), int(of.edges_ns[-1])
    other = fitting.under(best.schedule._replace(rate=best.schedule.rate * _FINER[-1]))
    curve = bent(of, best.states, best.works)
    amounts = _amounts(best, of, len(requests))
    linear_j = amounts * (best.fit.energy_j / best.design.sum(axis=0))
    bent_j = curve.of_each(best.works, best.states, len(requests)) - linear_j
    coarse = _fit(_joined(of, 2), _added(best.design, 2), _added(best.late, 2))
    return RequestShares(
        counter=counter,
        requests=requests,
        t0_ns=t0,
        t1_ns=t1,
        measured=counter.energy(t0, t1),
        states=best.states,
        schedule=best.schedule,
        totals=best.design.sum(axis=0),
        amounts=amounts,
        is_whole=(requests.start_ns >= t0) & (requests.end_ns <= t1),
        fit=best.fit,
        timing_j=coarse.energy_j - best.fit.energy_j,
        rate_j=other.fit.energy_j - best.fit.energy_j
        if other.states == best.states
        else np.zeros(len(best.states)),
        bent_j=bent_j,
        bend=curve.bend,
        inseparable=best.inseparable,
    )


def _amounts(best: _Fitted, of: Updates, n: int) -> F64:
    """float64[n, m]: what each of n requests had of each state, wherever the span's ends may have been."""
    ends = [(int(edges[0]), int(edges[-1])) for edges in places_ns(of)]
    parts = [
        np.stack([best.works[state].of_each(n, *each) for state in best.states], axis=1) for each in ends
    ]
    return sum(parts[1:], parts[0]) / len(parts)


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


def _fit(of: Updates, design: F64, late: F64) -> Fit:
    return fit(of, design, design.sum(axis=0), late, np.diff(of.edges_ns) / NS_PER_S)


def _joined(of: Updates, by: int) -> Updates:
    """Every so many updates as one: what was counted between them in all."""
    n = len(of.energy_j) // by * by
    return of._replace(
        edges_ns=of.edges_ns[: n + 1 : by],
        energy_j=_added(of.energy_j, by),
        is_ok=_added(~of.is_ok, by) == 0,
        spread_s=of.spread_s[: n + 1 : by],
    )


def _added(values: npt.NDArray[Any], by: int) -> F64:
    """So many neighbours added at a time; what is left over is left out."""
    n = len(values) // by * by
    found: F64 = values[:n].astype(np.float64).reshape(-1, by, *values.shape[1:]).sum(axis=1)
    return found


def _doubt_ns(of: Requests) -> int:
    """How unsure it is when work was done; the more so, the more requests are between two instants of one."""
    if any(map(len, of.pieces_ns)):
        return _DOUBT_NS
    at_once = float((of.end_ns - of.start_ns).sum()) / max(int(of.end_ns.max() - of.start_ns.min()), 1)
    return round(_DOUBT_NS * min(max(at_once, 1.0), _AT_ONCE))


def _no_finer(of: Updates, doubt_ns: int) -> Updates:
    """The updates, so many as one that their length is that of a log's doubt, where there are enough."""
    n, usual_ns = len(of.energy_j), float(np.median(np.diff(of.edges_ns)))
    by = min(math.ceil(_NEARLY * doubt_ns / usual_ns), n // _ENOUGH)
    return _joined(of, by) if by > 1 else of


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
