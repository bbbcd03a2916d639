"""The readings that bound a counter's true count at an instant, without any model of power.

:mod:`.counter` says why these. Of a counter that is updated rarely no later update may have been read,
although it counted on: then the most that it can have counted since is its largest power times the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...trace.series import I64
from .doubtful_counts import largest_rate_ns

if TYPE_CHECKING:
    from .counter import Counter


class Edges(NamedTuple):
    """What is known of a counter at n instants: bracketing readings, and the position between them."""

    before: I64  # index of the reading that bounds below; -1: none
    after: I64  # index of the reading that bounds above; n: none
    position: I64  # in 2**-bits counts
    unseen: I64  # counts that the latter may lack: no later update was read


def readings_around(counter: Counter, t: I64) -> Edges:
    """The readings that bound the count at instants; its position is left at 0."""
    n, timing = len(counter), counter.channel.timing
    before = _ended(counter, t + timing.lag_min_ns) - 1
    m = np.searchsorted(counter.t_ns, t + timing.lag_ns, "left")
    k = np.searchsorted(counter.changes, m, "right")
    after = at_or(counter.changes, k, n)
    if (is_last := k == len(counter.changes)).any():
        settled_ns = t[is_last] + (timing.lag_ns + counter.update_max_ns)
        after[is_last] = np.searchsorted(counter.t_ns, settled_ns, "left")
    nothing = np.zeros(len(t), np.int64)
    is_open = (after == n) & (m < n)
    if not is_open.any() or not counter.goes_on:
        return Edges(before, after, nothing, nothing)
    since_ns = t + timing.lag_ns - counter.t_ns[counter.changes[-1] - 1]
    most = np.ceil(largest_rate_ns(counter.channel) * since_ns).astype(np.int64)
    return Edges(before, np.where(is_open, n - 1, after), nothing, np.where(is_open, most, 0))


def _ended(counter: Counter, t: I64) -> I64:
    """One more than the last reading that had ended by ``t``; 0: none had."""
    index = np.searchsorted(counter.t_ns, t, "right")
    # One read at most is under way at a time, save where two files of one lane were merged.
    while (late := (index > 0) & (counter.ends_ns(np.maximum(index - 1, 0)) > t)).any():
        index -= late
    return index


def at_or(values: I64, index: I64, otherwise: int) -> I64:
    """``values[index]``, or ``otherwise`` past the end."""
    if not len(values):
        return np.full(len(index), otherwise)
    return np.where(index < len(values), values[np.minimum(index, len(values) - 1)], otherwise)
