"""Readings that fell, or jumped up, and came back: a counter's glitch, and no reset of it.

A counter that started again counts on from where it is. After a glitch it goes on from where it was, so that
the step over the glitch is plausible and the step into it or out of it is not. Such readings are no
readings: without them nothing is lost but resolution.

Decision: a glitch may last as long as two updates, and is looked for only where unwrapping found a reset,
because on a healthy counter there is none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...channel import Channel, largest_rate
from ...trace.series import I64, U64
from ...units import NS_PER_S
from .unwrap import modulus, quantum

READINGS_MAX = 64


def glitches(counts: U64, t_ns: I64, read_ns: npt.NDArray[np.uint32], channel: Channel, reset: I64) -> I64:
    """The numbers of the readings that are none, ascending.

    Args:
        counts: uint64[n], as they were unwrapped.
        t_ns: int64[n], ascending, when each read began.
        read_ns: uint32[n], how long each took.
        channel: Tells modulus, limit and updates.
        reset: int64, the steps that nothing plausible explains.
    """
    size = modulus(channel)
    slack_ns = 2 * channel.timing.update_max_ns + channel.timing.lag_ns
    rate_ns = largest_rate(channel) / NS_PER_S
    at_most_ns = longest_ns(channel)

    def is_plausible(first: int, last: int) -> bool:
        ended_ns = int(t_ns[last]) + int(read_ns[last])
        most = rate_ns * (ended_ns - int(t_ns[first]) + slack_ns) + quantum(channel)
        return (int(counts[last]) - int(counts[first])) % size <= most < size

    def length(first: int, step: int) -> int:
        """How many readings from one on, forwards or backwards, are a glitch; 0: none, or too many."""
        beside = first - step
        for n in range(1, READINGS_MAX):
            other = first + n * step
            if not (0 <= other < len(t_ns) and 0 <= beside < len(t_ns)):
                return 0
            earlier, later = sorted((beside, other))
            if is_plausible(earlier, later):
                return n
            if n > 1 and abs(int(t_ns[other - step]) - int(t_ns[first])) > at_most_ns:
                return 0
        return 0

    found: set[int] = set()
    for at in reset.tolist():
        if at in found or at - 1 in found:
            continue  # the other side of a glitch
        after, before = length(at, 1), length(at - 1, -1)
        found.update(range(at, at + after) if after else range(at - before, at))
    return np.array(sorted(found), np.int64)


def longest_ns(channel: Channel) -> int:
    """How long a glitch may last."""
    timing = channel.timing
    return 2 * max(timing.update_max_ns, timing.update_ns or 0) + timing.lag_ns
