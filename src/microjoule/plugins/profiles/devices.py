"""Which GPU of the trace is a profile's "device 0".

A program numbers the GPUs that it sees, and CUDA_VISIBLE_DEVICES says which those are and in which order;
NVML numbers all of a machine. So device 0 under CUDA_VISIBLE_DEVICES=3 is the trace's gpu-3. In the order of
trust: the user's word, a UUID in the profile, the variables that the trace keeps together with its GPUs'
UUIDs. Where nothing says it, equal numbers are taken for the same GPU, and the table says so.

Decision: without CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA puts the fastest GPU first. Where the trace shows GPUs of
different names, numbers then say nothing, and the profile is refused unless the user or a UUID says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import ProfileError
from ...joules.energy_trace import Trace
from .profile import Profile

_SAYS = re.compile(r"(?:(\d+):)?(\d+)=(?:gpu-)?(\d+)")
_VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


class Match(NamedTuple):
    """A device of a profile and the GPU that it is.

    Attributes:
        device: The number that the program saw.
        gpu: The number that the trace has.
        why: What that rests on, in words.
        is_known: Whether it rests on more than equal numbers.
    """

    device: int
    gpu: int
    why: str
    is_known: bool


class Override(NamedTuple):
    """The user's word: of one profile, by its position from 1 on, or of all (0)."""

    profile: int
    device: int
    gpu: int


def override(text: str) -> Override:
    """``0=gpu-3``, or ``2:0=gpu-3`` for the second profile.

    Raises:
        ProfileError: It is neither.
    """
    found = _SAYS.fullmatch(text.strip())
    if not found:
        raise ProfileError(
            f"{text!r} does not say which GPU a device is",
            "Write --device 0=gpu-3, or 2:0=gpu-3 for the second profile",
        )
    return Override(int(found[1] or 0), int(found[2]), int(found[3]))


def matched(trace: Trace, profile: Profile, position: int, said: Sequence[Override]) -> list[Match]:
    """The GPU of each device of a profile.

    Args:
        trace: The trace.
        profile: The profile.
        position: Which of the profiles it is, from 1 on.
        said: The user's word.

    Raises:
        ProfileError: It is not known, or is a GPU that the trace does not have.
    """
    return [_matched(trace, profile, device, position, said) for device in profile.devices]


def _matched(trace: Trace, profile: Profile, device: int, position: int, said: Sequence[Override]) -> Match:
    for own in (position, 0):
        for each in said:
            if (each.profile, each.device) == (own, device):
                return Match(device, each.gpu, "as --device says", True)
    gpus = [each for each in trace.facts.get("gpus", []) if isinstance(each, dict)]
    uuid = profile.source.uuids.get(device)
    if uuid:
        for gpu in gpus:
            if _is_uuid(gpu, uuid):
                return Match(device, int(gpu["index"]), "by the UUID in the profile", True)
        raise ProfileError(
            f"{profile.path} ran on the GPU {uuid}, which the trace did not record",
            "Record again with --all-gpus",
        )
    visible = trace.facts.get("visible_devices")
    if not isinstance(visible, Mapping):
        why = "by equal numbers: the trace does not say which GPUs were visible"
        return Match(device, device, why, False)
    return _by_variables(profile, device, visible, gpus)


def _by_variables(
    profile: Profile, device: int, visible: Mapping[str, Any], gpus: Sequence[Mapping[str, Any]]
) -> Match:
    name = next((each for each in _VISIBLE if each in visible), None)
    words = [word.strip() for word in str(visible[name]).split(",")] if name else []
    if name and device >= len(words):
        raise ProfileError(
            f"{profile.path} ran on device {device}, and {name}={visible[name]} shows {len(words)}",
            _SAY.format(device=device),
        )
    word = words[device] if name else str(device)
    if word.isdecimal():
        is_by_speed = visible.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
        if is_by_speed and len({gpu.get("name") for gpu in gpus}) > 1:
            raise ProfileError(
                f"{profile.path} ran on device {device}: CUDA numbers GPUs of different models by speed, "
                "so the number does not say which GPU of the trace it is",
                _SAY.format(device=device) + "; set CUDA_DEVICE_ORDER=PCI_BUS_ID for the next run",
            )
        return Match(device, int(word), f"by {name}={visible[name]}" if name else "all GPUs visible", True)
    found = [int(gpu["index"]) for gpu in gpus if _is_uuid(gpu, word)]
    if len(found) != 1:
        raise ProfileError(
            f"{profile.path} ran on the GPU {word} ({name}), of which the trace has no readings",
            _SAY.format(device=device),
        )
    return Match(device, found[0], f"by the UUID in {name}", True)


def _is_uuid(gpu: Mapping[str, Any], text: str) -> bool:
    """Whether a text is the GPU's UUID or its beginning, with or without ``GPU-``."""
    return bool(text) and str(gpu.get("uuid", "")).removeprefix("GPU-").startswith(text.removeprefix("GPU-"))


_SAY = "Say which GPU it is: --device {device}=gpu-N"
