"""What one source found on this machine: what can be read, what cannot, and why.

Decision: a survey never raises. A missing module or a refused file is the ordinary case on most
machines, and `uj probe` must be able to say all causes at once; raising is left to whoever asked
for a source by name. What was given up: a caller has to look at ``obstacles``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from ..channel import Channel
from ..value_class import dataclass


class Cause(StrEnum):
    """Why a channel is missing, closed, or not what it seems."""

    VIRTUAL_MACHINE = "virtual machine"
    PERMISSION = "permission"
    MODULE = "module"
    PARANOID = "perf_event_paranoid"
    LOCKDOWN = "lockdown"
    SECURITY = "security module"
    ASLEEP = "asleep"
    NO_HARDWARE = "no such hardware"
    NO_SENSOR = "no sensor"
    HIDDEN = "hidden"
    FAILING = "failing"
    MISLEADING = "misleading"
    CORRECTED = "corrected"
    EXCLUDED = "left out"


#: Causes that rights of a person, a program or a sandbox decide.
DENIALS = frozenset({Cause.PERMISSION, Cause.PARANOID, Cause.LOCKDOWN, Cause.SECURITY})

#: Causes that somebody can remove, so that channels appear.
FIXABLE = DENIALS | {Cause.MODULE, Cause.ASLEEP, Cause.HIDDEN, Cause.FAILING}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a sensor is not read, or not what it seems.

    Attributes:
        cause: One word of a closed vocabulary.
        what: The sentence: what is so, and where; without a full stop.
        remedy: The command or the act that fixes it; empty where nothing is known to help.
    """

    cause: Cause
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """A channel that exists and cannot be read now, with the reason."""

    channel: Channel
    obstacle: Obstacle


@dataclass(frozen=True, slots=True)
class Survey:
    """What a source found.

    Attributes:
        source: The source's name.
        readers: Who may read its channels, in words.
        channels: Those that can be read now, by this process.
        closed: Those that exist and cannot.
        obstacles: Everything that hinders or misleads, those of ``closed`` included.
        facts: What the head of a trace should say of the devices: JSON values by name.
    """

    source: str
    readers: str
    channels: tuple[Channel, ...] = ()
    closed: tuple[Closed, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def closed_by(obstacle: Obstacle, channels: tuple[Channel, ...]) -> tuple[Closed, ...]:
    """Every one of ``channels``, closed by the one obstacle."""
    return tuple(Closed(channel, obstacle) for channel in channels)
