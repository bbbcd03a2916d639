"""Sentences about the sensors of a trace, of those on which its totals rest and of those beside them.

A GPU's gauge is recorded beside its counter, and the total is the counter's alone. What the gauge hides or
how wide its intervals are concerns no figure of a short report, only the gauge's own rows.
"""

from __future__ import annotations

from . import stand_in
from .counter import Counter
from .counter_notes import notes, of_agent
from .disagreement import disagreements
from .energy_trace import Trace
from .gauge import Gauge
from .gauge_notes import of_gauges
from .total import covered


def of_totals(trace: Trace) -> list[str]:
    """What the trace shows of its sensors that their channels do not say, a sentence each."""
    meters = [trace.meter(name) for name in trace.energy_channels]
    counters = [meter for meter in meters if isinstance(meter, Counter)]
    of_counters = (note for counter in counters for note in notes(counter))
    together = (*stand_in.sentences(trace), *of_agent(counters))
    apart = disagreements(trace)  # one of two figures is wrong: before what explains them
    own = _of_gauges(trace, is_in_total=True)
    return [*trace.identity.notes, *apart, *own, *of_counters, *together, *_of_meters(trace)]


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


def _of_meters(trace: Trace) -> list[str]:
    if not any(channel.place.device == "meter" for channel in trace.channels.values()):
        return []
    from .meter_clock import clock_notes

    return clock_notes(trace)
