"""What the engine says of itself each time it writes: pairs of clocks, what lanes and marks counted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..trace import schema
from .native import clock_pair, now_ns

if TYPE_CHECKING:
    from .agent_lane import AgentLane
    from .lane import Lane
    from .mark_rings import MarkRings
    from .meter_lane import MeterLane

CLOCK_IDS = dict(zip(schema.CLOCKS, (time.CLOCK_REALTIME, getattr(time, "CLOCK_BOOTTIME", 7)), strict=True))


def of_clocks() -> list[schema.OwnRow]:
    """What the other clocks say, and when on the trace's."""
    pairs = [(name, clock_pair(clock)) for name, clock in CLOCK_IDS.items()]
    return [(t_ns, read_ns, name, value_ns, None) for name, (t_ns, read_ns, value_ns) in pairs]


def of_lanes(lanes: Sequence[Lane | AgentLane | MeterLane]) -> list[schema.OwnRow]:
    """What each lane has counted: ticks, errors, readings that were dropped."""
    found: list[schema.OwnRow] = []
    for lane in lanes:
        t_ns, counts = now_ns(), lane.counts()
        found += [
            (t_ns, 0, schema.engine(lane.name, each), counts[each], None) for each in schema.LANE_COUNTS
        ]
    return found


def of_marks(marks: MarkRings) -> list[schema.OwnRow]:
    """How many marks were lost, by cause."""
    t_ns, losses = now_ns(), marks.losses()
    return [(t_ns, 0, schema.engine(schema.MARKS, cause), n, None) for cause, n in losses.items()]
