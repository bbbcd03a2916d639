"""Loads and sensors with the same readings and other energies: why some ± of the tables is not narrower.

    python benchmarks/same_readings.py   # two minutes; writes results/same_readings.md

What the readings do not tell apart has one ±, so it must hold for both: a pair here has the readings of a
row of ``coverage.md`` or ``coverage_gauges.md`` that is wide, and another truth. And where U of a window
could be narrower, sums of adjoining windows show why it is not: their edges differ where those of each window
are alike.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import gauges
import numpy as np
import numpy.typing as npt
from coverage import SEED, configurations
from gauge_rows import load_of, windows
from rapl_counter import Recording, Sensor

from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.gauges.gauge import Gauge

F64 = npt.NDArray[np.float64]
HERE = Path(__file__).parent
RECORDINGS = 40
MOST_W = 200.0  # of the device
MISSED = "30% missed, square 60 Hz, 200 Hz, 0.1 s"
MARCH = "updates of 8 ms, 500 Hz, 0.1 s"
SUM_OF = 10  # adjoining windows
CAPACITOR = gauges.SENSORS["capacitor of 50 ms"]
WANDERING, WANDERING_SEED = 10, 5_400_000  # recordings of each load
SHORTER_MS, SPREAD = 7.5, 0.3  # period of the irregular load, and by which share each of its parts varies
PIECE_S, SLOW, FIRST_S = (
    0.004,
    251,
    10.0,
)  # of power that wanders; pieces to a slow mean; of readings, left out


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


def irregular(wandering: gauges.Load, swing_w: float, seed: int) -> gauges.Load:
    """Two levels around the slow mean of power that wanders, with edges that are no clock's."""
    chance, half_s = np.random.default_rng([seed, 77]), SHORTER_MS / 2000
    first_s, last_s = wandering.span_s
    n = 2 * int((last_s - first_s) / (2 * half_s * (1 + SPREAD)))
    edges_s = first_s + np.concatenate(([0.0], np.cumsum(half_s * (1 + SPREAD * chance.uniform(-1, 1, n)))))
    middle_s = first_s + PIECE_S * (np.arange(len(wandering.watts) - 2) + 0.5)
    slow_w = np.convolve(np.pad(wandering.watts[1:-1], SLOW // 2, "edge"), np.full(SLOW, 1 / SLOW), "valid")
    watts = np.interp((edges_s[1:] + edges_s[:-1]) / 2, middle_s, slow_w)
    watts += swing_w / 2 * np.resize([1.0, -1.0], n)
    return gauges.Load(edges_s, np.concatenate((wandering.watts[:1], watts, wandering.watts[-1:])))


def shown(load: gauges.Load, seed: int) -> tuple[Gauge, float, float]:
    """A capacitor under a load; how far its power scatters, in watts; how successive differences do."""
    found = gauges.gauge(load, CAPACITOR, gauges.POLLS["10 ms, stamps of updates"], seed)
    ends_s = (found.readings.t_ns - gauges.T0) / gauges.S
    is_inside = (ends_s > load.span_s[0] + FIRST_S) & (ends_s < load.span_s[1] - FIRST_S)
    watts = np.diff(found.joules_until(found.update_ns[1::2])) / CAPACITOR.update_s
    watts = watts[is_inside[1:]]
    step_w = np.diff(watts)
    # Half the mean square of differences, which slow power leaves alone.
    return (
        found,
        float(np.sqrt(np.mean(step_w**2) / 2)),
        float(np.mean(step_w[1:] * step_w[:-1]) / np.mean(step_w**2)),
    )


def wandering_or_irregular() -> list[str]:
    """Power that wanders under a capacitor, and a load of half an update with irregular edges."""
    kinds = ("power that wanders", "irregular edges")
    of: dict[tuple[str, float], list[tuple[F64, F64]]] = {}
    scatter: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for seed in range(WANDERING_SEED, WANDERING_SEED + WANDERING):
        load = load_of("wandering", CAPACITOR.update_s, seed)
        asked_w, swing_w = shown(load, seed)[1], 60.0
        swing_w *= asked_w / shown(irregular(load, swing_w, seed), seed)[1]
        for kind, each in zip(kinds, (load, irregular(load, swing_w, seed)), strict=True):
            gauge, scatter_w, together = shown(each, seed)
            scatter[kind].append((scatter_w, together))
            for length_s in gauges.LENGTHS_S:
                t0, t1 = windows(each, length_s, 23, seed)
                found = gauge.estimates(gauge.energies(t0, t1))
                errors = np.array([one.value for one in found]) - gauges.truth_j(each, t0, t1)
                of.setdefault((kind, length_s), []).append((errors, np.array([one.U for one in found])))
    rows = []
    for kind in kinds:
        watts, together = np.mean(scatter[kind], axis=0)
        rows.append(f"| {kind} | {watts:.2f} W | {together:.2f} |")
    rows += [
        "",
        "| window | U / rms error: wanders | irregular | covered | by U scaled |",
        "|---|---:|---:|---:|---:|",
    ]
    for length_s in gauges.LENGTHS_S:
        own, other = (np.concatenate(of[kind, length_s], axis=1) for kind in kinds)
        width = float(np.median(own[1]) / np.sqrt(np.mean(own[0] ** 2)))
        each = held(other[0], other[1], width)
        rows.append(
            f"| {length_s:g} s | {width:.1f} | {each.width:.1f} | {each.covered:.1%} | {each.at_3:.1%} |"
        )
    return rows


HEAD = """# Same readings, other energies

`python benchmarks/same_readings.py` writes this: why some ± of [coverage.md](coverage.md) and
[coverage_gauges.md](coverage_gauges.md) is not narrower.

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


WANDERS = """
## Power that wanders under a capacitor

A gauge that reads a capacitor of 50 ms every 15 ms, under power that fluctuates every 4 ms, and under a load
of 7.5 ms around the same slow power, high for half of the time, each part of which is up to 30 % longer or
shorter. It swings so far that readings scatter alike; *together* is how successive differences of the power
go together. *covered* is the irregular load's: by U, and by a U of three times the error of power that
wanders.

| load | scatter | together |
|---|---:|---:|
"""


def main() -> None:
    text = HEAD.format(missed=MISSED, most=MOST_W) + "\n".join(missed_or_late()) + "\n"
    text += MIDDLE + "\n".join(edges_alike()) + "\n"
    text += WANDERS + "\n".join(wandering_or_irregular()) + "\n"
    (HERE / "results" / "same_readings.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
