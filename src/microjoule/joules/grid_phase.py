"""What two edges of a window share of the phase of their grid of updates. Pure.

The phase at an update is that of the brackets of 24 updates on either side. Edges a few updates apart have
most of these in common, and so most of what is not known of it, which cancels in steady power.

Not so where the readings march slowly past the updates, as every 500 µs past updates of 7,993 µs: each update
lies 7 µs earlier between two readings than the one before. If all 49 march by less than the time between two
readings, the middle of what their brackets leave open moves with them, and the phase does not.
So two edges d updates apart are off by d m against each other, whatever is common to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .interpolation import Segment
from .update_times import AROUND, F64

if TYPE_CHECKING:
    from .budget import Edges


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


def phases(begin: Edges, end: Edges) -> tuple[tuple[F64, F64], F64]:
    """What is not known of windows' phases: of each edge by itself, and of both together, signed; in counts.

    Args:
        begin: What is not known of the windows' beginnings.
        end: And of their ends.
    """
    apart = np.abs(end.left - begin.left)
    together = np.maximum(
        np.minimum(begin.together, end.together), 1.0
    )  # a counter that stood still has none
    part = np.minimum(apart / together, 1.0)
    # Neighbours in common make a part of the phase one. Where reads come in step with the updates for longer,
    # it drifts by no more than that part of it, whatever single brackets show of a march.
    is_in_step = together > 2 * AROUND + 1
    near = 1.0 - np.where(is_in_step, part**2, part)
    apart = np.where(is_in_step, 0, apart)
    near = np.where((begin.phase > 0) & (end.phase > 0), near, 0.0)
    first, second = (_alone(edge, near, apart) for edge in (begin, end))
    shared = [np.sqrt(edge.phase**2 - own**2) for edge, own in ((begin, first), (end, second))]
    return (first, second), shared[1] - shared[0]


def _alone(edge: Edges, near: F64, apart: F64) -> F64:
    """What the phase of an edge has by itself: what the other edge did not see, and half of the march."""
    found: F64 = np.hypot(edge.phase * np.sqrt(1.0 - near), edge.drift * apart / np.sqrt(2.0))
    return np.minimum(found, edge.phase)
