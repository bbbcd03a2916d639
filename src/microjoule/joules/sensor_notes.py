"""Sentences about the sensors of a trace, of those on which its totals rest and of those beside them.

A GPU's gauge is recorded beside its counter, and the total is the counter's alone. What the gauge hides or
how wide its intervals are concerns no figure of a short report, only the gauge's own rows.
"""

from __future__ import annotations

import numpy as np

from ..trace.schema import CLOCKS
from ..units import NS_PER_S, seconds
from . import stand_in
from .counter import Counter
from .counter_notes import notes, of_agent
from .disagreement import disagreements
from .energy_trace import Trace
from .gauge import Gauge
from .gauge_notes import of_gauges
from .total import covered

_WORTH_NS = 1.5 * NS_PER_S  # a reply's time is whole seconds, and a second old where it is held


def of_totals(trace: Trace) -> list[str]:
    """What the trace shows of its sensors that their channels do not say, a sentence each."""
    meters = [trace.meter(name) for name in trace.energy_channels]
    counters = [meter for meter in meters if isinstance(meter, Counter)]
    of_counters = (note for counter in counters for note in notes(counter))
    together = (*stand_in.sentences(trace), *of_agent(counters))
    apart = disagreements(trace)  # one of two figures is wrong: before what explains them
    own = _of_gauges(trace, is_in_total=True)
    return [*trace.identity.notes, *apart, *own, *of_counters, *together, *clock_notes(trace)]


def beside_totals(trace: Trace) -> list[str]:
    """The same of the gauges whose figures no total takes."""
    return _of_gauges(trace, is_in_total=False)


def _of_gauges(trace: Trace, *, is_in_total: bool) -> list[str]:
    taken = set(covered({name: trace.channels[name] for name in trace.energy_channels}))
    instead = (trace.mark_fits.stand_in(name) for name in tuple(taken))
    taken |= {gauge.channel.id for gauge in instead if gauge is not None}
    meters = [trace.meter(name) for name in trace.energy_channels if (name in taken) is is_in_total]
    gauges, windows = (meter for meter in meters if isinstance(meter, Gauge)), trace.window_columns
    return of_gauges(gauges, windows.t0_ns, windows.t1_ns)


def clock_notes(trace: Trace) -> list[str]:
    """A sentence for each reference meter whose own clock is off, by the times that it sends.

    Energies use the time of the question, so that a wrong clock changes none; but who compares the meter's
    log with a trace has to know it.
    """
    meters = [
        trace.meter(name) for name in trace.energy_channels if trace.channels[name].place.device == "meter"
    ]
    if not meters:
        return []
    monotonic_ns, realtime_ns = trace.clock_pairs[CLOCKS[0]]
    if not len(monotonic_ns):
        return []
    since_ns = float(np.median(realtime_ns - monotonic_ns))
    found = {
        each.channel.lane: each.readings.stamps_ahead_ns - since_ns
        for each in meters
        if isinstance(each, Gauge) and each.readings.stamps_ahead_ns is not None
    }
    return [
        f"{lane}: the meter's clock is {abs(seconds(round(by_ns))):.1f} s "
        f"{'ahead of' if by_ns > 0 else 'behind'} this machine's. Energies use this machine's clock"
        for lane, by_ns in found.items()
        if abs(by_ns) > _WORTH_NS
    ]
