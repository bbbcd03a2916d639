"""Power from a counter: the steps of its interpolated count, so that the energy is conserved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..channel import Channel
from ..trace.series import I64
from ..units import NS_PER_MS, NS_PER_S
from .counter import F64, Counter

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
    """

    t_ns: I64
    watts: F64
    edges_ns: I64
    energy_j: F64


def power(counter: Counter, t0_ns: int, t1_ns: int) -> Power:
    """The power of a counter over a window, one bin between two updates.

    Args:
        counter: Of joules, or of seconds with a power model.
        t0_ns: Beginning of the window.
        t1_ns: Its end.

    Returns:
        Empty where the window is, or where the counter has no reading.
    """
    updates = counter.update_ns(counter.changes) if len(counter.changes) else np.empty(0, np.int64)
    inside = updates[np.searchsorted(updates, t0_ns, "right") : np.searchsorted(updates, t1_ns, "left")]
    edges = np.unique(np.concatenate(([t0_ns], inside, [t1_ns]))).astype(np.int64)
    steps = np.diff(counter.position(edges)) if len(counter) else np.zeros(len(edges) - 1, np.int64)
    if not len(counter):
        edges, steps = edges[:1], steps[:0]
    energy_j = joules(counter, steps)
    lengths = np.diff(edges)
    return Power(edges[:-1] + lengths // 2, energy_j * NS_PER_S / lengths, edges, energy_j)


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
    """The shortest time over which a peak is taken: 50 ms, and twenty of the channel's updates."""
    return max(PEAK_NS, PEAK_UPDATES * (channel.timing.update_ns or 0))


def peaks_w(counter: Counter, t0_ns: npt.ArrayLike, t1_ns: npt.ArrayLike) -> F64:
    """The largest mean power of windows over at least ``span_ns`` of the channel.

    From each update to the first one at least so much later, and over the whole window.

    Args:
        counter: Of joules, or of seconds with a power model.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.

    Returns:
        float64[n]; NaN where a window is shorter.
    """
    span_ns = peak_span_ns(counter.channel)
    t0, t1 = np.atleast_1d(np.asarray(t0_ns, np.int64)), np.atleast_1d(np.asarray(t1_ns, np.int64))
    if not len(counter):
        return np.full(len(t0), np.nan)
    peaks = means_w(joules(counter, counter.position(t1) - counter.position(t0)), t0, t1)
    if len(counter.changes):
        updates = counter.update_ns(counter.changes)
        later = np.searchsorted(updates, updates + span_ns, "left")
        starts = int(np.searchsorted(later, len(updates), "left"))
        if starts:
            later = later[:starts]
            total = counter.steps.total[counter.changes]
            gain = joules(counter, (total[later] - total[:starts]) << counter.bits)
            watts = gain * NS_PER_S / (updates[later] - updates[:starts])
            first = np.searchsorted(updates, t0, "left")
            end = np.searchsorted(later, np.searchsorted(updates, t1, "right") - 1, "right")
            some = first < end
            pairs = np.stack((first[some], end[some]), axis=1).ravel()
            # The end of the last pair may be the end of the array, which reduceat does not take.
            best = np.maximum.reduceat(np.append(watts, -np.inf), pairs)[::2] if len(pairs) else watts[:0]
            peaks[some] = np.maximum(peaks[some], best)
    peaks[t1 - t0 < span_ns] = np.nan
    return peaks
