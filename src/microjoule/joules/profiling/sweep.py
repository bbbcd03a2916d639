"""The states of more events than fit into memory: taken as they come, kept in a file.

Of what came only what is still under way is kept; a state that goes on from one block of events to the next
is in two pieces that touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...spool import Spool
from ...trace.series import I64
from .occupancy import Events, Leaves, Pieces, State, together

_ROW = np.dtype([("state", np.int32), ("t0_ns", np.int64), ("t1_ns", np.int64)])


class Swept:
    """The states of a span, from events that come block by block.

    Args:
        names: What events are called.
        t0_ns: The beginning of the span.
        t1_ns: Its end.
        leaves: Where on each track only the event begun last counts; None: all events count.
    """

    def __init__(self, names: Sequence[str], t0_ns: int, t1_ns: int, leaves: Leaves | None = None) -> None:
        self._numbers: dict[State, int] = {frozenset(): 0}
        self._names, self._t1_ns, self._leaves = tuple(names), t1_ns, leaves
        self._open = Events(self._names, *[np.empty(0, np.int64)] * 4)
        self._at_ns = t0_ns
        self._pieces = Spool(_ROW)

    @property
    def states(self) -> Sequence[State]:
        """The sets of names, the empty one first."""
        return tuple(self._numbers)

    def add(self, events: Events) -> None:
        """Takes events that begin at or after those before, ascending, of one instant the longest first."""
        if not len(events.name):
            return
        first_ns = int(events.t0_ns[0])
        if self._leaves is None:
            self._reach(first_ns)
            self._begin(*events[1:])
        else:
            self._begin_leaves(self._leaves, first_ns)
            self._reach(first_ns)
            self._leaves.add(*events[1:])

    def ended(self) -> None:
        """Says that all events came."""
        if self._leaves is not None:
            self._begin_leaves(self._leaves, None)
        self._reach(self._t1_ns)

    def blocks(self) -> Iterator[Pieces]:
        """The pieces of time in their order, some at once."""
        for rows in self._pieces.blocks():
            yield Pieces(rows["state"].astype(np.int64), rows["t0_ns"].copy(), rows["t1_ns"].copy())

    def _begin(self, *columns: I64) -> None:
        both = zip(self._open[1:], columns, strict=True)
        self._open = Events(self._names, *(np.concatenate(parts) for parts in both))

    def _begin_leaves(self, leaves: Leaves, until_ns: int | None) -> None:
        name, start, end = leaves.until(until_ns)
        self._begin(name, start, end, name)

    def _reach(self, t_ns: int) -> None:
        """Goes on to an instant before which all events are known."""
        t_ns = min(t_ns, self._t1_ns)
        if t_ns <= self._at_ns:
            return
        found = together(self._open, self._at_ns, t_ns)
        number = [self._numbers.setdefault(state, len(self._numbers)) for state in found.states]
        ((state, start, end),) = found.blocks()
        rows = np.empty(len(state), _ROW)
        rows["state"], rows["t0_ns"], rows["t1_ns"] = np.array(number)[state], start, end
        self._pieces.add(rows)
        on = self._open.t1_ns > t_ns
        self._open = Events(self._names, *(column[on] for column in self._open[1:]))
        self._at_ns = t_ns
