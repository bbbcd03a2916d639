"""Shares of requests that several counters count together, as those of GPUs that compute one batch.

Each counter has a fit of its own (:mod:`.request_shares`), over its own updates: nothing is interpolated
onto another's. They have one schedule, because one server computes the prompts: the one whose fits explain
all counters best. Where one counter cannot tell idle power from that of requests, none has an idle column,
since the requests carry idle power then. What is reported is the sum over counters, of each figure by
itself, so that shares, idle and unexplained energy add up to what all counters measured.

What the log does not know (when work was done, how late its clock is) is the same for all counters, and
adds up with its sign. So do the lack of fit and the saturation. The scatter around the fits is taken as
common too: what drives one GPU of a batch beyond its states drives the others in the same step. That is an
upper bound (Cauchy and Schwarz): counters that scatter independently have ± too wide by no more than the
square root of their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...value_class import dataclass
from ..counters.counter import Counter
from ..counters.update_record import Updates
from ..estimates.estimate import Estimate
from ..estimates.uncertainty import NORMAL, Component
from .request_shares import RequestShares, shares
from .requests import IDLE, STATES, Requests, Schedule

F64 = npt.NDArray[np.float64]

_FIT = "regression"
_COMMON = {"alignment", "work times", "prompt rate", "lack of fit", "saturation"}


@dataclass(frozen=True, slots=True, eq=False)
class AddedShares:
    """The energy of requests over several counters; each figure is a sum over ``parts``.

    Attributes:
        parts: The shares of each counter, with one schedule; at least one.
    """

    parts: tuple[RequestShares, ...]

    @property
    def requests(self) -> Requests:
        """All requests."""
        return self.parts[0].requests

    @property
    def schedule(self) -> Schedule:
        """When prompts were computed."""
        return self.parts[0].schedule

    @property
    def t0_ns(self) -> int:
        """The first update that was used."""
        return min(each.t0_ns for each in self.parts)

    @property
    def t1_ns(self) -> int:
        """The last one."""
        return max(each.t1_ns for each in self.parts)

    @property
    def rows(self) -> int:
        """How many updates were fitted, in all."""
        return sum(each.fit.rows for each in self.parts)

    @property
    def states(self) -> tuple[str, ...]:
        """The states that have a column."""
        return tuple(state for state in STATES if any(state in each.states for each in self.parts))

    @property
    def is_idle_known(self) -> bool:
        """Whether idle power is known apart from that of requests."""
        return all(each.is_idle_known for each in self.parts)

    @property
    def is_whole(self) -> npt.NDArray[np.bool_]:
        """bool[n], whether each counter's span has a request with all its time."""
        found: npt.NDArray[np.bool_] = np.all([each.is_whole for each in self.parts], axis=0)
        return found

    @property
    def bend(self) -> float:
        """How much power saturates: a mean over the counters, weighted by what their requests took."""
        taken_j = [float(each.values_j.sum()) for each in self.parts]
        return float(np.average([each.bend for each in self.parts], weights=taken_j)) if sum(taken_j) else 0.0

    @property
    def inseparable(self) -> tuple[tuple[str, ...], ...]:
        """Groups of states whose energies are known together only, in any part; those that touch are one."""
        groups: list[set[str]] = []
        for group in (set(group) for each in self.parts for group in each.inseparable):
            touching = [other for other in groups if other & group]
            groups = [other for other in groups if not other & group] + [group.union(*touching)]
        return tuple(tuple(state for state in self.states if state in group) for group in groups)

    @property
    def values_j(self) -> F64:
        """float64[n]: each request's share, in J."""
        found: F64 = np.sum([each.values_j for each in self.parts], axis=0)
        return found

    @property
    def measured(self) -> Estimate:
        """What the counters say of their spans."""
        return reduce(add, [each.measured for each in self.parts])

    @property
    def unexplained(self) -> Estimate:
        """What was measured and is neither idle's nor any request's; it may be negative."""
        return self._sum(lambda of: of.unexplained)

    def total(self, state: str) -> float:
        """How much there was of a state, a mean over the counters' spans."""
        mine = [of for of in self.parts if state in of.states]
        return sum(float(of.totals[of.states.index(state)]) for of in mine) / len(mine)

    def share(self, number: int) -> Estimate:
        """The energy of one request."""
        return self._sum(lambda of: of.share(number))

    def of_some(self, numbers: Sequence[int] | I64) -> Estimate:
        """The energy of several requests together."""
        return self._sum(lambda of: of.of_some(numbers))

    def of_state(self, states: Iterable[str], numbers: Sequence[int] | I64 | None = None) -> Estimate:
        """The energy of some states, of all requests or of some."""
        wanted = tuple(states)
        return self._sum(lambda of: of.of_state(wanted, numbers))

    def coefficient(self, state: str) -> Estimate:
        """What a unit of a state takes: W of idle and of a running request, J of a token."""
        mine = tuple(of for of in self.parts if state in of.states)
        return AddedShares(mine)._sum(lambda of: of.coefficient(state))

    def _sum(self, figure: Callable[[RequestShares], Estimate]) -> Estimate:
        if len(self.parts) == 1:
            return figure(self.parts[0])
        ids = "+".join(f"{of.counter.channel.id}@{of.counter.machine}" for of in self.parts)
        cause = f"{ids}/{self.t0_ns}/{self.t1_ns}"
        return reduce(add, [_with_common_causes(figure(of), cause) for of in self.parts])


def _with_common_causes(of: Estimate, cause: str) -> Estimate:
    """A part's figure whose causes of error are those of the other parts too."""
    of_fit = [each for each in of.components if each.name == _FIT]
    rest = [
        each._replace(group=f"{each.name}:{cause}") if each.name in _COMMON else each
        for each in of.components
        if each.name != _FIT
    ]
    if of_fit:
        u = math.hypot(*(each.u for each in of_fit))
        rest.append(Component(_FIT, u, of_fit[0].kind, NORMAL, group=f"{_FIT}:{cause}"))
    return replace(of, components=tuple(rest))


def added_shares(
    of: Sequence[tuple[Counter, Updates]], requests: Requests, u_align_ns: float = 0.0
) -> AddedShares:
    """The energies of requests over the updates of counters that count no joule twice.

    Args:
        of: Each counter, and its updates over the span; at least one.
        requests: The requests.
        u_align_ns: Standard uncertainty of the requests' instants, all late or early together.

    Raises:
        TooFewUpdates: One counter has too few for a fit.
    """

    def under(schedule: Schedule | None, *, has_idle: bool = True) -> tuple[RequestShares, ...]:
        return tuple(
            shares(counter, each, requests, u_align_ns, schedule, has_idle=has_idle) for counter, each in of
        )

    found = under(None)
    # Schedules of one log differ by their rate and by whether they have the clock of its steps.
    likeliest = {
        (each.schedule.in_turn, each.schedule.rate, each.schedule.clock is None, each.schedule.by_excess): (
            each.schedule
        )
        for each in found
    }
    if len(likeliest) > 1:
        found = min(map(under, likeliest.values()), key=_score)
    is_known = [IDLE in each.states for each in found]
    if any(is_known) and not all(is_known):
        found = under(found[0].schedule, has_idle=False)
    return AddedShares(found)


def _score(of: Sequence[RequestShares]) -> float:
    return sum(each.fit.score for each in of)
