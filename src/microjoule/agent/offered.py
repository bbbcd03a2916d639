"""Which channels an agent reads: counters for root, through the kernel and no vendor's library."""

from __future__ import annotations

from collections.abc import Iterable

from ..channel import Channel
from ..errors import NothingToMeasure, UnknownSource
from ..recording.meter import Meter, Readable, readable
from ..sources import RAPL, script

READERS = ("perf", "text", "msr", "script")
USUAL = (*RAPL, script.NAME)  # what is for root, or a stand-in of it


def offered(meter: Meter) -> Readable:
    """What an agent with this meter reads; without sources in it, what users may not read themselves.

    Raises:
        UnknownSource: A source that is named is read through a vendor's library.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing, or not what was asked for, can be
            read.
    """
    found = readable(meter)
    channels = tuple(_sampled(found.channels, meter.sources is None))
    if channels:
        return found._replace(channels=channels)
    raise NothingToMeasure(
        "There is no counter here that the agent could read for other users",
        "Run `sudo uj probe`; GPUs and CPU time need no agent, as every user may read them",
    )


def _sampled(channels: Iterable[Channel], is_usual: bool) -> Iterable[Channel]:
    for channel in channels:
        if is_usual and channel.source not in USUAL:
            continue
        if channel.access.reader not in READERS:
            raise UnknownSource(
                f"The agent does not read {channel.source}: its library needs what the agent gives up",
                "Leave it out: every user can read GPUs without the agent",
            )
        yield channel
