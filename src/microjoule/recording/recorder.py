"""A recording: lanes that sample, one thread that drains them, one file.

The drain wakes once a second, moves what waits in each ring into a batch that shares its memory, adds
pairs of clocks and each lane's own account, so that a killed recording says how it went up to then,
and writes it. A kill loses what came since: up to a second, for which half as many batches, and with
them a twentieth of the bytes, were saved.

Decision: the file is opened after the samplers have started, because what the kernel granted them
(SCHED_FIFO, CPUs) belongs into its opening; the rings hold what was read meanwhile.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from ..errors import MicrojouleError, NothingToMeasure
from ..trace import schema
from ..units import NS_PER_S, seconds
from . import engine_rows, marking
from .activity import ActivityLane
from .clock_error import KEEPERS, ClockErrors
from .lane import Lane, open_lanes
from .machine_state import MachineState, MeasuredPrograms, of_this_process
from .mark_rings import MarkRings
from .native import now_ns
from .output import Incident, Output
from .plan import RecordingPlan
from .thin import Thinner
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa

    from ..channel import Channel
    from .agent_lane import AgentLane
    from .gpu_lane import GpuLane
    from .marking import WindowMark
    from .meter_lane import MeterLane

START_S = 0.5  # no program waits longer for an update; one that comes later is bracketed all the same


class RawRecorder:
    """Records channels into a trace file, from ``open`` to ``close``; a context manager.

    Args:
        plan: What to read, how often, and where it goes.

    Attributes:
        plan: The same.
        channels: What to read; from ``open`` on what is read.
        left_out: Channels that are not read, or in another way than was chosen: id to sentence.
        opening: From ``open`` on, the facts that the file opens with.
        programs: Other processes that are measured, whose CPU time is not of other programs.
    """

    def __init__(self, plan: RecordingPlan) -> None:
        self.plan = plan
        self._meters = _meter_lanes(plan)
        self.channels = (*plan.channels, *(c for lane in self._meters for c in lane.channels))
        self.left_out: dict[str, str] = dict(plan.facts.get("left_out", {}))
        self.opening: Mapping[str, Any] = {}
        self._thinner = Thinner(plan.channels) if plan.is_thinned else None
        self._lanes: list[Lane | AgentLane] = []
        self._agents: list[AgentLane] = []
        self._own_rows: list[schema.OwnRow] = []
        self._ended = threading.Event()
        self._wakes = threading.Event()
        self._asked: deque[threading.Event] = deque()
        self._read_to_ns: dict[str, int] = {}  # by lane, of what was taken from its ring
        self._writer: Writer | None = None
        self._output: Output | None = None
        self._marks: MarkRings | None = None
        self._activity = None if plan.activity is None else ActivityLane(plan.activity)
        self._gpus = _gpu_lane(self.channels, plan, self._activity)
        self._thread: threading.Thread | None = None
        self.programs = MeasuredPrograms()
        self._state = MachineState(plan.facts, self._own_s)
        # Clocks matter where several nodes do.
        self._clock_errors = ClockErrors(KEEPERS if plan.facts.get("launch") else ())
        self._process = os.getpid()

    @property
    def path(self) -> Path:
        """Where the trace is; somewhere else than it was to be where its place was taken or went away."""
        return self.plan.path if self._output is None else self._output.path

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What happened to the file while it was written; empty: nothing."""
        return () if self._output is None else tuple(self._output.incidents)

    def listen(self, listener: Callable[[pa.RecordBatch], None]) -> None:
        """Before ``open``: hands each batch on its way to the file to a listener, instead of any other."""
        self.plan = replace(self.plan, listener=listener)

    def share_marks(self) -> str | None:
        """What other programs find in ``MICROJOULE_MARKS`` to add their windows; None: they cannot here."""
        address = None if self._marks is None else self._marks.share()
        if address:
            self.expect(address)
        return address

    def expect(self, address: str) -> None:
        """Says which ring of marks the processes of a command have in their environment."""
        if self._activity is not None:
            self._activity.mark(f"{marking.VARIABLE}={address}")

    def forward(self, marks: Iterable[tuple[str, int, int, str]], losses: Mapping[str, int]) -> None:
        """Adds marks of another process, as kind, ``t_ns``, number and label; and how many it lost."""
        if self._marks is not None:
            self._marks.forward(marks, losses)

    def open(self) -> Self:
        """Opens every channel, starts sampling, and waits for the first two updates.

        Raises:
            NothingToMeasure: None of the channels can be opened.
            TraceError: The file cannot be written.
            MicrojouleError: It was opened before.
        """
        if self._thread is not None:
            raise MicrojouleError("A recorder can record only once", "Create another with `uj.record`")
        self._open_lanes()
        if not self._lanes:
            causes = "".join(f"; {channel}: {why}" for channel, why in self.left_out.items())
            raise NothingToMeasure(
                f"No channel could be opened{causes}",
                "`uj probe` says what this machine has and who may read it",
            )
        self._marks = MarkRings()
        for lane in self._lanes:
            lane.sampler.tick()
            lane.sampler.start()
        if self._activity is not None:
            self._activity.start()
        if self._gpus is not None:
            self._gpus.start()
            self.left_out |= {f"{name}/processes": why for name, why in self._gpus.left_out.items()}
        for meter in self._meters:
            meter.start()
        every: list[Lane | AgentLane | MeterLane] = [*self._lanes, *self._meters]
        lanes = {lane.name: lane.facts() for lane in every}
        self.opening = {**self.plan.facts, "lanes": lanes, "left_out": self.left_out}
        if self._activity is not None and self._activity.hidden:
            self.opening = {**self.opening, "hidden": self._activity.hidden}
        self._writer = Writer(
            self.plan.path, self.channels, self.opening, self.plan.owner, self.plan.keeps_others
        )
        self._output = Output(self._writer, self.plan)
        self._write_all(self._own_batches())
        self._thread = threading.Thread(target=self._drain_until_ended, name="uj-drain", daemon=True)
        self._thread.start()
        atexit.register(self.close)
        if self.plan.takes_windows:
            marking.opened(self._marks.own)
        self._wait_for_updates()
        return self

    def close(self) -> None:
        """Takes the last readings, ends the lanes and completes the file. Harmless when repeated.

        Raises:
            TraceError: The file is not whole, or not where it should be; what could be kept is named.
        """
        if self._writer is None or os.getpid() != self._process:
            return
        atexit.unregister(self.close)
        if self._marks is not None:
            marking.closed(self._marks.own)
        try:
            self._take_last_readings()
            if self._activity is not None:
                self._activity.stop()
            if self._gpus is not None:
                self._gpus.stop()
        finally:  # a thread that went on would write to a file that nobody closes
            self._ended.set()
            self._wakes.set()
            if self._thread is not None and self._thread.is_alive():
                self._thread.join()
        if self._marks is not None:
            self._take(self._marks.drain_rest())
        batches = self._drain()
        for agent in self._agents:
            agent.finish()
        if self._thinner is not None:
            batches += self._thinner.rest()
        self._own_rows += self._state.last()
        self._write_all(batches + self._own_batches())
        self._writer = None
        if self._output is not None:
            self._output.close()

    @property
    def is_closed(self) -> bool:
        """Whether it has recorded, and the file is complete."""
        return self._thread is not None and self._writer is None

    def _open_lanes(self) -> None:
        """Opens the lanes; with what does not open, again through its next other interface."""
        packages = self.plan.facts.get("host", {}).get("packages", {})
        codes = {channel.id: code for code, channel in enumerate(self.channels)}
        waiting = {name: list(others) for name, others in self.plan.alternatives.items()}
        while True:
            lanes, failed = open_lanes(self.channels, codes, self.plan.cadence, packages)
            taken = {name: waiting[name].pop(0) for name in failed if waiting.get(name)}
            if not taken:
                self._agents, unread = _agent_lanes(self.channels, codes)
                self._lanes = [*lanes, *self._agents]
                self.left_out |= failed | unread
                return
            lanes = []  # closes them: what replaces a channel is read in its lane
            for channel in self.channels:
                if channel.id in taken:
                    source, why = taken[channel.id].source, failed[channel.id].rstrip(".")
                    self.left_out[f"{channel.id}@{channel.source}"] = (
                        f"{why}. It is read through {source} instead."
                    )
            self.channels = tuple(taken.get(channel.id, channel) for channel in self.channels)

    def window(self, name: str, *, sync: str | None = None, **attributes: object) -> WindowMark:
        """A named window of this recording: see :func:`microjoule.window`."""
        if self._marks is None or self._writer is None:
            raise MicrojouleError("This recorder is not open", "Use it in a `with` statement")
        return marking.mark(self._marks.own, name, attributes, sync)

    def reading(self, channel: str, raw: int) -> None:
        """Adds a reading that was taken elsewhere, with this moment as its time."""
        self._own_rows.append((now_ns(), 0, channel, raw, None))

    def settled(self, for_s: float) -> bool:
        """Has all that was read until now written at once, and says whether it was within a time."""
        written = threading.Event()
        self._asked.append(written)
        self._wakes.set()
        return written.wait(for_s)

    def has_read(self, t_ns: int) -> bool:
        """Whether each lane has shown, in what was written, all that was used up to an instant."""
        return all(self._read_to_ns.get(lane.name, 0) > t_ns + lane.settle_ns[0] for lane in self._lanes)

    @property
    def settle_s(self) -> float:
        """How long after a mark the readings are there that bracket it, unless the sampler is kept away."""
        first_ns = max(lane.settle_ns[0] for lane in self._lanes)
        longest_ns = max(lane.settle_ns[1] for lane in self._lanes)
        period_ns = max(NS_PER_S / lane.rate_hz for lane in self._lanes)
        return seconds(int(min(2 * first_ns, first_ns + START_S * NS_PER_S) + longest_ns + 2 * period_ns))

    def _own_s(self) -> float:
        """The CPU seconds of the recorder and of what it measures."""
        if self._activity is not None:
            return seconds(self._activity.own_ns)
        return of_this_process() + self.programs.used_s()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _wait_for_updates(self) -> None:
        first_ns = max(lane.settle_ns[0] for lane in self._lanes)
        period_ns = min(NS_PER_S / lane.rate_hz for lane in self._lanes)
        time.sleep(min(seconds(2 * int(first_ns + period_ns)), START_S))

    def _take_last_readings(self) -> None:
        """Two readings after the last window's end: what brackets it, whatever the rate is."""
        first_ns = max(lane.settle_ns[0] for lane in self._lanes)
        longest_ns = max(lane.settle_ns[1] for lane in self._lanes)
        # Of a meter one more reading: its last is of the moment before the end.
        meter_s = seconds(max((lane.settle_ns for lane in self._meters), default=0))
        time.sleep(max(min(seconds(2 * first_ns), seconds(first_ns) + START_S), meter_s))
        for lane in self._lanes:
            lane.sampler.stop()
            lane.sampler.tick()
        time.sleep(seconds(longest_ns))
        for lane in self._lanes:
            lane.sampler.tick()
        for meter in self._meters:
            meter.stop()

    def _drain_until_ended(self) -> None:
        while True:
            self._wakes.wait(self.plan.drain_s)
            self._wakes.clear()
            if self._ended.is_set():
                return
            asked = [self._asked.popleft() for _ in range(len(self._asked))]
            try:
                batches = self._drain()
                if asked and self._thinner is not None:
                    batches += self._thinner.whole()
                self._write_all(batches + self._own_batches())
            except Exception as error:  # a thread that ends would leave the rings to fill in silence
                if self._output is not None:
                    self._output.disturb(f"Readings cannot be written: {error!r}")
            for each in asked:
                each.set()

    def _drain(self) -> list[pa.RecordBatch]:
        """Moves the marks and what waits in the rings on towards the file; what may be written now."""
        if self._writer is None:
            return []
        if self._marks is not None:
            self._take(self._marks.drain())
        drained = [lane.sampler.drain() for lane in self._lanes]
        for lane, columns in zip(self._lanes, drained, strict=True):
            if columns.length:
                self._read_to_ns[lane.name] = memoryview(columns.t_ns).cast("q")[columns.length - 1]
        batches = [self._writer.columns(columns) for columns in drained if columns.length]
        if self._thinner is None:
            return batches
        for batch in batches:
            self._thinner.push(batch)
        return list(self._thinner.ready(now_ns()))

    def _write_all(self, batches: list[pa.RecordBatch]) -> None:
        if self.plan.listener is not None:
            for batch in batches:
                self.plan.listener(batch)
        if self._output is not None:
            self._output.write(batches)

    def _take(self, marks: list[tuple[str, int, int, str]]) -> None:
        kinds = {"begin": schema.BEGIN, "end": schema.END}
        for kind, t_ns, number, label in marks:
            self._own_rows.append((t_ns, 0, kinds[kind], number, label or ("" if kind == "begin" else None)))
            if self._thinner is not None:
                self._thinner.mark(t_ns)

    def _own_batches(self) -> list[pa.RecordBatch]:
        if self._writer is None:
            return []
        rows, self._own_rows = self._own_rows, []
        if self._activity is not None:
            rows += self._activity.drain()
        if self._gpus is not None:
            rows += self._gpus.drain()
        rows += self._state.now()
        rows += self._clock_errors.now()
        for agent in self._agents:
            rows += agent.take_gaps()
            for sentence in agent.take_news():
                self.plan.say(sentence)
        rows += engine_rows.of_clocks()
        rows += engine_rows.of_lanes([*self._lanes, *self._meters])
        if self._marks is not None:
            rows += engine_rows.of_marks(self._marks)
        read = [row for meter in self._meters for row in meter.drain()]
        return [self._writer.rows(rows), *([self._writer.readings(read)] if read else [])]


def _gpu_lane(
    channels: Sequence[Channel], plan: RecordingPlan, activity: ActivityLane | None
) -> GpuLane | None:
    """Who looks at the processes on GPUs, and for figures that begin to answer; None: there are no GPUs."""
    if not any(channel.place.device == "gpu" for channel in channels):
        return None
    from .gpu_lane import GpuLane

    if plan.activity is None or activity is None:
        return GpuLane(channels)
    return GpuLane(channels, plan.activity.root, activity.describe)


def _agent_lanes(
    channels: tuple[Channel, ...], codes: Mapping[str, int]
) -> tuple[list[AgentLane], dict[str, str]]:
    if all(channel.source != "agent" for channel in channels):
        return [], {}  # and nothing is imported for them
    from .agent_lane import open_agent_lanes

    return open_agent_lanes(channels, codes)


def _meter_lanes(plan: RecordingPlan) -> list[MeterLane]:
    if not plan.instruments:
        return []  # and nothing is imported for them
    from .meter_lane import MeterLane

    return [MeterLane(instrument) for instrument in plan.instruments]
