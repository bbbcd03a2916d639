"""Which devices of a machine are in none of the figures of a recording, and what to do.

A total of what was read says nothing of a GPU that has fallen off the bus, of a driver that does not start,
of a CPU whose counters are closed to this user. Where nobody chose sources, each is a sentence of the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..channel import Channel, Role
from ..sources import ON_REQUEST, RAPL, amdsmi, battery, cpu_time, hwmon, nvml
from ..sources.domains import is_domain
from ..sources.survey import Cause, Obstacle, Survey

REMARKS = (Cause.MISLEADING, Cause.CORRECTED, Cause.EXCLUDED)
MISSING = (Cause.MODULE, Cause.HIDDEN)  # of a CPU: what somebody can change
GPUS = {nvml.NAME: "NVIDIA", amdsmi.NAME: "AMD"}
WITHOUT_GPUS = "psys"  # of the meters of several devices: a card with a supply of its own lies outside


def devices(surveys: Sequence[Survey], measured: Sequence[Channel]) -> list[str]:
    """Why the CPUs, or GPUs, are in no figure: sentences without a full stop.

    Args:
        surveys: What the sources found.
        measured: The channels that are recorded and stand for a counter or a gauge.
    """
    of_cpus = [] if any(map(_holds_cpus, measured)) else cpus(surveys)
    return of_cpus + gpus(surveys, measured)


def cpus(surveys: Iterable[Survey]) -> list[str]:
    """Why no CPU is measured, and the command that changes it; empty where no command does."""
    registers = [one for one in surveys if one.source in RAPL]
    shut = (one for found in registers for one in found.closed if is_domain(one.channel.place))
    first = next(shut, None)
    if first is not None:
        return [f"{first.channel.id} is closed: {sentence(first.obstacle)}"]
    missing = (each for found in registers for each in found.obstacles if each.cause in MISSING)
    return [f"no CPU is measured: {sentence(each)}" for each in missing][:1]


def gpus(surveys: Sequence[Survey], measured: Iterable[Channel]) -> list[str]:
    """Why no GPU is measured; empty where one is, or where there is none."""
    if any(map(_holds_gpus, measured)):
        return []
    makers = dict(GPUS)
    found = (
        *(c for one in surveys for c in one.channels),
        *(c.channel for one in surveys for c in one.closed),
    )
    if any(channel.place.owner == hwmon.AMDGPU for channel in found):
        del makers[amdsmi.NAME]  # hwmon shows their power, or says itself why not
    return [
        f"{makers[one.source]} GPU not measured: {sentence(each)}"
        for one in surveys
        for each in (one.obstacles if one.source in makers else ())
        if each.cause not in (*REMARKS, Cause.NO_HARDWARE)
    ]


def others() -> frozenset[str]:
    """The sources whose closed channels are other devices than those of the sources in use."""
    from ..sources import SOURCES

    alike = (*RAPL, *ON_REQUEST, battery.NAME, cpu_time.NAME)
    return frozenset(source.NAME for source in SOURCES if source.NAME not in alike)


def sentence(obstacle: Obstacle) -> str:
    """What is so and what to do, without the last full stop."""
    return f"{obstacle.what}. {obstacle.remedy}".rstrip(". ")


def _holds_cpus(channel: Channel) -> bool:
    place = channel.place
    return place.role == Role.PLATFORM or (place.device == "package" and place.role == Role.WHOLE)


def _holds_gpus(channel: Channel) -> bool:
    return channel.place.role == Role.PLATFORM and channel.place.device != WITHOUT_GPUS
