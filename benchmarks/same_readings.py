"""Loads and counters with the same readings and other energies: why some ± of coverage.md is not narrower.

    python benchmarks/same_readings.py   # a minute; writes results/same_readings.md

What the readings do not tell apart has one ±, so it must hold for both: a pair here has the readings of a
row of ``coverage.md`` that is wide, and another truth. And where U of a window could be narrower, sums of
adjoining windows show why it is not: their edges differ where those of each window are alike.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
import numpy.typing as npt
from coverage import SEED, configurations
from rapl_counter import Recording, Sensor

from microjoule.joules.counter import Counter
from microjoule.joules.estimate import Estimate

F64 = npt.NDArray[np.float64]
HERE = Path(__file__).parent
RECORDINGS = 40
MOST_W = 200.0  # of the device
MISSED = "30% missed, square 60 Hz, 200 Hz, 0.1 s"
MARCH = "updates of 8 ms, 500 Hz, 0.1 s"
SUM_OF = 10  # adjoining windows


class Held(NamedTuple):
    """How the U of windows fits their errors.

    Attributes:
        n: How many there were.
        covered: Share within U.
        width: Median U over the root mean square error.
        at_3: Share within U scaled to three times another error.
    """

    n: int
    covered: float
    width: float
    at_3: float


def held(errors: F64, expanded: F64, of_width: float) -> Held:
    """Of windows, and of U scaled to 3 / ``of_width`` of itself."""
    rms, off = float(np.sqrt(np.mean(errors**2))), np.abs(errors)
    narrower = expanded * min(3.0 / of_width, 1.0)
    return Held(
        len(off),
        float(np.mean(off <= expanded)),
        float(np.median(expanded)) / rms,
        float(np.mean(off <= narrower)),
    )


def energies(sensor: Sensor, recording: Recording) -> list[Estimate]:
    counter = Counter(recording.series, sensor.channel)
    return counter.estimates(counter.energies(recording.t0_ns, recording.t1_ns))


def late_updates(sensor: Sensor, recording: Recording, rng: np.random.Generator) -> F64:
    """float64[n]: what windows used if each reading shows an update at any time since the one before.

    The counts at the readings are those that were recorded. Power is what was counted from one update to the
    next, and no more than a device draws.
    """
    t_ns = recording.series.t_ns.astype(np.float64)
    used_j = (recording.series.raw.astype(np.int64) - int(recording.series.raw[0])) * float(sensor.unit)
    at_ns = t_ns.copy()
    for i in range(1, len(t_ns)):
        first = max(t_ns[i - 1], at_ns[i - 1] + (used_j[i] - used_j[i - 1]) / MOST_W * 1e9)
        at_ns[i] = rng.uniform(min(first, t_ns[i]), t_ns[i])
    return np.interp(recording.t1_ns, at_ns, used_j) - np.interp(recording.t0_ns, at_ns, used_j)


def missed_or_late() -> list[str]:
    """A quick load of a counter that misses updates, and one whose updates are farther apart."""
    sensor = configurations()[MISSED]
    own, other, expanded = [], [], []
    for seed in range(SEED, SEED + RECORDINGS):
        recording = sensor.recorded(seed)
        found = energies(sensor, recording)
        values = np.array([each.value for each in found])
        expanded.append([each.U for each in found])
        own.append(values - recording.truth_j)
        other.append(values - late_updates(sensor, recording, np.random.default_rng(seed)))
    widths, errors = np.concatenate(expanded), [np.concatenate(each) for each in (own, other)]
    width = float(np.median(widths) / np.sqrt(np.mean(errors[0] ** 2)))
    names = (
        "a square wave of 60 Hz, updates of 1 ms, 30 % missed",
        "the same readings, an update before each at any time",
    )
    return [row(name, held(each, widths, width)) for name, each in zip(names, errors, strict=True)]


def row(name: str, of: Held) -> str:
    return f"| {name} | {of.n} | {of.covered:.1%} | {of.width:.2f} | {of.at_3:.1%} |"


def edges_alike() -> list[str]:
    """Windows of updates that readings march past, and their sums, with U as it is and as would fit them."""
    sensor = configurations()[MARCH]
    length_ns = round(sensor.window_s * 1e9)
    singles, sums = [], []
    for seed in range(SEED, SEED + 2 * RECORDINGS):
        recording = sensor.recorded(seed)
        counter = Counter(recording.series, sensor.channel)
        first = int(recording.t0_ns.min())
        for start in range(first, int(recording.t1_ns.max()) - SUM_OF * length_ns, 2 * SUM_OF * length_ns):
            edges = start + np.arange(SUM_OF + 1) * length_ns
            found = counter.estimates(counter.energies(edges[:-1], edges[1:]))
            truth = 37.0 * length_ns / 1e9
            total = sum(found[1:], found[0])
            singles += [(each.value - truth, each.U) for each in found]
            sums.append((total.value - SUM_OF * truth, total.U))
    one, many = np.array(singles).T, np.array(sums).T
    own = float(np.quantile(np.abs(one[0]) / one[1], 0.95))
    lines = []
    for name, (errors, expanded) in (("windows of 0.1 s", one), (f"sums of {SUM_OF} of them", many)):
        off = np.abs(errors)
        lines.append(
            f"| {name} | {len(off)} | {np.mean(off <= expanded):.1%} | {np.mean(off <= own * expanded):.1%} |"
        )
    return lines


HEAD = """# Same readings, other energies

`python benchmarks/same_readings.py` writes this: why some ± of [coverage.md](coverage.md) is not narrower.

## Missed updates under a quick load, read at 200 Hz

The readings of the row *{missed}*, with two truths. One is that row's.
In the other each reading shows an update that came at any time since the reading before, and between two of
these updates power was what was counted, up to {most:.0f} W. All counts and times are the same to the last
bit, so that ± is, too.

| truth | windows | covered | U / rms error | covered by U scaled to 3 times the error of the first |
|---|---:|---:|---:|---:|
"""
MIDDLE = """
## Edges of a window that err alike

Steady power, updates of 8 ms read at 500 Hz: each update lies 7 µs earlier between two readings than the one
before it. So both edges of a window of 0.1 s err alike, and those of a second do not. U of a sum is that of
its two ends, which share less than the edges of a window.

| | n | covered | covered by a U so much narrower that it covers 95 % of the windows |
|---|---:|---:|---:|
"""


def main() -> None:
    text = HEAD.format(missed=MISSED, most=MOST_W) + "\n".join(missed_or_late()) + "\n"
    text += MIDDLE + "\n".join(edges_alike()) + "\n"
    (HERE / "results" / "same_readings.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
