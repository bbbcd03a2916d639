"""How exactly single steps of a program are known: windows of 10 ms and 1 ms at steps of power.

    python benchmarks/marked_windows.py      # some minutes; writes results/marked_windows.md

A counter of scripted readings (``tests/steps.py``): it is updated each 976.562 µs, early or late by up
to the jitter, in whole counts of 61 µJ, and read each 0.5 ms or 1 ms, up to 50 µs late. A program marks
a hundred windows of 80 W, a tenth longer or shorter, amid 5 to 20 ms at 20 W: pulses, with power high
inside the windows alone. Seeds are fixed. For each length, rate and jitter: the 95th percentile of the
error of a window, the error of the mean of the hundred windows (root mean square over traces), the
share of windows within U, and the median of U over the least that it could be (docs/methods.md). Every
mark is an edge that was read on time, as the readings are scripted.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from ideal import T0, US
from steps import BASE, Steps

RESULTS = Path(__file__).resolve().parent / "results" / "marked_windows.md"
TRACES = 20  # of a hundred windows: two thousand
IDLE_W, BUSY_W = 20.0, 80.0


def row(folder: Path, length_ms: float, poll_us: int, jitter_us: int) -> str:
    """A line of the table."""
    base = replace(
        BASE,
        poll_ns=poll_us * US,
        read_ns=5 * US,
        poll_jitter=100 / poll_us,
        jitter=2e3 * jitter_us / BASE.update_ns,
    )
    off, expanded, held, means, mean_held = [], [], [], [], []
    for seed in range(TRACES):
        steps = Steps(
            power_w={"decode": BUSY_W}, length_ms={"decode": length_ms}, idle_w=IDLE_W, seed=seed, base=base
        )
        trace = steps.trace(folder)
        for energies, (_, t0, t1, _) in zip(trace.energies(trace.windows), steps.windows, strict=True):
            energy, truth = energies["package-0"], steps.ideal.truth(T0 + t0, T0 + t1)
            off.append(energy.value / truth - 1)
            expanded.append(energy.U / truth)
            held.append(abs(energy.value - truth) <= energy.U)
        named = trace.by_name()[0].energy
        means.append(named.value / steps.truth("decode") - 1)
        mean_held.append(abs(named.value - steps.truth("decode")) <= named.U)
    # Two updates, each known to its jitter, and the idle power between them and the marks.
    least_j = 2 * IDLE_W * np.sqrt(2) * jitter_us * 1e-6 / np.sqrt(3)
    least = least_j / (BUSY_W * length_ms / 1e3)
    cells = (
        f"{length_ms:g} ms",
        f"{1000 / poll_us:g} kHz",
        f"{jitter_us} µs",
        f"{100 * np.percentile(np.abs(off), 95):.2g} %",
        f"{100 * np.sqrt(np.mean(np.square(means))):.2g} %",
        f"{np.mean(held):.3f}",
        f"{np.mean(mean_held):.2f}",
        f"{100 * np.median(expanded):.2g} %",
        f"{np.median(expanded) / least:.2g}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Writes the table."""
    lines = [
        "# Single windows at steps of power",
        "",
        "Taken by `python benchmarks/marked_windows.py`; its first lines say how. 2,000 windows a line.",
        "",
        "| window | reads | jitter of updates | 95th percentile of the error | error of the mean of 100 | "
        "windows within U | means within U | median U | U over the least |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for poll_us in (500, 1000):
            for length_ms in (10.0, 1.0):
                for jitter_us in (20, 50, 300):
                    lines.append(row(Path(folder), length_ms, poll_us, jitter_us))
                    print(lines[-1], flush=True)
                    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
