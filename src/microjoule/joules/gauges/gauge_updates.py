"""The updates of a power gauge in the form that a fit takes those of a counter.

A gauge counts nothing: the energy between two of its updates is the mean power that it showed times the time
between them, and what it does not look at is not in it. An update's instant is as uncertain as the time by
which readings trail the power: a *point*, of which nobody knows what time it speaks of, by a period; a mean
by what reads in step with its updates leave open.
"""

from __future__ import annotations

import math

import numpy as np

from ...arrays import distinct
from ...units import NS_PER_S, seconds
from ..counters.update_record import ROWS, Updates
from ..estimates.uncertainty import ROOT_12
from .gauge import Gauge
from .readings import Shape


def gauge_updates(gauge: Gauge, t0_ns: int, t1_ns: int) -> Updates:
    """The energy between neighbouring updates of a gauge in a span.

    Args:
        gauge: Of watts.
        t0_ns: The beginning of the span.
        t1_ns: Its end.
    """
    readings = gauge.readings
    edges = distinct(gauge.update_ns)
    edges = edges[(edges >= t0_ns) & (edges <= t1_ns)]
    edges = edges[:: max(1, math.ceil(len(edges) / ROWS))]
    if len(edges) < 2:
        edges = edges[:0]
        return Updates(edges, np.zeros(0), np.zeros(0, bool), np.zeros(0), 0.0)
    energy_j, length_s = np.diff(gauge.joules_until(edges)), np.diff(edges) / NS_PER_S
    at = np.clip(np.searchsorted(readings.t_ns, edges), 0, len(readings) - 1)
    is_mean = readings.shape is Shape.HOLD
    doubt_s = seconds(2 * readings.left_open_ns if is_mean else readings.period_ns) / ROOT_12
    return Updates(
        edges,
        energy_j,
        gauge.readings.holes(edges[:-1], edges[1:]) == 0,
        np.hypot(readings.spread_s[at], doubt_s),
        readings.quantum_w * float(np.median(length_s)),
    )
