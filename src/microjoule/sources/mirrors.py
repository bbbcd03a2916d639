"""Packages that a guest lists although they are one: their zones show one counter.

Two counters that stand at the same count twice, and moved in between, are one: two of 32 bits that count
alike are apart by some constant. A look is a reading of the one between two of the other, which must all be
equal. It costs six reads where two looks find them different.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..channel import Channel, Place
from .domains import channel_id
from .host import integer_in
from .survey import Cause, Closed, Obstacle, Survey
from .zones import PowercapZone

_LOOKS = 6
_BETWEEN_S = 0.002  # two updates of RAPL


def mirrored(zones: Iterable[PowercapZone]) -> Mapping[Place, Place]:
    """Of the places of zones those that show another's counter, and the other."""
    originals: list[PowercapZone] = []
    found: dict[Place, Place] = {}
    for zone in zones:
        if zone.place is None or zone.place.device != "package":
            continue
        alike = (other for other in originals if _is_alike(zone, other))
        first = next((other for other in alike if _is_one(zone, other)), None)
        if first is None or first.place is None:
            originals.append(zone)
        else:
            found[zone.place] = first.place
    return found


def without_mirrors(found: Survey, mirrors: Mapping[Place, Place]) -> Survey:
    """A survey of RAPL in which mirrors are closed, each with what it mirrors."""
    closed = tuple(Closed(c, _obstacle(c, mirrors[c.place])) for c in found.channels if c.place in mirrors)
    if not closed:
        return found
    return replace(
        found,
        channels=tuple(channel for channel in found.channels if channel.place not in mirrors),
        closed=(*found.closed, *closed),
        obstacles=(*found.obstacles, *(each.obstacle for each in closed)),
    )


def _obstacle(channel: Channel, original: Place) -> Obstacle:
    what = f"{channel.id} shows the counter of {channel_id(original)}, equal at every look"
    return Obstacle(Cause.MISLEADING, f"{what}; it is counted once")


def _is_alike(zone: PowercapZone, other: PowercapZone) -> bool:
    one, two = zone.place, other.place
    is_same = one is not None and two is not None and one.part == two.part and one.number != two.number
    return is_same and zone.family == other.family and zone.unit_nj == other.unit_nj


def _is_one(zone: PowercapZone, other: PowercapZone) -> bool:
    """Whether two zones show one counter that moves."""
    seen: set[int] = set()
    differed = 0
    for _ in range(_LOOKS):
        count = _equal(zone, other)
        if count is None:
            differed += 1  # or it moved between the reads
        else:
            seen.add(count)
            time.sleep(_BETWEEN_S)
        if len(seen) > 1 or differed > 1 + len(seen):
            break
    return len(seen) > 1


def _equal(zone: PowercapZone, other: PowercapZone) -> int | None:
    """The microjoules that both show at one time; None: they differ, or cannot be read."""
    before, between, after = (integer_in(each.path / "energy_uj") for each in (zone, other, zone))
    return before if before == between == after else None
