"""Begin and end of a window, together: the whole ``with`` statement, loop and call included.

Blocks of windows take turns with blocks of ``with nullcontext()``, with pauses between, so that the
recorder keeps the ring of marks as empty as it is in life. Run as a program, this file is the other
process, which opens the ring by its address.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import floor
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import microjoule as uj
from microjoule.channel import Access
from microjoule.recording import RawRecorder, RecordingPlan
from microjoule.recording.marking import VARIABLE

BLOCKS, WINDOWS = 41, 1000
PAUSE_S = 0.02
TARGET = "≤ 1"


@uj.window
def step() -> None:
    """Does nothing, measured."""


def unmeasured() -> None:
    """Does nothing."""


def block_of_windows(window: Callable[[str], AbstractContextManager[object]]) -> float:
    start = time.perf_counter_ns()
    for _ in range(WINDOWS):
        with window("step"):
            pass
    return (time.perf_counter_ns() - start) / WINDOWS / 1000


def block_of_calls(function: Callable[[], None]) -> float:
    start = time.perf_counter_ns()
    for _ in range(WINDOWS):
        function()
    return (time.perf_counter_ns() - start) / WINDOWS / 1000


def keep(
    benchmark: BenchmarkFixture, what: str, block: Callable[[], float], nothing: Callable[[], float]
) -> None:
    values, floors = [], []

    def pair() -> None:
        time.sleep(PAUSE_S)
        values.append(block())
        floors.append(nothing())

    benchmark.pedantic(pair, rounds=BLOCKS)
    least = sorted(floors)[BLOCKS // 2]
    floor.keep(benchmark, f"begin and end of a window, {what}", values, "µs", TARGET, beside(least))


def beside(least_us: float) -> str:
    return f"the same with nothing in it {least_us:.2f} µs"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[RawRecorder]:
    script = tmp_path / "counter"
    script.write_text("0 1000\n1000000 2600\nrepeat 2000000 3200 4294967296\n")
    access = Access(reader="script", path=str(script))
    plan = RecordingPlan(
        path=tmp_path / "marks.arrows",
        channels=(floor.channel("package-0", access),),
    )
    recording = RawRecorder(plan)
    with recording:
        yield recording


def test_window_of_a_recorder(benchmark: BenchmarkFixture, recorder: RawRecorder) -> None:
    keep(
        benchmark,
        "rec.window",
        lambda: block_of_windows(recorder.window),
        lambda: block_of_windows(nullcontext),
    )


@pytest.mark.usefixtures("recorder")
def test_window_of_the_process(benchmark: BenchmarkFixture) -> None:
    keep(benchmark, "uj.window", lambda: block_of_windows(uj.window), lambda: block_of_windows(nullcontext))


@pytest.mark.usefixtures("recorder")
def test_measured(benchmark: BenchmarkFixture) -> None:
    keep(benchmark, "@uj.window", lambda: block_of_calls(step), lambda: block_of_calls(unmeasured))


def test_window_without_recorder(benchmark: BenchmarkFixture) -> None:
    keep(
        benchmark,
        "uj.window, nobody records",
        lambda: block_of_windows(uj.window),
        lambda: block_of_windows(nullcontext),
    )


def test_measured_without_recorder(benchmark: BenchmarkFixture) -> None:
    keep(
        benchmark,
        "@uj.window, nobody records",
        lambda: block_of_calls(step),
        lambda: block_of_calls(unmeasured),
    )


def test_window_of_another_process(
    benchmark: BenchmarkFixture, recorder: RawRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the file that ``uj run`` names to its command."""
    monkeypatch.setenv(VARIABLE, str(recorder.share_marks()))
    printed = benchmark.pedantic(
        subprocess.check_output, args=([sys.executable, __file__],), kwargs={"text": True}, rounds=1
    )
    blocks = [tuple(map(float, line.split())) for line in printed.splitlines()]
    least = sorted(least for _, least in blocks)[BLOCKS // 2]
    what = "begin and end of a window, uj.window in another process"
    floor.keep(benchmark, what, [value for value, _ in blocks], "µs", TARGET, beside(least))


if __name__ == "__main__":
    for _ in range(BLOCKS):
        time.sleep(PAUSE_S)
        print(block_of_windows(uj.window), block_of_windows(nullcontext))
