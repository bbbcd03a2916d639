"""Traces of one node: which of them counts which joules, so that none is counted twice.

Two recorders of one node read the same counters. Where their times overlap, each joule is counted by one of
them: by the trace that began first where both have the channel, and by the other where only that one has it
(each may see a GPU of its own). What covers what is decided over the channels of both, as within one trace.

A node is a boot of one kernel: its counters and its CLOCK_MONOTONIC are the same for all containers on it,
whatever they call the host. Traces that do not say their boot are taken to be of nodes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ...channel import Channel
from ...trace.window import Window
from ..estimates.estimate import Estimate, summed
from ..estimates.total import covered

if TYPE_CHECKING:
    from ..energy_trace import Trace


class Piece(NamedTuple):
    """A time in which a trace counts some of its channels.

    Attributes:
        t0_ns: Its first nanosecond, CLOCK_MONOTONIC.
        t1_ns: The first after it.
        channels: The ids of the channels that count; their energies add up.
    """

    t0_ns: int
    t1_ns: int
    channels: tuple[str, ...]


def node_of(facts: Mapping[str, Any]) -> str | None:
    """What tells a node from all others; None: the trace does not say."""
    host = facts.get("host")
    found = host.get("boot_id") if isinstance(host, dict) else None
    return str(found) if found else None


def name_of(facts: Mapping[str, Any]) -> str:
    """What people call the node of a trace; empty: the trace does not say."""
    known = [facts.get("launch"), facts.get("host")]
    launch, host = ({} if not isinstance(each, dict) else each for each in known)
    return str(launch.get("node") or host.get("hostname") or "")


class Recorded(Protocol):
    """What is asked of a trace here."""

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Its channels by id."""

    @property
    def energy_channels(self) -> tuple[str, ...]:
        """Those that tell an energy."""


def pieces(traces: Sequence[tuple[Recorded, Window]]) -> list[list[Piece]]:
    """What each of several traces of one node counts, in their order.

    Args:
        traces: Each with the window that is to be counted of it.
    """
    first = sorted(range(len(traces)), key=lambda at: (traces[at][1].t0_ns, at))
    cuts = sorted({edge for _, span in traces for edge in (span.t0_ns, span.t1_ns)})
    found: list[list[Piece]] = [[] for _ in traces]
    for t0_ns, t1_ns in pairwise(cuts):
        here = [at for at in first if traces[at][1].t0_ns <= t0_ns and t1_ns <= traces[at][1].t1_ns]
        tables = [
            {name: traces[at][0].channels[name] for name in traces[at][0].energy_channels} for at in here
        ]
        whole: dict[str, Any] = {}
        for table in reversed(tables):
            whole |= table
        left = set(covered(whole))
        for at, table in zip(here, tables, strict=True):
            own = tuple(name for name in table if name in left)
            left -= set(own)
            before = found[at][-1] if found[at] else None
            if before is not None and (before.t1_ns, before.channels) == (t0_ns, own):
                found[at][-1] = before._replace(t1_ns=t1_ns)
            else:
                found[at].append(Piece(t0_ns, t1_ns, own))
    return found


def energy(trace: Trace, counted: Sequence[Piece]) -> Estimate:
    """What a trace counts of its node's energy; nothing of no channel at all."""
    parts: list[Estimate] = []
    for piece in counted:
        if piece.channels:
            found = trace.energy(Window("node", piece.t0_ns, piece.t1_ns))
            is_whole = set(found.total.channels) == set(piece.channels)
            parts.append(found.total if is_whole else found.add(*piece.channels))
    return summed(parts) if parts else Estimate(value=0.0, low=0.0, high=0.0)


def counted_ns(counted: Sequence[Piece]) -> int:
    """For how long a trace counts anything."""
    return sum(piece.t1_ns - piece.t0_ns for piece in counted if piece.channels)
