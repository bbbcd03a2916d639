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

Decision: power may saturate. A GPU near its power limit draws less for each further token. Where the readings
show that clearly, and the log says well enough when work was done, shares, idle and the coefficients (mean
energies of a unit, then) come from a fit of power that bends (:mod:`.saturation`), and otherwise from the
linear one. Where the log's steps scatter, updates twice as long have to show it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import TooFewUpdates
from ...trace.series import I64
from ...units import NS_PER_S
from ...value_class import dataclass
from ..counters.budget import sensor
from ..counters.counter import Counter
from ..counters.uncounted import component
from ..counters.update_record import Updates
from ..estimates.estimate import Estimate
from ..estimates.uncertainty import NORMAL, RECTANGULAR, ROOT_3, Component
from ..profiling.regression import Fit, places_ns
from .request_fit import (
    FINER,
    LEAST_DOUBT_NS,
    Fitted,
    Fitting,
    added,
    doubt_ns,
    fitted,
    is_sure_of_loads,
    joined,
    no_finer,
)
from .requests import IDLE, Requests, Schedule
from .saturation import Saturation, saturation
from .step_clock import step_clock

F64 = npt.NDArray[np.float64]

_Mine = slice | npt.NDArray[np.bool_]
_FEWEST = 12  # updates below which four coefficients and their scatter cannot be had
_OF_STRONGEST = 0.5  # the strongest bend that readings do not refute is two standard deviations off
_OF_FORM = 0.5  # the forms are extremes: power bends from the first watt on, or near its limit
_OF_BEND = 0.5  # of what a bend moves, in which no form is thought to be right


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
        rate_j: float64[m], by how much energies move with another rate, 1 % off, or 2 % where the log's steps
            scatter.
        moved_j: float64[n + 1, m], by how much energies differ from those of the linear fit, because power
            clearly saturates (:mod:`.saturation`); the last row is idle's.
        form_j: float64[n + 1, m], by how much they may differ with another form of saturation.
        stronger_j: float64[n + 1, m], by how much with more or less of it.
        bend: How much power saturates: 0 where not clearly, 1 where the usual load draws half of that.
        lost_j: float64[m], by how much energies rise if all is added that interruptions may have kept from
            being counted (:mod:`.uncounted`).
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
    moved_j: F64
    form_j: F64
    stronger_j: F64
    bend: float
    lost_j: F64
    inseparable: tuple[tuple[str, ...], ...]

    @property
    def is_idle_known(self) -> bool:
        """Whether idle power is known apart from that of requests."""
        return IDLE in self.states

    @property
    def values_j(self) -> F64:
        """float64[n]: each request's share, in J, of the part of it that lies in the span."""
        found: F64 = self.amounts @ (self.fit.energy_j / self.totals) + self.moved_j[:-1].sum(axis=1)
        return found

    def share(self, number: int) -> Estimate:
        """The energy of one request."""
        of, t = self.requests, (self.t0_ns, self.t1_ns)
        ends = np.clip([of.start_ns[number], of.end_ns[number]], *t)
        return self._of(self.amounts[number], (ends[:1], ends[1:]), np.array([number]))

    def of_some(self, numbers: Sequence[int] | I64) -> Estimate:
        """The energy of several requests together."""
        at = np.asarray(numbers, np.int64)
        return self._of(self.amounts[at].sum(axis=0), self._whole, at)

    def of_state(self, states: Iterable[str], numbers: Sequence[int] | I64 | None = None) -> Estimate:
        """The energy of some states, of all requests or of some."""
        at = np.arange(len(self.moved_j)) if numbers is None else np.asarray(numbers, np.int64)
        amounts = self.totals if numbers is None else self.amounts[at].sum(axis=0)
        mine = np.isin(self.states, list(states))
        return self._of(np.where(mine, amounts, 0.0), self._whole, at, mine)

    def coefficient(self, state: str) -> Estimate:
        """What a unit of a state takes: W of idle and of a running request, J of a token."""
        energy = self.of_state([state])
        return energy / float(self.totals[self.states.index(state)])

    @property
    def unexplained(self) -> Estimate:
        """What was measured and is neither idle's nor any request's; it may be negative."""
        return self.measured - self._of(self.totals, self._whole, np.arange(len(self.moved_j)))

    @property
    def _whole(self) -> tuple[I64, I64]:
        return np.array([self.t0_ns]), np.array([self.t1_ns])

    def _of(self, amounts: F64, span: tuple[I64, I64], rows: I64, mine: _Mine = slice(None)) -> Estimate:
        """The energy of some amounts.

        Args:
            amounts: float64[m].
            span: When they were there.
            rows: Whose they are, of ``moved_j``.
            mine: Which states they are of.
        """
        t0, t1 = span
        parts = amounts / self.totals

        def bent(of: F64) -> float:
            return float(of[rows][:, mine].sum())

        value = float(parts @ self.fit.energy_j) + bent(self.moved_j)
        is_known = not self.fit.is_open(parts)
        counter, duration_s = self.counter, float((t1 - t0).sum()) / NS_PER_S
        name = f"{counter.channel.id}@{counter.machine}/{self.t0_ns}/{self.t1_ns}"
        moved = float(parts @ self.fit.shift_j)
        late = float(parts @ self.timing_j)
        components = (
            *self.fit.components(parts, f"requests:{name}"),
            Component("alignment", moved, "B", RECTANGULAR, group=f"alignment:{name}"),
            Component("work times", 2 * late / ROOT_3, "B", RECTANGULAR, group=f"work:{name}"),
            Component(
                "prompt rate", float(parts @ self.rate_j) / ROOT_3, "B", RECTANGULAR, group=f"rate:{name}"
            ),
            Component("lack of fit", bent(self.form_j), "B", NORMAL, group=f"form:{name}"),
            Component("saturation", bent(self.stronger_j), "B", NORMAL, group=f"bend:{name}"),
            *sensor(counter.channel, counter.machine, value, duration_s),
            *((component(float(parts @ self.lost_j), f"uncounted:{name}"),) if self.lost_j.any() else ()),
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
            "Record for longer, or choose a --channel that is updated more often",
        )
    clock = step_clock(requests)
    is_rough = doubt_ns(requests, clock) > LEAST_DOUBT_NS
    of = no_finer(of, doubt_ns(requests, clock))
    fitting = Fitting(of, requests, round(u_align_ns), has_idle=has_idle)
    best = fitting.likeliest(clock) if schedule is None else fitting.under(schedule)
    found = saturation(of, best.states, best.works)
    is_bent = found.is_clear and is_sure_of_loads(requests, best.schedule)
    if is_bent and is_rough:
        # Work at other times than thought looks like a bend, and less so in longer updates.
        is_bent = saturation(joined(of, 2), best.states, best.works).is_clear
    rate = best.schedule.rate * FINER[-2 if is_rough else -1]
    other = fitting.under(best.schedule._replace(rate=rate))
    return _finished(counter, of, requests, (best, other), found, is_bent=is_bent)


def _finished(
    counter: Counter,
    of: Updates,
    requests: Requests,
    fits: tuple[Fitted, Fitted],
    found: Saturation,
    *,
    is_bent: bool,
) -> RequestShares:
    t0, t1 = int(of.edges_ns[0]), int(of.edges_ns[-1])
    best, other = fits
    amounts = _amounts(best, of, len(requests))
    bends = _bends(found, best, amounts, is_bent=is_bent)
    coarse = fitted(joined(of, 2), added(best.design, 2), added(best.late, 2))
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
        moved_j=bends.moved_j,
        form_j=bends.form_j,
        stronger_j=bends.stronger_j,
        bend=bends.bend,
        lost_j=_lost_j(counter, of, best),
        inseparable=best.inseparable,
    )


def _lost_j(counter: Counter, of: Updates, best: Fitted) -> F64:
    """float64[m]: what the energies have more if all is added that interruptions may have kept from them."""
    lost_j = counter.resets.losses.likely_apart(of.edges_ns[:-1], of.edges_ns[1:])
    if not lost_j.any():
        return np.zeros(len(best.states))
    whole = of._replace(energy_j=of.energy_j + lost_j)
    return fitted(whole, best.design, best.late).energy_j - best.fit.energy_j


class _Bends(NamedTuple):
    """By how much energies differ where power saturates; as the attributes of :class:`RequestShares`."""

    moved_j: F64
    form_j: F64
    stronger_j: F64
    bend: float


def _bends(found: Saturation, best: Fitted, amounts: F64, *, is_bent: bool) -> _Bends:
    totals = best.design.sum(axis=0)
    nobodys = np.where(np.array(best.states) == IDLE, totals, 0.0)
    linear_j = np.vstack((amounts, nobodys)) * (best.fit.energy_j / totals)
    likeliest, other, strongest = (
        each.of_each(best.works, best.states, len(amounts))
        for each in (found.best, found.other, found.strongest)
    )
    none = np.zeros_like(linear_j)
    if not is_bent:
        return _Bends(none, strongest - linear_j, none, 0.0)
    moved_j = likeliest - linear_j
    stronger_j = _OF_STRONGEST * (strongest - likeliest) + _OF_BEND * moved_j
    return _Bends(moved_j, _OF_FORM * (other - likeliest), stronger_j, found.best.bend)


def _amounts(best: Fitted, of: Updates, n: int) -> F64:
    """float64[n, m]: what each of n requests had of each state, wherever the span's ends may have been."""
    ends = [(int(edges[0]), int(edges[-1])) for edges in places_ns(of)]
    parts = [
        np.stack([best.works[state].of_each(n, *each) for state in best.states], axis=1) for each in ends
    ]
    return sum(parts[1:], parts[0]) / len(parts)
