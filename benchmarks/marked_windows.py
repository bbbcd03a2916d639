"""How exactly single steps of a program are known: windows of 10 ms and 1 ms at steps of power.

    python benchmarks/marked_windows.py      # some minutes; writes results/marked_windows.md

A counter of scripted readings (``tests/steps.py``): it is updated each 976.562 µs, early or late by up
to the jitter, in whole counts of 61 µJ, and read each 0.5 ms or 1 ms, up to 50 µs late. A program marks
a hundred windows of 80 W, a tenth longer or shorter, amid 5 to 20 ms at 20 W: pulses, with power high
inside the windows alone. Seeds are fixed. For each length, rate and jitter: the 95th percentile of the
error of a window, the error of the mean of the hundred windows (root mean square over traces), the
share of windows within U, and the median of U over the least that it could be (docs/methods.md). Every
mark is an edge that was read on time, as the readings are scripted.

A second table is of windows shorter than the counter's updates, of 60 W each with its own standard deviation,
and reads as often as each 0.25 ms. With "dense", the time between windows is as short as they are.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

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


class Short(NamedTuple):
    """Windows shorter than the updates, in ms, and by what share their powers scatter."""

    lasts: tuple[float, float]
    updates: int
    scatter: float
    idle: tuple[float, float] = (5.0, 20.0)


SHORT = (
    Short((0.1, 0.5), 1, 0.25),
    Short((0.1, 0.5), 1, 0.0),
    Short((0.1, 0.5), 1, 0.25, (0.1, 0.5)),
    Short((0.3, 0.9), 4, 0.25),
    Short((0.3, 0.9), 4, 0.25, (0.3, 0.9)),
)


def short_row(folder: Path, of: Short, poll_us: int) -> str:
    """A line of the second table."""
    (low, high), update_ns = of.lasts, of.updates * BASE.update_ns
    base = replace(
        BASE,
        update_ns=update_ns,
        poll_ns=poll_us * US,
        read_ns=5 * US,
        poll_jitter=100 / poll_us,
        jitter=1e5 / update_ns,  # up to 50 µs
    )
    off, expanded, sums_held = [], [], []
    for seed in range(1000, 1000 + TRACES):
        steps = Steps(
            power_w={"step": 60.0},
            length_ms={"step": (low + high) / 2},
            vary=(high - low) / (high + low),
            idle_w=IDLE_W,
            idle_ms=of.idle,
            scatter=of.scatter,
            seed=seed,
            base=base,
        )
        trace = steps.trace(folder)
        for energies, (_, t0, t1, _) in zip(trace.energies(trace.windows), steps.windows, strict=True):
            energy = energies["package-0"]
            off.append(energy.value - steps.ideal.truth(T0 + t0, T0 + t1))
            expanded.append(energy.U)
        named = trace.by_name()[0].energy
        sums_held.append(abs(named.value - steps.truth("step")) <= named.U)
    rms = np.sqrt(np.mean(np.square(off)))
    cells = (
        f"{low:g} to {high:g} ms{', dense' * (of.idle == of.lasts)}",
        f"{of.updates} ms",
        f"{100 * of.scatter:g} %",
        f"{1000 / poll_us:g} kHz",
        f"{np.mean(np.abs(off) <= expanded):.3f}",
        f"{np.median(expanded) / 2 / rms:.2f}",
        f"{np.mean(sums_held):.2f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Writes the tables."""
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

        def add(line: str) -> None:
            lines.append(line)
            print(line, flush=True)
            RESULTS.write_text("\n".join(lines) + "\n")

        for poll_us in (500, 1000):
            for length_ms in (10.0, 1.0):
                for jitter_us in (20, 50, 300):
                    add(row(Path(folder), length_ms, poll_us, jitter_us))
        lines += [
            "",
            "Windows shorter than updates, whose powers scatter:",
            "",
            "| window | updates | scatter | reads | windows within U | median U/2 over the rms error | "
            "sums within U |",
            "|---|---|---|---|---|---|---|",
        ]
        for of in SHORT:
            for poll_us in (1000, 500, 250):
                add(short_row(Path(folder), of, poll_us))


if __name__ == "__main__":
    main()
