"""What is read while something is measured: which channels, how often, and what they can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..channel import Channel, Kind
from ..errors import NothingToMeasure, SourceUnavailable
from ..host.calibration import facts_of
from ..joules.estimates.total import beside, covered, tells_energy
from ..joules.gauges.gauge import Gauge
from ..recording.lane import RATE_MAX_HZ, Cadence, lane_rate_hz
from ..recording.meter import Meter, chosen_sources, readable
from ..sources.agent import is_read_by_agent
from ..units import NS_PER_S, seconds
from ..value_class import dataclass

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..recording.recorder import RawRecorder


_TELLING = 8  # changes of a gauge that tell its period
CLOSELY = 9.3  # reads an update: where updates are located within g, a wait errs by some g²/4 T_u


def fit(meter: Meter) -> Fitted:
    """The channels of this machine that are read where an energy is wanted.

    Args:
        meter: What to read; of its channels all that is known of, no joule twice.

    Raises:
        NothingToMeasure: No channel gives an energy.
        SourceUnavailable, PermissionDenied: What was asked for is not there, or may not be read.
    """
    from ..recording.plan import machine_facts

    found = readable(meter)
    by_id = {channel.id: channel for channel in found.channels}
    ids = tells_energy(by_id)
    is_one = bool(meter.channel) and len(ids) == 1
    chosen = ids if is_one else covered({name: by_id[name] for name in ids})
    if not chosen:
        if meter.channel:
            raise SourceUnavailable(
                f"Channel {', '.join(by_id)} does not measure energy", "Leave it out to use the total"
            )
        raise NothingToMeasure("No channel that can be read here measures energy", "Ask `uj probe` why")
    channels = tuple(by_id[name] for name in chosen)
    gauges = tuple(by_id[name] for channel in channels for name in beside(channel, by_id))
    read = (*channels, *gauges)
    of_machine = machine_facts(found.machine, found.surveys, read, chosen_sources(meter))
    facts = {**of_machine, **facts_of(found.calibration, read)}
    return Fitted(channels, facts, meter.cadence, gauges)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The channels that a measurement reads.

    Attributes:
        channels: They overlap nowhere.
        facts: Of the machine.
        cadence: How often they are read.
        gauges: What is read besides: powers inside these channels, which show when an energy was used.
        seen_ns: The update period that a trial showed of gauges of which none is declared; 0: of none.
    """

    channels: tuple[Channel, ...]
    facts: Mapping[str, Any]
    cadence: Cadence
    gauges: tuple[Channel, ...] = ()
    seen_ns: int = 0

    def recorder(self, path: Path) -> RawRecorder:
        """A recorder of these channels and the gauges inside them."""
        from ..recording.plan import RecordingPlan
        from ..recording.recorder import RawRecorder

        read = (*self.channels, *self.gauges)
        return RawRecorder(RecordingPlan(path=path, channels=read, cadence=self.cadence, facts=self.facts))

    def closely(self) -> Fitted:
        """The same, read a few times an update, and not in step with it (docs/methods.md)."""
        rate_hz = min(max(self.cadence.rate_hz, CLOSELY / self.update_s), RATE_MAX_HZ)
        return replace(self, cadence=replace(self.cadence, rate_hz=rate_hz))

    def having_seen(self, trace: Trace) -> Fitted:
        """The same with the update periods that a trial shows of gauges of which none is declared."""
        unknown = [channel.id for channel in self.channels if _is_unknown(channel)]
        gauges = [trace.meter(name) for name in unknown if name in trace.channels]
        periods = [
            gauge.readings.period_ns
            for gauge in gauges
            if isinstance(gauge, Gauge) and np.count_nonzero(np.diff(gauge.readings.watts)) >= _TELLING
        ]
        return replace(self, seen_ns=max(periods, default=0))

    @property
    def ids(self) -> tuple[str, ...]:
        """The channels' ids."""
        return tuple(channel.id for channel in self.channels)

    @property
    def is_estimated(self) -> bool:
        """Whether none of them measures."""
        return all(channel.trust.model is not None for channel in self.channels)

    @property
    def has_gauge(self) -> bool:
        """Whether one of them says watts and counts nothing."""
        return any(channel.kind is Kind.GAUGE for channel in self.channels)

    @property
    def is_read_by_agent(self) -> bool:
        """Whether an agent reads one of them, so that this process cannot wait for its updates."""
        return any(is_read_by_agent(channel) for channel in self.channels)

    @property
    def is_part_time(self) -> bool:
        """Whether a sensor looks at a part of each update period only, or may do so for all that is known."""
        timings = [channel.timing for channel in self.channels]
        is_declared = any(0 < (each.window_ns or 0) < (each.update_ns or 0) for each in timings)
        return is_declared or (self.seen_ns > 0 and any(map(_is_unknown, self.channels)))

    @property
    def update_ns(self) -> int:
        """The longest of their update periods; where none is known, the time between two readings."""
        return max(max(self._updated_ns(c), self._period_ns(c)) for c in self.channels)

    def _updated_ns(self, channel: Channel) -> int:
        timing = channel.timing
        return timing.update_ns or (self.seen_ns if _is_unknown(channel) else 0) or timing.update_max_ns

    @property
    def settle_ns(self) -> int:
        """After how long at most a counter shows what was used, and a mean of the past has forgotten it."""
        return max(c.timing.update_max_ns + c.timing.lag_ns for c in self.channels)

    @property
    def quantum_j(self) -> float:
        """The largest of their smallest steps; of gauges none."""
        counters = [c.scale for c in self.channels if c.kind is Kind.COUNTER]
        return max((float(scale.unit * scale.quantum) for scale in counters), default=0.0)

    @property
    def update_s(self) -> float:
        """The same as ``update_ns`` in seconds."""
        return seconds(self.update_ns)

    def _period_ns(self, channel: Channel) -> int:
        return round(NS_PER_S / lane_rate_hz([channel], self.cadence.rate_hz))


def _is_unknown(channel: Channel) -> bool:
    """Whether nobody knows which part of the time the readings of a gauge speak of."""
    timing = channel.timing
    return channel.kind is Kind.GAUGE and timing.window_ns is None and timing.decay_ns is None
