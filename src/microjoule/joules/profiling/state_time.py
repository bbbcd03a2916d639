"""For how long states lasted between a counter's updates, and in which pieces: passes over all pieces.

There may be more pieces than fit into memory: they are gone through some at once, in order, and what is kept
of them grows with the number of updates and of states alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.uncounted import GroupLosses
from ..counters.update_record import Updates
from .occupancy import States, joined, until
from .regression import places_ns

F64 = npt.NDArray[np.float64]


def lasted_ns(of: States, t0_ns: int, t1_ns: int) -> list[int]:
    """For how long each state lasted in a span."""
    found = np.zeros(len(of.states), np.int64)
    for pieces in of.blocks():
        length = np.clip(pieces.t1_ns, t0_ns, t1_ns) - np.clip(pieces.t0_ns, t0_ns, t1_ns)
        np.add.at(found, pieces.state, length)
    return [int(each) for each in found]


def occupied_s(of: States, columns: Sequence[Sequence[int]], updates: Updates, late_ns: int = 0) -> F64:
    """float64[n, m]: the seconds of each column's states between neighbouring updates.

    Means over where the updates may have been, as :func:`regression.between_updates` has them.

    Args:
        of: The states of the span.
        columns: Which of them share a column.
        updates: The n updates.
        late_ns: By how much the states are taken to be later.
    """
    column_of = np.full(len(of.states), len(columns))
    for number, states in enumerate(columns):
        column_of[list(states)] = number
    places = places_ns(updates)
    margin_ns = max(int(np.abs(edges_ns - updates.edges_ns).max(initial=0)) for edges_ns in places)
    sums = np.zeros((len(columns), max(len(updates.edges_ns) - 1, 0)), np.int64)
    for pieces in of.blocks():
        # Updates further away than that saw nothing of these pieces.
        around_ns = pieces.t0_ns[0] + late_ns - margin_ns, pieces.t1_ns[-1] + late_ns + margin_ns
        first, last = (int(each) for each in np.searchsorted(updates.edges_ns, around_ns))
        near = slice(max(first - 1, 0), last + 2)
        column = column_of[pieces.state]
        for number, mine in _by_number(column, len(columns)):
            # States share no instant: those of a column are one list of pieces, looked through once.
            each = joined([np.stack((pieces.t0_ns[mine], pieces.t1_ns[mine]), axis=1)])
            for edges_ns in places:
                sums[number, near.start : near.stop - 1] += np.diff(until(each, edges_ns[near] - late_ns))
    return np.ascontiguousarray(sums.T) / len(places) / NS_PER_S


class Stretches(NamedTuple):
    """When any state of a choice was so, of some choices.

    Attributes:
        choice: int64[n], which choice each is of.
        t0_ns: int64[n].
        t1_ns: int64[n].
    """

    choice: I64
    t0_ns: I64
    t1_ns: I64


def stretches(of: States, choices: Sequence[Sequence[int]], t0_ns: int, t1_ns: int) -> Iterator[Stretches]:
    """When any state of each choice was so in a span, those that touch as one; each choice's in order.

    Args:
        of: The states.
        choices: Of each its states.
        t0_ns: The beginning of the span.
        t1_ns: Its end.
    """
    n_of, choice_of = _inverted(choices, len(of.states))
    first_of = np.concatenate(([0], np.cumsum(n_of)))
    open_ = Stretches(*[np.empty(0, np.int64)] * 3)
    for pieces in of.blocks():
        start, end = np.clip(pieces.t0_ns, t0_ns, t1_ns), np.clip(pieces.t1_ns, t0_ns, t1_ns)
        some = np.flatnonzero((end > start) & (n_of[pieces.state] > 0))
        if not len(some):
            continue
        # A piece once for each choice that its state is in.
        times = n_of[pieces.state[some]]
        at = np.repeat(some, times)
        nth = np.arange(len(at)) - np.repeat(np.cumsum(times) - times, times)
        choice = np.concatenate((open_.choice, choice_of[first_of[pieces.state[at]] + nth]))
        t0 = np.concatenate((open_.t0_ns, start[at]))
        t1 = np.concatenate((open_.t1_ns, end[at]))
        order = np.argsort(choice, kind="stable")
        choice, t0, t1 = choice[order], t0[order], t1[order]
        is_new = np.ones(len(choice), bool)
        is_new[1:] = (choice[1:] != choice[:-1]) | (t0[1:] > t1[:-1])
        first = np.flatnonzero(is_new)
        last = np.append(first[1:], len(choice)) - 1
        found = Stretches(choice[first], t0[first], t1[last])
        goes_on = found.t1_ns >= end[some[-1]]
        open_ = Stretches(*(column[goes_on] for column in found))
        yield Stretches(*(column[~goes_on] for column in found))
    yield open_


def shortest_ns(of: States, choices: Sequence[Sequence[int]], t0_ns: int, t1_ns: int) -> list[int]:
    """How long the shortest time was for which any state of each choice was so, in a span.

    Those that the span cuts count only where there is no other. Of a choice that was never so: 2^63 - 1.
    """
    longest = np.iinfo(np.int64).max
    whole, cut = (np.full(len(choices), longest) for _ in range(2))
    for found in stretches(of, choices, t0_ns, t1_ns):
        length = found.t1_ns - found.t0_ns
        is_whole = (found.t0_ns > t0_ns) & (found.t1_ns < t1_ns)
        np.minimum.at(whole, found.choice[is_whole], length[is_whole])
        np.minimum.at(cut, found.choice[~is_whole], length[~is_whole])
    return [int(each) for each in np.where(whole < longest, whole, cut)]


class Bounds(NamedTuple):
    """What was counted while any state of each of n choices was so.

    Attributes:
        low: float64[n], guaranteed.
        high: float64[n], guaranteed.
        uncounted: float64[n], what others' perf events may have kept from being counted, likely at most.
    """

    low: F64
    high: F64
    uncounted: F64


def bounds(counter: Counter, of: States, choices: Sequence[Sequence[int]], t0_ns: int, t1_ns: int) -> Bounds:
    """The bounds of what a counter counted while any state of each choice was so."""
    low, high = np.zeros(len(choices)), np.zeros(len(choices))
    losses = GroupLosses(counter.resets.losses, len(choices))
    for found in stretches(of, choices, t0_ns, t1_ns):
        brackets = counter.bounds(found.t0_ns, found.t1_ns)
        np.add.at(low, found.choice, brackets.low)
        np.add.at(high, found.choice, brackets.high)
        losses.add(found.choice, found.t0_ns, found.t1_ns)
    return Bounds(low, high, losses.likely_most)


def _by_number(numbers: I64, n: int) -> Iterator[tuple[int, I64]]:
    """Each number below n that occurs, and where."""
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(n + 1))
    for number in range(n):
        if edges[number + 1] > edges[number]:
            yield number, order[edges[number] : edges[number + 1]]


def _inverted(choices: Sequence[Sequence[int]], states: int) -> tuple[I64, I64]:
    """Of each state how many choices it is in; and which, one state after the other."""
    number = np.repeat(np.arange(len(choices)), [len(each) for each in choices]).astype(np.int64)
    state = np.fromiter((state for each in choices for state in each), np.int64, len(number))
    order = np.argsort(state, kind="stable")
    return np.bincount(state, minlength=states), number[order]
