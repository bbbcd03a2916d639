"""Power from a counter: the steps of its interpolated count, so that the energy is conserved.

From a gauge it is what the gauge said, held or drawn out between its readings; of a mean of a past
window (:mod:`microjoule.energy.gauge`) that is the power of a while ago, and its sum is not the energy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..channel import Channel, Kind
from ..trace.series import I64
from ..units import NS_PER_MS, NS_PER_S
from .counter import F64, Counter
from .estimate import STATUSES
from .gauge import Gauge

PEAK_NS = 50 * NS_PER_MS
PEAK_UPDATES = 20  # an update early or late then makes a peak wrong by a twentieth at most
"""The shortest time over which a peak is taken: below it one update's jitter makes the figure."""
_SPAN_SLACK = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """Mean power in adjoining bins.

    Attributes:
        t_ns: int64[n], the middle of each bin.
        watts: float64[n].
        edges_ns: int64[n + 1].
        energy_j: float64[n]; their sum is the window's energy to within a raw unit.
        status: uint8[n], indices into ``STATUSES``; where it is not ``ok``, as outside the readings or
            at a reset, watts and joules are NaN.
    """

    t_ns: I64
    watts: F64
    edges_ns: I64
    energy_j: F64
    status: npt.NDArray[np.uint8]


def power(meter: Counter | Gauge, t0_ns: int, t1_ns: int) -> Power:
    """The power of a counter or a gauge over a window, one bin between two updates.

    Args:
        meter: Of joules, of seconds with a power model, or of watts.
        t0_ns: Beginning of the window.
        t1_ns: Its end.

    Returns:
        Empty where the window is, or where the meter has no reading.
    """
    # Where the readings end is an edge too: on its far side nothing is known.
    updates = np.union1d(_updates(meter), np.array(meter.span_ns or (), np.int64))
    inside = updates[np.searchsorted(updates, t0_ns, "right") : np.searchsorted(updates, t1_ns, "left")]
    edges = np.unique(np.concatenate(([t0_ns], inside, [t1_ns]))).astype(np.int64)
    if not len(meter):
        edges = edges[:1]
    energy_j, status = _between(meter, edges)
    lengths = np.diff(edges)
    return Power(edges[:-1] + lengths // 2, energy_j * NS_PER_S / lengths, edges, energy_j, status)


def _updates(meter: Counter | Gauge) -> I64:
    """When what the meter says changed, or could have."""
    if isinstance(meter, Gauge):
        return meter.readings.t_ns
    return meter.update_ns(meter.changes) if len(meter.changes) else np.empty(0, np.int64)


def _between(meter: Counter | Gauge, instants_ns: I64) -> tuple[F64, npt.NDArray[np.uint8]]:
    """Joules between neighbouring instants, and the status of each; NaN unless it is ``ok``."""
    t0, t1 = instants_ns[:-1], instants_ns[1:]
    if isinstance(meter, Counter):
        brackets = meter.energies(t0, t1)
        return brackets.value, brackets.status
    unknown = ~meter.readings.covers(t0, t1) | (meter.readings.holes(t0, t1) > 0)
    energy_j = np.diff(meter.readings.cumulative_j(instants_ns))
    energy_j[unknown] = np.nan
    return energy_j, np.where(unknown, STATUSES.index("incomplete"), 0).astype(np.uint8)


def joules(counter: Counter, steps: I64) -> F64:
    """Differences of positions as joules."""
    model = counter.channel.trust.model
    value: F64 = counter.quantity(steps, counter.bits)
    return value if model is None else value * model.value_w


def means_w(energy_j: F64, t0_ns: I64, t1_ns: I64) -> F64:
    """Mean power of windows; NaN where a window is empty."""
    lengths = np.asarray(t1_ns - t0_ns, np.float64)
    means: F64 = np.full(len(lengths), np.nan)
    np.divide(energy_j * NS_PER_S, lengths, out=means, where=lengths > 0)
    return means


def peak_span_ns(channel: Channel) -> int:
    """The shortest time over which a peak is taken: 50 ms, and twenty of a counter's updates.

    Of a gauge it is an update and its window: a reading is a mean already, and has no jitter to hide.
    """
    timing = channel.timing
    if channel.kind is Kind.GAUGE:
        return max(PEAK_NS, timing.update_ns or 0, timing.window_ns or 0)
    return max(PEAK_NS, PEAK_UPDATES * (timing.update_ns or 0))


def peaks_w(meter: Counter | Gauge, t0_ns: npt.ArrayLike, t1_ns: npt.ArrayLike) -> F64:
    """The largest mean power of windows over at least ``peak_span_ns`` of the channel.

    From each update to the first one at least so much later, and over the whole window.

    Args:
        meter: Of joules, of seconds with a power model, or of watts.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.

    Returns:
        float64[n]; NaN where a window is shorter.
    """
    span_ns = peak_span_ns(meter.channel)
    t0, t1 = np.atleast_1d(np.asarray(t0_ns, np.int64)), np.atleast_1d(np.asarray(t1_ns, np.int64))
    if not len(meter):
        return np.full(len(t0), np.nan)
    if isinstance(meter, Gauge):
        sums = meter.readings.cumulative_j(meter.readings.t_ns)
        whole_j = meter.readings.cumulative_j(t1) - meter.readings.cumulative_j(t0)
        peaks = means_w(whole_j, t0, t1)
        raise_peaks(peaks, (t0, t1), meter.readings.t_ns, span_ns, lambda a, b: sums[b] - sums[a])
    else:
        peaks = means_w(joules(meter, meter.position(t1) - meter.position(t0)), t0, t1)
        total = meter.steps.total[meter.changes]
        gain = gains(meter, total)
        raise_peaks(peaks, (t0, t1), _updates(meter), span_ns, gain)
    peaks[t1 - t0 < span_ns] = np.nan
    return peaks


def peak_spans_ns(meter: Counter | Gauge, t0_ns: I64, t1_ns: I64) -> I64:
    """int64[n]: the shortest time over which the peaks of windows were taken.

    That is ``peak_span_ns``, or more where readings lie further apart, as in a thinned trace; the whole
    window where it holds no two that are far enough apart.
    """
    asked = peak_span_ns(meter.channel)
    updates = _updates(meter)
    spans: I64 = np.maximum(t1_ns - t0_ns, asked)
    later = np.searchsorted(updates, updates + asked, "left")
    starts = int(np.searchsorted(later, len(updates), "left"))
    first, end, some = pairs(t0_ns, t1_ns, updates, later[:starts])
    if some.any():
        apart = updates[later[:starts]] - updates[:starts]
        bounds = np.stack((first[some], end[some]), axis=1).ravel()
        spans[some] = np.minimum.reduceat(np.append(apart, np.iinfo(np.int64).max), bounds)[::2]
    return snapped(spans, asked)


def snapped(spans_ns: I64, asked_ns: int) -> I64:
    """Spans with those that are as long as was asked, but for the rest of an update, as just that."""
    return np.where(spans_ns < asked_ns * (1 + _SPAN_SLACK), asked_ns, spans_ns)


def pairs(t0: I64, t1: I64, updates: I64, later: I64) -> tuple[I64, I64, npt.NDArray[np.bool_]]:
    """The first pair that lies in each window, the one after the last, and whether there are any."""
    first = np.searchsorted(updates, t0, "left")
    end = np.searchsorted(later, np.searchsorted(updates, t1, "right") - 1, "right")
    return first, end, first < end


def gains(counter: Counter, total: I64) -> Callable[[I64, I64], F64]:
    """The joules between updates by their numbers, of a counter with these totals at its updates."""
    return lambda a, b: joules(counter, (total[b] - total[a]) << counter.bits)


def raise_peaks(
    peaks: F64, windows: tuple[I64, I64], updates: I64, span_ns: int, gain: Callable[[I64, I64], F64]
) -> None:
    """Raises peaks to the largest mean from an update to the first one at least a span later."""
    t0, t1 = windows
    later = np.searchsorted(updates, updates + span_ns, "left")
    starts = int(np.searchsorted(later, len(updates), "left"))
    if not starts:
        return
    later = later[:starts]
    from_ = np.arange(starts)
    watts = gain(from_, later) * NS_PER_S / (updates[later] - updates[:starts])
    first, end, some = pairs(t0, t1, updates, later)
    bounds = np.stack((first[some], end[some]), axis=1).ravel()
    # The end of the last pair may be the end of the array, which reduceat does not take.
    best = np.maximum.reduceat(np.append(watts, -np.inf), bounds)[::2] if len(bounds) else watts[:0]
    peaks[some] = np.maximum(peaks[some], best)
