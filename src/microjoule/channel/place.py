"""What a channel is of: which device, which part of it, and how much of the machine it takes in.

A channel's id is for people and says the same in one word; code reads these fields and never the id.
``DEVICES`` is the closed list of devices whose energies are understood. A place outside it (of a later
version's file, or a foreign one) is kept and displayed, and enters no total, because nobody knows what
else counts the same joules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from ..value_class import dataclass


class Role(StrEnum):
    """How much of a device a channel takes in.

    ``PART`` is some of the device: the cores of a package, the memory beside it. ``WHOLE`` is the device.
    ``PLATFORM`` is a meter of several devices: CPU, memory and more.
    """

    PART = "part"
    WHOLE = "whole"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What is known of one kind of device.

    Attributes:
        is_processor: Whether its whole is a CPU, beside which other devices may be added up.
        always_draws: Whether it cannot draw 0 W, so that a counter of it that never moves is broken.
        drawing_parts: Its parts of which the same is true.
        covers: Of a platform, what its meter takes in, in words.
        is_additive: Of a platform, whether several lie side by side: otherwise they may hold each other.
    """

    is_processor: bool = False
    always_draws: bool = False
    drawing_parts: tuple[str, ...] = ()
    covers: str = ""
    is_additive: bool = False

    @property
    def is_platform(self) -> bool:
        """Whether it holds several devices, so that its parts may be what other channels count."""
        return bool(self.covers)


# Of the platforms on a machine the first in this order is taken for the whole.
DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        "node": Device(covers="the whole node, its GPUs among it"),
        "machine": Device(covers="the whole machine, its GPUs among it"),
        "psys": Device(
            covers="the board as psys sees it; a card with a supply of its own may lie outside",
            always_draws=True,
        ),
        "module": Device(covers="whole modules, each with its CPU, GPU and memory", is_additive=True),
        "meter": Device(covers="everything behind the meter"),
        "package": Device(is_processor=True, always_draws=True, drawing_parts=("core", "dram")),
        "gpu": Device(),
        "battery": Device(),
        "rail": Device(),
        "command": Device(),
        "process": Device(),
    }
)
_UNKNOWN = Device()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a channel's energy is used. Two channels of one place count the same joules.

    Attributes:
        device: The kind of device: a word of ``DEVICES``, or one that is not known here.
        number: Which of them, by the owner's numbering; None: there is one only.
        part: The part of it: ``core``, ``dram``, ``memory``, …; empty: no part in particular.
        die: The die of a package whose dies are counted apart; None: all of it.
        role: How much of the device it takes in, see ``Role``; kept as it is where it is not known.
        owner: Whose numbering it is where several number the same kind: a driver, a user; empty: the usual.
    """

    device: str
    number: int | None = None
    part: str = ""
    die: int | None = None
    role: str = Role.WHOLE
    owner: str = ""

    @property
    def is_known(self) -> bool:
        """Whether this version knows the kind of device and the role, so that totals may use them."""
        return self.device in DEVICES and self.role in tuple(Role)

    @property
    def kind(self) -> Device:
        """What is known of the device's kind; of an unknown one nothing."""
        return DEVICES.get(self.device, _UNKNOWN)

    @property
    def is_platform(self) -> bool:
        """Whether its meter takes in several devices."""
        return self.role == Role.PLATFORM

    @property
    def is_processor(self) -> bool:
        """Whether it is a whole CPU."""
        return self.role == Role.WHOLE and self.kind.is_processor

    @property
    def always_draws(self) -> bool:
        """Whether it cannot draw 0 W; most parts may be off."""
        if self.role == Role.PART:
            return self.part in self.kind.drawing_parts
        return self.kind.always_draws

    @property
    def whole(self) -> Place:
        """The device that this is a part of."""
        return replace(self, part="", role=Role.WHOLE)

    @property
    def device_name(self) -> str:
        """The device in a word: ``package-0``, ``package-0-die-1``, ``psys``, ``gpu-3``."""
        words = [self.owner or self.device]
        words += [] if self.number is None else [str(self.number)]
        words += [] if self.die is None else ["die", str(self.die)]
        return "-".join(words)

    def __str__(self) -> str:
        """In words: ``package-0``, ``dram of package-0``."""
        return f"{self.part} of {self.device_name}" if self.part else self.device_name
