"""Times of one node on another one's clock, and how far these may be wrong.

Both nodes pair their CLOCK_MONOTONIC with real time once a second. An instant of one goes to real time by its
own pairs, and to the other's CLOCK_MONOTONIC by the other's. It is wrong by the errors of both clocks at
most. What keeps a clock (the kernel, chrony, PTP) says how far it may be off. Traces of one boot have one
clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...trace.schema import CLOCKS
from ...trace.series import I64
from ..clocks import on_clock

KERNEL = "kernel"
UNKNOWN_NS = 16 * 10**9  # from here on the kernel calls a clock not synchronised
_ROUNDS = 4  # an offset drifts by some ppm: each round makes what is left of it a thousand times less


class NodeClock(NamedTuple):
    """A node's clocks during a trace.

    Attributes:
        t_ns: int64[n], CLOCK_MONOTONIC; ascending.
        real_ns: int64[n], real time at these instants.
        error_t_ns: int64[m], CLOCK_MONOTONIC.
        error_ns: int64[m], how far real time may have been off there.
        sources: Who says so.
    """

    t_ns: I64
    real_ns: I64
    error_t_ns: I64
    error_ns: I64
    sources: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether its instants can be placed on another clock."""
        return bool(len(self.t_ns) and len(self.error_ns)) and int(self.error_ns.max()) < UNKNOWN_NS

    @property
    def bound_ns(self) -> int:
        """How far real time may have been off during the trace; ``UNKNOWN_NS``: nobody says."""
        return int(self.error_ns.max()) if self.is_kept else UNKNOWN_NS

    def to_real(self, t_ns: I64) -> I64:
        """Real times of instants."""
        return on_clock(t_ns, self.t_ns, self.real_ns)

    def from_real(self, real_ns: I64) -> I64:
        """The instants of real times.

        Where real time was set back, or forth, an instant is found near the first pair's offset.
        """
        offset = self.real_ns[0] - self.t_ns[0]
        found: I64 = real_ns - offset
        for _ in range(_ROUNDS):
            found = found - (self.to_real(found) - real_ns)
        return found


def clock(pairs: tuple[I64, I64], errors: tuple[I64, I64, Sequence[str]]) -> NodeClock:
    """The clock of a trace, of its pairs with ``REAL`` and the rows about its error.

    The kernel's rows before the first answer of one that knows more do not count: it was being asked.
    """
    t_ns, error_ns, names = errors
    first = next((at for at, name in enumerate(names) if name != KERNEL), 0)
    return NodeClock(*pairs, t_ns[first:], error_ns[first:], tuple(sorted(set(names[first:]))))


REAL = CLOCKS[0]
