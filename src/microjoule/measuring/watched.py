"""What energy counters do while they are watched for a moment.

``uj probe`` asks whether they move and are what they say, because what a guest lists may be constants, or one
counter several times.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..channel import Channel
from ..errors import MicrojouleError
from ..joules.counters.identity import is_joules, is_register
from ..joules.energy_trace import load
from ..joules.estimates.total import is_power
from ..sources import RAPL
from ..sources.units_apart import units_apart

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..sources import Machine, Survey

LOOKS_S = (0.05, 1.5)  # RAPL moves a thousand times a second; a hypervisor's may move once, a GPU's ten times


class Watched(NamedTuple):
    """What counters did.

    Attributes:
        for_s: How long they were watched; 0: there was none to watch.
        unmoved: The ids of those that must draw power and never moved.
        notes: What else the readings say of them, a sentence each without its full stop.
    """

    for_s: float = 0.0
    unmoved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def watched(machine: Machine, surveys: Iterable[Survey], channels: Iterable[Channel]) -> Watched:
    """Reads counters for a twentieth of a second, and longer where one does not move.

    Those of CPUs, which must draw power, and those of others in which a gauge shows some.

    Args:
        machine: Whose they are.
        surveys: What its sources found.
        channels: What a recording would read.
    """
    surveys, channels = tuple(surveys), tuple(channels)
    registers = [channel for channel in channels if is_register(channel)]
    shown = [channel for channel in channels if is_joules(channel) and _gauges_in(channel, channels)]
    read = dict.fromkeys([*registers, *(each for one in shown for each in (one, *_gauges_in(one, channels)))])
    must_move = [channel.id for channel in read if channel.place.always_draws or channel in shown]
    found = Watched()
    for for_s in LOOKS_S if read else ():
        try:
            trace = _trace(machine, surveys, tuple(read), for_s)
        except MicrojouleError:
            return found  # what cannot be opened is said where it is recorded
        still = [name for name in must_move if trace.still_ns(name)]
        unmoved = tuple(
            name for name in still if trace.channels[name].place.always_draws or name in trace.dead
        )
        found = Watched(for_s, unmoved, (*trace.identity.notes, *units_apart(surveys, RAPL)))
        if not still:
            break
    return found


def _gauges_in(counter: Channel, channels: Iterable[Channel]) -> list[Channel]:
    """The gauges of power inside a counter."""
    return [
        channel for channel in channels if is_power(channel) and counter.physical_id in channel.trust.parents
    ]


def _trace(
    machine: Machine, surveys: tuple[Survey, ...], channels: tuple[Channel, ...], for_s: float
) -> Trace:
    from ..recording.plan import RecordingPlan, alternatives, machine_facts
    from ..recording.recorder import RawRecorder

    with tempfile.TemporaryDirectory(prefix="microjoule-probe-") as folder:
        plan = RecordingPlan(
            path=Path(folder) / "probe.arrows",
            channels=channels,
            facts=machine_facts(machine, surveys, channels),
            alternatives=alternatives(surveys, channels, None),
            takes_windows=False,
        )
        with RawRecorder(plan) as recorder:
            time.sleep(for_s)
        return load(recorder.path)
