"""Ticks that arrive in the file, beside what a bare C loop gets under the same load.

The recorder and the bare loop (a process without Python) take turns, A B B A A B; during both, the main
thread of this process does the same thing. What ours delivered is counted from the finished file:
rows of one channel, against these and the ticks that the lane counted as missed or dropped.
"""

from __future__ import annotations

import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import floor
import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from microjoule.recording import Cadence, RawRecorder, RecordingPlan

SECONDS = 3.0
PAIRS = 5
BEFORE_AND_AFTER = 3  # readings that open and close take in the calling thread


def asleep(until_s: float) -> None:
    time.sleep(until_s - time.monotonic())


def pure_python(until_s: float) -> None:
    total = 0
    while time.monotonic() < until_s:
        for i in range(1000):
            total += i * i


def compressing(until_s: float) -> None:
    block = bytes(range(256)) * 4096
    while time.monotonic() < until_s:
        zlib.compress(block, 6)


def multiplying(until_s: float) -> None:
    matrix = np.ones((400, 400))
    while time.monotonic() < until_s:
        matrix @ matrix


LOADS: dict[str, Callable[[float], None]] = {
    "asleep": asleep,
    "in pure Python": pure_python,
    "in zlib": compressing,
    "in matmul, all cores": multiplying,
}


def ours(path: Path, rate_hz: int, load: Callable[[float], None]) -> float:
    """The share of ticks that are in the file."""
    channels = floor.tsc_channels(4)
    with RawRecorder(RecordingPlan(path=path, channels=tuple(channels), cadence=Cadence(rate_hz=rate_hz))):
        load(time.monotonic() + SECONDS)
    table = pa.ipc.open_stream(path).read_all()
    names = table["channel"].combine_chunks().cast(pa.utf8()).to_numpy(zero_copy_only=False)
    raw = table["raw"].to_numpy()
    lost = [raw[names == f"@engine/package-0/{count}"][-1] for count in ("missed", "dropped")]
    rows = int((names == channels[0].id).sum()) - BEFORE_AND_AFTER
    return rows / (rows + float(sum(lost)))


def bare(program: Path, rate_hz: int, load: Callable[[float], None]) -> float:
    """The share of ticks that a bare loop gets meanwhile."""
    command = [str(program), "bare", str(rate_hz), str(SECONDS), *floor.tsc_specs(4)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        load(time.monotonic() + SECONDS)
        taken, missed = map(int, process.communicate()[0].split())
    return taken / (taken + missed)


@pytest.mark.parametrize("rate_hz", [1000, 10_000])
@pytest.mark.parametrize("name", LOADS)
def test_delivery(
    benchmark: BenchmarkFixture, program: Path, tmp_path: Path, name: str, rate_hz: int
) -> None:
    pairs: list[tuple[float, float]] = []

    def pair() -> None:
        if len(pairs) % 2:
            alone = bare(program, rate_hz, LOADS[name])
            pairs.append((ours(tmp_path / "delivery.arrows", rate_hz, LOADS[name]), alone))
        else:
            share = ours(tmp_path / "delivery.arrows", rate_hz, LOADS[name])
            pairs.append((share, bare(program, rate_hz, LOADS[name])))

    benchmark.pedantic(pair, rounds=PAIRS)
    alone = sorted(share for _, share in pairs)[len(pairs) // 2]
    own = sorted(share for share, _ in pairs)[len(pairs) // 2]
    floor.keep(
        benchmark,
        f"ticks delivered at {rate_hz / 1000:g} kHz, main thread {name}: of what a bare C loop gets",
        [100 * share / alone for share, alone in pairs],
        "%",
        "≥ 99.9",
        f"ours {100 * own:.2f} %, bare {100 * alone:.2f} % of all deadlines",
    )
