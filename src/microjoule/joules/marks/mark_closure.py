"""Whether the two readings of the counts at marks agree, over all marks of one kind. Pure.

The count at a mark is read from the update before it and from the one after (:mod:`.mark_positions`), as if
power stepped at the mark and nowhere beside it. Where it steps elsewhere, as in windows in which the host
prepares its work, the two differ by one sign at all marks between the same two sets of names. The one of more
weight is mostly the right one, so that the mean of both is off by the lesser weight of what they differ by:
a cause that is common to all marks of a kind. And where they differ by more from mark to mark than is known
of each, it is a cause of each by itself, too.

What the lag leaves open moves the two apart as well: it is a component of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ..estimates.brackets import F64

_MARKS = 8  # of a kind, from which on they tell
_SURE = 3.0  # standard uncertainties of their mean


class Closure(NamedTuple):
    """What two readings of n counts differ by.

    Attributes:
        kind: int32[n], the same number between the same two sets of names.
        common: float32[n], what all marks of the kind differ by, signed, as the count is off by it.
        alone: float32[n], and each mark by itself, as a standard uncertainty.
    """

    kind: npt.NDArray[np.int32]
    common: npt.NDArray[np.float32]
    alone: npt.NDArray[np.float32]


def closure(states: I64, apart: F64, variance: F64, lesser: F64, of_lag: F64) -> Closure:
    """By how much counts at marks are off, as their two readings disagree.

    Args:
        states: int64[n + 1], which set of names is under way, in turns.
        apart: float64[n], by how much the reading from the left is more; NaN where there is only one.
        variance: float64[n], of that, as it is known of each mark.
        lesser: float64[n], the lesser weight of the two.
        of_lag: float64[n], what the lag may move them apart by.
    """
    before, after = states[:-1], states[1:]
    _, kind = np.unique(before * (int(states.max(initial=0)) + 1) + after, return_inverse=True)
    is_told = np.isfinite(apart) & np.isfinite(variance)
    of, size = kind[is_told], int(kind.max(initial=-1)) + 1
    n = np.maximum(np.bincount(of, minlength=size), 1)
    mean = np.bincount(of, apart[is_told], size) / n
    scatter = np.bincount(of, (apart[is_told] - mean[of]) ** 2, size) / np.maximum(n - 1, 1)
    known = np.bincount(of, variance[is_told], size) / n
    lag = np.bincount(of, of_lag[is_told], size) / n
    is_seen = (n >= _MARKS) & (np.abs(mean) > lag + _SURE * np.sqrt(scatter / n))
    common = np.where(is_seen, mean, 0.0)[kind] * lesser
    alone = np.sqrt(np.where(is_seen, np.maximum(scatter - known, 0.0), 0.0))[kind] * lesser
    return Closure(kind.astype(np.int32), common.astype(np.float32), alone.astype(np.float32))
