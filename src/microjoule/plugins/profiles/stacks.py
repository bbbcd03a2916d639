"""Sampled stacks: a tree in which each path from the root is a stack, and the samples that name its nodes.

A stack is kept once, however often it was seen; a sample is its instant, its node and its thread, 16 bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...value_class import dataclass
from .collecting import Numbers
from .profile import Source

I32 = npt.NDArray[np.int32]
ROOT = 0


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


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What threads were in, at instants.

    Attributes:
        source: Where they come from.
        stacks: The tree.
        t_ns: int64[n], ascending, nanoseconds of the profile's clock.
        node: int32[n], nodes of the tree.
        thread: int32[n], from 0 on.
        period_ns: The time between two samples of a thread that runs.
        lost: Samples that the profiler lost.
        processes: The ids of the processes that were sampled.
    """

    source: Source
    stacks: Stacks
    t_ns: I64
    node: I32
    thread: I32
    period_ns: int
    lost: int
    processes: tuple[int, ...] = ()

    @property
    def span_ns(self) -> tuple[int, int]:
        """What the samples stand for: half a period around the first and the last one, and all between."""
        half = self.period_ns // 2
        return int(self.t_ns[0]) - half, int(self.t_ns[-1]) + half


class Sampling:
    """Samples as they are met."""

    def __init__(self) -> None:
        self.stacks, self.threads = Stacks(), Numbers()
        self._t, self._node, self._thread = array("q"), array("i"), array("i")

    def __len__(self) -> int:
        return len(self._t)

    def add(self, t_ns: int, node: int, thread: object) -> None:
        """Takes a sample."""
        self._t.append(t_ns)
        self._node.append(node)
        self._thread.append(self.threads.of(thread))

    def columns(self) -> tuple[I64, I32, I32]:
        """Instants, nodes and threads, ascending in time."""
        t, node = np.frombuffer(self._t, np.int64), np.frombuffer(self._node, np.int32)
        thread = np.frombuffer(self._thread, np.int32)
        if len(t) and not (np.diff(t) >= 0).all():
            order = np.argsort(t, kind="stable")
            t, node, thread = t[order], node[order], thread[order]
        return t, node, thread

    def usual_period_ns(self) -> int:
        """The time between two samples of a thread, as most are apart."""
        t, _, thread = self.columns()
        order = np.lexsort((t, thread))
        gaps = np.diff(t[order])[np.diff(thread[order]) == 0]
        gaps = gaps[gaps > 0]
        return int(np.median(gaps)) if len(gaps) else 1


def runs(t_ns: int, until_ns: int, period_ns: int) -> Iterator[int]:
    """The instants from one until another, a period apart: of a stack that did not change between."""
    yield from range(t_ns, until_ns, period_ns)
