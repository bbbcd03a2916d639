"""What a job's report keeps of each trace: its windows, ranks and clock, and none of its readings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..channel import Channel
from ..trace.series import I64
from ..trace.window import Window
from ..units import seconds
from . import nodes
from .node_clocks import REAL, NodeClock, clock
from .run_window import OUTERMOST, whole

if TYPE_CHECKING:
    from .energy_trace import Trace

RANK = "rank"
OWN_NAMES = (*OUTERMOST, RANK)  # windows that a recorder lays about what its ranks mark


class Part(NamedTuple):
    """A trace of a job, as far as it is kept in memory.

    Attributes:
        path: Its file.
        node: What tells its node from others.
        name: What people call the node.
        span: What of it is counted.
        channels: Its channels by id.
        energy_channels: Those that tell an energy.
        windows: By name, int64[n, 2]: beginnings and ends, on its own clock, in their order.
        ranks: The ranks that ran there.
        ends: Of each rank that did not end well, how.
        clock: Of its node.
    """

    path: Path
    node: str
    name: str
    span: Window
    channels: Mapping[str, Channel]
    energy_channels: tuple[str, ...]
    windows: Mapping[str, I64]
    ranks: frozenset[int]
    ends: Mapping[int, str]
    clock: NodeClock


def part(path: Path, trace: Trace) -> Part:
    """What is kept of a trace.

    Raises:
        TraceError: It has no time in which all its channels were read.
    """
    span = whole(trace)
    found: dict[str, list[tuple[int, int]]] = {}
    ranks: set[int] = set()
    ends: dict[int, str] = {}
    for window in trace.windows:
        rank = window.attributes.get("rank")
        if type(rank) is int:
            ranks.add(rank)
        if window.name not in OWN_NAMES:
            found.setdefault(window.name, []).append((window.t0_ns, window.t1_ns))
        elif window.name == RANK and type(rank) is int:
            ended = ending(window)
            if ended:
                ends[rank] = ended
    return Part(
        path,
        nodes.node_of(trace.facts) or str(path),
        nodes.name_of(trace.facts) or str(path),
        span,
        {name: trace.channels[name] for name in trace.energy_channels},
        trace.energy_channels,
        {name: np.array(edges, np.int64) for name, edges in found.items()},
        frozenset(ranks),
        ends,
        clock(trace.clock_pairs[REAL], trace.clock_errors),
    )


def ending(window: Window) -> str:
    """How a rank ended; empty: with exit code 0."""
    of = window.attributes
    after = f"after {seconds(window.duration_ns):.3g} s"
    if of.get("ended"):
        return f"{of['ended']} {after}"
    if of.get("signal"):
        return f"ended by signal {of['signal']} {after}"
    return f"ended with exit code {of['exit_code']} {after}" if of.get("exit_code") else ""
