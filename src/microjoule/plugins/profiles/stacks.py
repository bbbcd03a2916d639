"""Sampled stacks: a tree in which each path from the root is a stack, and the samples that name its nodes.

A stack is kept once, however often it was seen; a sample is its instant, its node and its thread, 16 bytes.
Samples are gone through block by block (:mod:`microjoule.spool`): the memory that a profile takes depends on
how many stacks are different, and not on how long it is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...spool import Spool, in_order
from ...trace.series import I64
from ...value_class import dataclass
from .collecting import Numbers
from .profile import Source

I32 = npt.NDArray[np.int32]
ROOT = 0
BLOCK = 1 << 15  # samples that are gone through at once
_READ = 1 << 11  # samples of a block that are read at once where blocks are merged
_ROW = np.dtype([("t0_ns", np.int64), ("node", np.int32), ("thread", np.int32)])


class Stacks:
    """The tree; node 0 is its root, and a parent's number is below those of its children.

    Attributes:
        names: What frames are called, each name once.
        parent: Of each node.
        name: Of each node, an index into ``names``.
    """

    def __init__(self) -> None:
        self._names = Numbers()
        self._children: dict[tuple[int, int], int] = {}
        self.parent, self.name = [-1], [self._names.of("all")]

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def names(self) -> list[str]:
        """What frames are called, each name once."""
        return list(self._names.known)

    def node(self, parent: int, name: str) -> int:
        """The node of a frame of that name below a node."""
        number = self._names.of(name)
        found = self._children.get((parent, number))
        if found is None:
            found = self._children[parent, number] = len(self.parent)
            self.parent.append(parent)
            self.name.append(number)
        return found

    def of(self, frames: Iterable[str]) -> int:
        """The node of a stack, the outermost frame first."""
        at = ROOT
        for frame in frames:
            at = self.node(at, frame)
        return at

    def path(self, node: int) -> list[int]:
        """The nodes from below the root to a node."""
        found: list[int] = []
        while node > ROOT:
            found.append(node)
            node = self.parent[node]
        return found[::-1]

    def frames(self, node: int) -> list[str]:
        """The names from the outermost frame to a node."""
        names = self.names
        return [names[self.name[each]] for each in self.path(node)]


class Block(NamedTuple):
    """Samples that follow one another.

    Attributes:
        t_ns: int64[n], ascending, nanoseconds of the profile's clock.
        node: int32[n], nodes of the tree.
        thread: int32[n], from 0 on.
    """

    t_ns: I64
    node: I32
    thread: I32


class Sampling:
    """Samples as they are met, in any order."""

    def __init__(self) -> None:
        self.stacks, self.threads = Stacks(), Numbers()
        self._rows = Spool(_ROW)
        self._ends = [0]
        self._is_ordered = True
        self._latest_ns: int | None = None
        self._new()

    def _new(self) -> None:
        self._t, self._node, self._thread = array("q"), array("i"), array("i")

    def __len__(self) -> int:
        return len(self._rows) + len(self._t)

    def add(self, t_ns: int, node: int, thread: object) -> None:
        """Takes a sample."""
        self._t.append(t_ns)
        self._node.append(node)
        self._thread.append(self.threads.of(thread))
        if len(self._t) == BLOCK:
            self._flush()

    def _flush(self) -> None:
        if not len(self._t):
            return
        rows = np.empty(len(self._t), _ROW)
        rows["t0_ns"], rows["node"], rows["thread"] = self._t, self._node, self._thread
        rows = rows[np.argsort(rows["t0_ns"], kind="stable")]
        first, last = int(rows["t0_ns"][0]), int(rows["t0_ns"][-1])
        self._is_ordered = self._is_ordered and (self._latest_ns is None or self._latest_ns <= first)
        self._latest_ns = last
        self._rows.add(rows)
        self._ends.append(len(self._rows))
        self._new()

    def blocks(self) -> Iterator[Block]:
        """The samples, ascending in time, some at once."""
        self._flush()
        if not self._is_ordered:
            self._sort()
        for rows in self._rows.blocks(size=BLOCK):
            yield Block(rows["t0_ns"].copy(), rows["node"].copy(), rows["thread"].copy())

    def _sort(self) -> None:
        """Puts all samples in order: of a profile of many threads."""
        runs = zip(self._ends, self._ends[1:], strict=False)
        into = Spool(_ROW)
        for rows in in_order([self._rows.blocks(first, last, _READ) for first, last in runs]):
            into.add(rows)
        self._rows, self._ends, self._is_ordered = into, [0, len(into)], True

    def usual_period_ns(self) -> int:
        """The time between two samples of a thread, as most of the first ones are apart."""
        first = next(self.blocks())
        order = np.lexsort((first.t_ns, first.thread))
        gaps = np.diff(first.t_ns[order])[np.diff(first.thread[order]) == 0]
        gaps = gaps[gaps > 0]
        return int(np.median(gaps)) if len(gaps) else 1


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What threads were in, at instants.

    Attributes:
        source: Where they come from.
        taken: The samples and their stacks.
        period_ns: The time between two samples of a thread that runs.
        lost: Samples that the profiler lost.
        processes: The ids of the processes that were sampled.
    """

    source: Source
    taken: Sampling
    period_ns: int
    lost: int
    processes: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.taken)

    @property
    def stacks(self) -> Stacks:
        """The tree."""
        return self.taken.stacks

    def blocks(self) -> Iterator[Block]:
        """The samples, ascending in time, some at once; there is at least one."""
        return self.taken.blocks()

    @property
    def span_ns(self) -> tuple[int, int]:
        """What the samples stand for: half a period around the first and the last one, and all between."""
        half = self.period_ns // 2
        first = last = None
        for block in self.blocks():
            first = int(block.t_ns[0]) if first is None else first
            last = int(block.t_ns[-1])
        if first is None or last is None:
            raise AssertionError("a reader gives one sample at least")
        return first - half, last + half


def runs(t_ns: int, until_ns: int, period_ns: int) -> Iterator[int]:
    """The instants from one until another, a period apart: of a stack that did not change between."""
    yield from range(t_ns, until_ns, period_ns)
