"""The energies of windows by a gauge, scaled so that over the recording they are those of its counter. Pure.

    E = G(a, b) C(R) / G(R),

R being all of the recording that both tell of, in which it matters little by how much the counter trails. So
the gauge says when without that lag. Why C(R) and G(R) differ is open (component *scale*): by a gain, by an
offset, of which a window has its share of the time, or by what the gauge did not look at, of which a window
may have nothing. And parts of R are scaled by other numbers where the gain drifts or depends on the power.
A gain and an offset may cancel over R, and do not in a window of another power: by how much they may is known
from the line of what the counter gained between its updates on what the gauge showed there, at the lag at
which they are most alike.

How late the gauge is counts here as it does where it tells a counter's lag.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ...units import NS_PER_S, seconds
from ..counters.counter import Counter
from ..counters.lags_left_open import tried_ns
from ..estimates.estimate import Estimate, summed
from ..estimates.uncertainty import BOUNDED, ROOT_3, SENSOR, Component, gathered
from ..gauges.gauge import Gauge
from ..lags.lag_beside_gauge import GAINS, own_lag

_UPDATES, _MOST = 40, 2048  # of a counter, that tell a slope, and that are looked at
_SURE = 2.0  # standard uncertainties of a slope
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
        slope: By how much more than ``by`` the counter's energy may grow with the gauge's, a share, signed.
    """

    by: Estimate
    differs_j: float
    gauge_j: float
    duration_s: float
    unlike: float
    slope: float

    def off(self, joules: float, duration_s: float) -> float:
        """By how much a window may be off by gain and offset, of so many joules by the gauge, signed."""
        return self.slope * float(self.by) * (joules - self.gauge_j / self.duration_s * duration_s)

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
    slope = _slope(counter, gauge, (int(at[0]), int(at[-1]))) / float(by)
    return Scale(by, float(g) - float(c), float(g), duration_s, unlike, slope)


def _slope(counter: Counter, gauge: Gauge, span_ns: tuple[int, int]) -> float:
    """By how much more than in the mean the counter's energy may grow with the gauge's; 0: nothing tells."""
    n, half_ns = len(counter.changes), counter.channel.timing.half_lag_ns
    if n < _UPDATES:
        return 0.0
    k = np.linspace(0, n - 2, min(n - 1, _MOST)).astype(np.int64)
    t0, t1 = counter.located(k).t_ns, counter.located(k + 1).t_ns
    off_ns = tried_ns(half_ns, gauge.readings.period_ns)
    off_ns = np.rint(np.concatenate((-off_ns, [0.0], off_ns))).astype(np.int64)
    inside = (t0 + off_ns[0] >= span_ns[0]) & (t1 + off_ns[-1] <= span_ns[1])
    read = np.searchsorted(gauge.readings.t_ns, np.stack((t0, t1)))
    inside &= read[1] > read[0]  # in a silence of the gauge it shows nothing
    k, t0, t1 = k[inside], t0[inside], t1[inside]
    if len(k) < _UPDATES:
        return 0.0
    total = counter.steps.total[counter.changes]
    gained = counter.quantity(total[k + 1] - total[k], 0)
    lasted = (t1 - t0) / NS_PER_S
    y = gained - gained.sum() / lasted.sum() * lasted
    found = []
    for ns in off_ns:
        shown = gauge.joules_until(t1 + ns) - gauge.joules_until(t0 + ns)
        x = shown - shown.sum() / lasted.sum() * lasted
        square = max(float(x @ x), 1e-300)
        gain, mean = float(x @ y) / square, float(gained.sum() / max(shown.sum(), 1e-300))
        left = float((y - gain * x) @ (y - gain * x))
        found.append((left, gain - mean, math.sqrt(left / len(k) / square)))
    _, more, u = min(found)
    return math.copysign(abs(more) + _SURE * u, more)


def scaled(gauge: Gauge, of: Scale, t0_ns: I64, t1_ns: I64) -> list[Estimate]:
    """The energies of windows by a gauge and its scale; intervals are not the counter's."""
    found = []
    for each, duration_s in zip(_energies(gauge, t0_ns, t1_ns), (t1_ns - t0_ns) / NS_PER_S, strict=True):
        if each.value is None:
            found.append(each)
            continue
        u = of.left_open(each.value, duration_s) / ROOT_3
        more = Component("scale", u, form=BOUNDED, group=f"scale:{gauge.channel.id}")
        off = of.off(each.value, duration_s) / ROOT_3
        bent = Component("scale", off, form=BOUNDED, group=f"slope:{gauge.channel.id}")
        one = each * of.by
        found.append(replace(one, components=(*one.components, more, bent)))
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
