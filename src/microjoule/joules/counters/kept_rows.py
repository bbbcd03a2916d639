"""Which readings of a counter are kept for the figures at some instants, out of many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Timing
from ...trace.series import I64
from .slow_updates import REACH
from .update_times import AROUND, SLOW_NS

_FAR = AROUND + 6  # updates on either side of an instant: those around the updates around it
NEAR = 8  # and those between which all readings are kept
READINGS = 4  # and readings, where updates are rare

Bools = npt.NDArray[np.bool_]


def far(timing: Timing) -> int:
    """On how many updates on either side of an instant its figures depend, by what is declared."""
    return REACH if timing.update_max_ns >= SLOW_NS else _FAR


class Rows(NamedTuple):
    """Readings with their numbers in the whole series: arrays of one length."""

    number: I64
    t_ns: I64
    read_ns: npt.NDArray[np.uint32]
    total: I64
    is_change: Bools

    def taken(self, these: I64) -> Rows:
        """Some of them, by their places here."""
        return Rows(
            self.number[these],
            self.t_ns[these],
            self.read_ns[these],
            self.total[these],
            self.is_change[these],
        )


def joined_rows(parts: list[Rows]) -> Rows:
    """Successive ones, one at least, as one."""
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def recent(changes: I64, n: int) -> I64:
    """The numbers of the last of n readings, and of changes and the readings before them."""
    return distinct(np.maximum(np.concatenate((changes - 1, changes, np.arange(n - READINGS, n))), 0))


def ranges(low: I64, high: I64, n: int) -> Bools:
    """bool[n]: which numbers lie in ranges, their ends included."""
    first = np.clip(low, 0, n)
    begun = np.bincount(first, minlength=n + 1)
    ended = np.bincount(np.clip(high + 1, first, n), minlength=n + 1)
    return np.cumsum(begun - ended)[:n] > 0
