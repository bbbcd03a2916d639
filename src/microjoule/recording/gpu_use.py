"""What somebody used of a GPU between two instants: what all ways to ask for it give."""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """When a look is: CLOCK_MONOTONIC, and how far CLOCK_REALTIME is ahead of it, in ns."""

    t_ns: int
    ahead_ns: int


class Use(NamedTuple):
    """Time on a GPU.

    Attributes:
        device: The GPU's name in places.
        engine: ``sm``, ``memory``, ``render``, …
        pids: Whose; several share a slice of the GPU.
        from_ns: Since when, CLOCK_MONOTONIC.
        to_ns: Until when.
        used_ns: How long.
        slice: The number of the slice that they share; -1: the GPU is whole.
    """

    device: str
    engine: str
    pids: tuple[int, ...]
    from_ns: int
    to_ns: int
    used_ns: int
    slice: int = -1
