"""What a channel measures, in the words of those who read metrics: which part of which hardware."""

from __future__ import annotations

from collections.abc import Mapping

from ..channel import Channel
from ..value_class import dataclass


@dataclass(frozen=True, slots=True)
class HardwareComponent:
    """The piece of hardware that a channel tells of.

    Attributes:
        id: The channel's.
        domain: ``package``, ``core``, ``dram``, ``psys``, ``gpu``, …
        type: ``hw.type`` of the semantic conventions: ``cpu``, ``memory``, ``gpu``, …
        name: In words.
        parent: The channel, of those that are served, that contains it; empty: none.
        provenance: ``measured`` or ``estimated``.
    """

    id: str
    domain: str
    type: str
    name: str
    parent: str
    provenance: str


def component(channel: Channel, channels: Mapping[str, Channel]) -> HardwareComponent:
    """The component of a channel.

    Args:
        channel: Whose.
        channels: All that are served, by id.
    """
    place = channel.place
    return HardwareComponent(
        id=channel.id,
        domain=place.part or place.device,
        type=channel.hw_type,
        name=str(place),
        parent=_parent(channel, channels),
        provenance=channel.provenance,
    )


def _parent(channel: Channel, channels: Mapping[str, Channel]) -> str:
    """The channel that contains this one, rather by the same source; empty: none is served."""
    readings = [each for each in channels.values() if each.physical_id in channel.trust.parents]
    rank = channel.trust.parents.index
    readings.sort(key=lambda each: (rank(each.physical_id), each.source != channel.source))
    return readings[0].id if readings else ""
