"""The native reader on a machine: channels in, readings out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microjoule._native import Columns, Sampler

MS = 1_000_000


@dataclass(frozen=True)
class Reading:
    """One row; ``raw`` and ``sensor_ns`` are None where the bitmap says so."""

    channel: int
    t_ns: int
    read_ns: int
    raw: int | None
    sensor_ns: int | None
    status: int


def channel(
    library: Path | str, uuid: str, config: int, code: int = 0
) -> tuple[str, str, int, int, int, int]:
    """One NVML channel as ``Sampler`` takes it."""
    return ("nvml", f"{uuid}@{library}", 0, config, -1, code)


def sampler(
    channels: Iterable[tuple[str, str, int, int, int, int]], period_ns: int = 10 * MS, name: str = "t"
) -> Sampler:
    """An opened sampler that does not run."""
    return Sampler(name, list(channels), period_ns, 4096)


def fields(library: Path, uuid: str, *configs: int) -> Sampler:
    """A sampler of one GPU; the channels' codes count from 0."""
    return sampler(channel(library, uuid, config, code) for code, config in enumerate(configs))


def once(opened: Sampler) -> list[Reading]:
    """The readings of one tick."""
    opened.tick()
    return readings(opened.drain())


def readings(columns: Columns) -> list[Reading]:
    """The drained rows, one by one."""
    n = columns.length
    raw_valid = np.unpackbits(np.frombuffer(columns.raw_valid, np.uint8), bitorder="little")
    sensor_valid = np.unpackbits(np.frombuffer(columns.sensor_valid, np.uint8), bitorder="little")
    table = zip(
        np.frombuffer(columns.channel, np.uint16)[:n].tolist(),
        np.frombuffer(columns.t_ns, np.int64)[:n].tolist(),
        np.frombuffer(columns.read_ns, np.uint32)[:n].tolist(),
        np.frombuffer(columns.raw, np.uint64)[:n].tolist(),
        raw_valid[:n].tolist(),
        np.frombuffer(columns.sensor_ns, np.int64)[:n].tolist(),
        sensor_valid[:n].tolist(),
        np.frombuffer(columns.status, np.uint16)[:n].tolist(),
        strict=True,
    )
    return [
        Reading(code, t_ns, read_ns, raw if has_raw else None, sensor if has_sensor else None, status)
        for code, t_ns, read_ns, raw, has_raw, sensor, has_sensor, status in table
    ]
