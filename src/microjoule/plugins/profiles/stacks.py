"""Sampled stacks: a tree in which each path from the root is a stack, and the samples that name its nodes.

A stack is kept once, however often it was seen; a sample is its instant, its node and its thread, 16 bytes.
Beyond the first hundred thousand, samples are in a file without a name, and are gone through block by block:
the memory that a profile takes depends on how many stacks are different, and not on how long it is.
"""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...value_class import dataclass
from .collecting import Numbers
from .profile import Source

I32 = npt.NDArray[np.int32]
ROOT = 0
BLOCK = 1 << 15  # samples that are gone through at once
_IN_MEMORY = 1 << 21  # bytes of samples; more are in a file
_ROW = 16  # bytes of a sample


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
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it lives as long as this does
        weakref.finalize(self, self._file.close)
        self._sizes: list[int] = []
        self._is_ordered = True
        self._latest_ns: int | None = None
        self._new()

    def _new(self) -> None:
        self._t, self._node, self._thread = array("q"), array("i"), array("i")

    def __len__(self) -> int:
        return sum(self._sizes) + len(self._t)

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
        t = np.frombuffer(self._t, np.int64)
        before = int(t[0]) if self._latest_ns is None else self._latest_ns
        self._is_ordered = self._is_ordered and before <= int(t[0]) and bool((np.diff(t) >= 0).all())
        self._latest_ns = int(t[-1])
        self._write(self._t, self._node, self._thread)
        self._new()

    def _write(self, t: array[int] | I64, node: array[int] | I32, thread: array[int] | I32) -> None:
        for column in (t, node, thread):
            self._file.write(column.tobytes())
        self._sizes.append(len(t))

    def blocks(self) -> Iterator[Block]:
        """The samples, ascending in time, some at once."""
        self._flush()
        if not self._is_ordered:
            self._sort()
        at = 0
        for n in self._sizes:
            self._file.seek(at)
            raw = self._file.read(_ROW * n)
            at += _ROW * n
            yield Block._make(np.frombuffer(raw, kind, n, start * n) for kind, start in _LAYOUT)

    def _sort(self) -> None:
        """Puts all samples in order, for which they are all in memory: of a profile of many threads."""
        self._is_ordered = True
        every = list(self.blocks())
        t, node, thread = (np.concatenate(column) for column in zip(*every, strict=True))
        order = np.argsort(t, kind="stable")
        self._file.seek(0)
        self._sizes = []
        for at in range(0, len(order), BLOCK):
            some = order[at : at + BLOCK]
            self._write(t[some], node[some], thread[some])

    def usual_period_ns(self) -> int:
        """The time between two samples of a thread, as most of the first ones are apart."""
        first = next(self.blocks())
        order = np.lexsort((first.t_ns, first.thread))
        gaps = np.diff(first.t_ns[order])[np.diff(first.thread[order]) == 0]
        gaps = gaps[gaps > 0]
        return int(np.median(gaps)) if len(gaps) else 1


_LAYOUT = ((np.int64, 0), (np.int32, 8), (np.int32, 12))  # of a block: types, and bytes a sample before each


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
