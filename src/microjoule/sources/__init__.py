"""The sources, what each finds on this machine, and which of their channels to record.

A new source is a module here with ``NAME`` and ``survey(machine)``, and its word in ``SOURCES``. The order
of ``SOURCES`` is the order of preference where several show the same physical domain, save that a
scripted machine, which somebody wrote on purpose, goes before all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from ..channel import Channel
from ..errors import NothingToMeasure, PermissionDenied, SourceUnavailable, UnknownSource, nearest
from . import (
    agent,
    amdsmi,
    battery,
    cpu_time,
    cray,
    hwmon,
    ina,
    nvml,
    powercap,
    rapl_cores,
    rapl_msr,
    rapl_perf,
    script,
)
from .domains import is_domain, with_parents
from .machine import Machine
from .mirrors import mirrored, without_mirrors
from .survey import DENIALS, FIXABLE, Cause, Closed, Obstacle, Survey

__all__ = [
    "SOURCES",
    "Cause",
    "Closed",
    "Machine",
    "Obstacle",
    "Source",
    "Survey",
    "UnknownSource",
    "choose",
    "survey",
]


class Source(Protocol):
    """A family of hardware that can list channels: a module of this package."""

    NAME: str

    def survey(self, machine: Machine) -> Survey:
        """What the source finds on a machine."""


SOURCES: tuple[Source, ...] = (
    rapl_perf,
    powercap,
    rapl_msr,
    rapl_cores,
    nvml,
    amdsmi,
    hwmon,
    ina,
    cray,
    battery,
    cpu_time,
    script,
    agent,
)

# These show one set of registers: of each id only one of them is taken, the first here that has it.
RAPL = (rapl_perf.NAME, powercap.NAME, rapl_msr.NAME)
# Reading them changes what is measured: taken where they are named, and not otherwise. Name to reason.
ON_REQUEST = {rapl_cores.NAME: "a read of the PMU power_core interrupts every core"}


def survey(machine: Machine) -> tuple[Survey, ...]:
    """What every source finds on a machine, in the order of ``SOURCES``."""
    mirrors = mirrored(machine.zones)
    direct = [source.survey(machine) for source in SOURCES if source is not agent]
    found = (*direct, agent.survey(machine, needs_agent(direct)))
    return tuple(without_mirrors(one, mirrors) if one.source in RAPL else one for one in found)


def needs_agent(direct: Iterable[Survey]) -> bool:
    """Whether sources leave something to an agent: no CPU counter is read, or a channel is closed."""
    taken = [one for one in direct if one.source not in ON_REQUEST]
    read = {channel.id for one in taken for channel in one.channels}
    closed = {each.channel.id for one in taken for each in one.closed}
    return bool(closed - read) or not any(one.channels for one in taken if one.source in RAPL)


def choose(surveys: Iterable[Survey], names: Sequence[str] | None = None) -> tuple[Channel, ...]:
    """The channels to record.

    Args:
        surveys: What the sources found.
        names: Sources to take whole; where two show one id, the later is ``id@source``. None: each
            physical id once, through the best interface that can read it, and CPU time, but no source of
            ``ON_REQUEST``.

    Raises:
        UnknownSource: No source has one of the names.
        PermissionDenied: A named source is there and may not be read by this user.
        SourceUnavailable: A named source is not there.
        NothingToMeasure: No names were given and no source has a channel.
    """
    found = {one.source: one for one in surveys}
    if names:
        return _named(found, tuple(dict.fromkeys(names)))
    return _best(found)


def _best(found: dict[str, Survey]) -> tuple[Channel, ...]:
    chosen: dict[str, Channel] = {}
    has_dies: dict[int | None, bool] = {}
    # By id and not by machine: a package that perf cannot read falls back to powercap by itself.
    # What an agent reads for this user comes after what this user reads.
    for name in (*RAPL, agent.NAME):
        for channel in found[name].channels if name in found else ():
            # One interface may show a package whole and another by dies: never both.
            is_die = channel.place.die is not None
            if has_dies.setdefault(channel.place.number, is_die) == is_die:
                chosen.setdefault(channel.id, channel)
    # What contains what depends on which ids are there, and those may now be of several sources.
    best = {channel.id: channel for channel in with_parents(c for c in chosen.values() if is_domain(c.place))}
    best |= {name: channel for name, channel in chosen.items() if name not in best}
    for name, one in found.items():
        if name not in (*RAPL, *ON_REQUEST, script.NAME, agent.NAME):
            best |= {channel.id: channel for channel in one.channels}
    scripted = found[script.NAME].channels if script.NAME in found else ()
    best |= {channel.id: channel for channel in scripted}
    if not best:
        raise _nothing(found.values())
    return tuple(best.values())


def _named(found: dict[str, Survey], names: tuple[str, ...]) -> tuple[Channel, ...]:
    chosen: dict[str, Channel] = {}
    for name in names:
        if name not in found:
            raise UnknownSource(
                f"There is no source {name!r}", f"{nearest(name, found)}; `uj probe` lists them"
            )
        one = found[name]
        if not one.channels:
            raise _missing(one)
        taken = {channel.id for channel in one.channels} & chosen.keys()
        for channel in one.channels:
            set_apart = _set_apart(channel, taken)
            chosen[set_apart.id] = set_apart
    return tuple(chosen.values())


def _set_apart(channel: Channel, taken: set[str]) -> Channel:
    """The channel as the second reading of an id."""
    if channel.id not in taken:
        return channel
    return replace(channel, id=f"{channel.id}@{channel.source}", twin_of=channel.physical_id)


def _nothing(found: Iterable[Survey]) -> NothingToMeasure:
    """Why no source has a channel: the first obstacle that can be removed."""
    fixable = [
        (one.source, obstacle)
        for one in found
        if one.source not in ON_REQUEST
        for obstacle in one.obstacles
        if obstacle.cause in FIXABLE
    ]
    what = "No source on this machine lists a channel that can be read"
    if not fixable:
        return NothingToMeasure(what, "Run `uj probe`")
    name, first = fixable[0]
    return NothingToMeasure(f"{what} ({name}: {first.what})", first.remedy or "Run `uj probe`")


def _missing(one: Survey) -> SourceUnavailable | PermissionDenied:
    remarks = (Cause.MISLEADING, Cause.CORRECTED)
    hindrances = [obstacle for obstacle in one.obstacles if obstacle.cause not in remarks]
    hindrances.sort(key=lambda obstacle: obstacle.cause is Cause.EXCLUDED)  # on purpose: the least of them
    if not hindrances:
        return SourceUnavailable(f"Source {one.source} has no channel here", "Run `uj probe`")
    first = hindrances[0]
    error = PermissionDenied if first.cause in DENIALS else SourceUnavailable
    return error(f"Source {one.source} cannot be read: {first.what}", first.remedy)
