"""Which of some named things were under way, and when: overlapping events as states that follow one another.

A *state* is the set of names under way at once; the empty set is nobody's time. States share no instant,
so that their times add up to the span, and so do their energies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...trace.series import I64

F64 = npt.NDArray[np.float64]
State = frozenset[int]

_FEW = 60  # names, as many bits as an int64 has to spare


class Events(NamedTuple):
    """Things that went on, in any order.

    Attributes:
        names: What they are called, each name once.
        name: int64[n], indices into ``names``.
        t0_ns: int64[n], CLOCK_MONOTONIC.
        t1_ns: int64[n], not before ``t0_ns``.
        track: int64[n], where each went on: a thread, or a stream of a device.
    """

    names: tuple[str, ...]
    name: I64
    t0_ns: I64
    t1_ns: I64
    track: I64


class Pieces(NamedTuple):
    """Pieces of time that follow one another without a gap, and which state each is of.

    Attributes:
        state: int64[n].
        t0_ns: int64[n], ascending.
        t1_ns: int64[n].
    """

    state: I64
    t0_ns: I64
    t1_ns: I64


class States(Protocol):
    """The states of a span, in memory (:class:`Occupancy`) or gone through block by block."""

    @property
    def states(self) -> Sequence[State]:
        """The sets of names, the empty one first."""

    def blocks(self) -> Iterator[Pieces]:
        """The pieces of time in their order, some at once."""


class Occupancy(NamedTuple):
    """The states of a span and the pieces of time in which each was so.

    Attributes:
        states: The sets of names, the empty one first.
        pieces: For each state int64[k, 2], ascending and apart: from when to when.
    """

    states: tuple[State, ...]
    pieces: tuple[I64, ...]

    def until(self, state: int, t_ns: I64) -> I64:
        """int64: the nanoseconds that a state lasted before each instant."""
        return until(self.pieces[state], t_ns)

    def blocks(self) -> Iterator[Pieces]:
        """All pieces in the order of time, at once."""
        every = np.concatenate(self.pieces)
        state = np.repeat(np.arange(len(self.pieces)), [len(each) for each in self.pieces])
        order = np.argsort(every[:, 0], kind="stable")
        yield Pieces(state[order], every[order, 0], every[order, 1])

    def time_ns(self, state: int) -> int:
        """How long a state lasted in all."""
        return int((self.pieces[state][:, 1] - self.pieces[state][:, 0]).sum())


def until(pieces: I64, t_ns: I64) -> I64:
    """int64: the nanoseconds that pieces, ascending and apart, lasted before each instant."""
    starts, ends = pieces.T
    if not len(starts):
        return np.zeros(len(t_ns), np.int64)
    sums = np.concatenate(([0], np.cumsum(ends - starts)))
    begun = np.searchsorted(starts, t_ns, "right")
    last = np.maximum(begun - 1, 0)
    left = np.where(begun > 0, np.maximum(ends[last] - t_ns, 0), 0)
    found: I64 = sums[begun] - left
    return found


def together(events: Events, t0_ns: int, t1_ns: int) -> Occupancy:
    """The states of a span where all events under way count: ranges in one another, kernels of streams."""
    return _swept(events, t0_ns, t1_ns)


class Leaves:
    """The stretches in which each event was the innermost of its track: of calls, the callee."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._found: list[tuple[int, int, int]] = []

    def add(self, name: I64, t0_ns: I64, t1_ns: I64, track: I64) -> None:
        """Takes events, ascending in ``t0_ns``, of one instant the longest first."""
        columns = (column.tolist() for column in (name, t0_ns, t1_ns, track))
        for name_, start, end, number in zip(*columns, strict=True):
            of = self._tracks.get(number)
            if of is None:
                of = self._tracks[number] = _Track(self._found)
            of.begin(name_, start, end)

    def until(self, t_ns: int | None) -> tuple[I64, I64, I64]:
        """The stretches up to an instant, or all, that were not given before: name, from, to; ascending."""
        for track in self._tracks.values():
            track.advance(t_ns)
        columns = np.array(self._found, np.int64).reshape(-1, 3)
        self._found.clear()
        columns = columns[np.argsort(columns[:, 1], kind="stable")]
        return columns[:, 0], columns[:, 1], columns[:, 2]


class _Track:
    """The events under way on one track, each inside the one before.

    Args:
        found: Takes stretches: name, from, to.
    """

    def __init__(self, found: list[tuple[int, int, int]]) -> None:
        self._found = found
        self._open: list[tuple[int, int]] = []  # (end, name), the innermost last
        self._at = -1 << 63

    def begin(self, name: int, start: int, end: int) -> None:
        """Takes the next event."""
        self.advance(start)
        # What a clock's rounding lets end after its caller ends with it.
        self._open.append((min(end, self._open[-1][0]) if self._open else end, name))

    def advance(self, to: int | None) -> None:
        """Gives the stretches up to an instant; None: all."""
        while self._open and (to is None or self._open[-1][0] <= to):
            end, name = self._open.pop()
            if end > self._at:
                self._found.append((name, self._at, end))
                self._at = end
        if to is None:
            return
        if self._open and to > self._at:
            self._found.append((self._open[-1][1], self._at, to))
        self._at = max(self._at, to)


def _swept(events: Events, t0_ns: int, t1_ns: int) -> Occupancy:
    start, end = np.clip(events.t0_ns, t0_ns, t1_ns), np.clip(events.t1_ns, t0_ns, t1_ns)
    some = np.flatnonzero(end > start)
    times = np.concatenate((start[some], end[some]))
    changes = np.concatenate((events.name[some] + 1, -(events.name[some] + 1)))
    if len(events.names) <= _FEW:
        return _of_few(times, changes, len(events.names), (t0_ns, t1_ns))
    order = np.argsort(times, kind="stable")
    numbers: dict[State, int] = {frozenset(): 0}
    pieces: list[list[int]] = [[]]  # of each state: from, to, from, to …
    counts: dict[int, int] = {}
    since = t0_ns
    for t, change in zip([*times[order].tolist(), t1_ns], [*changes[order].tolist(), 0], strict=True):
        if t > since:
            number = numbers.setdefault(frozenset(counts), len(numbers))
            if number == len(pieces):
                pieces.append([])
            mine = pieces[number]
            if mine and mine[-1] == since:
                mine[-1] = t
            else:
                mine += (since, t)
            since = t
        if change:
            name = abs(change) - 1
            left = counts.get(name, 0) + (1 if change > 0 else -1)
            if left:
                counts[name] = left
            else:
                del counts[name]
    return Occupancy(tuple(numbers), tuple(np.array(each, np.int64).reshape(-1, 2) for each in pieces))


def _of_few(times_ns: I64, changes: I64, n: int, span_ns: tuple[int, int]) -> Occupancy:
    """The states of events of few names, all at once: a state is a number with a bit for each name.

    Args:
        times_ns: When an event begins or ends, in any order.
        changes: The number of its name from 1 on, negative where it ends.
        n: How many names there are.
        span_ns: From when to when.
    """
    at_ns = distinct(times_ns, np.array(span_ns))
    which = np.searchsorted(at_ns, times_ns)
    bits = np.zeros(len(at_ns), np.int64)
    for name in range(n):
        mine = np.abs(changes) == name + 1
        begun = np.cumsum(np.bincount(which[mine], np.sign(changes[mine]), len(at_ns))) > 0
        bits |= begun.astype(np.int64) << name
    bits = bits[:-1]  # of the time from each instant to the next
    is_new = np.ones(len(bits), bool)
    is_new[1:] = bits[1:] != bits[:-1]
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], len(bits))[: len(first)]
    pieces = np.stack((at_ns[first], at_ns[last]), axis=1)
    state = bits[first]
    numbers = list(dict.fromkeys([0, *state.tolist()]))
    sets = (frozenset(name for name in range(n) if number >> name & 1) for number in numbers)
    return Occupancy(tuple(sets), tuple(pieces[state == number] for number in numbers))


def merged(occupancy: Occupancy, states: Sequence[int]) -> I64:
    """The pieces in which any of some states was so, those that touch as one: int64[k, 2]."""
    return joined([occupancy.pieces[state] for state in states])


def joined(pieces: Iterable[I64]) -> I64:
    """Pieces that do not overlap, in order, those that touch as one: int64[k, 2]."""
    every = np.concatenate([np.empty((0, 2), np.int64), *pieces])
    every = every[np.argsort(every[:, 0], kind="stable")]
    is_new = np.ones(len(every), bool)
    is_new[1:] = every[1:, 0] > every[:-1, 1]
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], len(every)) - 1
    return np.stack((every[first, 0], every[last, 1]), axis=1) if len(every) else every


def united(t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
    """Beginnings and ends, ascending, of what covers the same instants: what overlaps or touches is one."""
    order = np.argsort(t0_ns, kind="stable")
    t0_ns, until_ns = t0_ns[order], np.maximum.accumulate(t1_ns[order])
    first = np.flatnonzero(np.append(True, t0_ns[1:] > until_ns[:-1]))
    return t0_ns[first], until_ns[np.append(first[1:], len(t0_ns)) - 1]
