"""What two edges of a window share of the phase of their grid of updates. Pure.

The phase at an update is that of the brackets of 24 updates on either side. Edges a few updates apart have
most of these in common, and so most of what is not known of it, which cancels in steady power.

Not so where the readings march slowly past the updates, as every 500 µs past updates of 7,993 µs: each update
lies 7 µs earlier between two readings than the one before. If all 49 march by less than the time between two
readings, the middle of what their brackets leave open moves with them, and the phase does not.
So two edges d updates apart are off by d m against each other, whatever is common to them.

Reads of a slow counter come in step with its updates for hundreds of these: the phase drifts through what the
brackets leave open, and jumps back. Ends of a sum of windows are farther apart than those of each window, and
share less. So what edges share stands in groups of nodes, which sums add up with their signs; and by how much
the phase drifts within a window in a group of all windows near.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..estimates.uncertainty import RECTANGULAR, Component
from .interpolation import Segment
from .update_times import AROUND, F64

if TYPE_CHECKING:
    from .budget import Edges

_BLOCK = 4  # times as long as brackets leave one time open, windows march one way
_IN_COMMON = 2 * AROUND + 1  # updates, from which on edges have no neighbours in common


def phase_ns(at: Segment) -> tuple[F64, F64]:
    """What is not known of the phase at instants, and by how much that moves from an update to the next.

    Args:
        at: Where they lie between updates.

    Returns:
        float64[n] each: standard uncertainty at the nearer update; the march, 0 where it is not slow.
    """
    is_start = at.part < 0.5
    columns = ((end.phase_ns, end.jitter_ns) for end in (at.start, at.end))
    phase, jitter = (np.where(is_start, *both) for both in zip(*columns, strict=True))
    update_ns, read_ns = at.near.usual_ns, np.maximum(at.near.apart_ns, 1.0)
    march = np.abs(update_ns - np.rint(update_ns / read_ns) * read_ns)
    is_slow = (phase > jitter) & (2 * AROUND * march < read_ns)
    return phase, np.where(is_slow, march, 0.0)


def phases(begin: Edges, end: Edges) -> tuple[tuple[F64, F64], tuple[F64, F64]]:
    """What is not known of windows' phases: of each edge by itself, and what each shares; in counts.

    Args:
        begin: What is not known of the windows' beginnings.
        end: And of their ends.
    """
    apart = np.abs(end.left - begin.left)
    together = np.maximum(np.minimum(begin.together, end.together), _IN_COMMON)
    part = np.minimum(apart / together, 1.0)
    # Neighbours in common make a part of the phase one. Where reads come in step with the updates for longer,
    # it drifts by no more than that part of it, whatever single brackets show of a march.
    is_in_step = together > _IN_COMMON
    near = 1.0 - np.where(is_in_step, part**2, part)
    apart = np.where(is_in_step, 0, apart)
    near = np.where((begin.phase > 0) & (end.phase > 0), near, 0.0)
    first, second = (_alone(edge, near, apart) for edge in (begin, end))
    return (first, second), (_rest(begin, first), _rest(end, second))


def _rest(edge: Edges, alone: F64) -> F64:
    return np.sqrt(np.maximum(edge.phase**2 - alone**2, 0.0))


def at_nodes(
    name: str, edges: tuple[Edges, Edges], shared: tuple[F64, F64], scale: float, widest: F64
) -> dict[int, list[Component]]:
    """What edges of a slow counter's windows share of the phase, by the number of the window.

    Each edge shares it with the two nodes between which it lies: numbered updates so far apart that their
    phases are independent. It cancels within a window, and within a sum as far as the sum's ends are near.
    Windows that do not adjoin all march one way.

    Args:
        name: Of the counter.
        edges: What is not known of the windows' beginnings and of their ends.
        shared: float64[n] each, what they share, in counts.
        scale: What a count is worth.
        widest: float64[n], the largest standard uncertainty that a cause may have, in the figures' unit.
    """
    columns = []
    for edge, size, sign in zip(edges, shared, (-scale, scale), strict=True):
        place = edge.left / np.maximum(edge.together, _IN_COMMON)
        node = np.floor(place).astype(np.int64)
        part = place - node
        whole = sign * np.where(edge.together > 0, size, 0.0) / np.hypot(1.0 - part, part)
        columns += [("phase", node, whole * (1.0 - part)), ("phase", node + 1, whole * part)]
    begin, end = edges
    together = np.maximum(np.minimum(begin.together, end.together), 1.0)
    part = np.minimum(np.abs(end.left - begin.left) / together, 1.0) * (together > _IN_COMMON)
    block = (begin.left // (_BLOCK * together)).astype(np.int64)
    columns.append(("march", block, scale * np.maximum(*shared) * part * math.sqrt(2.0)))
    found: dict[int, list[Component]] = {}
    for cause, number, size in columns:
        u = np.clip(size, -widest, widest)
        for i in np.flatnonzero(u).tolist():
            group = f"{cause}:{name}/{int(number[i])}"
            one = Component("edges", float(u[i]), form=RECTANGULAR, group=group)
            found.setdefault(i, []).append(one)
    return found


def _alone(edge: Edges, near: F64, apart: F64) -> F64:
    """What the phase of an edge has by itself: what the other edge did not see, and half of the march."""
    found: F64 = np.hypot(edge.phase * np.sqrt(1.0 - near), edge.drift * apart / np.sqrt(2.0))
    return np.minimum(found, edge.phase)
