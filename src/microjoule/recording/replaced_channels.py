"""What a recording leaves out, and what it reads instead of it.

A survey says what may be read by what the machine shows of it; whether a channel opens is known when it
is opened. One that does not is read through another interface where another shows the same domain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..channel import Channel
    from ..sources.survey import Survey


def closed(surveys: Iterable[Survey], channels: Iterable[Channel]) -> dict[str, str]:
    """Why channels are not recorded that exist and are closed: id to sentence.

    Those of the sources that are in use, and of no domain that is read anyhow. A command's own
    channels are for ``uj run`` alone.
    """
    channels = tuple(channels)
    used = {channel.source for channel in channels}
    read = {channel.physical_id for channel in channels}
    left_out: dict[str, str] = {}
    for found in surveys:
        for one in found.closed if found.source in used else ():
            if one.channel.physical_id not in read and not one.channel.is_of_command:
                what, remedy = one.obstacle.what, one.obstacle.remedy
                left_out[one.channel.id] = f"{what}. {remedy}." if remedy else f"{what}."
    return left_out


def remarks(surveys: Iterable[Survey], channels: Iterable[Channel]) -> dict[str, list[str]]:
    """What the sources in use say of their sensors, as sentences without a full stop.

    ``misleading``: what must be known to read the figures. ``excluded``: sensors that are not read because
    another one counts the same.
    """
    from ..sources.survey import Cause

    surveys, channels = tuple(surveys), tuple(channels)
    used = {channel.source for channel in channels}
    said = [obstacle for found in surveys if found.source in used for obstacle in found.obstacles]
    causes = {"misleading": Cause.MISLEADING, "excluded": Cause.EXCLUDED}
    found = {
        name: list(dict.fromkeys(f"{o.what}. {o.remedy}".rstrip(". ") for o in said if o.cause is cause))
        for name, cause in causes.items()
    }
    if channels and all(channel.trust.model is not None for channel in channels):
        found["misleading"] += _opens(surveys)
    return found


def _opens(surveys: Iterable[Survey]) -> list[str]:
    """Where nothing but a model is left: why the first counter is closed, and the command that opens it."""
    shut = (one for found in surveys for one in found.closed if one.channel.trust.model is None)
    first = next((one for one in shut if not one.channel.is_of_command), None)
    if first is None:
        return []
    obstacle = first.obstacle
    return [f"{first.channel.id} is closed: {obstacle.what}. {obstacle.remedy}".rstrip(". ")]


def others(surveys: Iterable[Survey], channels: Iterable[Channel]) -> dict[str, tuple[Channel, ...]]:
    """The other ways to read each channel, the best first: by the id of the channel."""
    able = [other for found in surveys for other in found.channels]
    return {
        channel.id: tuple(
            replace(other, id=channel.id, trust=replace(other.trust, parents=channel.trust.parents))
            for other in able
            if _is_other(other, channel)
        )
        for channel in channels
    }


def _is_other(other: Channel, channel: Channel) -> bool:
    return other.source != channel.source and all(
        getattr(other, name) == getattr(channel, name)
        for name in ("physical_id", "lane", "kind", "provenance")
    )
