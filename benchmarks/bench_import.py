"""What ``import microjoule`` costs above the bare interpreter, in interleaved pairs of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import floor
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

PAIRS = 41
BARE = "pass"
IMPORT = "import microjoule"
WINDOW = """
import microjoule as uj
with uj.window("step"):
    pass
"""
HEAVY = ("numpy", "pyarrow", "dataclasses")


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "MICROJOULE_MARKS"}


def started_ms(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
    return (time.perf_counter() - start) * 1000


@pytest.mark.parametrize(("what", "code"), [("import microjoule", IMPORT), ("import and uj.window", WINDOW)])
def test_import(benchmark: BenchmarkFixture, what: str, code: str) -> None:
    pairs: list[tuple[float, float]] = []
    benchmark.pedantic(
        lambda: pairs.append((started_ms(code), started_ms(BARE))), rounds=PAIRS, warmup_rounds=2
    )
    bare = sorted(bare for _, bare in pairs)[PAIRS // 2]
    floor.keep(
        benchmark,
        f"{what}, above the bare interpreter",
        [ours - bare for ours, bare in pairs],
        "ms",
        "≤ 10",
        f"bare interpreter {bare:.1f} ms",
    )
    loaded = f"{code}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", loaded], check=True, env=environment(), capture_output=True)
    assert found.stdout.split() == []
