"""How well the interval of windows over the nodes of a job holds while their clocks are off.

    python benchmarks/job_windows.py      # half an hour; writes results/job_windows.md

Two nodes of scripted readings (``tests/job_nodes.py``), a counter each, updated and read about every
millisecond. Real time of each is off by any time up to a bound that it states, evenly distributed, and their
CLOCK_MONOTONIC by up to 30 ms more. One window a job, at any place and of 5 to 250 ms; marked by one node, or
by both a few milliseconds apart. The truth is what both nodes used meanwhile. Each line has 2,000 jobs, each
with seeds and clock errors of its own, so that its windows are independent.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from ideal import MS, Ideal, Wave, constant, sine, square, step
from job_nodes import Node

from microjoule.joules.jobs.job import Job
from microjoule.joules.jobs.job_part import part

RESULTS = Path(__file__).resolve().parent / "results" / "job_windows.md"
JOBS = 2000
READINGS = 400
CONFIDENCE = 0.999
LEAST = 0.93


class Setting(NamedTuple):
    """A line of the table: the power of the second node, the bound of both clocks, who marks."""

    wave: Wave
    bound_ns: int
    is_marked_by_both: bool = False


SETTINGS = (
    Setting(square(10.0, 150.0, 0.07), 20 * MS),
    Setting(step(20.0, 200.0, 0.2), 20 * MS),
    Setting(square(10.0, 150.0, 0.07), 20 * MS, is_marked_by_both=True),
    Setting(square(10.0, 150.0, 0.07), 2 * MS),
    Setting(sine(80.0, 70.0, 31.0), 5 * MS),
    Setting(constant(80.0), 20 * MS),
)


def one(setting: Setting, seed: int) -> tuple[float, float, bool]:
    """Error and U of a job's window, both in J; and whether the guaranteed interval has the truth."""
    rng = np.random.default_rng([seed, 11])
    errors = rng.integers(-setting.bound_ns, setting.bound_ns + 1, 2).tolist()
    ahead_ns = int(rng.integers(-30 * MS, 30 * MS))
    of_a = Ideal(constant(50.0), n=READINGS, seed=2 * seed, limit_w=100.0)
    of_b = Ideal(setting.wave, n=READINGS, seed=2 * seed + 1, limit_w=400.0)
    a = Node("n1", of_a, 0, errors[0], setting.bound_ns)
    b = Node("n2", of_b, ahead_ns, errors[1], setting.bound_ns)
    begin = rng.uniform(0.25, 0.55)
    t0_ns, t1_ns = of_a.inside(begin, begin + rng.uniform(5.0, 100.0) / READINGS)
    late_ns = rng.integers(0, 3 * MS, 2).tolist()
    spans = {"n1": (t0_ns, t1_ns)}
    if setting.is_marked_by_both:
        spans["n2"] = (t0_ns + late_ns[0], t1_ns + late_ns[1])
    windows = {name: [("step", *span, {"rank": 0})] for name, span in spans.items()}
    traces = {Path(node.name): node.trace(windows.get(node.name, ())) for node in (a, b)}
    found = Job([part(path, trace) for path, trace in traces.items()]).windows(traces.__getitem__)[1]
    (window,) = found
    union = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    truth = a.truth(*union) + b.truth(*union)
    of = window.everywhere
    return of.value - truth, of.U, of.low - 1e-6 <= truth <= of.high + 1e-6


def line(setting: Setting) -> str:
    """A line of the table."""
    found = [one(setting, seed) for seed in range(JOBS)]
    off, expanded, held = (np.array(column) for column in zip(*found, strict=True))
    hits = int((np.abs(off) <= expanded).sum())
    interval = binomtest(hits, JOBS).proportion_ci(CONFIDENCE)
    cells = (
        setting.wave.name,
        f"{setting.bound_ns / MS:g} ms",
        "both" if setting.is_marked_by_both else "one",
        f"{100 * hits / JOBS:.1f} %",
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %",
        "fails" if interval.high < LEAST else "holds",
        f"{np.median(expanded) / np.sqrt(np.mean(np.square(off))):.2f}",
        f"{int((~held).sum())}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Writes the table."""
    lines = [
        "# Windows over the nodes of a job",
        "",
        "Taken by `python benchmarks/job_windows.py`; its first lines say how. 2,000 independent windows",
        f"a line. A line fails where the {100 * CONFIDENCE:g} % interval of its coverage",
        f"lies below {100 * LEAST:g} %.",
        "",
        "| power of the other node | each clock off by up to | marked by | truth within U | "
        f"{100 * CONFIDENCE:g} % interval | | median U / rms error | outside *guaranteed* |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for setting in SETTINGS:
        lines.append(line(setting))
        print(lines[-1], flush=True)
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
