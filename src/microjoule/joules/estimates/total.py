"""Sums over channels that count no joule twice, and say what they cover (docs/methods.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import reduce
from itertools import combinations
from operator import add as plus

from ...channel import DEVICES, UNPLACED, Channel, Kind, Place
from ...errors import Overlap
from ...value_class import dataclass
from .estimate import Estimate

_PLATFORMS = tuple(DEVICES)  # the first of them that is there is taken


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Total(Estimate):
    """A sum over channels.

    Attributes:
        channels: The ids whose energies it adds, in the order of the channel table.
        covers: Of a platform's meter, what it takes in; empty: just what the channels name.
        excluded: The ids of other meters of the same kind, which are not added: either may hold the other.
    """

    channels: tuple[str, ...] = ()
    covers: str = ""
    excluded: tuple[str, ...] = ()


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


def beside(channel: Channel, channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """The power gauges that show the same energy as a counter: those of its place that it contains."""
    if not is_energy(channel):
        return ()
    return tuple(
        name
        for name, c in channels.items()
        if is_power(c) and c.place == channel.place and channel.physical_id in c.trust.parents
    )


def covered(channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """The channels whose sum is all that is known of, and no joule of it twice.

    One source of each place, a counter before a gauge; measured before estimated, and of estimates the
    command's before the machine's; packages and what lies beside them before the platform that contains
    them, but one platform before devices whose packages nobody reads; nothing whose parent is there;
    nothing of which it is not known what contains it.
    """
    energies = [c for c in channels.values() if _is_placed(c) and (is_energy(c) or is_power(c))]
    first: dict[Place, Channel] = {}
    for channel in sorted(energies, key=_worth):
        first.setdefault(channel.place, channel)
    single = [c for c in energies if first[c.place] is c]
    measured = [c for c in single if c.trust.model is None]
    apart = [c for c in measured if not c.place.kind.is_platform]
    whole = [] if any(c.place.is_processor for c in apart) else _one_platform(measured)
    command = [c for c in single if _is_command(c)]  # what was asked about, of estimates alone
    chosen = whole or apart or measured or command or single
    present = {c.physical_id for c in chosen}
    ids = {c.id for c in chosen if not present & _ancestors(c, channels)}
    return tuple(name for name in channels if name in ids)


def _is_command(channel: Channel) -> bool:
    return channel.place.device == "command"


def total(estimates: Mapping[str, Estimate], channels: Mapping[str, Channel]) -> Total:
    """The total of a window over the channels that :func:`covered` names.

    Its status is the worst of its parts; over no channel at all it is ``failed``.

    Args:
        estimates: By channel id.
        channels: The channel table.
    """
    known = {name: c for name, c in channels.items() if name in estimates}
    # A command too short for a figure of its own leaves the machine's.
    ids = covered({n: c for n, c in known.items() if not _is_command(c) or estimates[n].value is not None})
    summed = _sum(estimates, ids, _takes_in(ids, channels))
    beside = [id_ for name in ids for id_ in _beside(channels[name].place, channels)]
    return replace(summed, excluded=tuple(dict.fromkeys(beside)))


def add(ids: Iterable[str], estimates: Mapping[str, Estimate], channels: Mapping[str, Channel]) -> Total:
    """The sum of just these channels.

    Raises:
        Overlap: Two of them count the same joules.
    """
    ids = tuple(ids)
    apart(ids, channels)
    return _sum(estimates, ids)


def apart(ids: Iterable[str], channels: Mapping[str, Channel]) -> None:
    """Checks that no two of some channels count the same joules.

    Raises:
        Overlap: Two of them do, or nobody knows that they do not.
    """
    for one, other in combinations(ids, 2):
        if _overlap(channels[one], channels[other], channels):
            raise Overlap(
                f"{one} and {other} count the same joules", "Leave one of them out, or use `.total`"
            )


def _sum(estimates: Mapping[str, Estimate], ids: tuple[str, ...], covers: str = "") -> Total:
    if not ids:
        return Total(value=None, low=0.0, high=math.inf, status="failed")
    whole = reduce(plus, (estimates[name] for name in ids))
    figures = {field.name: getattr(whole, field.name) for field in fields(Estimate)}
    return Total(**figures, channels=ids, covers=covers)


def _takes_in(ids: Iterable[str], channels: Mapping[str, Channel]) -> str:
    """What the platforms among some channels take in, in words."""
    words = [
        _one_of_several(channels[name].place, channels) or channels[name].place.kind.covers
        for name in ids
        if channels[name].place.is_platform
    ]
    return "; ".join(dict.fromkeys(words))


def _one_of_several(place: Place, channels: Mapping[str, Channel]) -> str:
    """What to say of one platform's meter where there are more of its kind; empty: there are none."""
    beside = _beside(place, channels)
    if not beside:
        return ""
    others = f"{', '.join(beside)} {'is' if len(beside) == 1 else 'are'} not added"
    return f"one of {len(beside) + 1} meters of a {place.device}; {others}: either may hold the other"


def _beside(place: Place, channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """The other meters of a platform's kind; those of an additive kind lie side by side and are added."""
    if not place.is_platform or place.kind.is_additive:
        return ()
    alike = {
        c.place: c.id for c in channels.values() if c.place.is_platform and c.place.device == place.device
    }
    return tuple(id_ for other, id_ in alike.items() if other != place)


def _is_placed(channel: Channel) -> bool:
    """Whether it is known what else counts the channel's joules."""
    return channel.place.is_known and UNPLACED not in channel.trust.parents


def _worth(channel: Channel) -> tuple[bool, bool, bool]:
    """A sort key of channels of one place: measured ones first, then counters, then first readings."""
    return (channel.trust.model is not None, is_power(channel), bool(channel.twin_of))


def _one_platform(channels: Iterable[Channel]) -> list[Channel]:
    """The meters of one platform whole, by the first of ``DEVICES`` that has some."""
    whole = [c for c in channels if c.place.is_platform]
    device = min((c.place.device for c in whole), key=_PLATFORMS.index, default="")
    alike = [c for c in whole if c.place.device == device]
    # Of two machine meters nobody knows whether they are two supplies, or one supply's two sides.
    return [c for c in alike if c.place.kind.is_additive] or alike[:1]


def _ancestors(channel: Channel, channels: Mapping[str, Channel]) -> set[str]:
    """The physical ids of all channels that contain this one."""
    by_physical = {c.physical_id: c for c in channels.values()}
    found: set[str] = set()
    waiting = [*channel.trust.parents]
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            if parent in by_physical:
                waiting.extend(by_physical[parent].trust.parents)
    return found


def _overlap(one: Channel, other: Channel, channels: Mapping[str, Channel]) -> bool:
    if one.place == other.place or not _is_placed(one) or not _is_placed(other):
        return True
    if (one.trust.model is None) != (other.trust.model is None):
        return True
    if one.trust.model is not None or one.place.kind.is_platform or other.place.kind.is_platform:
        return True
    return one.physical_id in _ancestors(other, channels) or other.physical_id in _ancestors(one, channels)
