"""When a count cannot be believed although each of its steps is plausible. Pure.

- *Wraps between two updates*. A counter that is updated once a second and starts again after 1 024 J shows of
  1 030 W a step of 6 J a second. By the time between two readings that step is certain. By the time between
  two updates, which only all readings together tell, it may have started again on the way: the step is
  *ambiguous*. Where no power limit is stated, ``UNKNOWN_W`` is taken here: the wattage of a large node, for
  what an undercount would hide.
- *Noise*. Readings that are no count at all, as of a register that is none, are resets nearly everywhere. The
  few steps that are plausible are so by chance, and say nothing, not even what was used at least.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Channel, largest_rate
from ...trace.series import I64
from ...units import NS_PER_S
from .unwrap import Steps, modulus, quantum

MARGIN = 1.25  # the longest time between two updates that was seen is not the longest that there is
UNKNOWN_W = 10_000.0
_FEW = 3  # resets, of which each may be one
_OFTEN = 0.05  # share of the changes, from which on resets are noise


def is_noise(resets: int, dropped: int, changes: int) -> bool:
    """Whether readings are no count.

    Args:
        resets: Steps that nothing plausible explains.
        dropped: Readings that were left out because they fell and came back.
        changes: Steps that are plausible, and not 0.
    """
    return resets >= _FEW and resets + dropped > _OFTEN * (resets + dropped + changes)


def may_wrap_between_updates(channel: Channel, longest_ns: int) -> bool:
    """Whether a counter may start again between two updates that are so far apart."""
    if longest_ns <= channel.timing.update_max_ns:
        return False
    return modulus(channel) <= largest_rate_ns(channel) * MARGIN * longest_ns + quantum(channel)


def with_wraps_between_updates(
    steps: Steps, t_ns: I64, read_ns: npt.NDArray[np.uint32], channel: Channel, longest_ns: int
) -> Steps:
    """The steps of a counter that may start again between two updates, each by all the time that it holds.

    Args:
        steps: As unwrapping found them.
        t_ns: int64[n], when the reads began.
        read_ns: uint32[n], how long each took.
        channel: The counter's.
        longest_ns: The longest time between two updates that the readings show.
    """
    at, size = steps.changes, modulus(channel)
    if not len(at):
        return steps
    since_ns = np.concatenate(([t_ns[0] - round(MARGIN * longest_ns)], t_ns[at[:-1] - 1]))
    held_ns = (t_ns[at] + read_ns[at] - since_ns + channel.timing.lag_ns).astype(np.float64)
    step = steps.total[at] - steps.total[at - 1]
    more = np.floor((largest_rate_ns(channel) * held_ns + quantum(channel) - step) / size)
    doubtful = at[more >= 1]
    if not len(doubtful):
        return steps
    ambiguous = distinct(steps.ambiguous, doubtful)
    extra = np.zeros(len(ambiguous), np.int64)
    extra[np.searchsorted(ambiguous, steps.ambiguous)] = steps.extra
    where = np.searchsorted(ambiguous, doubtful)
    extra[where] = np.maximum(extra[where], more[more >= 1].astype(np.int64) * size)
    wrapped = np.setdiff1d(steps.wrapped, ambiguous)
    return replace(steps, wrapped=wrapped, ambiguous=ambiguous, extra=extra)


def largest_rate_ns(channel: Channel) -> float:
    """Counts a nanosecond at most, ``UNKNOWN_W`` of a channel that states no limit."""
    rate = largest_rate(channel)
    if not channel.trust.power_limit_w and channel.trust.model is None:
        rate = max(rate, UNKNOWN_W / float(channel.scale.unit))
    return rate / NS_PER_S
