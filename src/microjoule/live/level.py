"""What is known of one channel at a moment."""

from __future__ import annotations

from ..channel import Channel, Kind
from ..units import NS_PER_S
from ..value_class import dataclass


@dataclass(frozen=True)
class Level:
    """A channel's account since its first reading.

    Attributes:
        channel: Whose.
        since_ns: When its first good reading began, CLOCK_MONOTONIC.
        t_ns: When its last one did.
        energy_counts: Of a counter, its counts since the first reading; of a power gauge, the integral of
            its counts over nanoseconds. It never falls.
        extra_counts: By how much that may be too little, where a step may have passed the modulus more often.
        power_w: The mean of about the last second, or what a gauge said last; None: not known now.
        readings: Good ones.
        failed: Failed ones.
        missed: Ticks of its lane that were not taken.
        resets: Steps that nothing plausible explains, of which no energy is counted.
        lost_counts: What others' perf events kept from being counted, likely at most.
        times_off: How often they interrupted the counting.
    """

    channel: Channel
    since_ns: int
    t_ns: int
    energy_counts: int
    extra_counts: int
    power_w: float | None
    readings: int
    failed: int
    missed: int
    resets: int
    lost_counts: int = 0
    times_off: int = 0

    @property
    def is_alive(self) -> bool:
        """Whether it was read and, of a package or a platform, ever moved: neither can draw nothing."""
        must_move = self.channel.trust.model is None and self.channel.place.always_draws
        return self.readings > 0 and not (must_move and self.energy_counts == 0)

    @property
    def energy_j(self) -> float:
        """Joules since the first reading; through the power model where there is one."""
        return energy_j(self.energy_counts, self.channel)

    @property
    def extra_j(self) -> float:
        """By how many joules that may be too little."""
        return energy_j(self.extra_counts, self.channel)

    @property
    def lost_j(self) -> float:
        """How many joules others' perf events kept from being counted, likely at most."""
        return energy_j(self.lost_counts, self.channel)


def energy_j(counts: int, channel: Channel) -> float:
    """Counts of a level as joules; exact up to the last step."""
    if channel.kind is Kind.GAUGE:
        return float(counts * channel.scale.unit / NS_PER_S)
    model = channel.trust.model
    return float(counts * channel.scale.unit) * (1.0 if model is None else model.value_w)
