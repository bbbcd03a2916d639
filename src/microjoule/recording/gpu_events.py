"""Windows of GPU work that nobody waits for: a pair of events on each device's stream.

An event is a time stamp that the device takes when it gets there in its stream, after the work that was
launched before it (``cudaEventRecord``: https://docs.nvidia.com/cuda/cuda-c-programming-guide/, "Events").
Recording one takes the program some microseconds and never waits, so the overlap of host and device stays as
it is. Two events give the time between them, to about half a microsecond, in milliseconds of single
precision, and no time of the host.

So the device's clock is tied to the host's by *anchors*: an event on a stream of our own, on which nothing
else runs, so that it comes at once whatever the program's streams have to do. The host looks at its clock
before it records the event and when it sees it done: the event was between the two. An anchor is taken at
the first mark and then at a mark once a second; one that is not done within 0.1 ms is given up. Between two
anchors the time of an event follows from both, as the two clocks run at slightly different speeds:

    t = a_host + elapsed(a, event) (b_host - a_host) / elapsed(a, b)

Its uncertainty, as an interval that holds the instant, is the wider of the two brackets and a microsecond.

A window lasts from the first device's beginning to the last one's end. It is marked when both events are
over, mostly at the end of the recording, with its instants as an attribute (:mod:`microjoule.trace.window`).
Work on other streams than the current one of each device is not in it.

Decision: what fails here fails in silence, and the window has the host's instants and says that it is not
synchronised: a measured program is never broken by its meter.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, NamedTuple

from .gpu_wait import ATTRIBUTE, with_context

SPAN, U = "device_span_ns", "device_u_ns"
ANCHOR_NS = 1_000_000_000  # an anchor is taken at a mark so long after the one before
PATIENCE_NS = 100_000  # an anchor that takes longer tells too little, and would hold the program up
RESOLUTION_NS = 1_000  # of events, twice
BATCH = 1024  # windows that wait; beyond, those that are over are marked
BATCH_MAX = 16 * BATCH  # beyond, those too that no later anchor frames

Emit = Callable[[str, dict[str, Any]], None]


class _Anchor(NamedTuple):
    """An event of a device, and between which instants of the host it was."""

    event: Any
    after_ns: int
    before_ns: int

    @property
    def middle_ns(self) -> int:
        return (self.after_ns + self.before_ns) // 2

    @property
    def half_ns(self) -> int:
        return (self.before_ns - self.after_ns + 1) // 2


class _Clock:
    """The anchors of one device."""

    def __init__(self, torch: Any, device: int) -> None:  # noqa: ANN401 - not imported here
        self._torch, self._device = torch, device
        self._stream = torch.cuda.Stream(device)
        self.anchors: list[_Anchor] = []
        self._tried_ns = 0

    def anchor(self, now_ns: int) -> int:
        """Takes an anchor where it is time for one; the number of the last one, -1: there is none."""
        if now_ns - self._tried_ns >= ANCHOR_NS:
            self._tried_ns = now_ns
            self.take()
        return len(self.anchors) - 1

    def take(self) -> None:
        """Takes an anchor, unless it is not done soon."""
        event = self._torch.cuda.Event(enable_timing=True)
        after_ns = monotonic_ns()
        event.record(self._stream)
        while not event.query():
            if monotonic_ns() - after_ns > PATIENCE_NS:
                return
        self.anchors.append(_Anchor(event, after_ns, monotonic_ns()))

    def is_framed(self, number: int) -> bool:
        """Whether there is an anchor after that one."""
        return 0 <= number < len(self.anchors) - 1

    def time_ns(self, event: Any, number: int) -> tuple[float, int]:  # noqa: ANN401 - of torch
        """When an event was that came after anchor ``number``, and half the interval that holds it."""
        first = self.anchors[max(number, 0)]
        last = self.anchors[min(max(number, 0) + 1, len(self.anchors) - 1)]
        half_ns = max(first.half_ns, last.half_ns) + RESOLUTION_NS
        since_ms = first.event.elapsed_time(event)
        apart_ms = first.event.elapsed_time(last.event) if last is not first else 0.0
        rate = (last.middle_ns - first.middle_ns) / apart_ms if apart_ms > 0 else 1e6
        # Two brackets leave the speed open, and the more the further the event is beyond them.
        beyond = abs(since_ms) / apart_ms if apart_ms > 0 else 1.0
        return first.middle_ns + since_ms * rate, round(half_ns * max(1.0, beyond))


class _Edge(NamedTuple):
    """One edge of a window: by device its event and the anchor before it; and when the host marked it."""

    events: dict[int, tuple[Any, int]]
    host_ns: int


class _Window(NamedTuple):
    name: str
    attributes: dict[str, Any]
    begin: _Edge
    end: _Edge


class EventLog:
    """The windows of a recording that have events, until they are marked.

    Args:
        emit: Marks a window, by its name and its attributes.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._process = os.getpid()
        self._clocks: dict[int, _Clock] = {}
        self._waiting: deque[_Window] = deque()
        self._turn = threading.Lock()
        atexit.register(self.finish)

    def edge(self) -> _Edge:
        """Records an event on the current stream of each device with work; on none where that fails."""
        now_ns, events = monotonic_ns(), dict[int, tuple[Any, int]]()
        torch = sys.modules.get("torch")
        try:
            if torch is None or self._process != os.getpid() or not torch.cuda.is_initialized():
                return _Edge({}, now_ns)
            for device in with_context(torch.cuda.device_count()):
                clock = self._clocks.get(device)
                if clock is None:
                    clock = self._clocks[device] = _Clock(torch, device)
                number = clock.anchor(now_ns)
                event = torch.cuda.Event(enable_timing=True)
                event.record(torch.cuda.current_stream(device))
                events[device] = (event, number)
        except Exception:
            return _Edge({}, now_ns)
        return _Edge(events, now_ns)

    def add(self, name: str, attributes: dict[str, Any], begin: _Edge, end: _Edge) -> None:
        """Takes a window that has ended on the host; it will be marked when it has on the devices."""
        self._waiting.append(_Window(name, attributes, begin, end))
        if len(self._waiting) > BATCH and self._turn.acquire(blocking=False):
            try:
                while self._waiting and self._is_over(self._waiting[0]):
                    self._mark(self._waiting.popleft())
            finally:
                self._turn.release()

    def finish(self) -> None:
        """Marks all windows, and waits for their work: at the end of a recording, or of the program."""
        atexit.unregister(self.finish)
        if self._process != os.getpid():
            return
        with self._turn:
            for window in self._waiting:
                for event, _ in window.end.events.values():
                    _quietly(event.synchronize)
            for clock in self._clocks.values():
                _quietly(clock.take)
            while self._waiting:
                self._mark(self._waiting.popleft())

    def _is_over(self, window: _Window) -> bool:
        """Whether both events of each device are over, and anchors on both sides tell when."""
        is_full = len(self._waiting) > BATCH_MAX
        try:
            return all(
                (is_full or self._clocks[device].is_framed(number)) and event.query()
                for device, (event, number) in window.end.events.items()
            )
        except Exception:
            return True

    def _mark(self, window: _Window) -> None:
        found = self._instants(window)
        if found is None:
            told = {ATTRIBUTE: False, SPAN: [window.begin.host_ns, window.end.host_ns]}
        else:
            t0_ns, t1_ns, u_ns = found
            told = {ATTRIBUTE: True, SPAN: [t0_ns, max(t0_ns, t1_ns)], U: u_ns}
        self._emit(window.name, {**window.attributes, **told})

    def _instants(self, window: _Window) -> tuple[int, int, int] | None:
        """From when to when a window was on the devices, and half the interval that holds each instant."""
        edges = window.begin.events, window.end.events
        if not window.begin.events or window.begin.events.keys() != window.end.events.keys():
            return None
        try:
            begins, ends = (
                [self._clocks[device].time_ns(*each) for device, each in edge.items()] for edge in edges
            )
        except Exception:
            return None
        t0_ns, t1_ns = min(t for t, _ in begins), max(t for t, _ in ends)
        return round(t0_ns), round(t1_ns), max(half for _, half in begins + ends)


def _quietly(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:
        return
