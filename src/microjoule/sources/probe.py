"""What can be read on a machine, and for what cannot, why and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..channel import Channel, Kind
from ..errors import MicrojouleError
from ..late import shown
from ..value_class import dataclass
from . import choose, survey
from .host import Host
from .machine import Machine
from .survey import Cause, Obstacle, Survey

DEFAULT_LIMIT_W = 1000  # to say how soon a counter could wrap where the device states no limit


@dataclass(frozen=True, slots=True)
class Probe:
    """What a machine lets this user read.

    Attributes:
        host: The machine: CPU, kernel, packages, virtual or not.
        surveys: What each source found, in the order in which they are preferred.
        channels: What a recording reads here; empty: nothing.
    """

    host: Host
    surveys: tuple[Survey, ...]
    channels: tuple[Channel, ...]

    @property
    def measured(self) -> tuple[Channel, ...]:
        """The channels that a counter or a gauge stands behind."""
        return tuple(channel for channel in self.channels if channel.trust.model is None)

    @property
    def estimated(self) -> tuple[Channel, ...]:
        """The channels whose energy is estimated from time and a power model."""
        return tuple(channel for channel in self.channels if channel.trust.model is not None)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What keeps channels closed, or misleads; each has a ``remedy``."""
        return tuple(obstacle for found in self.surveys for obstacle in found.obstacles)

    def to_json(self) -> dict[str, Any]:
        """The probe as plain JSON values, schema ``microjoule.probe/1``."""
        return {
            "schema": "microjoule.probe/1",
            "host": self.host.to_json(),
            "sources": [_of_source(found) for found in self.surveys],
            "chosen": [{"channel": channel.id, "source": channel.source} for channel in self.channels],
            "measured": bool(self.measured),
        }

    def __str__(self) -> str:
        lines = [f"measured: {_ids(self.measured)}", f"estimated: {_ids(self.estimated)}"]
        for obstacle in self.obstacles:
            if obstacle.cause is Cause.NO_HARDWARE:
                continue
            remedy = f". {obstacle.remedy}" if obstacle.remedy else ""
            lines.append(f"{obstacle.cause}: {obstacle.what}{remedy}.")
        return "\n".join(lines)

    _repr_html_ = shown("probe")

    def __repr__(self) -> str:
        return f"Probe(measured: {_ids(self.measured)}; estimated: {_ids(self.estimated)})"


def probed(machine: Machine, names: Sequence[str] | None = None) -> Probe:
    """What can be read on a machine; it raises nothing, and the obstacles say why channels are missing.

    Args:
        machine: The machine.
        names: The sources to choose from; None: the best of all.
    """
    surveys = survey(machine)
    try:
        channels = choose(surveys, names)
    except MicrojouleError:
        channels = ()
    return Probe(machine.host, surveys, channels)


def range_of(channel: Channel) -> float:
    """How far the counter counts before it starts again, in its own quantity."""
    counts = channel.scale.modulus or 1 << 64
    return float(counts * channel.scale.unit)


def wrap_seconds(channel: Channel) -> float:
    """How soon the counter could start again, at its own limit or at the default one."""
    return range_of(channel) / (channel.trust.power_limit_w or DEFAULT_LIMIT_W)


def _ids(channels: Iterable[Channel]) -> str:
    return ", ".join(channel.id for channel in channels) or "nothing"


def _of_source(found: Survey) -> dict[str, Any]:
    entries = [_of_channel(channel) | {"readable": True} for channel in found.channels]
    entries += [
        _of_channel(closed.channel) | {"readable": False, "obstacle": _of_obstacle(closed.obstacle)}
        for closed in found.closed
    ]
    return {
        "source": found.source,
        "readers": found.readers,
        "channels": entries,
        "obstacles": [_of_obstacle(obstacle) for obstacle in found.obstacles],
    }


def _of_channel(channel: Channel) -> dict[str, Any]:
    if channel.kind is Kind.GAUGE:
        return channel.to_json() | {"range": None, "wrap_s": None}
    return channel.to_json() | {"range": range_of(channel), "wrap_s": wrap_seconds(channel)}


def _of_obstacle(obstacle: Obstacle) -> dict[str, str]:
    return {"cause": str(obstacle.cause), "what": obstacle.what, "remedy": obstacle.remedy}
