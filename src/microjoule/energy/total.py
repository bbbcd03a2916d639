"""Sums over channels that count no joule twice, and say what they cover (science.md A9)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import reduce
from itertools import combinations
from operator import add as plus

from ..channel import UNPLACED, Channel, Kind
from ..errors import Overlap
from .estimate import Estimate

# What holds packages, memory and more: RAPL's psys, a Cray node, ACPI's meter, a Grace Hopper module.
PLATFORMS = ("psys", "node", "machine", "module")
PACKAGE = "package-"
SYSTEM_TIME = "cpu_time/system"


@dataclass(frozen=True, kw_only=True)
class Total(Estimate):
    """A sum over channels.

    Attributes:
        channels: The ids whose energies it adds, in the order of the channel table.
    """

    channels: tuple[str, ...] = ()


def is_energy(channel: Channel) -> bool:
    """Whether the channel's counts are joules, as they are or through a power model."""
    is_joules = channel.scale.quantity == "J" or channel.trust.model is not None
    return channel.kind is Kind.COUNTER and is_joules


def is_power(channel: Channel) -> bool:
    """Whether the channel says watts, so that its energy is an integral of readings."""
    return channel.kind is Kind.GAUGE and channel.scale.quantity == "W"


def tells_energy(channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """The channels that an energy is taken from: all that count one, and the powers inside none of them.

    A power gauge whose energy some other channel counts is an explanation of that figure, and no
    second one.
    """
    counted = {c.physical_id for c in channels.values() if is_energy(c)}
    return tuple(
        name
        for name, c in channels.items()
        if is_energy(c) or (is_power(c) and not counted & _ancestors(c, channels))
    )


def covered(channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """The channels whose sum is all that is known of, and no joule of it twice.

    One source of each physical channel; measured before modelled; packages and what lies beside
    them before the platform that contains them; nothing whose parent is there; of modelled busy
    time only the system's, which contains the command's.
    """
    placed = [channel for channel in channels.values() if UNPLACED not in channel.trust.parents]
    # Counters first: of two channels of one thing a counter says it better than a gauge.
    energies = [c for c in placed if is_energy(c)] + [c for c in placed if is_power(c)]
    first = {c.physical_id: c for c in sorted(energies, key=lambda c: "@" in c.id, reverse=True)}
    single = [c for c in energies if first[c.physical_id] is c]
    measured = [c for c in single if c.trust.model is None]
    apart = [c for c in measured if not _is_platform(c)]
    modelled = [c for c in single if c.trust.model is not None]
    system = [c for c in modelled if c.physical_id == SYSTEM_TIME]
    chosen = apart or measured or system or modelled
    present = {c.physical_id for c in chosen}
    ids = {c.id for c in chosen if not present & _ancestors(c, channels)}
    return tuple(name for name in channels if name in ids)


def total(estimates: Mapping[str, Estimate], channels: Mapping[str, Channel]) -> Total:
    """The total of a window over the channels that :func:`covered` names.

    Its status is the worst of its parts; over no channel at all it is ``failed``.

    Args:
        estimates: By channel id.
        channels: The channel table.
    """
    ids = covered({name: channels[name] for name in channels if name in estimates})
    return _sum(estimates, ids)


def add(ids: Iterable[str], estimates: Mapping[str, Estimate], channels: Mapping[str, Channel]) -> Total:
    """The sum of just these channels.

    Raises:
        Overlap: Two of them count the same joules.
    """
    ids = tuple(ids)
    for one, other in combinations(ids, 2):
        if _overlap(channels[one], channels[other], channels):
            raise Overlap(
                f"{one} and {other} count the same joules", "Leave one of them out, or take `.total`"
            )
    return _sum(estimates, ids)


def _sum(estimates: Mapping[str, Estimate], ids: tuple[str, ...]) -> Total:
    if not ids:
        return Total(value=None, low=0.0, high=math.inf, status="failed")
    whole = reduce(plus, (estimates[name] for name in ids))
    return Total(**{field.name: getattr(whole, field.name) for field in fields(Estimate)}, channels=ids)


def _is_platform(channel: Channel) -> bool:
    return channel.physical_id.partition("/")[0].partition("-")[0] in PLATFORMS


def _ancestors(channel: Channel, channels: Mapping[str, Channel]) -> set[str]:
    """The physical ids of all channels that contain this one."""
    by_physical = {c.physical_id: c for c in channels.values()}
    found: set[str] = set()
    waiting = list(channel.trust.parents)
    while waiting:
        parent = waiting.pop().partition("@")[0]
        if parent not in found:
            found.add(parent)
            if parent in by_physical:
                waiting.extend(by_physical[parent].trust.parents)
    return found


def _overlap(one: Channel, other: Channel, channels: Mapping[str, Channel]) -> bool:
    if one.physical_id == other.physical_id or UNPLACED in (*one.trust.parents, *other.trust.parents):
        return True
    if (one.trust.model is None) != (other.trust.model is None):
        return True
    if one.trust.model is not None or _is_platform(one) or _is_platform(other):
        return True
    return one.physical_id in _ancestors(other, channels) or other.physical_id in _ancestors(one, channels)
