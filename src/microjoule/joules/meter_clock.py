"""How far a reference meter's own clock is off, as its readings show.

Each reading has the time of the question and, of a meter that says it, the meter's own time. Energies use the
former, so that a wrong clock changes none; who compares the meter's log with a trace has to know it all the
same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..trace.schema import CLOCKS
from ..units import NS_PER_S, seconds
from .beside_meter import is_meter
from .gauge import Gauge

if TYPE_CHECKING:
    from .energy_trace import Trace

_WORTH_NS = 1.5 * NS_PER_S  # a reply's time is whole seconds, and a second old where it is held


def clock_notes(trace: Trace) -> list[str]:
    """A sentence for each meter whose clock is off."""
    monotonic_ns, realtime_ns = trace.clock_pairs[CLOCKS[0]]
    if not len(monotonic_ns):
        return []
    since_ns = float(np.median(realtime_ns - monotonic_ns))
    found: dict[str, float] = {}
    for name in trace.energy_channels:
        channel, meter = trace.channels[name], trace.meter(name)
        if is_meter(channel) and isinstance(meter, Gauge) and meter.readings.stamps_ahead_ns is not None:
            found[channel.lane] = meter.readings.stamps_ahead_ns - since_ns
    return [
        f"{lane}: the meter's clock is {abs(seconds(round(by_ns))):.1f} s "
        f"{'ahead of' if by_ns > 0 else 'behind'} this machine's. Energies use this machine's clock"
        for lane, by_ns in found.items()
        if abs(by_ns) > _WORTH_NS
    ]
