"""A profile's clock brought to the trace's CLOCK_MONOTONIC, and how well that can be done.

The trace holds pairs of its clock and two others, about one a second. Between two pairs their difference is
interpolated. What is left open: how long the pair took to read, how far the difference moved from one pair
to the next (the clock is steered, or was set), and, beyond the pairs, a quartz's drift.

A container has a host name of its own, by default its id: twelve hexadecimal digits, which say nothing of the
machine. Then the times decide.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...errors import ProfileError
from ...joules.energy_trace import Trace
from ...joules.estimates.uncertainty import ROOT_12
from ...joules.profiling.occupancy import Events
from ...trace.series import I64
from ...units import NS_PER_US, seconds
from ...value_class import dataclass
from .profile import BOOTTIME, FROM_START, MONOTONIC, REALTIME, UNKNOWN, Source

_DRIFT = 50e-6  # of a quartz that nobody steers (docs/methods.md)
_ROWS = {REALTIME: "@clock/realtime", BOOTTIME: "@clock/boottime"}
_TRIED = (MONOTONIC, REALTIME, BOOTTIME)  # for a profile that does not say its clock, in this order
_CONTAINER = re.compile(r"[0-9a-f]{12}(?:[0-9a-f]{52})?")  # what a container's host is called by default
_NONE = np.zeros(1, np.int64)
_OF_PROFILE = "profile", "Profile inside the run that `uj run -o TRACE` records, on the same machine"
OF_REQUESTS = (
    "requests",
    "Take the log and the trace of one run. If the log's clock is another machine's, give --offset SECONDS",
)
"""What is aligned, and what to do where it lies elsewhere than the trace."""


class Wishes(NamedTuple):
    """What the user knows of a profile.

    Attributes:
        is_same_machine: It is of the machine of the trace, whatever its host name says.
        start_ns: When the profiler started, CLOCK_MONOTONIC; None: unknown.
        start_u_ns: Standard uncertainty of that.
    """

    is_same_machine: bool = False
    start_ns: int | None = None
    start_u_ns: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How to turn a profile's clock into the trace's, in some span.

    Attributes:
        clock: The profile's clock.
        theirs_ns: int64[n], instants of it, ascending.
        offset_ns: int64[n], what is to be taken off it then.
        u_ns: Standard uncertainty of an instant that was turned.
        t0_ns: Where the profile and the trace begin to overlap, CLOCK_MONOTONIC.
        t1_ns: Where they cease to.
    """

    clock: str
    theirs_ns: I64
    offset_ns: I64
    u_ns: float
    t0_ns: int
    t1_ns: int

    @property
    def is_ascending(self) -> bool:
        """Whether what was later on the profile's clock was later."""
        return bool((np.diff(self.theirs_ns - self.offset_ns) >= 0).all())

    def monotonic(self, theirs_ns: I64) -> I64:
        """int64: instants of the profile's clock as CLOCK_MONOTONIC."""
        return theirs_ns - _between(theirs_ns, self.theirs_ns, self.offset_ns)

    def theirs(self, t_ns: I64) -> I64:
        """int64: instants of CLOCK_MONOTONIC as those of the profile's clock."""
        return t_ns + _between(t_ns, self.theirs_ns - self.offset_ns, self.offset_ns)

    def moved(self, events: Events) -> Events:
        """The events in CLOCK_MONOTONIC; each keeps its length but for the clock's steering."""
        return events._replace(t0_ns=self.monotonic(events.t0_ns), t1_ns=self.monotonic(events.t1_ns))


def align(
    trace: Trace, source: Source, theirs_ns: tuple[int, int], span_ns: tuple[int, int], wishes: Wishes
) -> Alignment:
    """How the profile lies beside the trace.

    Args:
        trace: The trace.
        source: The profile.
        theirs_ns: From when to when something ran, on the profile's clock.
        span_ns: From when to when the channel in question was read, CLOCK_MONOTONIC.
        wishes: What the user knows.

    Raises:
        ProfileError: It is of another machine or time, or its clock cannot be turned into the trace's.
    """
    if not wishes.is_same_machine:
        _refuse_other_host(trace, source)
    if wishes.start_ns is not None:
        offset = (theirs_ns[0] if source.clock != FROM_START else 0) - wishes.start_ns
        found = Alignment(FROM_START, _NONE, _NONE + offset, wishes.start_u_ns, 0, 0)
        return _overlap(found, source, theirs_ns, span_ns)
    if source.clock == FROM_START:
        raise ProfileError(
            f"{source.path} counts its time from the profiler's start, and does not record when that was",
            "Say it: --starts-at WINDOW, the window of the trace that began with the profiler, or its "
            "CLOCK_MONOTONIC time in seconds; `uj flame` does it by itself",
        )
    if source.clock != UNKNOWN:
        return _overlap(_pairs(trace, source.clock), source, theirs_ns, span_ns)
    tried = []
    for clock in _TRIED:
        try:
            return _overlap(_pairs(trace, clock), source, theirs_ns, span_ns)
        except ProfileError:
            tried.append(clock)
    raise ProfileError(
        f"The times of {source.path} lie outside the trace on each clock that was tried: {', '.join(tried)}",
        "Use a profile of the same run, or say when it began: --starts-at WINDOW (a window of the trace) or "
        "--starts-at SECONDS (CLOCK_MONOTONIC)",
    )


def _pairs(trace: Trace, clock: str) -> Alignment:
    """How a clock goes beside the trace's; the uncertainty is that of reading the pairs."""
    if clock == MONOTONIC:
        return Alignment(clock, _NONE, _NONE, NS_PER_US / ROOT_12, 0, 0)
    pairs = trace.own(_ROWS[clock])
    if not len(pairs):
        raise ProfileError(
            f"the trace has no pairs of its clock and {clock}",
            "Record with `uj run -o` or `uj record`, for a second at least",
        )
    # The other clock was read between two readings of the trace's: at their middle, give or take.
    read_ns = pairs.read_ns.astype(np.int64)
    mono, theirs = pairs.t_ns + read_ns // 2, pairs.raw.view(np.int64)
    order = np.argsort(theirs, kind="stable")
    return Alignment(clock, theirs[order], (theirs - mono)[order], float(read_ns.max()), 0, 0)


def _overlap(
    found: Alignment, source: Source, theirs_ns: tuple[int, int], span_ns: tuple[int, int]
) -> Alignment:
    first, last = (int(t) for t in found.monotonic(np.array(theirs_ns, np.int64)))
    t0, t1 = max(first, span_ns[0]), min(last, span_ns[1])
    if t0 >= t1:
        noun, remedy = OF_REQUESTS if source.form == OF_REQUESTS[0] else _OF_PROFILE
        raise ProfileError(
            f"{source.path} and the trace share no time: the {noun} {apart(first, last, span_ns)}", remedy
        )
    return replace(found, u_ns=_u_ns(found, t0, t1), t0_ns=t0, t1_ns=t1)


def _u_ns(of: Alignment, t0: int, t1: int) -> float:
    if len(of.theirs_ns) < 2:
        return of.u_ns
    mono = np.sort(of.theirs_ns - of.offset_ns)
    first = max(int(np.searchsorted(mono, t0, "right")) - 1, 0)
    end = min(int(np.searchsorted(mono, t1, "left")) + 1, len(mono))
    steps = np.abs(np.diff(of.offset_ns[first:end]))
    beyond = max(int(mono[first]) - t0, t1 - int(mono[end - 1]), 0)
    steered = int(steps.max(initial=0))
    return math.hypot(*(part / ROOT_12 for part in (of.u_ns, steered, 2 * _DRIFT * beyond, NS_PER_US)))


def _between(at: I64, known: I64, value: I64) -> I64:
    """Values between known ones, in whole nanoseconds; those of the ends beyond."""
    base = int(value[0])
    x, known_x = (at - known[0]).astype(float), (known - known[0]).astype(float)
    found: I64 = np.rint(np.interp(x, known_x, (value - base).astype(float))).astype(np.int64) + base
    return found


def apart(first: int, last: int, span_ns: tuple[int, int]) -> str:
    """How far two spans of ns are from one another, of which the second is the readings'."""
    if last <= span_ns[0]:
        return f"ended {seconds(span_ns[0] - last):.1f} s before the readings began"
    return f"began {seconds(first - span_ns[1]):.1f} s after the readings ended"


def _refuse_other_host(trace: Trace, source: Source) -> None:
    host = trace.facts.get("host", {})
    mine = host.get("hostname") if isinstance(host, dict) else None
    if not source.host or not mine or source.host == mine or _CONTAINER.fullmatch(source.host):
        return
    raise ProfileError(
        f"{source.path} comes from the machine {source.host!r}, and the trace from {mine!r}",
        "Take a trace and a profile of one run on one machine; if it is one, as with a container of its own "
        "host name, add --same-machine",
    )
