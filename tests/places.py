"""Places of the ids that tests write: for test data only, the product reads no place out of an id."""

from __future__ import annotations

import re

from microjoule.channel import Place, Role

PLATFORMS = ("node", "machine", "psys", "module")
GPUS = {"gpu": "", "amdgpu": "amdgpu", "xe": "xe", "i915": "i915"}
READ_AS = re.compile(r"(^|_)(energy|power|average|samples)(?=_|$)")
HW_TYPES = {"package": "cpu", "gpu": "gpu", "battery": "battery", **dict.fromkeys(PLATFORMS, "enclosure")}
PART_TYPES = {"dram": "memory", "memory": "memory", "cpu": "cpu", "accel": "gpu"}


def place_of(channel_id: str) -> Place:
    """The place that a source gives the channel of this id."""
    if channel_id == "cpu_time/system":
        return Place(device="machine", part="cpu", role=Role.PART)
    if channel_id == "cpu_time/command":
        return Place(device="command", part="cpu", role=Role.PART)
    device, _, detail = channel_id.partition("@")[0].partition("/")
    words = device.split("-")
    numbers = [int(word) for word in words if word.isdigit()]
    part = READ_AS.sub("", detail).strip("_")
    kind, owner = words[0], ""
    if kind in GPUS:
        kind, owner = "gpu", GPUS[kind]
    elif kind == "grace":
        kind, owner = "package", "grace"
    role = Role.PART if part else Role.PLATFORM if kind in PLATFORMS else Role.WHOLE
    return Place(
        device=kind,
        number=numbers[0] if numbers else None,
        part=part,
        die=numbers[1] if len(numbers) > 1 else None,
        role=role,
        owner=owner,
    )


def hw_type_of(place: Place) -> str:
    """The word of OpenTelemetry for it."""
    return PART_TYPES.get(place.part.rstrip("0123456789")) or HW_TYPES.get(place.device, "power_meter")


def identity(channel_id: str) -> dict[str, object]:
    """The fields of a ``Channel`` that say what it is."""
    place = place_of(channel_id)
    first, _, again = channel_id.partition("@")
    return {
        "id": channel_id, "place": place, "hw_type": hw_type_of(place), "twin_of": first if again else "",
    }  # fmt: skip
