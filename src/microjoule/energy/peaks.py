"""Peak power from a counter's updates that come in pieces: as ``power.peaks_w`` has it from all of them."""

from __future__ import annotations

import numpy as np

from ..trace.series import I64
from ..units import NS_PER_S
from .counter import F64, Counter
from .power import gains, joules, means_w, pairs, snapped

_NONE = np.empty(0, np.int64)


class Peaks:
    """The largest mean power in each of n windows, from one update to the first one a span later.

    Args:
        span_ns: The shortest time over which a peak is taken.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.
    """

    def __init__(self, span_ns: int, t0_ns: I64, t1_ns: I64) -> None:
        self._span_ns = span_ns
        self.t0_ns, self.t1_ns = t0_ns, t1_ns
        self._watts = np.full(len(t0_ns), -np.inf)
        self._apart_ns = np.full(len(t0_ns), np.iinfo(np.int64).max)
        self._updates, self._total = _NONE, _NONE

    def add(self, piece: Counter, changes: I64) -> None:
        """Takes the updates that readings of a piece show first; they follow on those before."""
        updates = np.concatenate((self._updates, piece.update_ns(changes)))
        total = np.concatenate((self._total, piece.steps.total[changes]))
        later = np.searchsorted(updates, updates + self._span_ns, "left")
        starts = int(np.searchsorted(later, len(updates), "left"))
        self._updates, self._total = updates[starts:], total[starts:]
        if starts:
            self._raise(piece, updates, total, later[:starts])

    def _raise(self, piece: Counter, updates: I64, total: I64, later: I64) -> None:
        mine = np.flatnonzero((self.t0_ns <= updates[len(later) - 1]) & (self.t1_ns >= updates[later[0]]))
        first, end, some = pairs(self.t0_ns[mine], self.t1_ns[mine], updates, later)
        if not some.any():
            return
        at, bounds = mine[some], np.stack((first[some], end[some]), axis=1).ravel()
        apart = updates[later] - updates[: len(later)]
        watts = gains(piece, total)(np.arange(len(later)), later) * NS_PER_S / apart
        best = np.maximum.reduceat(np.append(watts, -np.inf), bounds)[::2]
        nearest = np.minimum.reduceat(np.append(apart, np.iinfo(np.int64).max), bounds)[::2]
        self._watts[at] = np.maximum(self._watts[at], best)
        self._apart_ns[at] = np.minimum(self._apart_ns[at], nearest)

    def watts(self, counter: Counter) -> F64:
        """float64[n]; NaN where a window is shorter than the span. Over the whole windows too."""
        if not len(counter):
            return np.full(len(self.t0_ns), np.nan)
        gained = counter.position(self.t1_ns) - counter.position(self.t0_ns)
        peaks: F64 = np.fmax(means_w(joules(counter, gained), self.t0_ns, self.t1_ns), self._watts)
        peaks[self.t1_ns - self.t0_ns < self._span_ns] = np.nan
        return peaks

    def spans_ns(self) -> I64:
        """int64[n]: the shortest time over which each was taken."""
        longest = np.maximum(self.t1_ns - self.t0_ns, self._span_ns)
        return snapped(np.minimum(longest, self._apart_ns), self._span_ns)
