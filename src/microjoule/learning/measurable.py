"""What there is to be measured on a machine, and what is in the way of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from ..channel import Channel
from ..errors import NothingToMeasure
from ..host.calibration import Calibration, applied
from ..host.files import HostKey
from ..host.key import host_key
from ..sources import Machine, choose, survey
from ..sources.agent import is_read_by_agent
from ..sources.survey import DENIALS, Survey
from ..value_class import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is there.

    Attributes:
        host: Whose overhead it is.
        listed: Every channel that can be read of the sources that are wanted.
        chosen: Those of a recording.
        machine: Facts that go with the figures.
        denied: What is there and may not be read: source to sentence.
    """

    host: HostKey
    listed: tuple[Channel, ...]
    chosen: tuple[Channel, ...]
    machine: dict[str, Any] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)


def site_of(root: Path, names: Sequence[str] | None, calibration: Calibration | None) -> Site:
    """The site of a machine; without any channel there is still an empty loop to measure.

    Args:
        root: The root of the file system whose counters to read.
        names: Sources to take, and no others; None: all that there are.
        calibration: What was learnt of this host.

    Raises:
        UnknownSource, PermissionDenied, SourceUnavailable: A named source is none, or cannot be read.
    """
    machine = Machine(root)
    surveys = survey(machine)
    try:
        chosen = choose(surveys, names)
    except NothingToMeasure:
        chosen = ()
    listed = chosen if names else [channel for one in surveys for channel in one.channels]
    return Site(
        host=host_key(machine),
        listed=applied(_of_lanes(listed), calibration),
        chosen=applied(_of_lanes(chosen), calibration),
        machine={
            "cpu_name": machine.host.cpu_name or machine.host.cpu_vendor,
            "kernel": machine.host.kernel,
            "is_virtual": machine.host.is_virtual,
        },
        denied={} if names else dict(_denied(surveys)),
    )


def _of_lanes(channels: Iterable[Channel]) -> list[Channel]:
    """Those that a lane of this process reads all the time: not what a command counts of itself."""
    return [channel for channel in channels if not channel.is_of_command and not is_read_by_agent(channel)]


def _denied(surveys: Iterable[Survey]) -> Iterable[tuple[str, str]]:
    for one in surveys:
        why = next((each for each in one.obstacles if each.cause in DENIALS), None)
        if why is not None and not one.channels:
            yield one.source, f"{why.what}. {why.remedy}" if why.remedy else why.what
