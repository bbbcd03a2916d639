"""What samples while its cost is taken: an empty loop, the lane of a source, a whole recorder.

Decision: the empty loop is the native sampler without channels, and neither a script nor a loop of its
own: the same thread with the same waits, that reads nothing and pushes nothing. What a lane costs above
it is the reads, and what a core that was left and woken takes is in both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from ..channel import Channel, Place
from ..errors import SourceUnavailable
from ..host.sampling_cost import EMPTY, THINNED, Way, counted
from ..joules.energy_trace import load
from ..recording.lane import Cadence, Lane, is_for_kernel, lane_rate_hz, lead_of
from ..recording.native import Sampler
from ..recording.plan import DRAIN_S, RecordingPlan
from ..recording.recorder import RawRecorder
from ..units import NS_PER_S, NS_PER_US
from .paired_blocks import Histogram

HYBRID_SPIN_NS = 50 * NS_PER_US
FIFO_PRIORITY = 1
_NO_FIFO, _MAKE_FIFO = "SCHED_FIFO was refused", "Run as root, or grant CAP_SYS_NICE"
COLLECT_S = 0.1  # the thread of a lane that the kernel samples wakes so often


@dataclass(slots=True)
class Running:
    """Something that samples now, and what it did.

    Attributes:
        busy_ns: CPU time so far.
        ticks: Taken.
        missed: Not taken.
        histogram: Of lateness.
        rounds_ns: How long each tick's reads took.
        notes: Sentences.
    """

    busy_ns: Callable[[], int]
    ticks: int = 0
    missed: int = 0
    histogram: Histogram = ()
    rounds_ns: Sequence[int] = ()
    notes: list[str] = field(default_factory=list)


class Subject(Protocol):
    """What samples.

    Attributes:
        name: Of it.
        channels: That it reads.
    """

    name: str
    channels: tuple[Channel, ...]

    def rate_hz(self, way: Way) -> float:
        """Ticks a second that it makes of those that were asked for."""

    def beat_s(self, way: Way) -> float:
        """What it does repeats itself after so long: blocks are multiples of it."""

    def sampling(self, way: Way, cpu: int) -> AbstractContextManager[Running]:
        """A context in which it samples on a CPU; what it yields is complete once it is left."""


class EmptyLoop:
    """A sampler that keeps its deadlines and does nothing at them."""

    name = EMPTY
    channels: tuple[Channel, ...] = ()

    def rate_hz(self, way: Way) -> float:
        """As it was asked for."""
        return way.rate_hz

    def beat_s(self, way: Way) -> float:
        """A period."""
        return 1 / way.rate_hz

    @contextmanager
    def sampling(self, way: Way, cpu: int) -> Iterator[Running]:
        """A context in which it runs."""
        if way.pace in ("edges", "kernel"):
            raise SourceUnavailable("An empty loop has nothing that could be read at this pace")
        spin_ns = HYBRID_SPIN_NS if way.pace == "hybrid" else 0
        fifo = FIFO_PRIORITY if way.is_fifo else 0
        sampler = Sampler("empty", [], round(NS_PER_S / way.rate_hz), 64, (spin_ns, fifo, (cpu,)))
        yield from _sampling(sampler, 0, way, self.beat_s(way))


class OneLane:
    """The channels of one source that one sampler reads.

    Args:
        channels: All of one source and one lane.
    """

    def __init__(self, channels: Iterable[Channel]) -> None:
        self.channels = tuple(channels)
        self._lane = self.channels[0].lane
        self.name = f"{self.channels[0].source}: {self._lane}"

    def rate_hz(self, way: Way) -> float:
        """The lane's own where it gains nothing from more; at edges its counter's."""
        lead = lead_of(self.channels) if way.pace == "edges" else None
        if lead is not None:
            return NS_PER_S / (lead.timing.update_ns or 1)
        return lane_rate_hz(self.channels, way.rate_hz)

    def beat_s(self, way: Way) -> float:
        """A period; between two collections where the kernel samples."""
        return max(1 / self.rate_hz(way), COLLECT_S if way.pace == "kernel" else 0.0)

    @contextmanager
    def sampling(self, way: Way, cpu: int) -> Iterator[Running]:
        """A context in which the lane samples."""
        if way.pace == "edges" and lead_of(self.channels) is None:
            raise SourceUnavailable(f"{self.name} has no counter whose updates can be followed")
        if way.pace == "kernel" and not is_for_kernel(self.channels):
            raise SourceUnavailable(f"{self.name} is not read through perf events of one CPU")
        lane = self.opened(way, cpu)
        if way.pace == "kernel" and lane.why_not_kernel:
            why = lane.why_not_kernel.rstrip(".")
            raise SourceUnavailable(f"The kernel does not sample {self.name}: {why}")
        yield from _sampling(lane.sampler, len(self.channels), way, self.beat_s(way))

    def opened(self, way: Way, cpu: int) -> Lane:
        """The lane, not started."""
        codes = {channel.id: code for code, channel in enumerate(self.channels)}
        return Lane(self._lane, self.channels, codes, cadence(way, cpu))


class WholeRecorder:
    """A recorder with all its threads on one core, its file written.

    Args:
        name: ``RECORDER``; or ``THINNED``: readings away from marks are left out, as in a trace that
            nobody keeps.
        channels: What it reads.
    """

    def __init__(self, name: str, channels: Iterable[Channel]) -> None:
        self.name = name
        self.channels = tuple(channels)

    def rate_hz(self, way: Way) -> float:
        """As it was asked for: lanes that gain nothing from more read more slowly."""
        return way.rate_hz

    def beat_s(self, way: Way) -> float:
        """Between two drains, or a period where that is longer."""
        return max(DRAIN_S, 1 / way.rate_hz)

    @contextmanager
    def sampling(self, way: Way, cpu: int) -> Iterator[Running]:
        """A context in which it records."""

        def busy_ns() -> int:  # of all threads but this one, which works
            return time.process_time_ns() - time.thread_time_ns()

        running = Running(busy_ns)
        with tempfile.TemporaryDirectory(prefix="microjoule-") as folder:
            path = Path(folder) / "overhead.arrows"
            plan = RecordingPlan(
                path=path,
                channels=self.channels,
                cadence=cadence(way, cpu),
                is_thinned=self.name == THINNED,
                drain_s=DRAIN_S,
            )
            with RawRecorder(plan):
                time.sleep(self.beat_s(way) / 4)
                yield running
            trace = load(path)
        lanes, told = trace.engine().values(), trace.facts["lanes"].values()
        if way.is_fifo and any(lane["fifo"] != "yes" for lane in told):
            raise SourceUnavailable(_NO_FIFO, _MAKE_FIFO)
        if way.pace == "kernel" and all(lane["sampled_by"] != "kernel" for lane in told):
            raise SourceUnavailable("The kernel samples none of these lanes")
        running.ticks = sum(lane["ticks"] for lane in lanes)
        running.missed = sum(lane["missed"] for lane in lanes)


def cadence(way: Way, cpu: int) -> Cadence:
    """The cadence of a way of sampling, on one CPU."""
    return Cadence(
        rate_hz=way.rate_hz,
        edges=int(way.pace == "edges"),
        spin_ns=HYBRID_SPIN_NS if way.pace == "hybrid" else 0,
        fifo_priority=FIFO_PRIORITY if way.is_fifo else 0,
        cpus=(cpu,),
        kernel=way.pace == "kernel",
    )


def subjects(channels: Iterable[Channel]) -> tuple[Subject, ...]:
    """The empty loop, and of each source one lane of each form: ``package-1`` is as ``package-0``."""
    lanes: dict[tuple[str, str], list[Channel]] = {}
    for channel in channels:
        if counted([channel]):
            lanes.setdefault((channel.source, channel.lane), []).append(channel)
    forms: dict[tuple[str, Place, str], OneLane] = {}
    for (source, _), members in lanes.items():
        first = members[0]
        form = replace(first.place, number=None, die=None)
        forms.setdefault((source, form, first.scale.quantity), OneLane(members))
    return (EmptyLoop(), *forms.values())


def _sampling(sampler: Sampler, n_channels: int, way: Way, beat_s: float) -> Iterator[Running]:
    """Runs a sampler; its first deadline is a period later, and blocks begin half-way to it."""
    running = Running(lambda: sampler.counts()["busy_ns"])
    sampler.start()
    try:
        first = sampler.counts()
        if way.is_fifo and first["fifo"] != 1:
            raise SourceUnavailable(_NO_FIFO, _MAKE_FIFO)
        if way.pace == "kernel" and first["kernel"] != 1:
            raise SourceUnavailable("The kernel does not sample these events")
        time.sleep(beat_s / 2)
        yield running
    finally:
        sampler.stop()
    counts = sampler.counts()
    running.ticks, running.missed = counts["ticks"], counts["missed"]
    running.histogram = sampler.lateness()
    running.rounds_ns = _rounds_ns(sampler, n_channels)
    if way.pace == "kernel" and counts["kernel"] != 1:
        running.notes.append("the kernel gave up its sampling, and the thread went on")
    if counts["errors"]:
        running.notes.append(f"{counts['errors']} reads failed")


def _rounds_ns(sampler: Sampler, n_channels: int) -> Sequence[int]:
    """How long each tick's reads took, from the beginning of the first to the end of the last."""
    drained = sampler.drain()
    n = drained.length
    if not n_channels or n < n_channels:
        return ()
    code = np.frombuffer(drained.channel, np.uint16)[:n]
    t_ns = np.frombuffer(drained.t_ns, np.int64)[:n]
    end_ns = t_ns + np.frombuffer(drained.read_ns, np.uint32)[:n]
    # A round is one row a channel, in their order; a driver's buffer of samples may stand behind it.
    order = code[:n_channels]
    starts = np.arange(n - n_channels + 1)
    is_round = np.ones(len(starts), bool)
    for place, its in enumerate(order):
        is_round &= code[starts + place] == its
    starts = starts[is_round]
    took: list[int] = (end_ns[starts + n_channels - 1] - t_ns[starts]).tolist()
    return took
