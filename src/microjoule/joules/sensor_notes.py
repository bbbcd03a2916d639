"""Sentences about the sensors of a trace, of those on which its totals rest and of those beside them.

A GPU's gauge is recorded beside its counter, and the total is the counter's alone. What the gauge hides or
how wide its intervals are concerns no figure of a short report, only the gauge's own rows.

A counter and the gauges of one device are held against each other, and where no counter is, gauges are: a
load in step with a sensor that looks at a part of the time leaves its readings steady and wrong, and a mean
of a second beside it shows that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from ..errors import TraceError
from ..trace.schema import CLOCKS
from ..trace.window import Window
from ..units import NS_PER_S, seconds, three_digits
from .counters.counter import Counter
from .counters.counter_notes import notes, of_agent
from .energy_trace import Trace
from .estimates.estimate import Estimate
from .estimates.total import beside, covered
from .gauges import stand_in
from .gauges.gauge import Gauge
from .gauges.gauge_notes import of_gauges
from .gauges.readings import Shape
from .marks import within_updates

_MISSING = 0.1  # of the trace, by which a gauge may tell less of it than its counter
_WORTH_NS = 1.5 * NS_PER_S  # a reply's time is whole seconds, and a second old where it is held


def of_totals(trace: Trace) -> list[str]:
    """What the trace shows of its sensors that their channels do not say, a sentence each."""
    meters = [trace.meter(name) for name in trace.energy_channels]
    counters = [meter for meter in meters if isinstance(meter, Counter)]
    of_counters = (note for counter in counters for note in notes(counter))
    together = (*stand_in.sentences(trace), *of_agent(counters))
    apart = disagreements(trace)  # one of two figures is wrong: before what explains them
    own = _of_gauges(trace, is_in_total=True)
    within = within_updates.sentences(trace)
    return [*trace.identity.notes, *apart, *within, *own, *of_counters, *together, *clock_notes(trace)]


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


def disagreements(trace: Trace) -> list[str]:
    """A sentence for each counter and gauge of one device that lie further apart than both uncertainties."""
    try:
        span = trace.span
    except TraceError:
        return []
    found = []
    for meter, gauges in _of_one_device(trace):
        taken = meter.energy(span.t0_ns, span.t1_ns)
        found += [_sentence(meter, taken, gauge, span) for gauge in gauges]
    return [each for each in found if each]


def _of_one_device(trace: Trace) -> Iterator[tuple[Counter | Gauge, list[Gauge]]]:
    """Each meter that a total takes, and the gauges of the same place."""
    meters = {name: trace.meter(name) for name in trace.energy_channels if name not in trace.dead}
    for name, meter in meters.items():
        channel = trace.channels[name]
        names: Iterable[str] = beside(channel, trace.channels)
        if isinstance(meter, Gauge) and name in covered(trace.channels):
            names = [each for each in meters if each != name and trace.channels[each].place == channel.place]
        gauges = [each for each in map(trace.meter, names) if isinstance(each, Gauge)]
        if gauges:
            yield meter, gauges


def _sentence(taken: Counter | Gauge, counted: Estimate, gauge: Gauge, span: Window) -> str:
    if counted.value is None or gauge.span_ns is None:
        return ""
    # A gauge is read a little later than its counter, and its first and last updates lie inside.
    t0_ns, t1_ns = max(span.t0_ns, gauge.span_ns[0]), min(span.t1_ns, gauge.span_ns[1])
    missing_ns = span.duration_ns - (t1_ns - t0_ns)
    if missing_ns > _MISSING * span.duration_ns:
        return ""
    shown = gauge.energy(t0_ns, t1_ns)
    outside_j = float(gauge.readings.watts.max()) * seconds(missing_ns)
    if shown.value is None:
        return ""
    if abs(counted.value - shown.value) <= math.hypot(counted.U, shown.U) + outside_j:
        return ""
    partial = next((each.channel.id for each in (gauge, taken) if _is_part_time(each)), "")
    why = f"{partial} measures only a part of the time" if partial else "one of them measures something else"
    return (
        f"{gauge.channel.id} shows {three_digits(shown.value / seconds(t1_ns - t0_ns))} W on average and "
        f"{taken.channel.id} {three_digits(counted.value / seconds(span.duration_ns))} W, "
        f"further apart than both uncertainties: {why}, or a unit is wrong. {taken.channel.id} is taken"
    )


def _is_part_time(meter: Counter | Gauge) -> bool:
    if isinstance(meter, Counter):
        return False
    return meter.readings.shape is Shape.HOLD and meter.readings.coverage < 1
