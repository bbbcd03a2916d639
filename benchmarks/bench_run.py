"""What ``uj run -- true`` takes, as a multiple of importing numpy and pyarrow: in interleaved pairs.

CPU time and memory (the largest resident set) are those that the kernel accounts for the process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import floor
from pytest_benchmark.fixture import BenchmarkFixture

PAIRS = 21
RUN = [sys.executable, "-m", "microjoule", "run", "--", "true"]
IMPORTS = [sys.executable, "-c", "import numpy, pyarrow"]


def used(command: list[str]) -> tuple[float, float]:
    """CPU time in ms, and memory in MB, of a command that says nothing."""
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    child = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    _, status, usage = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1000


def test_run(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    benchmark.pedantic(lambda: pairs.append((used(RUN), used(IMPORTS))), rounds=PAIRS, warmup_rounds=2)
    for number, (what, unit, target) in enumerate((("CPU time", "ms", "≤ 2"), ("memory", "MB", "≤ 1.5"))):
        base = sorted(imports[number] for _, imports in pairs)[PAIRS // 2]
        ratios = [run[number] / imports[number] for run, imports in pairs]
        floor.keep(
            benchmark,
            f"uj run -- true, {what} in that of `python -c 'import numpy, pyarrow'`",
            ratios,
            "",
            target,
            f"which takes {base:.0f} {unit}",
        )
