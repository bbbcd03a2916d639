"""Power from a counter: the steps of its interpolated count, so that the energy is conserved.

From a gauge it is the profile behind its readings (:mod:`microjoule.joules.gauges.gauge`): of a mean of a
past second the power that the means are of, and not the means.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import distinct
from ..channel import Channel, Kind
from ..trace.series import I64
from ..units import NS_PER_MS, NS_PER_S
from ..value_class import dataclass
from .counters.counter import Counter
from .estimates.brackets import F64
from .gauges.gauge import Gauge
from .peaks import Peaks, Span

PEAK_NS = 50 * NS_PER_MS
PEAK_UPDATES = 20  # an update early or late then makes a peak wrong by a twentieth at most
"""The shortest time over which a peak is taken: below it one update's jitter makes the figure."""


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
    return with_position(meter, t0_ns, t1_ns)[0]


def with_position(meter: Counter | Gauge, t0_ns: int, t1_ns: int) -> tuple[Power, I64]:
    """:func:`power`, and a counter's interpolated count at each edge; of a gauge there is none."""
    # Where the readings end is an edge too: on its far side nothing is known.
    updates = distinct(_updates(meter), np.array(meter.span_ns or (), np.int64))
    inside = updates[np.searchsorted(updates, t0_ns, "right") : np.searchsorted(updates, t1_ns, "left")]
    edges = distinct([t0_ns], inside, [t1_ns]).astype(np.int64)
    if not len(meter):
        edges = edges[:1]
    position = np.empty(0, np.int64)
    if isinstance(meter, Counter):
        brackets, position = meter.adjoining(edges)
        energy_j, status = brackets.value, brackets.status
    else:
        energy_j, status = meter.values(edges[:-1], edges[1:])
    lengths = np.diff(edges)
    middle_ns, watts = edges[:-1] + lengths // 2, energy_j * NS_PER_S / lengths
    return Power(middle_ns, watts, edges, energy_j, status), position


def _updates(meter: Counter | Gauge) -> I64:
    """When what the meter says changed, or could have."""
    if isinstance(meter, Gauge):
        return meter.update_ns
    return meter.update_ns(meter.changes) if len(meter.changes) else np.empty(0, np.int64)


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


def peak_span(channel: Channel) -> Span:
    """Over what a peak is taken at least: 50 ms, and twenty of a counter's updates.

    These are a time where the update is declared, because a thinned trace has few of its updates; where it is
    not, they are counted. Of a gauge it is an update and its window: a reading is a mean already, and has no
    jitter to hide. What is up to date at each read has none either.
    """
    timing = channel.timing
    if channel.kind is Kind.GAUGE:
        return Span(max(PEAK_NS, timing.update_ns or 0, timing.window_ns or 0))
    if timing.update_ns is None and timing.update_max_ns:
        return Span(PEAK_NS, PEAK_UPDATES)
    return Span(max(PEAK_NS, PEAK_UPDATES * (timing.update_ns or 0)))


def peaks(meter: Counter | Gauge, t0_ns: npt.ArrayLike, t1_ns: npt.ArrayLike) -> tuple[F64, I64]:
    """The largest mean power of windows over at least ``peak_span`` of the channel, and over what.

    From each update to the first one at least so much later, and over the whole window.

    Args:
        meter: Of joules, of seconds with a power model, or of watts.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.

    Returns:
        float64[n], watts, NaN where a window is shorter or has fewer updates; int64[n], the shortest time
        over which each was taken, as :meth:`Peaks.spans_ns` has it.
    """
    t0, t1 = np.atleast_1d(np.asarray(t0_ns, np.int64)), np.atleast_1d(np.asarray(t1_ns, np.int64))
    found = Peaks(peak_span(meter.channel), t0, t1)
    if isinstance(meter, Gauge):
        found.add(meter.update_ns, meter.joules_until(meter.update_ns))
    else:
        found.add(_updates(meter), meter.steps.total[meter.changes])
    return peaks_w(meter, found), found.spans_ns()


def peaks_w(meter: Counter | Gauge, found: Peaks) -> F64:
    """The peaks of a meter's updates in watts: see :func:`peaks`."""
    t0, t1 = found.t0_ns, found.t1_ns
    if not len(meter):
        return np.full(len(t0), np.nan)
    if isinstance(meter, Gauge):
        whole_j, one_j = meter.joules_until(t1) - meter.joules_until(t0), 1.0
    else:
        whole_j = joules(meter, meter.position(t1) - meter.position(t0))
        one_j = float(joules(meter, np.array([1 << meter.bits]))[0])
    watts: F64 = np.fmax(means_w(whole_j, t0, t1), found.rates * (one_j * NS_PER_S))
    span = peak_span(meter.channel)
    watts[(t1 - t0 < span.ns) | ((span.updates > 1) & np.isinf(found.rates))] = np.nan
    return watts
