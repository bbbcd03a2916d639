"""One tick of four channels, by reader: the library, a bare C loop with the same reads, and nothing.

All three run in one C program (``floor.c``), so that Python's call is in none of them, and in turns
of a few milliseconds, so that a busy machine disturbs them alike. The *increment* is the library's
tick less the empty loop's; what the library *adds* is its tick less the bare loop's.
"""

from __future__ import annotations

from pathlib import Path

import floor
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

CHANNELS = 4
BLOCKS, TICKS = 400, 500
RATE_HZ, SECONDS, PACED_BLOCKS = 1000, 1.0, 7
BYTES_OF_A_COUNT = (123_456_789_012).to_bytes(8, "little")


def specs(reader: str, folder: Path) -> list[str]:
    if reader == "perf":
        return floor.tsc_specs(CHANNELS)
    contents = {
        "text": b"123456789012\n",
        "msr": BYTES_OF_A_COUNT,
        "script": b"0 1000\n1000000 2600\nrepeat 2000000 3200 4294967296\n",
    }
    files = [folder / f"{reader}-{i}" for i in range(CHANNELS)]
    for file in files:
        file.write_bytes(contents[reader])
    return [f"{reader},{file}" for file in files]


@pytest.mark.parametrize("reader", ["perf", "text", "msr", "script"])
def test_tick_hot(benchmark: BenchmarkFixture, program: Path, tmp_path: Path, reader: str) -> None:
    """Back to back, pinned to the CPU that is read."""
    channels = specs(reader, tmp_path)
    blocks = benchmark.pedantic(
        floor.run,
        args=(program, "hot", BLOCKS, TICKS, *channels),
        kwargs={"pinned": True},
        rounds=1,
    )
    increments = [(library - empty) / 1000 for library, _, empty in blocks]
    bare = sorted(bare - empty for _, bare, empty in blocks)[len(blocks) // 2] / 1000
    is_perf = reader == "perf"
    floor.keep(
        benchmark,
        f"tick of 4 channels, {reader}, hot: increment over an empty loop",
        increments,
        "µs",
        "≤ 1.5" if is_perf else "",
        f"bare loop {bare:.2f} µs",
    )
    if reader != "script":
        floor.keep(
            benchmark,
            f"tick of 4 channels, {reader}, hot: to a bare C loop that does the same reads",
            [library / bare for library, bare, _ in blocks],
            "×",
            "≤ 1.10" if is_perf else "",
        )


@pytest.mark.parametrize("reader", ["perf", "text"])
def test_tick_at_its_deadlines(
    benchmark: BenchmarkFixture, program: Path, tmp_path: Path, reader: str
) -> None:
    """CPU time of the thread a tick at 1 kHz, wake-up and all; cold caches are part of it."""
    blocks = benchmark.pedantic(
        floor.run,
        args=(program, "paced", RATE_HZ, SECONDS, PACED_BLOCKS, *specs(reader, tmp_path)),
        kwargs={"pinned": True},
        rounds=1,
    )
    empty = sorted(empty for *_, empty in blocks)[len(blocks) // 2] / 1000
    floor.keep(
        benchmark,
        f"tick of 4 channels, {reader}, at 1 kHz: increment over an empty loop",
        [(library - empty) / 1000 for library, _, empty in blocks],
        "µs CPU",
        "≤ 8" if reader == "perf" else "",
        f"empty loop {empty:.1f} µs CPU a tick",
    )
    floor.keep(
        benchmark,
        f"tick of 4 channels, {reader}, at 1 kHz: to a bare C loop that does the same reads",
        [library / bare for library, bare, _ in blocks],
        "×",
    )
