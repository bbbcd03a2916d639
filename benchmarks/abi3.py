"""What the stable ABI costs a mark: the extension for every CPython from 3.11 on, and for this one alone.

    python benchmarks/abi3.py    # half a minute; writes results/abi3.md

One C file of Cython's is compiled twice, with ``Py_LIMITED_API`` and without, and both are loaded into this
process. Blocks of windows take turns (A B A B) on a ring of marks that is drained between blocks, so that
each pair gives one difference and one ratio. *again* enters one mark again and again: two calls of C.
*new* makes the mark too, as ``uj.window`` does: an object, its label, and both calls.
"""

from __future__ import annotations

import gc
import importlib.util
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

import floor
import spine
from conftest import pytest_benchmark_update_machine_info

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results" / "abi3.md"
BUILDS = {"this version alone": [], "stable ABI": ["-DPy_LIMITED_API=0x030B0000"]}
BLOCKS, WINDOWS = 401, 1000


def build(folder: Path) -> dict[str, ModuleType]:
    """Both builds, loaded."""
    source = folder / "_native.c"
    pyx = REPOSITORY / "src/microjoule/_native.pyx"
    subprocess.run([sys.executable, "-m", "cython", "-o", str(source), str(pyx)], check=True, cwd=REPOSITORY)
    loaded = {}
    for number, (name, macros) in enumerate(BUILDS.items()):
        target = folder / f"_native{number}.so"
        sources = [str(source), *map(str, sorted(floor.CSRC.glob("*.c")))]
        includes = [f"-I{floor.CSRC}", f"-I{sysconfig.get_path('include')}"]
        command = [*floor.CC, *floor.FLAGS, "-DNDEBUG", *macros, "-shared", "-fPIC", *includes, *sources]
        subprocess.run([*command, "-ldl", "-pthread", "-o", str(target)], check=True)
        spec = importlib.util.spec_from_file_location(
            "microjoule._native", target, loader=ExtensionFileLoader("microjoule._native", str(target))
        )
        loaded[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    return loaded


def again(native: ModuleType) -> Callable[[], float]:
    """A block of windows of one mark: nanoseconds a window."""
    ring = native.Marks()
    mark = native.Mark(ring, "step")

    def block() -> float:
        start = time.perf_counter_ns()
        for _ in range(WINDOWS):
            with mark:
                pass
        took = time.perf_counter_ns() - start
        assert len(ring.drain()) == 2 * WINDOWS
        return took / WINDOWS

    return block


def new(native: ModuleType) -> Callable[[], float]:
    """A block of windows, each a mark of its own."""
    ring = native.Marks()

    class Window(native.Mark):
        __slots__ = ()

    def block() -> float:
        start = time.perf_counter_ns()
        for _ in range(WINDOWS):
            with Window(ring, "step"):
                pass
        took = time.perf_counter_ns() - start
        assert len(ring.drain()) == 2 * WINDOWS
        return took / WINDOWS

    return block


def row(kind: str, blocks: dict[str, Callable[[], float]]) -> str:
    """A row of the table: both, their difference and their ratio, by pairs."""
    alone, stable = ([], [])
    for _ in range(BLOCKS):
        alone.append(blocks["this version alone"]())
        stable.append(blocks["stable ABI"]())
    differences = [b - a for a, b in zip(alone, stable, strict=True)]
    ratios = [b / a for a, b in zip(alone, stable, strict=True)]
    figures = [f"{statistics.median(values):.0f} ns" for values in (alone, stable, differences)]
    tenths = statistics.quantiles(ratios, n=10)
    spread = f"{statistics.median(ratios):.2f} ({tenths[0]:.2f} to {tenths[-1]:.2f})"
    return f"| {kind} | {' | '.join(figures)} | {spread} |"


def main() -> None:
    """Builds, measures, and writes the table."""
    with tempfile.TemporaryDirectory() as folder:
        builds = build(Path(folder))
    gc.disable()
    rows = [
        row(kind, {name: function(native) for name, native in builds.items()})
        for kind, function in (("again", again), ("new", new))
    ]
    facts: dict[str, object] = {}
    pytest_benchmark_update_machine_info(facts)
    text = "\n".join(
        [
            "# What the stable ABI costs a mark",
            "",
            "Taken by `python benchmarks/abi3.py`; its first lines say how. Medians; of the ratio also the",
            "range of the middle eight tenths of its pairs.",
            "",
            "| begin and end of a window | this version alone | stable ABI | difference | ratio |",
            "|---|---:|---:|---:|---|",
            *rows,
            "",
            "The machine:",
            "",
            *spine.machine({"machine_info": facts}),
            "",
        ]
    )
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
