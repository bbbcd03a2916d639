"""What the benchmarks share: the floor's C program, channels to read, and how a figure is kept.

A figure is a list of values, each taken as one interleaved pair; its median and its range go into
``extra_info`` of pytest-benchmark, from where ``spine.py`` makes the table.
"""

from __future__ import annotations

import shlex
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from os import environ
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from microjoule.channel import Access, Channel, Place, Scale, Timing

HERE = Path(__file__).resolve().parent
CSRC = HERE.parent / "csrc"
CC = shlex.split(environ.get("CC", "cc"))
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-O2"]  # as setup.py builds the extension
PMU = Path("/sys/bus/event_source/devices/msr")  # its event tsc exists in virtual machines too
CPU = 0


def build(folder: Path) -> Path:
    """Compiles ``floor.c`` with ``csrc/`` into that folder and gives the program."""
    if not sys.platform.startswith("linux") or shutil.which(CC[0]) is None:
        pytest.skip(f"the floor needs Linux and a C compiler {CC[0]!r}")
    program = folder / "floor"
    sources = [HERE / "floor.c", *sorted(CSRC.glob("*.c"))]
    command = [*CC, *FLAGS, f"-I{CSRC}", *map(str, sources), "-ldl", "-pthread", "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def run(program: Path, *arguments: object, pinned: bool = False) -> list[list[float]]:
    """The numbers that the floor prints, a list for each line."""
    command = [str(program), *map(str, arguments)]
    if pinned:
        command = ["taskset", "-c", str(CPU), *command]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [[float(word) for word in line.split()] for line in printed.splitlines() if line.strip()]


def tsc_type() -> int:
    """The type of the PMU whose event 0 is the time-stamp counter; skips where it cannot be read."""
    from microjoule._native import Sampler

    try:
        kind = int((PMU / "type").read_text())
        Sampler("try", [("perf", "", kind, 0, CPU, 0)], 1_000_000, 64)
    except (OSError, RuntimeError) as error:
        pytest.skip(f"no perf event that can be read: {error}")
    return kind


def tsc_specs(n: int) -> list[str]:
    """That event n times, as the floor's program names it."""
    return [f"perf,{tsc_type()},0,{CPU}"] * n


def channel(name: str, access: Access) -> Channel:
    """A counter of 2^-14 J with 32 bits, as RAPL's."""
    return Channel(
        id=name,
        place=Place(device="package", number=0, part=name),
        hw_type="cpu",
        source="script",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1 << 14), unit_source="register", modulus=1 << 32),
        timing=Timing(update_ns=1_000_000, update_max_ns=2_000_000),
        access=access,
    )


def tsc_channels(n: int) -> list[Channel]:
    """That event n times, as a recorder takes it."""
    kind = tsc_type()
    return [
        channel(f"package-0/{i}", Access(reader="perf", path=str(PMU), type=kind, config=0, cpu=CPU))
        for i in range(n)
    ]


def keep(
    benchmark: BenchmarkFixture,
    what: str,
    values: Sequence[float],
    unit: str,
    target: str = "",
    beside: str = "",
) -> float:
    """Puts a figure beside the benchmark's own timing and gives its median.

    Args:
        benchmark: Where it goes.
        what: Was measured.
        values: One of each interleaved pair.
        unit: Of the values.
        target: What it should be, in words; empty: none was set.
        beside: The floor of the same run, or what the figure is a ratio to.
    """
    ordered = sorted(values)
    median = statistics.median(ordered)
    tenth = len(ordered) // 10
    figure = {
        "what": what,
        "median": median,
        "low": ordered[tenth],
        "high": ordered[-1 - tenth],
        "n": len(ordered),
        "unit": unit,
        "target": target,
        "beside": beside,
    }
    benchmark.extra_info.setdefault("figures", []).append(figure)
    return median
