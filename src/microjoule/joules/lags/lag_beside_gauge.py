"""By how much a counter trails the energy it reports, learnt from a power gauge of the same device. Pure.

A GPU's counter may trail by nothing, by one of its updates or by a tenth of a second, and its driver does not
say. Its power gauge does: where the power changes, what one of them shows is a line of what the other shows
of the same time at the lag L (:mod:`.lag_samples` has which),

    y_k = g x_k(L) + b u_k + rest.

g and b stand for the two sensors' gain and offset and are profiled out, so that each L leaves a sum of
squares, and the least of these tells L (:mod:`.lag_search`; by Student's t of as many blocks of samples as
tell something). A gauge tells no lag if its blocks of samples are no line at any, or if its readings may be
the alias of a load near its own frequency, or if the load's steps all fall at one phase of the sensor. Where
the power is steady nothing tells the lag, and it matters to no figure.

What is learnt is relative to the gauge, whose own lag is known to a part of its period only, and to what
reads in step with the updates leave open. So it places the figure and is in its 95 % interval; the guaranteed
interval allows all that was declared.

Decision: blocks are those in which the power varies most, of successive samples, so that a long trace costs
no more than a short one. What was given up: lags that drift.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ...channel import Timing
from ...trace.series import I64
from ...units import NS_PER_MS, NS_PER_S, short_time
from ..counters.counter import Counter
from ..counters.update_record import UpdateRecord
from ..estimates.brackets import F64
from ..estimates.lag_search import half_width_ns, is_possible, of_least, with_seen, without_one
from ..estimates.uncertainty import ROOT_12, student
from ..gauges.gauge import Gauge, is_buffered
from ..gauges.readings import Shape
from .lag_samples import FEWEST, LITTLE, MOSTLY, Samples, samples

_STEP_NS = 4 * NS_PER_MS
_SURE = 3.0  # standard uncertainties of a jackknife over some blocks, for 95 %, at least
_CLEAR = 0.2  # of what the worst lag leaves: a gauge that leaves less at the best one is no alias of the load
_LOCKED = 0.2  # of a period, by which steps in step with the sensor may be off: it tells no lag then
_TOLD = 0.4  # of the declared lag: half of one that is known to less is nearly all of it, and tells none
_BOTH = 1.9  # of two rectangular ones of like size, for 95 %
GAINS = (0.5, 2.0)  # of the gauge against the counter; beyond them they measure two things
# Of a gauge's period, by how much its readings may trail the power: gauge.py has the logs that show it.
_OWN_LAG = {Shape.HOLD: 0.1, Shape.CHARGE: 0.1, Shape.BOXCAR: 0.5}
_OF_A_SAMPLE = 1.0  # in a driver's buffer: the mean of the time from the one before, or a momentary value


class SeenLag(NamedTuple):
    """A lag as a gauge shows it, in nanoseconds: the most likely one, and its half-width at 95 %."""

    lag_ns: float
    half_ns: float
    gauge: str


def lag_beside_gauge(counter: Counter, record: UpdateRecord, gauges: Iterable[Gauge]) -> Timing:
    """The timing of a counter with the lag that the quickest of some gauges shows; as it is where none does.

    Args:
        counter: The counter.
        record: Its updates.
        gauges: Of the same device.
    """
    timing = counter.channel.timing
    able = [gauge for gauge in gauges if own_lag(gauge) is not None]
    # A mean of a past second is asked where there is nothing better.
    able.sort(key=lambda gauge: (own_lag(gauge) or 0.0) * gauge.readings.period_ns)
    best = next((each for gauge in able if (each := seen(counter, record, gauge)) is not None), None)
    if best is None:
        return timing
    return with_seen(timing, best.lag_ns, best.half_ns, f"measured against {best.gauge}")


def own_lag(gauge: Gauge) -> float | None:
    """By how much of its period a gauge's readings may trail the power; None: nobody knows."""
    if gauge.readings.longer is not None:  # or the power follows slowly, and they trail by nothing
        return None
    if gauge.channel.timing.likely_lag_ns is not None:
        return gauge.lag_s * NS_PER_S / gauge.readings.period_ns
    return _OF_A_SAMPLE if is_buffered(gauge) else _OWN_LAG.get(gauge.readings.shape)


def seen(counter: Counter, record: UpdateRecord, gauge: Gauge) -> SeenLag | None:
    """The lag of a counter by one gauge; None: it shows none."""
    own, span = own_lag(gauge), gauge.span_ns
    declared_ns = counter.declared.lag_ns
    if own is None or span is None or not declared_ns:
        return None
    shifts = np.arange(-(declared_ns // 2), declared_ns * 3 // 2 + _STEP_NS, _STEP_NS)
    edges, widths, total = record.columns()
    edges = edges + counter.declared.middle_lag_ns
    # Reads that come in step with the updates leave all of them open by the same.
    located_ns = np.hypot(
        float(np.median(widths)) / ROOT_12 if len(widths) else 0.0,
        float(np.median(gauge.readings.spread_s)) * NS_PER_S,
    )
    own_ns = float(np.hypot(own * gauge.readings.period_ns, _BOTH * located_ns))
    found = samples(counter, edges, total, gauge, shifts)
    fits = (_fit(each, gauge, edges, shifts, own_ns) for each in found)
    # A gauge that trails by more makes the counter late by as much, and no reading shows it.
    is_assumed = gauge.channel.timing.likely_lag_ns is None
    of = f", assumed to be at most {short_time(own * gauge.readings.period_ns)} late" if is_assumed else ""
    known = (SeenLag(lag, half, gauge.channel.id + of) for lag, half in filter(None, fits))
    return next((each for each in known if each.half_ns < _TOLD * declared_ns), None)


def _fit(found: Samples, gauge: Gauge, edges: I64, shifts: I64, own_ns: float) -> tuple[float, float] | None:
    """The lag that some samples tell, and its half-width; ``own_ns`` is what sensors and reads leave open."""
    if found.locked_ns > _LOCKED * gauge.readings.period_ns:
        return None
    tells = _line(found.sums)[1].min(0) < LITTLE * _changing(found.sums)[0]
    sums, hidden = found.sums[:, :, tells], found.hidden[:, tells].sum(1)
    blocks = sums.shape[2]
    if blocks < FEWEST:
        return None
    every = np.ones(blocks)
    lag, squares, gain = _best(sums, every, shifts)
    if lag is None or not GAINS[0] < gain < GAINS[1]:
        return None
    if not found.is_exact and squares.min() > _CLEAR * squares.max() and _is_alias(gauge, edges):
        return None
    known = without_one(lambda weights: _best(sums, weights, shifts)[0], blocks)
    if known is None:
        return None
    more = gain**2 * (hidden + hidden[np.argmin(squares)])
    possible = shifts[is_possible(squares, blocks * found.n) | (squares <= squares.min() + more)]
    wide_ns = half_width_ns(lag, _sure(sums, gain), known, possible)
    wide_ns = math.hypot(wide_ns, found.locked_ns)
    # One of several valleys may be the right one, whatever the sensors leave open of it.
    is_one = len(possible) * _STEP_NS > possible[-1] - possible[0]
    return lag, math.hypot(wide_ns, own_ns) if is_one else wide_ns + own_ns


def _is_alias(gauge: Gauge, t_ns: I64) -> bool:
    """Whether nearly all of a gauge's readings may be the alias of a load near its own frequency."""
    at = np.searchsorted(gauge.readings.t_ns, t_ns)
    return bool(np.mean(gauge.swings.half_w[np.minimum(at, len(gauge) - 1)] > 0) > MOSTLY)


def _best(sums: F64, weights: F64, shifts_ns: I64) -> tuple[float | None, F64, float]:
    """The lag that leaves least, None at an end of those asked for; what each leaves; and the gain there."""
    gain, left = _line(sums @ weights)
    lag_ns = of_least(left, shifts_ns)
    return lag_ns, left, 0.0 if lag_ns is None else float(gain[np.argmin(left)])


def _line(sums: F64) -> tuple[F64, F64]:
    """The gain of the line of y on x and u, and what it leaves: float64[...] of sums float64[6, ...]."""
    xx, xu, xy, uu, uy, yy = sums
    scale = np.maximum(xx * uu - xu**2, 1e-12 * np.maximum(xx * uu, 1e-300))
    gain, base = (xy * uu - uy * xu) / scale, (uy * xx - xy * xu) / scale
    return gain, np.maximum(yy - gain * xy - base * uy, 0.0)


def _changing(sums: F64) -> F64:
    """float64[...]: the sum of squares by which y strays from its mean."""
    _, _, _, uu, uy, yy = sums
    found: F64 = np.maximum(yy - uy**2 / uu, 0.0)
    return found


def _sure(sums: F64, gain: float) -> float:
    """Standard uncertainties of the jackknife for 95 %, by how many blocks tell the lag."""
    xx, xu, xy, uu, uy, _ = sums
    left = _changing(sums) - 2 * gain * (xy - xu * uy / uu) + gain**2 * (xx - xu**2 / uu)
    tells = np.maximum(left.mean(0) - left.min(0), 0.0)
    blocks = float(tells.sum() ** 2 / max(float((tells**2).sum()), 1e-300))
    return max(_SURE, student(max(blocks - 1, 1.0)))
