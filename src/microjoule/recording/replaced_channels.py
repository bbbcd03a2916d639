"""What a recording leaves out, and what it reads instead of it.

A survey says what may be read by what the machine shows of it; whether a channel opens is known when it
is opened. One that does not is read through another interface where another shows the same domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..channel import Channel
    from ..sources.survey import Survey


def closed(
    surveys: Iterable[Survey], channels: Iterable[Channel], names: Sequence[str] | None = None
) -> dict[str, str]:
    """Why channels are not recorded that exist and are closed: id to sentence.

    Those of the sources that are in use, where nobody chose sources those of other devices too, and of no
    domain that is read anyhow. A command's own channels are for ``uj run`` alone.

    Args:
        surveys: What the sources found.
        channels: What is recorded.
        names: The sources that somebody chose; None: the best of all.
    """
    from . import unmeasured

    channels = tuple(channels)
    used = {channel.source for channel in channels} | (unmeasured.others() if names is None else set())
    read = {channel.physical_id for channel in channels}
    return {
        one.channel.id: f"{unmeasured.sentence(one.obstacle)}."
        for found in surveys
        for one in (found.closed if found.source in used else ())
        if one.channel.physical_id not in read and not one.channel.is_of_command
    }


def remarks(
    surveys: Iterable[Survey], channels: Iterable[Channel], names: Sequence[str] | None = None
) -> dict[str, list[str]]:
    """What is to be said of the sensors and of what is not measured, as sentences without a full stop.

    ``misleading``: what must be known to read the figures, of the sources in use, but for what a trace says
    by itself, which channels are left out and which units are corrected; which devices are in no figure too,
    where somebody chose sources the GPUs of those. ``excluded``: sensors that are not read because another
    one counts the same.

    Args:
        surveys: What the sources found.
        channels: What is recorded.
        names: The sources that somebody chose; None: the best of all.
    """
    from ..sources.survey import Cause
    from . import unmeasured

    surveys, channels = tuple(surveys), tuple(channels)
    used = {channel.source for channel in channels}
    said = [obstacle for found in surveys if found.source in used for obstacle in found.obstacles]
    causes = {"misleading": Cause.MISLEADING, "excluded": Cause.EXCLUDED}
    left_out = set(closed(surveys, channels, names).values())
    found = {
        name: list(
            dict.fromkeys(
                sentence
                for each in said
                if each.cause is cause and f"{(sentence := unmeasured.sentence(each))}." not in left_out
            )
        )
        for name, cause in causes.items()
    }
    measured = [channel for channel in channels if channel.trust.model is None]
    if names is None:
        found["misleading"] += unmeasured.devices(surveys, measured)
    else:
        chosen = [one for one in surveys if one.source in used]
        found["misleading"] += unmeasured.gpus(chosen, measured)
        found["misleading"] += unmeasured.cpus(surveys) if channels and not measured else []
    return found


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
