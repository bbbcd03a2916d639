"""What a counter may have counted unseen, in a reset or while its event was off; its limit bounds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...channel import largest_rate
from ...trace.series import I64
from ...units import NS_PER_S
from ..estimates.brackets import F64
from .uncounted import Losses

if TYPE_CHECKING:
    from .counter import Counter

_NEAR_THE_END = 1 << 61  # counts: a sum that may have been broken off


class Resets:
    """The bounds of a counter's resets.

    A bound is missing where the channel states no power limit, and where the sum was broken off near 64 bits.

    Args:
        counter: Whose.

    Attributes:
        unbounded: int64, the resets without a bound.
        losses: What it may lack because its event was off.
    """

    def __init__(self, counter: Counter) -> None:
        self._at, channel = counter.steps.reset, counter.channel
        gap_ns = counter.t_ns[self._at] + counter.read_ns(self._at) - counter.t_ns[self._at - 1]
        length_ns = gap_ns + 2 * counter.update_max_ns + channel.timing.lag_ns
        most = (largest_rate(channel) * length_ns / NS_PER_S + counter.quantum) * float(channel.scale.unit)
        is_bounded = bool(channel.trust.power_limit_w) & (counter.steps.total[self._at] < _NEAR_THE_END)
        self.losses = Losses(counter)
        self.unbounded: I64 = self._at[~is_bounded]
        self._sums: F64 = np.concatenate(([0.0], np.cumsum(np.where(is_bounded, most, 0.0))))

    def most(self, before: I64, after: I64) -> npt.NDArray[np.float64]:
        """The most that nobody saw between two readings each, in the channel's quantity."""
        first, last = (np.searchsorted(self._at, reading, "right") for reading in (before, after))
        lacking = self.losses.most(before, after)
        return np.asarray(self._sums[last] - self._sums[first] + lacking, np.float64)
