"""Waits for signals, also across a stop."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Came(NamedTuple):
    """A signal that was waited for."""

    number: int
    code: int  # who sent it: ``si_code`` of sigaction(2), at most 0 of another process


def awaited(mask: Collection[int], timeout_s: float) -> Came | None:
    """The signal of the mask that came within so many seconds; a stop (Ctrl-Z) ends the wait, too."""
    from ..recording.native import signal_wait
    from ..units import nanoseconds

    came = signal_wait(mask, nanoseconds(timeout_s))
    return None if came is None else Came(*came)
