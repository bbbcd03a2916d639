"""A profile's clock of the day brought to the trace's CLOCK_MONOTONIC, and how well that can be done.

The trace holds pairs of both clocks, about one a second. Between two pairs their difference is
interpolated. What is left open: how long the pair took to read, how far the difference moved from one pair
to the next (the clock is steered, or was set), and, beyond the pairs, a quartz's drift.
"""

from __future__ import annotations

import math

import numpy as np

from ...errors import ProfileError
from ...joules.energy_trace import Trace
from ...joules.occupancy import Events
from ...trace.series import I64
from ...units import NS_PER_US, seconds
from ...value_class import dataclass
from .kineto import Profile

REALTIME = "@clock/realtime"
_DRIFT = 50e-6  # of a quartz that nobody steers (docs/methods.md)
_ROOT_12 = math.sqrt(12.0)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How to turn the clock of the day into the trace's, in some span.

    Attributes:
        real_ns: int64[n], the clock of the day, ascending.
        offset_ns: int64[n], what is to be taken off it then.
        u_ns: Standard uncertainty of an instant that was turned.
        t0_ns: Where the profile and the trace begin to overlap, CLOCK_MONOTONIC.
        t1_ns: Where they cease to.
    """

    real_ns: I64
    offset_ns: I64
    u_ns: float
    t0_ns: int
    t1_ns: int

    def monotonic(self, real_ns: I64) -> I64:
        """int64: instants of the clock of the day as CLOCK_MONOTONIC."""
        return real_ns - _between(real_ns, self.real_ns, self.offset_ns)

    def realtime(self, t_ns: I64) -> I64:
        """int64: instants of CLOCK_MONOTONIC as those of the clock of the day."""
        return t_ns + _between(t_ns, self.real_ns - self.offset_ns, self.offset_ns)

    def moved(self, events: Events) -> Events:
        """The events in CLOCK_MONOTONIC; each keeps its length but for the clock's steering."""
        return events._replace(t0_ns=self.monotonic(events.t0_ns), t1_ns=self.monotonic(events.t1_ns))


def align(trace: Trace, profile: Profile, span_ns: tuple[int, int]) -> Alignment:
    """How the profile lies beside the trace.

    Args:
        trace: The trace.
        profile: The profile.
        span_ns: From when to when the channel in question was read, CLOCK_MONOTONIC.

    Raises:
        ProfileError: It is of another machine or another time, or the trace has no pairs of clocks.
    """
    _refuse_other_host(trace, profile)
    pairs = trace.own(REALTIME)
    if not len(pairs):
        raise ProfileError(
            "the trace has no pairs of its clock and the clock of the day",
            "Record with `uj run -o` or `uj record`, for a second at least",
        )
    # The clock of the day was read between two readings of the other: at their middle, give or take.
    read_ns = pairs.read_ns.astype(np.int64)
    mono, real = pairs.t_ns + read_ns // 2, pairs.raw.view(np.int64)
    order = np.argsort(real, kind="stable")
    found = Alignment(real[order], (real - mono)[order], 0.0, 0, 0)
    first, last = (int(t) for t in found.monotonic(np.array(profile.span_ns, np.int64)))
    t0, t1 = max(first, span_ns[0]), min(last, span_ns[1])
    if t0 >= t1:
        raise ProfileError(
            f"{profile.path} and the trace share no time: the profile {_apart(first, last, span_ns)}",
            "Profile inside the run that `uj run -o TRACE` records, on the same machine",
        )
    return Alignment(found.real_ns, found.offset_ns, _u_ns(mono, real - mono, read_ns, t0, t1), t0, t1)


def _u_ns(mono: I64, offset: I64, read_ns: I64, t0: int, t1: int) -> float:
    first = max(int(np.searchsorted(mono, t0, "right")) - 1, 0)
    end = min(int(np.searchsorted(mono, t1, "left")) + 1, len(mono))
    steps = np.abs(np.diff(offset[first:end]))
    beyond = max(int(mono[first]) - t0, t1 - int(mono[end - 1]), 0)
    read, steered = int(read_ns[first:end].max(initial=0)), int(steps.max(initial=0))
    return math.hypot(*(part / _ROOT_12 for part in (read, steered, 2 * _DRIFT * beyond, NS_PER_US)))


def _between(at: I64, known: I64, value: I64) -> I64:
    """Values between known ones, in whole nanoseconds; those of the ends beyond."""
    base = int(value[0])
    x, known_x = (at - known[0]).astype(float), (known - known[0]).astype(float)
    found: I64 = np.rint(np.interp(x, known_x, (value - base).astype(float))).astype(np.int64) + base
    return found


def _apart(first: int, last: int, span_ns: tuple[int, int]) -> str:
    if last <= span_ns[0]:
        return f"ended {seconds(span_ns[0] - last):.1f} s before the readings began"
    return f"began {seconds(first - span_ns[1]):.1f} s after the readings ended"


def _refuse_other_host(trace: Trace, profile: Profile) -> None:
    host = trace.facts.get("host", {})
    mine = host.get("hostname") if isinstance(host, dict) else None
    if profile.host and mine and profile.host != mine:
        raise ProfileError(
            f"{profile.path} is of the machine {profile.host!r}, and the trace is of {mine!r}",
            "Take a trace and a profile of one run on one machine",
        )
