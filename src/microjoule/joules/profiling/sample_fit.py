"""The mean power of each function where a counter is updated more seldom than stacks are sampled.

A state is the set of functions that run at once, one of each thread. The profile is gone through three times:
how long each state lasts says which have a column of their own; how long each lasts in each update is the
fit's design; and then each sample has the power of its state.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.update_record import Updates
from .occupancy import Events, Occupancy, State, together, until
from .regression import COLUMNS, between_updates
from .sample_cells import Cells, Sampled, cells
from .state_fit import StateFit

F64 = npt.NDArray[np.float64]
_STATES = 1 << 14  # that are counted at most: threads make as many as there are moments


class SampleFit(NamedTuple):
    """A fit, and which of its columns a state has.

    Attributes:
        states: The fit.
        number: int of each state that has a column of its own, before those that no update saw were left out.
        columns: How many columns there are.
        watts: float64[columns].
        column: int64[columns], each as the fit's; -1: no update saw it.
        is_open: bool[columns], whether the fit left its power open against others'.
    """

    states: StateFit
    number: dict[State, int]
    columns: int
    watts: F64
    column: I64
    is_open: npt.NDArray[np.bool_]

    def at(self, of: Cells) -> tuple[F64, I64, npt.NDArray[np.bool_]]:
        """Of each sample of a block the power, the fit's column, and whether it is open."""
        t0, t1 = int(of.of.t_ns[0]), int(of.of.t_ns[-1]) + 1
        occupancy = _occupancy(of, t0, t1)
        starts = np.concatenate([each[:, 0] for each in occupancy.pieces])
        numbers = [self.number.get(state, self.columns - 1) for state in occupancy.states]
        number = np.repeat(numbers, [len(each) for each in occupancy.pieces])
        order = np.argsort(starts, kind="stable")
        place = np.clip(np.searchsorted(starts[order], of.of.t_ns, "right") - 1, 0, None)
        found = number[order][place]
        return self.watts[found], self.column[found], self.is_open[found]


def fitted(of: Updates, sampled: Sampled) -> SampleFit:
    """The powers of what was sampled.

    Args:
        of: The counter's updates.
        sampled: The samples.
    """
    margin = round(float(of.spread_s.max()) * 2 * NS_PER_S)
    span = int(of.edges_ns[0]) - margin, int(of.edges_ns[-1]) + margin
    number = _numbers(sampled, span, (int(of.edges_ns[0]), int(of.edges_ns[-1])))
    columns = len(number) + 1  # the last one is of all others
    design, late = (np.zeros((len(of.energy_j), columns)) for _ in range(2))
    for block in cells(sampled):
        t0, t1 = (int(np.clip(t, *span)) for t in block.t_ns)
        if t0 >= t1:
            continue
        occupancy = _occupancy(block, t0, t1)
        mine = [number.get(state, columns - 1) for state in occupancy.states]
        for into, late_ns in ((design, 0), (late, round(sampled.u_ns))):
            _add(into, of, (occupancy, mine), (t0 + late_ns - margin, t1 + late_ns + margin), late_ns)
    states = StateFit(of, design / NS_PER_S, late / NS_PER_S)
    return _with_powers(states, number, columns)


def _numbers(sampled: Sampled, span: tuple[int, int], ends: tuple[int, int]) -> dict[State, int]:
    """The states that have a column of their own: all, or the longest of too many."""
    lasted: dict[State, int] = {}
    for block in cells(sampled):
        t0, t1 = (int(np.clip(t, *span)) for t in block.t_ns)
        if t0 >= t1:
            continue
        occupancy = _occupancy(block, t0, t1)
        at = np.array(ends)
        for position, state in enumerate(occupancy.states):
            long = int(np.diff(occupancy.until(position, at))[0])
            if long:
                lasted[state] = lasted.get(state, 0) + long
        if len(lasted) > 2 * _STATES:  # the short ones share a column whatever comes
            lasted = dict(_longest(lasted, _STATES))
    if len(lasted) >= COLUMNS:
        lasted = dict(_longest(lasted, COLUMNS - 1))
    return {state: number for number, state in enumerate(lasted)}


def _longest(lasted: dict[State, int], n: int) -> list[tuple[State, int]]:
    return sorted(lasted.items(), key=lambda each: -each[1])[:n]


def _occupancy(of: Cells, t0_ns: int, t1_ns: int) -> Occupancy:
    # Of few names states are found all at once: a block has fewer than the profile.
    known, what = np.unique(of.of.what, return_inverse=True)
    names, thread = tuple(map(str, known.tolist())), of.of.thread.astype(np.int64)
    events = Events(names, what.astype(np.int64), of.cells_ns[:, 0], of.cells_ns[:, 1], thread)
    found = together(events, t0_ns, t1_ns)
    states = tuple(frozenset(known[sorted(state)].tolist()) for state in found.states)
    return found._replace(states=states)


def _add(
    into: F64, of: Updates, states: tuple[Occupancy, list[int]], t_ns: tuple[int, int], late_ns: int
) -> None:
    """Adds the nanoseconds of a block's states to the updates that it reaches into."""
    occupancy, numbers = states
    first = max(int(np.searchsorted(of.edges_ns, t_ns[0])) - 1, 0)
    end = min(int(np.searchsorted(of.edges_ns, t_ns[1])) + 1, len(of.edges_ns))
    some = of._replace(edges_ns=of.edges_ns[first:end], spread_s=of.spread_s[first:end])

    def until_ns(instants: I64) -> F64:
        found = np.zeros((len(instants), into.shape[1]))
        for number, pieces in zip(numbers, occupancy.pieces, strict=True):
            found[:, number] += until(pieces, instants)
        return found

    into[first : end - 1] += between_updates(until_ns, some, late_ns)


def _with_powers(states: StateFit, number: dict[State, int], columns: int) -> SampleFit:
    """The power of each column; those that the readings leave open against one another have their mean."""
    watts, is_open = np.full(columns, states.mean_w), np.zeros(columns, bool)
    column = np.full(columns, -1, np.int64)
    column[states.inside] = np.arange(len(states.inside))
    watts[states.inside] = states.fit.energy_j / states.time_s
    for group in states.groups():
        members = sorted(group)
        watts[states.inside[members]] = states.fit.energy_j[members].sum() / states.time_s[members].sum()
        is_open[states.inside[members]] = True
    return SampleFit(states, number, columns, watts, column, is_open)
