"""Whether a counter and a power gauge of one device say the same of a trace, within what both allow."""

from __future__ import annotations

import math

from ..errors import TraceError
from ..trace.window import Window
from ..units import seconds, three_digits
from .counter import Counter
from .energy_trace import Trace
from .estimate import Estimate
from .gauge import Gauge
from .readings import Shape
from .total import beside

_MISSING = 0.1  # of the trace, by which a gauge may tell less of it than its counter


def disagreements(trace: Trace) -> list[str]:
    """A sentence for each counter and gauge of one device that lie further apart than both uncertainties."""
    try:
        span = trace.span
    except TraceError:
        return []
    found = []
    for name in trace.energy_channels:
        counter = trace.meter(name)
        if isinstance(counter, Counter) and name not in trace.dead:
            counted = counter.energy(span.t0_ns, span.t1_ns)
            gauges = (trace.meter(each) for each in beside(trace.channels[name], trace.channels))
            found += [
                _sentence(counter, counted, gauge, span) for gauge in gauges if isinstance(gauge, Gauge)
            ]
    return [each for each in found if each]


def _sentence(counter: Counter, counted: Estimate, gauge: Gauge, span: Window) -> str:
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
    is_partial = gauge.readings.shape is Shape.HOLD and gauge.readings.coverage < 1
    why = "it looks at a part of the time only" if is_partial else "one of them measures something else"
    return (
        f"{gauge.channel.id} says {three_digits(shown.value)} J and {counter.channel.id} "
        f"{three_digits(counted.value)} J, "
        f"further apart than both uncertainties: {why}, or a unit is wrong. The counter is taken"
    )
