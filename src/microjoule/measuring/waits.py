"""The energy of a short run from update to update, less that of the wait around it. Pure.

A counter says exactly how much was used between two of its updates, but for a quantum. So take the
last update before the run and the first one after it, and subtract the power of the wait (spin or
idle) for the time that was not the run (docs/methods.md, edge aligned). Where a neighbour of theirs,
away from the run, is located so much better that a longer wait costs less, take that one:

    E = C(right) - C(left) - P_wait (t_right - t_left - T)

What the run drew does not enter the uncertainty of the edges, only what the wait drew: u = q/√6 ⊕
P_wait √(s_l² + s_r²) ⊕ d u(P_wait), with d the wait and s how well an update is located, a gap
between two readings over √12. There is no bias from an idle counter that trails a busy end, nor
from updates that are missed: those only make the wait longer. A constant lag cancels.

The guaranteed interval is the counter's own for the run, whatever the wait drew; the value is kept
inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..joules.counters.counter import Counter
from ..joules.counters.update_times import Located
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import ROOT_12, TRIANGULAR, Component
from ..units import NS_PER_S, seconds
from .baseline import seconds_exactly

I64 = npt.NDArray[np.int64]
_TRIED = 8  # updates on either side of a run, of which the best is taken
_REPLACED = (
    "edges",
    "swings",
    "phase",
    "read time",
    "lag",
    "steps",
)  # the plain ones take the run's power for the wait's


def around(counter: Counter, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
    """The updates around runs, as positions in ``counter.changes``; -1 or len where there is none.

    The last that was over before the run began, and the first that can hold nothing later than it
    ended: the lag included.
    """
    earliest, latest = counter.update_span_ns(counter.changes)
    left = np.searchsorted(latest, t0_ns, "right") - 1
    right = np.searchsorted(earliest - counter.channel.timing.lag_ns, t1_ns, "left")
    return left, right


def _best(counter: Counter, nearest: I64, last: I64, wait: Estimate) -> Located:
    """The update on one side of each run that leaves the least doubt: the nearest or one of those beyond it.

    Args:
        counter: Whose updates.
        nearest: int64[n], their positions in ``counter.changes``.
        last: int64[n], the farthest from the run with nothing but a wait between.
        wait: The power meanwhile.
    """
    beyond = last - nearest
    k = nearest[:, None] + np.sign(beyond)[:, None] * np.minimum(np.arange(_TRIED), np.abs(beyond)[:, None])
    tried = Located(*(part.reshape(k.shape) for part in counter.located(k.ravel())))
    longer_ns = np.abs(tried.t_ns - tried.t_ns[:, :1])
    at = np.argmin(np.hypot((wait.value or 0.0) * tried.spread_ns, wait.u * longer_ns), axis=1)
    return Located(*(part[np.arange(len(k)), at] for part in tried))


def energies(
    counter: Counter, t0_ns: Sequence[int], t1_ns: Sequence[int], wait: Estimate, reach_ns: int = 0
) -> list[Estimate]:
    """The energies of runs, in joules; where an update is missing, the counter's plain estimate.

    Args:
        counter: A counter that was read closely around the runs.
        t0_ns: When each run began; ascending.
        t1_ns: When it ended.
        wait: The power before and after each run, in watts.
        reach_ns: How long at least there was nothing but a wait, or other runs, on either side of each.
    """
    t0, t1 = np.asarray(t0_ns, np.int64), np.asarray(t1_ns, np.int64)
    plain = counter.estimates(counter.energies(t0, t1))
    changes = counter.changes
    if len(changes) < 2 or wait.value is None:
        return plain
    left, right = around(counter, t0, t1)
    known = (left >= 0) & (right < len(changes))
    left, right = np.maximum(left, 0), np.minimum(right, len(changes) - 1)
    far_right, far_left = around(counter, t1 + reach_ns, t0 - reach_ns)
    far_left = np.maximum(far_left, np.append(0, right[:-1]))
    far_right = np.minimum(far_right, np.append(left[1:], len(changes) - 1))
    first = _best(counter, left, np.minimum(far_left, left), wait)
    last = _best(counter, right, np.maximum(far_right, right), wait)
    begun, ended = first.t_ns, np.maximum(last.t_ns, first.t_ns)
    whole = counter.estimates(counter.energies(begun, ended))
    located_s = _located_s(counter, first, last)
    found = []
    for i, one in enumerate(plain):
        if not known[i] or whole[i].value is None or one.value is None:
            found.append(one)
            continue
        kept = tuple(c for c in whole[i].components if c.name not in _REPLACED)
        wait_s = seconds(int(ended[i] - begun[i] - (t1[i] - t0[i])))
        edges = Component("edges", float(located_s[i]), form=TRIANGULAR)
        run = replace(whole[i], components=kept) - wait * seconds_exactly(wait_s, (edges,))
        value = min(max(run.value or 0.0, one.low), one.high)
        found.append(replace(run, value=value, low=one.low, high=one.high))
    return found


def _located_s(counter: Counter, left: Located, right: Located) -> npt.NDArray[np.float64]:
    """Standard uncertainty of the time between two updates, in seconds."""
    of_lag = 2 * counter.channel.timing.half_lag_ns / ROOT_12
    variance = left.spread_ns**2 + right.spread_ns**2 + 2 * of_lag**2
    found: npt.NDArray[np.float64] = np.sqrt(variance) / NS_PER_S
    return found
