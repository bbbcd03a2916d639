"""Channels watched for a while by one native sampler, and their readings as arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from ..channel import Channel
from ..channel.reading_status import is_read
from ..recording.native import Columns, Sampler
from ..trace.series import Series
from ..units import NS_PER_MS
from ..value_class import dataclass

DRAIN_S = 0.02
RING_ROWS = 1 << 19
ROWS_MAX = 1 << 21  # a channel that changes at every read says all that it has to say in these


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen.

    Attributes:
        series: The readings of each channel, by its place among the channels.
        dropped: Readings that found no room.
    """

    series: tuple[Series, ...]
    dropped: int


def poll(
    channels: Sequence[Channel],
    for_s: float,
    edges: int,
    meanwhile: Callable[[float], None] = time.sleep,
) -> Watched:
    """Reads channels without a pause; both sides of each change.

    Args:
        channels: What to read, in one thread.
        for_s: At most so long.
        edges: Enough when each channel has changed so often.
        meanwhile: Called with :data:`DRAIN_S` again and again, for as long as it is watched.
    """
    return _watch(channels, (0, 0, (), "poll", 1, 0), NS_PER_MS, for_s, edges, meanwhile)


def look_now_and_then(
    channels: Sequence[Channel],
    for_s: float,
    period_ns: int,
    meanwhile: Callable[[float], None] = time.sleep,
) -> Watched:
    """Reads channels once a period, and leaves the machine alone otherwise or loads it ``meanwhile``."""
    return _watch(channels, (0, 0, (), "deadlines", 1, 0), period_ns, for_s, None, meanwhile)


def _watch(
    channels: Sequence[Channel],
    pace: tuple[int, int, tuple[int, ...], str, int, int],
    period_ns: int,
    for_s: float,
    edges: int | None,
    meanwhile: Callable[[float], None],
) -> Watched:
    table = [
        (c.access.reader, c.access.path, c.access.type, c.access.config, c.access.cpu, code)
        for code, c in enumerate(channels)
    ]
    sampler = Sampler("calibrate", table, period_ns, RING_ROWS, pace)
    drained: list[Columns] = []
    changes = np.zeros(len(channels), np.int64)
    end_s = time.monotonic() + for_s
    sampler.start()
    try:
        while time.monotonic() < end_s and sum(one.length for one in drained) < ROWS_MAX:
            meanwhile(DRAIN_S)
            drained.append(sampler.drain())
            if edges is not None:
                changes += _changes(drained[-1], len(channels))
                if (changes > edges).all():
                    break
    finally:
        sampler.stop()
    drained.append(sampler.drain())
    rows = {name: np.concatenate([column(one, name) for one in drained]) for name in _TYPES}
    series = []
    for code in range(len(channels)):
        its = rows["channel"] == code
        ok = is_read(rows["status"][its])
        series.append(
            Series(
                rows["t_ns"][its],
                rows["read_ns"][its],
                rows["raw"][its],
                rows["status"][its],
                None if ok.all() else ok,
            )
        )
    return Watched(tuple(series), sampler.counts()["dropped"])


_TYPES = {
    "t_ns": np.int64,
    "read_ns": np.uint32,
    "channel": np.uint16,
    "raw": np.uint64,
    "status": np.uint16,
}


def column(drained: Columns, name: str) -> np.ndarray:
    """A column of drained rows, sharing their memory."""
    found: np.ndarray = np.frombuffer(getattr(drained, name), _TYPES[name])[: drained.length]
    return found


def _changes(drained: Columns, n: int) -> np.ndarray:
    channel, raw = column(drained, "channel"), column(drained, "raw")
    counted = [int(np.count_nonzero(np.diff(raw[channel == code]))) for code in range(n)]
    return np.array(counted, np.int64)
