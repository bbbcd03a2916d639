"""What a channel measures, in the words of those who read metrics: which part of which hardware."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..channel import Channel
from ..joules.total import PLATFORMS

# hw.type of OpenTelemetry's conventions for hardware: of the part that a channel's id names, else of the
# device. What a platform's meter takes in is more than any of its types; the case comes nearest.
_PARTS = MappingProxyType({"dram": "memory", "memory": "memory", "cpu": "cpu", "accel": "gpu"})
_DEVICES = MappingProxyType(
    {
        "package": "cpu",
        "grace": "cpu",
        "cpu_time": "cpu",
        "gpu": "gpu",
        "amdgpu": "gpu",
        "xe": "gpu",
        "i915": "gpu",
        "battery": "battery",
        **dict.fromkeys(PLATFORMS, "enclosure"),
    }
)
_OTHER = "power_meter"
# Words of an id that say how the part is read, and not which part it is.
_READ_AS = re.compile(r"(^|_)(energy|power|average|samples|system|command)(?=_|$)")
_NUMBER = re.compile(r"\d+$")
_ORDINAL = re.compile(r"(-\d+|-die)*$")


@dataclass(frozen=True, slots=True)
class HardwareComponent:
    """The piece of hardware that a channel tells of.

    Attributes:
        id: The channel's.
        domain: ``package``, ``core``, ``dram``, ``psys``, ``gpu``, …
        type: ``hw.type`` of the semantic conventions: ``cpu``, ``memory``, ``gpu``, …
        name: In words.
        parent: The channel, of those that are served, that contains it; empty: none.
        provenance: ``measured`` or ``modelled``.
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
    device, _, detail = channel.physical_id.partition("/")
    kind = _ORDINAL.sub("", device)
    part = _READ_AS.sub("", detail).strip("_")
    type_ = _PARTS.get(_NUMBER.sub("", part)) or _DEVICES.get(kind, _OTHER)
    return HardwareComponent(
        id=channel.id,
        domain=part or (type_ if type_ == "gpu" else kind),
        type=type_,
        name=f"{part} of {device}" if part else device,
        parent=next((parent for parent in channel.trust.parents if parent in channels), ""),
        provenance=channel.provenance,
    )


def is_platform(channel: Channel) -> bool:
    """Whether the channel's meter takes in the whole host, or a whole module of it."""
    return component(channel, {}).domain in PLATFORMS
