"""The time that each sample of a profile stands for, worked out block by block.

A sample stands for the time around it, to half way to its thread's next and last one, shared equally with
the threads that ran at the same time. All of that depends on samples a few periods away at most: a block is
looked at together with its neighbourhood, so that the blocks' figures are those of all samples at once, while
memory holds one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

APART = 1.75  # periods beyond which a thread did not run between two of its samples
# Periods around a block on which its figures depend: of five samples in a row, and of what overlaps them.
_AROUND = 16
_BEFORE_ALL, _AFTER_ALL = -(1 << 62), 1 << 62


class Moments(NamedTuple):
    """Samples of what ran, in the trace's time.

    Attributes:
        t_ns: int64[n], ascending, CLOCK_MONOTONIC.
        thread: int32[n], from 0 on.
        what: int32[n], what each thread was in, from 0 on: one power each.
        node: int32[n], the stack that it was in.
    """

    t_ns: I64
    thread: I32
    what: I32
    node: I32


class Sampled(NamedTuple):
    """A profile in the trace's time.

    Attributes:
        blocks: Gives its samples from the first to the last, some at once, however often it is called.
        period_ns: The time between two samples of a thread that runs.
        u_ns: Standard uncertainty of the instants, all early or late together.
        nodes: How many different stacks there are: above each ``node``.
    """

    blocks: Callable[[], Iterable[Moments]]
    period_ns: int
    u_ns: float
    nodes: int


class Cells(NamedTuple):
    """A block with its neighbourhood.

    Attributes:
        of: Its n samples, those around it included.
        own: Which of them are the block's; none where it is a pause.
        t_ns: From when to when the block is; blocks leave no time between them.
        cells_ns: int64[n, 2], the time that each sample stands for.
        time_s: float64[n], its share of that.
        threads: float64[n], how many threads ran at once, in the mean of its time.
        following: int64[n], the thread's next sample; itself where there is none.
        is_next: bool[n], whether that follows without a pause.
        pauses_ns: int64[k, 2], when no thread ran, within the block's time.
    """

    of: Moments
    own: slice
    t_ns: tuple[int, int]
    cells_ns: I64
    time_s: F64
    threads: F64
    following: I64
    is_next: Bools
    pauses_ns: I64


def cells(sampled: Sampled) -> Iterator[Cells]:
    """The blocks of a profile, each with the time that its samples stand for."""
    for of, start, end in _surrounded(sampled):
        own = slice(*(int(n) for n in np.searchsorted(of.t_ns, (start, end))))
        around, following, is_next = _cells(of, sampled.period_ns)
        time_s, threads, pauses = _shared(around)
        pauses = np.clip(pauses, start, end)
        pauses = pauses[pauses[:, 1] > pauses[:, 0]]
        yield Cells(of, own, (start, end), around, time_s, threads, following, is_next, pauses)


def _surrounded(sampled: Sampled) -> Iterator[tuple[Moments, int, int]]:
    """Samples, and from when to when those lie that have all their neighbours among them."""
    around_ns = _AROUND * sampled.period_ns
    kept: Moments | None = None
    start = _BEFORE_ALL
    for more in sampled.blocks():
        if not len(more.t_ns):
            continue
        block = more if kept is None else _joined(kept, more)
        end = int(block.t_ns[-1]) - around_ns
        kept = block
        if end > max(start, int(block.t_ns[0])):
            yield block, start, end
            first = int(np.searchsorted(block.t_ns, end - around_ns))
            # The last sample before the block too, however long ago: the pause behind it may reach into it.
            kept = Moments._make(column[max(first - 1, 0) :] for column in block)
            start = end
    if kept is not None:
        yield kept, start, _AFTER_ALL


def _joined(one: Moments, other: Moments) -> Moments:
    return Moments(
        np.concatenate((one.t_ns, other.t_ns)),
        np.concatenate((one.thread, other.thread)),
        np.concatenate((one.what, other.what)),
        np.concatenate((one.node, other.node)),
    )


def _cells(of: Moments, period_ns: int) -> tuple[I64, I64, Bools]:
    """The time that each sample stands for; which sample of its thread follows; and whether at once."""
    n = len(of.t_ns)
    order = np.lexsort((of.t_ns, of.thread))
    t = of.t_ns[order]
    gap, same = np.diff(t), np.diff(of.thread[order]) == 0
    near = same & (gap < APART * period_ns)
    half = period_ns // 2
    middle = t[:-1] + gap // 2
    start, end = t - half, t + half
    start[1:] = np.where(near, middle, start[1:])
    end[:-1] = np.where(near, middle, end[:-1])
    # Of one thread no two samples stand for one time, however late one of them came.
    start[1:] = np.where(same, np.maximum(start[1:], end[:-1]), start[1:])
    found = np.empty((n, 2), np.int64)
    found[order] = np.stack((start, np.maximum(end, start)), axis=1)
    following, is_next = np.arange(n), np.zeros(n, bool)
    following[order[:-1]] = np.where(near, order[1:], order[:-1])
    is_next[order[:-1]] = near
    return found, following, is_next


def _shared(of: I64) -> tuple[F64, F64, I64]:
    """Seconds of each cell, shared among those at once; how many those are; and the pauses of all."""
    n = len(of)
    times = np.concatenate((of[:, 0], of[:, 1]))
    order = np.argsort(times, kind="stable")
    at = times[order]
    running = np.cumsum(np.where(order < n, 1, -1))
    long = np.diff(at, append=at[-1])
    # From the first cell on, so that a long sum of times costs no digits.
    part = np.concatenate(([0.0], np.cumsum(np.where(running > 0, long / np.maximum(running, 1), 0.0))))
    place = np.empty(2 * n, np.int64)
    place[order] = np.arange(2 * n)
    shared = part[place[n:]] - part[place[:n]]
    whole = (of[:, 1] - of[:, 0]).astype(float)
    threads = np.where(shared > 0, whole / np.where(shared > 0, shared, 1.0), 1.0)
    still = np.flatnonzero((running == 0) & (long > 0))
    return shared / NS_PER_S, threads, np.stack((at[still], at[still] + long[still]), axis=1)
