"""The energies of windows by a gauge, scaled so that over the recording they are those of its counter. Pure.

    E = G(a, b) C(R) / G(R),

R being all of the recording that both tell of, in which it matters little by how much the counter trails. So
the gauge says when without that lag. Why C(R) and G(R) differ is open (component *scale*): by a gain, by an
offset, of which a window has its share of the time, or by what the gauge did not look at, of which a window
may have nothing. And parts of R are scaled by other numbers where the gain drifts or depends on the power.

How late the gauge is counts here as it does where it tells a counter's lag.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..trace.series import I64
from ..units import NS_PER_S, seconds
from .counter import Counter
from .estimate import Estimate, summed
from .gauge import Gauge
from .lag_beside_gauge import GAINS, own_lag
from .uncertainty import BOUNDED, ROOT_3, SENSOR, Component, gathered

_PARTS, _FEWEST = 8, 4  # of the recording, each scaled by itself, and how many of them both tell of at least


class Scale(NamedTuple):
    """What a gauge's energies are multiplied by.

    Attributes:
        by: A number.
        differs_j: The gauge's energy of the recording less the counter's.
        gauge_j: The gauge's energy of it.
        duration_s: And how long it is.
        unlike: By which share of itself it differs in parts, as half of a rectangle, beyond what both
            leave open of them.
    """

    by: Estimate
    differs_j: float
    gauge_j: float
    duration_s: float
    unlike: float

    def left_open(self, joules: float, duration_s: float) -> float:
        """By how much a window may be off, of so many joules by the gauge."""
        share = max(duration_s / self.duration_s, joules / self.gauge_j)
        return abs(self.differs_j) * share + self.unlike * float(self.by) * joules


def scale(counter: Counter, gauge: Gauge) -> Scale | None:
    """What makes a gauge's energies those of the counter of its device; None: they tell it not."""
    span, other = counter.span_ns, gauge.span_ns
    if span is None or other is None or own_lag(gauge) is None or counter.channel.trust.model is not None:
        return None
    at = np.linspace(max(span[0], other[0]), min(span[1], other[1]), _PARTS + 1).astype(np.int64)
    if at[0] >= at[-1]:
        return None
    counted, shown = counter.estimates(counter.energies(at[:-1], at[1:])), _energies(gauge, at[:-1], at[1:])
    told = [k for k in range(_PARTS) if (counted[k].value or 0.0) > 0 and (shown[k].value or 0.0) > 0]
    if len(told) < _FEWEST:
        return None
    c, g = summed([counted[k] for k in told]), summed([shown[k] for k in told])
    by = _of_causes(c / g, f"scale:{counter.channel.id}")
    if not GAINS[0] < 1 / float(by) < GAINS[1]:
        return None
    duration_s = sum(seconds(int(at[k + 1] - at[k])) for k in told)
    each = [counted[k] / shown[k] / float(by) for k in told]
    beyond = float(np.mean([(float(one) - 1.0) ** 2 - one.u**2 for one in each]))
    unlike = ROOT_3 * math.sqrt(max(beyond, 0.0))
    return Scale(by, float(g) - float(c), float(g), duration_s, unlike)


def scaled(gauge: Gauge, of: Scale, t0_ns: I64, t1_ns: I64) -> list[Estimate]:
    """The energies of windows by a gauge and its scale; intervals are not the counter's."""
    found = []
    for each, duration_s in zip(_energies(gauge, t0_ns, t1_ns), (t1_ns - t0_ns) / NS_PER_S, strict=True):
        if each.value is None:
            found.append(each)
            continue
        u = of.left_open(each.value, duration_s) / ROOT_3
        more = Component("scale", u, form=BOUNDED, group=f"scale:{gauge.channel.id}")
        one = each * of.by
        found.append(replace(one, components=(*one.components, more)))
    return found


def _of_causes(of: Estimate, group: str) -> Estimate:
    """The same, of which only the sensors' own causes are in windows, too, and so stay apart."""
    own = tuple(each for each in of.components if each.name in SENSOR)
    others = math.hypot(*(each.u for each in gathered(of.components) if each.name not in SENSOR))
    return replace(of, components=(*own, Component("scale", others, group=group)))


def _energies(gauge: Gauge, t0_ns: I64, t1_ns: I64) -> list[Estimate]:
    """A gauge's own, but as late as gauges beside counters may be, or reads in step with it leave open."""
    found, readings = gauge.energies(t0_ns, t1_ns), gauge.readings
    late_ns = max((own_lag(gauge) or 0.0) * readings.period_ns, readings.left_open_ns)
    late = late_ns / max(gauge.lag_s * NS_PER_S, 1.0)
    parts = (
        each._replace(u=each.u * late, form=BOUNDED) if each.name == "lag" else each for each in found.parts
    )
    return gauge.estimates(replace(found, parts=tuple(parts)))
