"""At most how much of a meter's energy somebody used who ran at some times: no model, only readings."""

from __future__ import annotations

import math

import numpy as np

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.update_record import Updates
from ..estimates.estimate import Estimate
from ..estimates.uncertainty import ROOT_3
from ..gauges.gauge import Gauge
from .parties import merged


def within_all(value: float, half: float, total: Estimate) -> float:
    """U of a part that may be nothing: it is no more than all may be, as the report of both says "at most".

    Args:
        value: The part's figure.
        half: U of it by its own fit.
        total: All, of which it is a part.
    """
    if not 0.0 <= value <= half or total.value is None:
        return half
    return min(half, max(total.value + total.U - value, value))


def most_j(meter: Counter | Gauge, of: Updates, running_ns: I64) -> float:
    """At most what was used in some intervals; infinity: nothing bounds it.

    Args:
        meter: The counter, or the gauge.
        of: Its updates.
        running_ns: int64[k, 2], ascending and apart.
    """
    if isinstance(meter, Counter):
        return most_counted_j(of, running_ns)
    if not len(running_ns):
        return 0.0
    return float(meter.energies(running_ns[:, 0], running_ns[:, 1]).high.sum())


def most_counted_j(of: Updates, running_ns: I64) -> float:
    """The energy of the updates of a counter that some intervals touch.

    Args:
        of: The updates.
        running_ns: int64[k, 2], ascending and apart.
    """
    if not len(running_ns) or len(of.edges_ns) < 2:
        return 0.0 if len(of.edges_ns) >= 2 else math.inf
    wide_ns = np.ceil(of.spread_s * (ROOT_3 * NS_PER_S)).astype(np.int64)
    early = np.maximum.accumulate(of.edges_ns - wide_ns)
    late = np.minimum.accumulate((of.edges_ns + wide_ns)[::-1])[::-1]
    first = np.searchsorted(late, running_ns[:, 0], "right") - 1  # an update that surely was before
    last = np.searchsorted(early, running_ns[:, 1], "left")  # and one that surely was after
    if (first < 0).any() or (last >= len(early)).any():
        return math.inf
    spans = merged(np.stack((first, last), axis=1))
    total = np.concatenate(([0.0], np.cumsum(of.energy_j)))
    doubts = np.concatenate(([0], np.cumsum(~of.is_ok)))
    if (doubts[spans[:, 1]] > doubts[spans[:, 0]]).any():
        return math.inf
    return float((total[spans[:, 1]] - total[spans[:, 0]]).sum()) + 2 * of.quantum_j * len(spans)
