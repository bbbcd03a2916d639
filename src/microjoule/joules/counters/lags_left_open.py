"""Which lags to try of those that are left open, and by which of them a figure moves the most. Pure.

By the least and by the most of them is not enough: of a load that repeats within what is left open, a whole
number of periods later all is as it was, and half a period later a window has as much more or less as it can.
"""

from __future__ import annotations

import math

import numpy as np

from ..estimates.brackets import F64

_IN_AN_UPDATE = 2.0  # power is even between two updates, so that nothing turns oftener
_MOST = 16  # in half of what is open


def tried_ns(half_ns: float, update_ns: float) -> F64:
    """float64[m], ascending, above 0: lags up to half of what is open, the last one that half itself.

    Args:
        half_ns: Half of what is left open of the lag.
        update_ns: Between two updates of what shows the power.
    """
    n = min(max(math.ceil(_IN_AN_UPDATE * half_ns / max(update_ns, 1.0)), 1), _MOST)
    found: F64 = half_ns * np.arange(1, n + 1) / n
    return found


def farthest(begin: F64, end: F64) -> F64:
    """float64[n]: by how much windows move at most, signed.

    Args:
        begin: float64[n, m], what was counted between their beginnings and instants as much later or earlier
            as each lag is longer or shorter than the middle one.
        end: And their ends.
    """
    by = end - begin
    found: F64 = np.take_along_axis(by, np.argmax(np.abs(by), axis=1)[:, None], 1)[:, 0]
    return found
