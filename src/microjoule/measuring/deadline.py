"""How much of the time that a measurement may take is left."""

from __future__ import annotations

from typing import NamedTuple

from ..recording.native import now_ns
from ..units import seconds


class Deadline(NamedTuple):
    """What a measurement may take, from its first step on: opening, waiting and reading its file included.

    Attributes:
        begun_ns: When it began, CLOCK_MONOTONIC.
        allowed_s: What it may take.
    """

    begun_ns: int
    allowed_s: float

    def spent_s(self) -> float:
        """What it took so far."""
        return seconds(now_ns() - self.begun_ns)

    def left_s(self) -> float:
        """What it may still take; negative: nothing."""
        return self.allowed_s - self.spent_s()
