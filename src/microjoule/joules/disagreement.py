"""Whether a counter and the power gauges of one device say the same of a trace, within what all allow.

Where no counter is, gauges are held against each other: a load in step with a sensor that looks at a part of
the time leaves its readings steady and wrong, and a mean of a second beside it shows that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from ..errors import TraceError
from ..trace.window import Window
from ..units import seconds, three_digits
from .counter import Counter
from .energy_trace import Trace
from .estimate import Estimate
from .gauge import Gauge
from .readings import Shape
from .total import beside, covered

_MISSING = 0.1  # of the trace, by which a gauge may tell less of it than its counter


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
