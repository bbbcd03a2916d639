"""How fast a counter can count at most: what tells one turn of it from several."""

from __future__ import annotations

from ..units import NS_PER_S
from .channel import Channel

DEFAULT_RATE = {"J": 1000.0, "s": 1024.0}
"""The largest rate believed of a channel that states no limit, in its quantity per second:
a kilowatt, and the CPUs of the largest machines."""
OTHER_RATE = 1e12
LIMIT_FACTOR = 2.0


def largest_rate(channel: Channel) -> float:
    """The largest plausible rate, in counts a second.

    ``power_limit_w`` is read as the channel's quantity per second, so that for a channel of busy
    seconds it is the number of CPUs. A limit of 0, which firmware writes where none is set, is none.
    """
    limit = channel.trust.power_limit_w
    scale = channel.scale
    rate = LIMIT_FACTOR * limit if limit and limit > 0 else DEFAULT_RATE.get(scale.quantity, OTHER_RATE)
    return rate / float(scale.unit)


def turn_ns(channel: Channel) -> float:
    """The shortest time in which a counter can turn once, from one reading to another.

    Between two readings that are closer no turn can hide; the later one may show up to two updates and a lag
    more than passed between them.
    """
    if channel.scale.modulus is None:
        return float("inf")
    slack_ns = 2 * channel.timing.update_max_ns + channel.timing.lag_ns
    return channel.scale.modulus / largest_rate(channel) * NS_PER_S - slack_ns
