"""Which of the things that went on used a counter's energy: bracketed, fitted, or not to be told apart.

Something that always outlasts the counter's update by enough is *bracketed*: its energy is what was counted
from the last update before each launch to the first one after it, whatever its power did in between, less
what others used of that by the fit. (To interpolate at a launch's edges instead is biased: there, of all
places, the power steps.) Anything shorter is fitted over all updates
(:mod:`microjoule.joules.profiling.regression`).

Things are *not to be told apart* where the readings leave their powers open by as much as the mean power of
the span: along a singular direction of the fit's design, by two standard uncertainties. Two kernels launched
in a fixed proportion are so whatever the noise. Then one figure is given for all of them together, which is
known where the parts are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import TooFewUpdates
from ...units import nanoseconds, seconds, three_digits
from ..counters.budget import sensor
from ..counters.counter import Counter
from ..counters.uncounted import component
from ..counters.update_record import Updates, updates
from ..estimates.estimate import Estimate
from ..estimates.uncertainty import NORMAL, RECTANGULAR, ROOT_3, Component
from .occupancy import States
from .regression import COLUMNS
from .separability import Item, together
from .state_fit import StateFit
from .state_time import bounds, lasted_ns, occupied_s, shortest_ns

F64 = npt.NDArray[np.float64]

BRACKETED, FITTED, INSEPARABLE = "bracketed", "regression", "not separable"

_OUTLASTS = 4  # updates that each piece must last to be bracketed: shorter, its edges are most of it
_FEWEST = 3  # updates below which nothing can be said of parts
_SURGE = 2.0  # times its limit that a channel's power may reach for a moment (docs/methods.md)


class Share(NamedTuple):
    """The energy of one item, or of several that cannot be told apart.

    Attributes:
        names: Of the items.
        method: ``bracketed``, ``regression`` or ``not separable``.
        time_ns: How long any of them was under way.
        energy: The counter's energy in that time, all of it and not what was more than idle.
        parts: Of several, an estimate of each.
    """

    names: tuple[str, ...]
    method: str
    time_ns: int
    energy: Estimate
    parts: tuple[Part, ...] = ()


class Part(NamedTuple):
    """One item of several that cannot be told apart: its time times their mean power.

    Attributes:
        name: Of the item.
        time_ns: How long it was under way.
        energy: *Estimated*. Its interval is the separability bound: what the others leave of the energy of
            all if they draw the most that they can, and what it can draw itself.
    """

    name: str
    time_ns: int
    energy: Estimate


class Attribution(NamedTuple):
    """The energy of a span, by items.

    Attributes:
        t0_ns: Its beginning: the first update of the counter in the time that was asked for.
        t1_ns: Its end: the last one.
        shares: In the order of the items.
        measured: What the counter says of the span.
        updates: How many of its updates were fitted.
        power_share: Of one update's noise, the share that the counter's own edges do not explain.
    """

    t0_ns: int
    t1_ns: int
    shares: tuple[Share, ...]
    measured: Estimate
    updates: int
    power_share: float


def usable_span(counter: Counter, t0_ns: int, t1_ns: int) -> Updates:
    """The updates between two instants, to attribute.

    Raises:
        TooFewUpdates: There are fewer than a handful.
    """
    found = updates(counter, t0_ns, t1_ns)
    if not is_enough(found):
        n = int(found.is_ok.sum())
        raise TooFewUpdates(
            f"{counter.channel.id} shows {n} update{'s' * (n != 1)} in the "
            f"{three_digits(seconds(t1_ns - t0_ns))} s that the profile and the trace share",
            "Profile for longer, or choose a --channel that is updated more often",
        )
    return found


def is_enough(of: Updates) -> bool:
    """Whether there are updates enough to say anything of parts."""
    return int(of.is_ok.sum()) >= _FEWEST


def attribute(
    counter: Counter, of: Updates, occupancy: States, items: Sequence[Item], u_align_ns: float
) -> Attribution:
    """The energies of items over the updates of a counter.

    Args:
        counter: The counter.
        of: Its updates, of :func:`usable_span`.
        occupancy: The states of that time, of a little more than the updates' span.
        items: Each with its states.
        u_align_ns: Standard uncertainty of the events' instants, all late or early together.
    """
    return attributed(Span(counter, of, occupancy, u_align_ns), items)


def attributed(span: Span, items: Sequence[Item]) -> Attribution:
    """The energies of items over a fitted span."""
    counter, of = span.counter, span.of
    known = {item.name: item for item in items if span.time_ns(item.states)}
    shares: list[Share] = []
    figures = methods(span, items)
    span.bound(
        [
            *(item.states for item in known.values()),
            *(span.states_of(columns) for _, method, columns in figures if method != BRACKETED),
        ]
    )
    for names, method, columns in figures:
        if method == BRACKETED:
            states = known[names[0]].states
            shares.append(Share(names, method, span.time_ns(states), span.bracketed(states)))
            continue
        time_ns, energy = span.fitted(columns)
        members = names if len(names) > 1 else ()
        parts = tuple(span.part(known[name], time_ns, energy) for name in members)
        shares.append(Share(names, method, time_ns, energy, parts))
    t0, t1 = int(of.edges_ns[0]), int(of.edges_ns[-1])
    return Attribution(t0, t1, tuple(shares), counter.energy(t0, t1), span.fit.rows, span.fit.power_share)


def methods(span: Span, items: Sequence[Item]) -> list[tuple[tuple[str, ...], str, frozenset[int]]]:
    """The names that share a figure each, in order, by which method, and the fit's columns that it is of."""
    known = [item for item in items if span.time_ns(item.states)]
    is_long = span.are_bracketed(known)
    short = [item for item in known if not is_long[item.name]]
    apart = together(short, span.columns, span.groups())
    found = []
    for name, long in is_long.items():
        names, columns, is_cut = ((name,), frozenset[int](), False) if long else apart[name]
        if names[0] == name:
            found.append((names, BRACKETED if long else INSEPARABLE if is_cut else FITTED, columns))
    return found


class Span(StateFit):
    """A fitted span: what all items ask of it.

    Args:
        counter: The counter.
        of: Its updates.
        occupancy: The states of that time.
        u_align_ns: Standard uncertainty of the events' instants, all late or early together.
    """

    def __init__(self, counter: Counter, of: Updates, occupancy: States, u_align_ns: float) -> None:
        self.counter, self.of = counter, of
        self.t0_ns, self.t1_ns = int(of.edges_ns[0]), int(of.edges_ns[-1])
        self._times = lasted_ns(occupancy, self.t0_ns, self.t1_ns)
        self.occupancy = occupancy
        columns = _columns(self._times)
        design, late_ns = occupied_s(occupancy, columns, of), round(u_align_ns)
        late = occupied_s(occupancy, columns, of, late_ns) if late_ns else design
        super().__init__(of, design, late)
        self.columns = [columns[number] for number in self.inside]
        self._is_inside = {state for column in self.columns for state in column}
        self._bounds: dict[tuple[int, ...], tuple[float, float, float]] = {}

    def time_ns(self, states: Iterable[int]) -> int:
        """How long any of some states lasted."""
        return sum(self._times[state] for state in states if state in self._is_inside)

    def states_of(self, columns: Iterable[int]) -> tuple[int, ...]:
        """The states of some columns."""
        return tuple(state for column in sorted(columns) for state in self.columns[column])

    def are_bracketed(self, items: Sequence[Item]) -> dict[str, bool]:
        """Of each item whether each of its pieces, save where the span cuts it, outlasts the update."""
        timing = self.counter.channel.timing
        update_ns = max(timing.update_ns or 0, timing.update_max_ns) + timing.lag_ns
        least_ns = _OUTLASTS * max(update_ns, int(np.median(np.diff(self.of.edges_ns))))
        mixed = {state for column in self.columns if len(column) > 1 for state in column}
        shortest = shortest_ns(self.occupancy, [item.states for item in items], self.t0_ns, self.t1_ns)
        return {
            item.name: piece_ns >= least_ns and mixed.isdisjoint(item.states)
            for item, piece_ns in zip(items, shortest, strict=True)
        }

    def bound(self, choices: Iterable[Sequence[int]]) -> None:
        """Works out the bounds that will be asked for, all at once."""
        missing = list({tuple(states): None for states in choices if tuple(states) not in self._bounds})
        every = bounds(self.counter, self.occupancy, missing, self.t0_ns, self.t1_ns)
        found = zip(*(each.tolist() for each in every), strict=True)
        self._bounds.update(zip(missing, found, strict=True))

    def bracketed(self, states: Sequence[int]) -> Estimate:
        """What was counted over the updates that some states touch, less the others' part of them."""
        is_own = np.array([column[0] in states for column in self.columns])
        touched = self._design[:, is_own].any(axis=1)
        others_s = self._design[touched][:, ~is_own].sum(axis=0)
        late_s = self._late[touched][:, ~is_own].sum(axis=0)
        powers_w = self.fit.energy_j / self.time_s
        late_w = (self.fit.energy_j + self.fit.shift_j) / self.time_s
        counted = self.of.energy_j[touched].sum()
        value = float(counted - powers_w[~is_own] @ others_s)
        moved = float(counted - late_w[~is_own] @ late_s) - value
        chosen = np.zeros(len(self.columns))
        chosen[~is_own] = -others_s / self.time_s[~is_own]
        ends = np.flatnonzero(np.diff(np.concatenate(([False], touched, [False]))))
        edges = Component("edges", float(np.sqrt((self.fit.edge_u_j[ends] ** 2).sum())), "B", NORMAL)
        is_known = bool(self.of.is_ok[touched].all()) and not self.fit.is_open(chosen)
        time_ns = self.time_ns(states)
        return self._estimate(
            value if is_known else None,
            states,
            (edges, *self._regression(chosen), *self._beside(value, time_ns, moved)),
        )

    def fitted(self, columns: frozenset[int]) -> tuple[int, Estimate]:
        """The time and the energy of columns together."""
        states = self.states_of(columns)
        chosen = np.zeros(len(self.columns))
        chosen[sorted(columns)] = 1.0
        value = float(chosen @ self.fit.energy_j)
        time_ns = nanoseconds(float(chosen @ self.time_s))
        moved = float(chosen @ self.fit.shift_j)
        components = (*self._regression(chosen), *self._beside(value, time_ns, moved))
        return time_ns, self._estimate(None if self.fit.is_open(chosen) else value, states, components)

    def part(self, item: Item, time_ns: int, whole: Estimate) -> Part:
        """One item of those that share a figure.

        Args:
            item: The item.
            time_ns: How long any of them was under way.
            whole: Their energy.
        """
        own_ns = min(self.time_ns(item.states), time_ns)
        low, high, _ = self._bounded(item.states)
        limit_w = self.counter.channel.trust.power_limit_w
        value = (whole.value or 0.0) * own_ns / time_ns if time_ns else 0.0
        if limit_w and whole.value is not None:
            most_w = _SURGE * limit_w
            low = max(low, whole.value - whole.U - most_w * seconds(time_ns - own_ns))
            high = min(high, most_w * seconds(own_ns))
        if whole.value is not None:
            high = min(high, whole.value + whole.U)
        low, high = min(low, value), max(high, value)
        half = max(value - low, high - value)
        bound = Component("separability", half / ROOT_3, "B", RECTANGULAR)
        return Part(
            item.name,
            own_ns,
            replace(
                whole,
                value=None if whole.value is None else value,
                low=low,
                high=high,
                provenance="estimated",
                components=(bound,) if whole.value is not None else (),
            ),
        )

    def _estimate(
        self, value: float | None, states: Sequence[int], components: tuple[Component, ...]
    ) -> Estimate:
        low, high, uncounted = self._bounded(states)
        if uncounted:
            components = (*components, component(uncounted, self._of("uncounted")))
        return Estimate(
            value=value,
            low=low,
            high=high,
            status="ok" if value is not None else "incomplete",
            provenance=self.counter.channel.provenance,
            accuracy=self.counter.channel.trust.accuracy,
            components=components if value is not None else (),
        )

    def _beside(self, value: float, time_ns: int, moved_j: float) -> list[Component]:
        """What the fit knows nothing of: the two clocks, and the sensor."""
        of = f"alignment:{self.t0_ns}/{self.t1_ns}"
        alignment = Component("alignment", moved_j, "B", RECTANGULAR, group=of)
        return [alignment, *sensor(self.counter.channel, self.counter.machine, value, seconds(time_ns))]

    def _regression(self, chosen: F64) -> list[Component]:
        """The fit's covariance, a direction a component."""
        return self.fit.components(chosen, self._of("regression"))

    def _of(self, cause: str) -> str:
        return f"{cause}:{self.counter.channel.id}@{self.counter.machine}/{self.t0_ns}/{self.t1_ns}"

    def _bounded(self, states: Sequence[int]) -> tuple[float, float, float]:
        """Low and high, guaranteed, and what others' perf events may have kept from being counted."""
        if tuple(states) not in self._bounds:
            self.bound([states])
        low, high, uncounted = self._bounds[tuple(states)]
        whole = self.counter.energies([self.t0_ns], [self.t1_ns])
        return low, min(high, float(whole.high[0])), uncounted


class Watts(NamedTuple):
    """The mean power of each state of an occupancy, from the fit.

    Attributes:
        watts: float64[states].
        spread_w: float64[states], standard uncertainty; the mean power where the fit leaves it open.
    """

    watts: F64
    spread_w: F64

    @classmethod
    def of(cls, span: Span) -> Watts:
        """The powers that a counter's updates show."""
        u_j = np.where(np.isfinite(span.fit.u_j), span.fit.u_j, span.mean_w * span.seen_s)
        u_w = np.sqrt(span.fit.directions**2 @ u_j**2) / span.time_s
        watts = np.full(len(span.occupancy.states), span.mean_w)
        spread_w = np.full(len(span.occupancy.states), span.mean_w)
        for number, column in enumerate(span.columns):
            watts[column] = span.fit.energy_j[number] / span.time_s[number]
            spread_w[column] = min(u_w[number], span.mean_w)
        return cls(watts, spread_w)


def _columns(times: Sequence[int]) -> list[list[int]]:
    """States that lasted, each with a column; of too many the shortest together in the last one."""
    order = sorted((s for s, time in enumerate(times) if time), key=lambda s: -times[s])
    if len(order) <= COLUMNS:
        return [[state] for state in sorted(order)]
    return [*([state] for state in sorted(order[: COLUMNS - 1])), sorted(order[COLUMNS - 1 :])]
