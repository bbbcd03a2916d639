"""The energies of many windows by one channel, as arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...channel import LIMIT_FACTOR, Channel
from ...trace.series import I64
from ...value_class import dataclass

F64 = npt.NDArray[np.float64]


def drawn_at_most(channel: Channel, length_s: F64) -> F64:
    """float64[n], joules: what a device uses in times at most, by its limit; infinite where nobody says."""
    limit_w = channel.trust.power_limit_w
    most_w = LIMIT_FACTOR * limit_w if limit_w and limit_w > 0 else np.inf
    found = np.zeros(len(length_s))
    np.multiply(length_s, most_w, out=found, where=length_s > 0)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Brackets:
    """The energies of n windows, as arrays.

    Attributes:
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.
        value: float64[n], in ``unit``; NaN unless the status is ``ok``.
        low: float64[n], guaranteed.
        high: float64[n], guaranteed; infinity where nothing bounds it.
        status: uint8[n], indices into ``STATUSES``.
    """

    t0_ns: I64
    t1_ns: I64
    value: F64
    low: F64
    high: F64
    status: npt.NDArray[np.uint8]
