"""How far updates are apart where readings are no denser, by the counts between readings. Pure.

Such readings do not show when each update was. But a count that has one update more or less than those around
it says how far updates are apart, if power is steady there. Beside a step of power a count lies between its
two neighbours; so what a count has more or less than both is an update, or several where some were missed.
Power that goes up and down within a few readings looks the same, and is taken for it.

That holds where counts show that a reading has several updates of the declared time. Readings that are as far
apart as updates show nothing of it for long, then one update more: a step of power looks like a part of it,
and whatever differs from the mean of those around may be an update.

Two updates next to two readings trail them by amounts that are alike: by how much depends on how many updates
there are from one reading to the next. Where that is nearly a whole number n ± a of them, and they come at
equal distances, the correlation is that of a sawtooth, 1 - 6 a (1 - a).
"""

from __future__ import annotations

import numpy as np

from ..estimates.uncertainty import ROOT_12
from .interpolation import Segment
from .neighbourhood import MOST_ALONE, alone_ns
from .update_times import F64, Bools

_COARSE = 1.4  # of the declared time between updates, which jitter may exceed by as much
_INEXACT = 0.06  # of how far updates are apart, by what counts show of it


def apart_ns(segment: Segment, declared_ns: int, longest_ns: int, *, is_told: bool) -> F64:
    """float64[n]: how far updates may be apart: a declared time, or more where readings are no denser.

    Args:
        segment: Where the instants lie.
        declared_ns: The usual time between two updates.
        longest_ns: And the longest one.
        is_told: Whether counts tell steps of power from updates, by :func:`.neighbourhood.steps_are_told`.
            If not, any count that differs from the mean of those around may have an update more or less.
    """
    near = segment.near
    usual = np.minimum(float(declared_ns), near.usual_ns)
    rate, is_there = near.rate, near.is_usual
    alone, is_clear = alone_ns(rate, near.length_ns, is_there, usual / 2)
    n = is_clear.sum(1)
    ordered = np.sort(np.where(is_clear, alone, np.inf), axis=1)
    found = np.take_along_axis(ordered, (n * MOST_ALONE).astype(np.int64)[:, None], 1)[:, 0]
    found = np.where(n > 0, found, usual)
    if not is_told:
        mean = np.where(is_there, rate, 0.0).sum(1) / np.maximum(is_there.sum(1), 1)
        farthest = np.where(is_there, np.abs(rate - mean[:, None]), 0.0).max(1)
        with np.errstate(over="ignore"):
            found = np.maximum(found, farthest / np.where(mean > 0, mean, np.inf) * near.usual_ns)
    found = np.where(found > _COARSE * usual, found, usual)
    least: F64 = np.minimum(found, np.maximum(np.minimum(near.apart_ns, longest_ns), usual))
    return np.where(near.is_dense, float(declared_ns), least)


def alike(segment: Segment, right_ns: F64, apart: F64, is_coarse: Bools) -> F64:
    """float64[n]: the correlation of how late the two updates around instants were seen, 0 to 1.

    Args:
        segment: Where the instants lie.
        right_ns: float64[n], standard uncertainty of when the update behind each was.
        apart: float64[n], how far updates are apart.
        is_coarse: Whether that was found by :func:`apart_ns` of readings that tell it from steps of power.
    """
    found = np.minimum(ROOT_12 * right_ns / segment.length_ns, 1.0) ** 2
    updates = segment.length_ns / np.maximum(apart, 1.0)
    away = np.maximum(np.abs(updates - np.rint(updates)) - _INEXACT * updates, 0.0)
    return np.where(is_coarse, np.clip(1.0 - 6.0 * away * (1.0 - away), 0.0, found), found)
