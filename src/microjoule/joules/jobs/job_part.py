"""What a job's report keeps of each trace: its windows, ranks and clock, and none of its readings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...channel import Channel
from ...trace.series import I64
from ...trace.window import Window
from ..estimates.run_window import OUTERMOST, whole
from ..rank_ends import bad_ends, is_of_rank
from . import nodes
from .node_clocks import REAL, NodeClock, clock

if TYPE_CHECKING:
    from ..energy_trace import Trace


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
    for window in trace.window_columns.each():
        rank = window.attributes.get("rank")
        if type(rank) is int:
            ranks.add(rank)
        if window.name not in OUTERMOST and not is_of_rank(window):
            found.setdefault(window.name, []).append((window.t0_ns, window.t1_ns))
    return Part(
        path,
        nodes.node_of(trace.facts) or str(path),
        nodes.name_of(trace.facts) or str(path),
        span,
        {name: trace.channels[name] for name in trace.energy_channels},
        trace.energy_channels,
        {name: np.array(edges, np.int64) for name, edges in found.items()},
        frozenset(ranks),
        bad_ends(trace.window_columns),
        clock(trace.clock_pairs[REAL], trace.clock_errors),
    )
