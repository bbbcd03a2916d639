"""Sums over channels that count no joule twice, and say what they cover (docs/methods.md)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import reduce
from itertools import combinations
from operator import add as plus
from types import MappingProxyType

from ..channel import UNPLACED, Channel, Kind
from ..errors import Overlap
from .estimate import Estimate

# What holds packages, memory and more: a Cray node, ACPI's meter, RAPL's psys, a Grace Hopper module. The
# first of them that is there is taken, with as many modules as there are, which lie side by side.
PLATFORMS = ("node", "machine", "psys", "module")
SIDE_BY_SIDE = "module"
COVERED = MappingProxyType(
    {
        "node": "the whole node, its GPUs among it",
        "machine": "the whole machine, its GPUs among it",
        "psys": "the board as psys sees it; a card with a supply of its own may lie outside",
        "module": "whole modules, each with its CPU, GPU and memory",
    }
)
PROCESSORS = ("package-", "grace-")
PARTS_OF_NODE = re.compile(r"node/(?!energy$|power$)")
DIE = re.compile(r"-die-\d+")
SYSTEM_TIME = "cpu_time/system"


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Total(Estimate):
    """A sum over channels.

    Attributes:
        channels: The ids whose energies it adds, in the order of the channel table.
    """

    channels: tuple[str, ...] = ()

    @property
    def covers(self) -> str:
        """What a platform's meter takes in that stands beside it; empty: just what the channels name."""
        return "; ".join(dict.fromkeys(COVERED[k] for k in map(_kind, self.channels) if k in COVERED))


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

    One source of each physical channel, a counter before a gauge; measured before modelled; packages
    and what lies beside them before the platform that contains them, but one platform before devices
    whose packages nobody reads; nothing whose parent is there; of modelled busy time only the
    system's, which contains the command's.
    """
    placed = [channel for channel in channels.values() if UNPLACED not in channel.trust.parents]
    energies = [c for c in placed if is_energy(c) or is_power(c)]
    # The last of an id stays: a counter under its plain name.
    by_worth = sorted(energies, key=lambda c: (is_power(c), "@" in c.id), reverse=True)
    first = {c.physical_id: c for c in by_worth}
    single = [c for c in energies if first[c.physical_id] is c]
    measured = [c for c in single if c.trust.model is None]
    apart = [c for c in measured if not _is_platform(c)]
    modelled = [c for c in single if c.trust.model is not None]
    system = [c for c in modelled if c.physical_id == SYSTEM_TIME]
    has_processors = any(c.id.startswith(PROCESSORS) and not _is_part(c) for c in apart)
    whole = [] if has_processors else _one_platform(measured)
    chosen = whole or apart or measured or system or modelled
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


def _kind(name: str) -> str:
    return name.partition("@")[0].partition("/")[0].partition("-")[0]


def _is_platform(channel: Channel) -> bool:
    return _kind(channel.id) in PLATFORMS


def _is_part(channel: Channel) -> bool:
    """Whether a processor's channel tells of some of it only: its cores, its uncore, its memory."""
    return channel.physical_id.partition("/")[2] not in ("", "power")


def _one_platform(channels: Iterable[Channel]) -> list[Channel]:
    """The meters of one platform whole, by the first of ``PLATFORMS`` that has some."""
    whole = [c for c in channels if _is_platform(c) and not PARTS_OF_NODE.match(c.physical_id)]
    kind = min((_kind(c.id) for c in whole), key=PLATFORMS.index, default="")
    of_kind = [c for c in whole if _kind(c.id) == kind]
    # Of two machine meters nobody knows whether they are two supplies, or one supply's two sides.
    first = {c.physical_id.partition("/")[0] for c in of_kind[:1]}
    return [c for c in of_kind if kind == SIDE_BY_SIDE or c.physical_id.partition("/")[0] in first]


def _ancestors(channel: Channel, channels: Mapping[str, Channel]) -> set[str]:
    """The physical ids of all channels that contain this one."""
    by_physical = {c.physical_id: c for c in channels.values()}
    found: set[str] = set()
    waiting = [*channel.trust.parents, *_of_whole_package(channel.physical_id)]
    while waiting:
        parent = waiting.pop().partition("@")[0]
        if parent not in found:
            found.add(parent)
            waiting.extend(_of_whole_package(parent))
            if parent in by_physical:
                waiting.extend(by_physical[parent].trust.parents)
    return found


def _of_whole_package(physical_id: str) -> list[str]:
    """The channel that has all dies of what a die's channel counts, by its name: a source knows its own."""
    whole = DIE.sub("", physical_id)
    return [whole] if whole != physical_id else []


def _overlap(one: Channel, other: Channel, channels: Mapping[str, Channel]) -> bool:
    if one.physical_id == other.physical_id or UNPLACED in (*one.trust.parents, *other.trust.parents):
        return True
    if (one.trust.model is None) != (other.trust.model is None):
        return True
    if one.trust.model is not None or _is_platform(one) or _is_platform(other):
        return True
    return one.physical_id in _ancestors(other, channels) or other.physical_id in _ancestors(one, channels)
