"""The events of all profiles in the trace's time, gone through in order and never all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from ...joules.profiling.occupancy import Events, Leaves, States, together
from ...joules.profiling.reserved_names import quoted
from ...joules.profiling.sweep import Swept
from ...spool import Rows, in_order
from ...trace.series import I64
from ...value_class import dataclass
from .alignment import Alignment
from .choosing import Taken
from .kinds import CALLS, OPERATORS

_ROW = np.dtype([(field, np.int64) for field in ("t0_ns", "t1_ns", "name", "track")])
_TRACKS = 32  # bits: more threads and streams than that no profile has


class Aligned(NamedTuple):
    """A profile, and how it lies beside the trace."""

    taken: Taken
    alignment: Alignment

    def of(self, kinds: tuple[str, ...], is_on_gpu: bool) -> Iterator[Events]:
        """Its events of some kinds in the trace's time, in order."""
        found = self.taken.profile.of(kinds, self.taken.device if is_on_gpu else None)
        moved = (self.alignment.moved(events) for events in found)
        if self.alignment.is_ascending:
            return moved
        return iter([_sorted(list(moved))])  # of a clock that was set back: all at once


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Events of one kind, and the states that they make.

    Attributes:
        kind: What they are called in the report.
        names: What events are called.
        states: Who was under way, and when.
        launches: int64[names], events of each name in the counter's span.
        outside: Events before and after it.
    """

    kind: str
    names: Sequence[str]
    states: States
    launches: I64
    outside: int


class Wanted(NamedTuple):
    """Which events are asked for.

    Attributes:
        patterns: Of the names that count; empty: all.
        is_on_gpu: Those of each profile's GPU only.
        counted_ns: From when to when launches are counted.
        around_ns: From when to when states are wanted, which is a little more.
    """

    patterns: Sequence[str]
    is_on_gpu: bool
    counted_ns: tuple[int, int]
    around_ns: tuple[int, int]


def section(aligned: Sequence[Aligned], kind: str, kinds: tuple[str, ...], wanted: Wanted) -> Section | None:
    """The events of some kinds of all profiles; None: there is none."""
    numbers: dict[str, int] = {}
    sources = [
        _rows(each.of(kinds, wanted.is_on_gpu), _numbered(each, numbers, wanted.patterns), position)
        for position, each in enumerate(aligned)
    ]
    names = tuple(map(quoted, numbers))
    is_stacked = kinds in (OPERATORS, CALLS)
    swept = Swept(names, *wanted.around_ns, Leaves() if is_stacked else None)
    launches, n = np.zeros(len(names), np.int64), 0
    for rows in in_order(sources):
        events = _events(names, rows)
        inside = _inside(events, wanted.counted_ns)
        launches += np.bincount(events.name[inside], minlength=len(names))
        n += len(rows)
        swept.add(events)
    if not n:
        return None
    swept.ended()
    return Section(kind, names, swept, launches, n - int(launches.sum()))


def section_of(kind: str, events: Events, wanted: Wanted) -> Section | None:
    """Events that are in memory, all of which may be under way at once; None: none is in the span."""
    if not ((events.t0_ns < wanted.around_ns[1]) & (events.t1_ns > wanted.around_ns[0])).any():
        return None
    inside = _inside(events, wanted.counted_ns)
    launches = np.bincount(events.name[inside], minlength=len(events.names))
    return Section(kind, events.names, together(events, *wanted.around_ns), launches, int((~inside).sum()))


def _numbered(of: Aligned, numbers: dict[str, int], patterns: Sequence[str]) -> I64:
    """int64[names]: the number of each name among those of all profiles; -1: it does not count."""
    counts = (
        not patterns or any(fnmatchcase(name, each) for each in patterns) for name in of.taken.profile.names
    )
    found = [
        numbers.setdefault(name, len(numbers)) if is_wanted else -1
        for name, is_wanted in zip(of.taken.profile.names, counts, strict=True)
    ]
    return np.array(found, np.int64)


def _rows(blocks: Iterator[Events], number: I64, position: int) -> Iterator[Rows]:
    """Events as rows, with names by their numbers and tracks of no other profile."""
    for events in blocks:
        name = number[events.name]
        some = np.flatnonzero(name >= 0)
        rows = np.empty(len(some), _ROW)
        rows["name"], rows["t0_ns"], rows["t1_ns"] = name[some], events.t0_ns[some], events.t1_ns[some]
        rows["track"] = events.track[some] + (position << _TRACKS)
        if len(rows):
            yield rows


def _events(names: tuple[str, ...], rows: Rows) -> Events:
    rows = rows[np.lexsort((-rows["t1_ns"], rows["t0_ns"]))]
    return Events(names, *(rows[field].copy() for field in ("name", "t0_ns", "t1_ns", "track")))


def _inside(events: Events, span_ns: tuple[int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (events.t0_ns < span_ns[1]) & (events.t1_ns > span_ns[0])


def _sorted(parts: Sequence[Events]) -> Events:
    if not parts:
        return Events((), *[np.empty(0, np.int64)] * 4)
    columns = [np.concatenate(column) for column in zip(*(each[1:] for each in parts), strict=True)]
    order = np.lexsort((-columns[2], columns[1]))
    return Events(parts[0].names, *(column[order] for column in columns))
