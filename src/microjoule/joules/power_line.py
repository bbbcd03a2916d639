"""The power of a window in a few equal bins: what a line of bars in a terminal shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..trace.window import Window
from ..units import NS_PER_S
from .counters.counter import Counter
from .estimates.brackets import F64

if TYPE_CHECKING:
    from ..trace.series import I64
    from .energy_trace import Trace

BINS = 60


def power_line(trace: Trace, window: Window, channels: Iterable[str]) -> dict[str, Any] | None:
    """Mean power over equal bins, summed over channels.

    A bin is at least as long as the time between two updates of the slowest channel.

    Args:
        trace: The trace, in memory or streamed.
        window: The time to divide.
        channels: The ids of those to add, no joule of theirs twice.

    Returns:
        ``bin_s``, and ``power_w``, a list of watts with None where a channel says nothing; None where fewer
        than two bins can be told apart.
    """
    ids = [id_ for id_ in channels if id_ not in trace.dead]
    counters = [id_ for id_ in ids if isinstance(trace.meter(id_), Counter)]
    updates = {id_: trace.updates(id_) for id_ in counters}
    inside = [
        int(np.count_nonzero((of.edges_ns >= window.t0_ns) & (of.edges_ns <= window.t1_ns)))
        for of in updates.values()
    ]
    n = min([BINS, *(count - 1 for count in inside)])
    if not ids or n < 2:
        return None
    edges = np.linspace(window.t0_ns, window.t1_ns, n + 1).astype(np.int64)
    if not (np.diff(edges) > 0).all():
        return None
    power = np.zeros(n)
    for id_ in ids:
        if id_ in updates:
            of = updates[id_]
            power = power + _of_counter(of.edges_ns, of.energy_j, of.is_ok, edges)
        else:
            value = trace.meter(id_).energies(edges[:-1], edges[1:]).value
            power = power + value * NS_PER_S / np.diff(edges)
    return {
        "bin_s": window.duration_ns / n / NS_PER_S,
        "power_w": [float(watts) if np.isfinite(watts) else None for watts in power],
    }


def _of_counter(edges_ns: I64, energy_j: F64, is_ok: Any, bins_ns: I64) -> F64:  # noqa: ANN401 - bool[n]
    """Watts by bin; NaN where a bin holds a span of which the counter says nothing, or no time at all."""
    known = np.where(is_ok, energy_j, np.nan)
    up_to = np.concatenate(([0.0], np.cumsum(np.where(is_ok, energy_j, 0.0))))
    at = np.interp(bins_ns, edges_ns, up_to)
    first, last = np.clip(bins_ns, edges_ns[0], edges_ns[-1])[[0, -1]]
    inside = np.clip(bins_ns, first, last)
    lengths = np.diff(inside).astype(np.float64)
    doubtful = np.concatenate(([0], np.cumsum(np.isnan(known))))
    before = np.searchsorted(edges_ns, bins_ns[1:], side="left")
    after = np.searchsorted(edges_ns, bins_ns[:-1], side="right") - 1
    spoilt = doubtful[np.clip(before, 0, len(known))] > doubtful[np.clip(after, 0, len(known))]
    watts = np.divide(np.diff(at) * NS_PER_S, lengths, out=np.full(len(lengths), np.nan), where=lengths > 0)
    return np.where(spoilt, np.nan, watts)
