"""Peaks: the largest mean rate from one update to the first one at least a span and some updates later.

Updates may come in pieces: those that have no such update yet wait for the next piece, so that nothing
depends on where pieces end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from .estimates.brackets import F64

_SPAN_SLACK = 0.1
_NONE = np.empty(0, np.int64)


class Span(NamedTuple):
    """How far apart two updates are at least between which a peak is taken: in time, and in updates."""

    ns: int
    updates: int = 1


class Peaks:
    """The largest mean rate in each of n windows.

    Args:
        span: The shortest time over which a peak is taken, and the fewest updates.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.

    Attributes:
        t0_ns: As given.
        t1_ns: As given.
        rates: float64[n], in the unit of the sums per nanosecond; minus infinity where a window holds no two
            updates that are so far apart.
    """

    def __init__(self, span: Span, t0_ns: I64, t1_ns: I64) -> None:
        self._span = span
        self.t0_ns, self.t1_ns = t0_ns, t1_ns
        self.rates: F64 = np.full(len(t0_ns), -np.inf)
        self._apart_ns = np.full(len(t0_ns), np.iinfo(np.int64).max)
        self._updates_ns: I64 = _NONE
        self._sums: npt.NDArray[np.int64 | np.float64] = _NONE

    def add(self, updates_ns: I64, sums: npt.NDArray[np.int64 | np.float64]) -> None:
        """Takes the next updates.

        Args:
            updates_ns: int64[n], ascending, after all that came before.
            sums: int64[n] or float64[n], what had been counted up to each.
        """
        if len(self._updates_ns):
            updates_ns = np.concatenate((self._updates_ns, updates_ns))
            sums = np.concatenate((self._sums, sums))
        later = self._later(updates_ns)
        self._updates_ns, self._sums = updates_ns[len(later) :].copy(), sums[len(later) :].copy()
        if len(later):
            self._raise(updates_ns, sums, later)

    def _later(self, updates_ns: I64) -> I64:
        later = first_later(updates_ns, self._span.ns)
        later = later[: max(len(updates_ns) - self._span.updates, 0)]
        return np.maximum(later, np.arange(len(later)) + self._span.updates)

    def _raise(self, updates_ns: I64, sums: npt.NDArray[np.int64 | np.float64], later: I64) -> None:
        n = len(later)
        mine = np.flatnonzero((self.t0_ns <= updates_ns[n - 1]) & (self.t1_ns >= updates_ns[later[0]]))
        first = np.searchsorted(updates_ns, self.t0_ns[mine], "left")
        end = np.searchsorted(later, np.searchsorted(updates_ns, self.t1_ns[mine], "right") - 1, "right")
        some = first < end
        if not some.any():
            return
        at, bounds = mine[some], np.stack((first[some], end[some]), axis=1).ravel()
        # The end of the last pair may be the end of the array, which reduceat does not take: one more.
        apart_ns, rates = np.full(n + 1, np.iinfo(np.int64).max), np.full(n + 1, -np.inf)
        np.subtract(updates_ns[later], updates_ns[:n], out=apart_ns[:n])
        np.divide(sums[later] - sums[:n], apart_ns[:n], out=rates[:n])
        self.rates[at] = np.maximum(self.rates[at], np.maximum.reduceat(rates, bounds)[::2])
        self._apart_ns[at] = np.minimum(self._apart_ns[at], np.minimum.reduceat(apart_ns, bounds)[::2])

    def of(self, numbers: I64) -> Peaks:
        """The peaks of some windows, by their numbers."""
        found = Peaks(self._span, self.t0_ns[numbers], self.t1_ns[numbers])
        found.rates, found._apart_ns = self.rates[numbers], self._apart_ns[numbers]
        return found

    def spans_ns(self) -> I64:
        """int64[n]: the shortest time over which each was taken.

        That is the span, or more where updates lie further apart, as in a thinned trace; the whole window
        where it holds no two that are far enough apart. The rest of an update is not told.
        """
        longest = np.maximum(self.t1_ns - self.t0_ns, self._span.ns)
        spans: I64 = np.minimum(longest, self._apart_ns)
        return np.where(spans < self._span.ns * (1 + _SPAN_SLACK), self._span.ns, spans)


def first_later(t_ns: I64, span_ns: int) -> I64:
    """Of the first instants that have one, the number of the first instant at least a span later.

    Instants that come regularly mostly have it as many numbers later as the middle one has, or one more
    or less; only the others are searched, which takes several times as long.

    Args:
        t_ns: int64[n], ascending.
        span_ns: Positive.

    Returns:
        int64[m], m <= n: the rest has none.
    """
    n = int(np.searchsorted(t_ns, t_ns[-1] - span_ns, "right")) if len(t_ns) else 0
    targets = t_ns[:n] + span_ns
    if not n:
        return targets
    k = int(np.searchsorted(t_ns, targets[n // 2])) - n // 2
    found = np.arange(k - 1, k - 1 + n)
    near = min(n, len(t_ns) - (k + 1)) if k > 1 else 0
    far = np.ones(n, bool)
    if near > 0:
        nearest, wanted = (t_ns[k + shift : k + shift + near] for shift in (-2, -1, 0, 1)), targets[:near]
        is_below = [each < wanted for each in nearest]
        found[:near] += is_below[1]
        found[:near] += is_below[2]
        far[:near] = ~is_below[0] | is_below[3]
    far_off = np.flatnonzero(far)
    found[far_off] = np.searchsorted(t_ns, targets[far_off], "left")
    return found
