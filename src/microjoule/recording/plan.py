"""What a recording is to do, decided before it begins: one frozen value that its recorder is made of."""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..channel import Channel
from ..host.calibration import Calibration, applied, facts_of
from ..host.key import overhead_of_this_host
from ..host.reference import facts_of as reference_facts
from ..host.sampling_cost import RECORDER, Overhead, Way
from ..host.sampling_cost import facts_of as loss_facts
from ..host.state import environment_id, read_state
from ..value_class import dataclass
from ..version import VERSION
from . import replaced_channels
from .lane import Cadence
from .launch import launch
from .meter import Meter, chosen_sources, readable
from .trace_file import caller_of_sudo
from .visible_devices import visible_devices

if TYPE_CHECKING:
    import pyarrow as pa

    from ..sources.machine import Machine
    from ..sources.meters.instrument import Instrument
    from ..sources.survey import Survey
    from .activity import ActivityPlan

DRAIN_S = 0.95  # a batch at least once a second, though a wake comes a little late


def _warn(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPlan:
    """What to read, how often, and where it goes.

    Attributes:
        path: Where the trace goes.
        channels: What to read, each with an id of its own.
        cadence: How often and how punctually.
        facts: The machine, for the file's opening; ``host.packages`` says where lanes run.
        alternatives: Other ways to read a channel, by its id: taken in their order where it does not open.
        takes_windows: Whether ``uj.window`` goes to this recording while it is open.
        is_thinned: Away from marks keep ten readings a second only (:mod:`.thin`).
        listener: It is called with each batch on its way to the file, in the thread that drains.
        drain_s: The time between two drains of the rings.
        say: It is called at once with a sentence about anything that happens to the file.
        owner: The user and group that the file is to belong to; None: those of this process. Under sudo it
            is who called it.
        keeps_others: Where a file is at the path, write a numbered one beside it instead of replacing it.
        is_fsynced: Wait after each batch until the disk has it.
        activity: Whose CPU time is recorded beside the channels; None: nobody's.
        instruments: Reference meters, connected; the recorder reads them and lets them go.
    """

    path: Path
    channels: tuple[Channel, ...]
    cadence: Cadence = field(default_factory=Cadence)
    facts: Mapping[str, Any] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[Channel, ...]] = field(default_factory=dict)
    takes_windows: bool = True
    is_thinned: bool = False
    listener: Callable[[pa.RecordBatch], None] | None = None
    drain_s: float = DRAIN_S
    say: Callable[[str], None] = _warn
    owner: tuple[int, int] | None = field(default_factory=caller_of_sudo)
    keeps_others: bool = False
    is_fsynced: bool = False
    activity: ActivityPlan | None = None
    instruments: tuple[Instrument, ...] = ()


def plan(path: Path | str, meter: Meter) -> RecordingPlan:
    """A plan to record what a meter reads.

    Args:
        path: Where the trace goes.
        meter: What to read.

    Raises:
        CalibrationError, OverheadError: What was learnt cannot be read, or the overhead is another host's.
        UnknownSource: No source has one of the names.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing, or not what was asked for, can be
            read.
    """
    found = readable(meter)
    costs = overhead_of_this_host(meter.overhead, found.machine)
    facts = {
        **machine_facts(found.machine, found.surveys, found.channels, chosen_sources(meter)),
        **facts_of(found.calibration, found.channels),
        **reference_facts(meter.reference),
        **sampling_facts(costs, RECORDER, found.channels, meter.cadence),
    }
    others = alternatives(found.surveys, found.channels, found.calibration)
    return RecordingPlan(
        path=Path(path),
        channels=found.channels,
        cadence=meter.cadence,
        facts=facts,
        alternatives=others if meter.sources is None else {},
        instruments=instruments(meter.against),
    )


def instruments(addresses: Collection[str]) -> tuple[Instrument, ...]:
    """The reference meters at these addresses, connected.

    Raises:
        BadMeter: One does not answer, or is no address.
        MissingExtra: A library is not installed.
    """
    if not addresses:
        return ()
    from ..sources.meters import connect

    return connect(tuple(addresses))


def sampling_facts(
    overhead: Overhead | None, subject: str, channels: Collection[Channel], cadence: Cadence
) -> dict[str, Any]:
    """What a trace of these channels says of what its sampling takes; nothing where that is not known."""
    rate_hz, is_fifo = cadence.rate_of(channels), cadence.fifo_priority > 0
    way = Way(rate_hz=rate_hz, pace=cadence.pace(channels), is_fifo=is_fifo)
    return loss_facts(overhead, subject, channels, way)


def alternatives(
    surveys: Iterable[Survey], channels: Iterable[Channel], learnt: Calibration | None
) -> dict[str, tuple[Channel, ...]]:
    """The other ways to read channels, with what was learnt of each."""
    found = replaced_channels.others(surveys, channels)
    return {name: tuple(applied(others, learnt)) for name, others in found.items()}


def machine_facts(
    machine: Machine,
    surveys: Iterable[Survey],
    channels: Iterable[Channel] = (),
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """What every trace says of the machine, its devices, the software and the moment.

    Of the channels it says which others, closed ones, are left out beside them, what misleads in them, and
    which sensors are excluded because another counts the same. Where nobody chose sources (``names``), which
    devices are in no figure.
    """
    import numpy
    import pyarrow

    found = {
        "microjoule": VERSION,
        "python": platform.python_version(),
        "started_realtime_ns": time.time_ns(),
        "root": str(machine.root),
        "host": machine.host.to_json(),
        "state": read_state(machine.root),
        "libraries": {"numpy": numpy.__version__, "pyarrow": pyarrow.__version__},
        "visible_devices": visible_devices(),
        "launch": launch().to_json(),
        "left_out": replaced_channels.closed(surveys, channels, names),
        **replaced_channels.remarks(surveys, channels, names),
        **{name: value for one in surveys for name, value in one.facts.items()},
    }
    return {**found, "environment": environment_id(found)}
