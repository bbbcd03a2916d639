"""What the energy counters of CPUs do while they are watched for a moment.

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
from ..joules.energy_trace import load
from ..joules.identity import is_register
from ..sources import RAPL
from ..sources.units_apart import units_apart

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..sources import Machine, Survey

LOOKS_S = (0.05, 1.5)  # RAPL moves a thousand times a second; a hypervisor's may move once


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
    """Reads the counters of CPUs for a twentieth of a second, and longer where one does not move.

    Args:
        machine: Whose they are.
        surveys: What its sources found.
        channels: What a recording would read.
    """
    surveys = tuple(surveys)
    registers = tuple(channel for channel in channels if is_register(channel))
    found = Watched()
    for for_s in LOOKS_S if registers else ():
        try:
            trace = _trace(machine, surveys, registers, for_s)
        except MicrojouleError:
            return found  # what cannot be opened is said where it is recorded
        found = Watched(for_s, _unmoved(trace), (*trace.identity.notes, *units_apart(surveys, RAPL)))
        if not found.unmoved:
            break
    return found


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


def _unmoved(trace: Trace) -> tuple[str, ...]:
    return tuple(
        name
        for name, channel in trace.channels.items()
        if channel.place.always_draws and len(trace.counter(name)) and not len(trace.counter(name).changes)
    )
