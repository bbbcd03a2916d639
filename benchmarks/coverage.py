"""How often 95 % intervals of a RAPL counter contain the truth, and how wide they are, by configuration.

    python benchmarks/coverage.py             # a quarter of a CPU hour; writes results/coverage.md
    python benchmarks/coverage.py 4000 sine   # only the rows whose name holds a word; writes nothing

At least 2,000 windows of simulated recordings a row, with the shipped estimator. A row fails where the
99.9 % binomial interval of its coverage lies below 93 %, or where a guaranteed interval misses the truth. No
machine is timed, so that the figures are the same everywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from ideal import rows
from rapl_counter import NO_LAG, Recording, Sensor, about, noisy, sine, square, steady, telegraph
from scipy.stats import binomtest

from microjoule.joules.counters.counter import Counter
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import ALIASED, BOUNDED

HERE = Path(__file__).parent
WINDOWS = 2000
DENSE = 1.3  # readings to an update, from which on they are denser than updates
MEASURED = 0.1  # of the variance may be of priors, where the ceiling of 97.5 % applies
SEED = 70_000  # no test and no study of the estimator uses these
BASE = Sensor()
KERNEL = replace(BASE, late_us=2.0)
WHOLE_J = Fraction(1)
# Of the sines below no whole number of cycles: then both edges of a window err alike, and nothing is seen.
LOAD_S = 0.1013
UNSEEN = ("synchronous", "too faint")  # names of rows of which no reading shows what makes U too small


class Row(NamedTuple):
    """What the windows of one configuration show."""

    name: str
    n: int
    covered: int
    error: float  # median, of the mean energy
    width: float  # median U over the root mean square error
    guaranteed: float  # mean half-width over an update's energy and a quantum
    outside: int
    missing: int
    largest: str  # component, in the median
    bounded: float  # share of the variance of which only bounds are known, in the median

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share covered, 99.9 %."""
        found = binomtest(self.covered, self.n).proportion_ci(0.999)
        return float(found.low), float(found.high)

    @property
    def verdict(self) -> str:
        if self.outside:
            return "OUTSIDE"
        if self.interval[1] < 0.93:
            return "no statement" if any(word in self.name for word in UNSEEN) else "FAILS"
        if self.bounded < MEASURED:
            return "above 97.5 %" if self.interval[0] > 0.975 else "measured"
        return "wide" if self.width > 3 else ""


def configurations() -> dict[str, Sensor]:
    """Sensor, rate, load and length of window, by name."""
    return {**_rates(), **_loads(), **_updates(), **_gaps(), **_lags()}


def _rates() -> dict[str, Sensor]:
    found = {}
    for hz in (100, 200, 500, 990, 1000, 1500, 2000, 4000):
        for window_s in (0.005, 0.02, 0.1, 1.03):
            if window_s * hz >= 3:
                found[f"steady, {hz} Hz, {window_s:g} s"] = replace(BASE, rate_hz=hz, window_s=window_s)
    for hz in (1000, 2000, 4000):
        for window_s in (0.02, 0.1):
            name = f"steady, kernel {hz} Hz, {window_s:g} s"
            found[name] = replace(KERNEL, rate_hz=hz, window_s=window_s)
    return found


LOADS = {
    "square 7 Hz": square(12, 70, 7),
    "square 60 Hz": square(12, 70, 60),
    "telegraph 4 ms": telegraph(5, 90, 0.004),
    "telegraph 40 ms": telegraph(5, 90, 0.04),
    "sine 23 Hz": sine(45, 30, 23),
    "sine 270 Hz": sine(45, 30, 270),
    "sine 270 Hz, 8 W": sine(45, 8, 270),
    "sine 754 Hz": sine(45, 30, 754),
    "sine 754 Hz, 8 W": sine(45, 8, 754),
    "sine 970 Hz": sine(45, 30, 970),
    "sine 1100 Hz": sine(45, 20, 1100),
    "sine 1020 Hz (synchronous)": sine(45, 30, 1020),
    "noise 0.2 ms": noisy(55, 15, 0.0002),
}


def _loads() -> dict[str, Sensor]:
    found = {}
    for hz in (1000, 2000, 4000):
        for name, load in LOADS.items():
            found[f"{name}, kernel {hz} Hz, {LOAD_S} s"] = replace(
                KERNEL, rate_hz=hz, load=load, window_s=LOAD_S
            )
        at_steps = replace(KERNEL, rate_hz=hz, load=LOADS["square 7 Hz"], at="steps")
        found[f"square 7 Hz, kernel {hz} Hz, from step to step"] = at_steps
    return found


def _updates() -> dict[str, Sensor]:
    found = {}
    for hz in (100, 200, 500, 1000, 4000):
        slow = replace(BASE, rate_hz=hz, update_us=7993.0)
        found[f"updates of 8 ms, {hz} Hz, 0.1 s"] = slow
        found[f"updates of 8 ms, {hz} Hz, 1.03 s"] = replace(slow, window_s=1.03)
        found[f"updates of 8 ms, square 7 Hz, {hz} Hz, 0.1 s"] = replace(slow, load=LOADS["square 7 Hz"])
        found[f"updates of 8 ms, 5 mW, {hz} Hz, 1.03 s"] = replace(slow, window_s=1.03, load=about(0.005))
        found[f"updates of 8 ms, 20 mW, {hz} Hz, 0.1 s"] = replace(slow, load=about(0.02))
        found[f"updates of 2 ms, {hz} Hz, 0.1 s"] = replace(BASE, rate_hz=hz, update_us=1953.1)
    for hz in (200, 1000, 4000):
        at = replace(BASE, rate_hz=hz)
        for missed in (0.1, 0.3):
            found[f"{missed:.0%} missed, {hz} Hz, 0.1 s"] = replace(at, missed=missed)
        swings = replace(at, missed=0.3, load=LOADS["square 60 Hz"])
        found[f"30% missed, square 60 Hz, {hz} Hz, 0.1 s"] = swings
        found[f"jitter 300 µs, {hz} Hz, 0.1 s"] = replace(at, jitter_us=300.0)
        for milliwatts, window_s in ((4, 1.03), (25, 0.1), (60, 0.1)):
            load = about(milliwatts / 1000)
            found[f"{milliwatts} mW, {hz} Hz, {window_s:g} s"] = replace(at, load=load, window_s=window_s)
        found[f"5 to 150 mW, {hz} Hz, 0.1 s"] = replace(at, load=square(0.005, 0.15, 5))
        whole = replace(at, unit=WHOLE_J, window_s=1.03, n=25)
        found[f"whole joules, 55 W, {hz} Hz, 1.03 s"] = replace(whole, load=about(55.0))
        found[f"whole joules, square 3 Hz, {hz} Hz, 1.03 s"] = replace(whole, load=square(20, 90, 3))
    for hz in (100, 1000):
        for update_s in (0.3, 1.0):
            slow = replace(BASE, rate_hz=hz, update_us=update_s * 1e6, jitter_us=2000.0, n=12)
            found[f"updates of {update_s:g} s, {hz} Hz, 1.7 s"] = replace(slow, window_s=1.7)
    return found


def _gaps() -> dict[str, Sensor]:
    found = {}
    for hz in (1000, 4000):
        for watts in (40, 2):
            at = replace(BASE, rate_hz=hz, at="gaps", load=steady(watts))
            found[f"edge in a gap of 0.1 s, {watts} W, {hz} Hz"] = replace(at, gaps=(2, 0.1), window_s=0.15)
            long = replace(at, gaps=(0.4, 1), window_s=1.5, n=20)
            found[f"edge in a gap of 1 s, {watts} W, {hz} Hz"] = long
            found[f"both edges in a gap of 1 s, {watts} W, {hz} Hz"] = replace(long, window_s=0.2)
        for name in ("square 7 Hz", "square 60 Hz", "telegraph 40 ms", "sine 23 Hz"):
            swings = replace(BASE, rate_hz=hz, at="gaps", load=LOADS[name])
            found[f"edge in a gap of 0.1 s, {name}, {hz} Hz"] = replace(swings, gaps=(2, 0.1), window_s=0.15)
            long = replace(swings, gaps=(0.4, 1), window_s=1.5, n=20)
            found[f"edge in a gap of 1 s, {name}, {hz} Hz"] = long
            found[f"both edges in a gap of 1 s, {name}, {hz} Hz"] = replace(long, window_s=0.2)
    return found


def _lags() -> dict[str, Sensor]:
    found = {}
    for hz in (1000, 2000, 4000):
        for lag_us in (0, 300, 900, 1200):
            at = replace(
                KERNEL, rate_hz=hz, lag_us=lag_us, load=square(12, 70, 10), at="steps", is_marked=True
            )
            found[f"lag {lag_us} µs, learnt at marks, kernel {hz} Hz, from step to step"] = at
        for lag_us, many in ((0, 3), (1500, 1), (2000, 3), (3000, 7), (2000, 20)):
            few = replace(at, lag_us=lag_us, n=many, most=many)
            found[f"lag {lag_us} µs, {_windows(many)} at marks, kernel {hz} Hz, from step to step"] = few
        faint = replace(few, load=square(12, 22, 10), lag_us=2000, n=7, most=7)
        name = f"lag 2000 µs, 7 windows at marks, steps of 10 W{' (too faint)' if hz < 1024 else ''}"
        found[f"{name}, kernel {hz} Hz, from step to step"] = faint
        none = replace(KERNEL, rate_hz=hz, declared=NO_LAG)
        found[f"no lag, steady, kernel {hz} Hz, 0.1 s"] = none
        for load in ("square 7 Hz", "telegraph 40 ms", "sine 23 Hz", "sine 270 Hz"):
            found[f"no lag, {load}, kernel {hz} Hz, {LOAD_S} s"] = replace(
                none, load=LOADS[load], window_s=LOAD_S
            )
    return found


def _windows(n: int) -> str:
    return "1 window" if n == 1 else f"{n} windows"


def row(name: str) -> Row:
    """All windows of a configuration."""
    sensor = configurations()[name]
    errors: list[float] = []
    halves: list[float] = []
    widths: list[float] = []
    truths: list[float] = []
    powers: list[float] = []
    parts: list[dict[str, float]] = []
    bounded: list[float] = []
    outside = missing = 0
    seed = SEED
    while len(errors) < WINDOWS and seed < SEED + WINDOWS:
        recording = sensor.recorded(seed)
        seed += 1
        found = (_marked if sensor.is_marked else _alone)(sensor, recording)
        lengths_s = ((recording.t1_ns - recording.t0_ns) / 1e9).tolist()
        for estimate, truth, length_s in zip(found, recording.truth_j.tolist(), lengths_s, strict=True):
            outside += not estimate.low - 1e-9 <= truth <= estimate.high + 1e-9
            if estimate.value is None:
                missing += 1
                continue
            errors.append(estimate.value - truth)
            widths.append(estimate.U)
            parts.append(_by_cause(estimate))
            bounded.append(_bounded(estimate))
            halves.append((estimate.high - estimate.low) / 2)
            truths.append(truth)
            powers.append(truth / length_s)
    off, wide = np.abs(errors), np.array(widths)
    least = np.mean(powers) * sensor.update_us * 1e-6 + float(sensor.unit)
    rms = float(np.sqrt(np.mean(off**2)))
    return Row(
        name,
        len(errors),
        int(np.count_nonzero(off <= wide)),
        float(np.median(off) / np.mean(truths)),
        float(np.median(wide)) / rms,
        float(np.mean(halves) / least),
        outside,
        missing,
        max(CAUSES, key=lambda cause: float(np.median([each.get(cause, 0.0) for each in parts]))),
        1.0 if _is_sparse(sensor) else float(np.median(bounded)),
    )


def _alone(sensor: Sensor, recording: Recording) -> list[Estimate]:
    """The energies of windows by the counter's readings."""
    counter = Counter(recording.series, sensor.channel)
    return counter.estimates(counter.energies(recording.t0_ns, recording.t1_ns))


def _marked(sensor: Sensor, recording: Recording) -> list[Estimate]:
    """Those of windows that a program marked, as a trace has them."""
    ends = zip(recording.t0_ns.tolist(), recording.t1_ns.tolist(), strict=True)
    marks = [
        mark
        for n, (t0, t1) in enumerate(ends)
        for mark in ((t0, "@begin", n, "work"), (t1, "@end", n, "work"))
    ]
    channel = SimpleNamespace(channel=sensor.channel, series=recording.series)
    trace = Trace(rows([channel], sorted(marks)))
    return [each[sensor.channel.id] for each in trace.energies(trace.windows)]


PRIOR_FORMS, PRIOR_CAUSES = (BOUNDED, ALIASED), ("swings", "steps")
CAUSES = ("edges", "swings", "lag", "steps", "phase", "quantisation", "read time")


def _by_cause(estimate: Estimate) -> dict[str, float]:
    """The variance of each component, the two edges of a window together."""
    found: dict[str, float] = {}
    for each in estimate.components:
        found[each.name] = found.get(each.name, 0.0) + each.u**2
    return found


def _is_sparse(sensor: Sensor) -> bool:
    """Whether readings at edges are no denser than updates, so that one lies anywhere between two of them."""
    updates_hz = (1 - sensor.missed) / sensor.update_us * 1e6
    return sensor.at == "gaps" or sensor.rate_hz < DENSE * updates_hz


def _bounded(estimate: Estimate) -> float:
    """The share of a figure's variance that is of priors, of which only bounds are known."""
    every = [(each.u**2, each) for each in estimate.components]
    of = (u2 for u2, each in every if each.form in PRIOR_FORMS or each.name in PRIOR_CAUSES)
    return float(sum(of) / max(sum(u2 for u2, _ in every), 1e-300))


def table(rows: list[Row]) -> str:
    lines = [
        "| configuration | windows | covered | 99.9 % interval | median error | U / rms error "
        "| guaranteed | largest | |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    for each in rows:
        low, high = each.interval
        lines.append(
            f"| {each.name} | {each.n} | {each.covered / each.n:.1%} | {low:.1%} to {high:.1%} "
            f"| {each.error:.2g} | {each.width:.2f} | {each.guaranteed:.2f} | {each.largest} "
            f"| {each.verdict} |"
        )
    return "\n".join(lines)


def document(rows: list[Row], earlier: Collection[str] = ()) -> str:
    """What results/coverage.md says; rows that an earlier estimator gave are marked.

    Args:
        rows: Of the table.
        earlier: The names of those that were not taken anew.
    """
    known = {each.name for each in rows}
    rest = [name for name in configurations() if name not in known]
    not_taken = f"\nNot taken: {'; '.join(rest)}.\n" if rest else ""
    rows = [each._replace(name=f"{each.name} *") if each.name in earlier else each for each in rows]
    n, outside = (sum(each) for each in zip(*((row.n, row.outside) for row in rows), strict=True))
    return HEAD.format(n=n, outside=outside or "none") + table(rows) + "\n" + not_taken + FOOT


HEAD = """# Coverage of the uncertainty of RAPL energies

`python benchmarks/coverage.py` writes this: simulated recordings, the shipped estimator, {n} windows in all.

- *covered*: windows whose 95 % interval contains the truth.
- *median error*: relative to the mean energy of a window.
- *U / rms error*: the median U over the root mean square error; about 2 where errors are normal, and at most
  3 is asked where a prior is only bounded.
- *guaranteed*: the mean half-width of the guaranteed interval over the energy of one update and one quantum.
  Of all windows {outside} had their truth outside it.
- *largest*: the component of the uncertainty that is the largest one in the median.

The lag is the declared one, 0 to 1 ms, unless a row says another; *kernel* is a lane that the kernel
samples (2 µs late on average), the others a thread (60 µs). Windows of one row differ in length by a tenth,
and steady powers of few quanta by a tenth from recording to recording: of one length, or one power, all
windows of a row may err alike. Rows *learnt at marks* are what a trace says of windows that a program marked,
with a true lag of up to 1.2 ms; the others are of the counter alone. Rows of so many *windows at marks* are
those of a trace with a true lag of up to 3 ms, in whose recording power steps elsewhere too: up to seven
steps of a kind are too few to measure a lag, so that U allows for the longest one that they show. A row with
a star was taken some changes of the estimator ago.

"""
FOOT = """
- *no statement*: power in step with the updates leaves no trace in the readings, so that there is no 95 %
  interval of it (docs/accuracy.md). Guaranteed intervals hold. Nor does a step of 10 W that is *too faint* at
  1,000 Hz show a lag of twice what is assumed.
- *measured*: less than a tenth of the variance is of priors (the lag, updates between readings that are no
  denser, power between updates), so that no more than 97.5 % should be covered; *above 97.5 %* where more
  surely are. Nothing else has a ceiling: steady rows at 1,000 Hz and below are among those with priors.
  - Updates of 8 ms that are read at 200, 500 and 1,000 Hz: 8 ms is nearly 1.6, 4 or 8 times the time
    between two readings, so that how late an update is seen follows a slow pattern: nearly the same at both
    edges of some windows and the opposite at those of others, as their length has it. Both edges of a
    window share most of it, and both ends of a sum of adjoining windows less. U adds up what is left at these
    ends: sums of ten windows of 0.1 s at 500 Hz are covered in 100 % (same_readings.md).
  - Windows of 5 ms read at 1,500 and 4,000 Hz: U is 2.3 and 2.2 times the error. Why these are covered in
    99 % is not known. Of 20 windows at marks with a lag of 2 ms U is 3.3 times the error.
- *wide*: U is more than three times the error, with a prior. Which component that is stands under
  *largest*:
  - *edges* of updates of 2 ms and of missed ones read at 200 Hz, and of 8 ms read at 100 Hz: where readings
    are as far apart as updates, counts do not tell power that steps from updates that are further apart, and
    U takes the wider of both: the narrower one covered 47 to 93 % where power steps. For missed updates under
    60 Hz same_readings.md has a counter with the same readings and less than this ratio.
  - Up to 20 windows at marks, read at 1,000 Hz: so few steps leave several lags possible.
  - *swings* of a sine of 270 Hz and 8 W: in 1,024 updates a second it gives the same counts as one of 754
    Hz, which strays 1.7 times as far between updates. No reading distinguishes them, so both have one U,
    and the two rows differ by that ratio: 4.7 and 2.7. With 3 for the first, U of the second would be 1.7
    times its error, which covers 91 % of two edges that each err as a sine. Where 754 Hz would take the
    power below zero, as with 30 W, it is excluded.
  - *swings* of a counter of whole joules under a square wave of 3 Hz, whose updates are its quanta: of 20 W
    three fit between two steps, so that the power on one side of a step is often known from one or two
    quanta, and where it stepped between two of them not at all. Half of the windows have such an edge.
  - *swings* of power that wanders, with both edges in one gap: what strays is the same in part, and U takes
    each edge by itself.
- Power that steps inside an update is booked to both sides. All windows that begin and end with their own
  steps share that, so that it does not average, and *steps* allows for twice the mean loss. Without it no
  sum over such windows of a counter of whole joules holds, and 70 to 94 % of single ones. With it U of the
  counter alone is 2.3 to 4.4 times the error of windows from step to step with a measured lag. A trace fits
  the power of its windows at their marks, so that most of the loss is not there (rows *learnt at marks*).
- Windows of the loads are 0.1013 s long: of 0.1 s, a whole number of cycles of most sines here, both edges
  err alike, so that little of an error is seen.
"""


def main() -> None:
    words = sys.argv[1:]
    chosen = [name for name in configurations() if all(word in name for word in words)]
    rows = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for each in pool.map(row, chosen):
            rows.append(each)
            print(table([each]).splitlines()[-1], flush=True)
    if not words:
        (HERE / "results" / "coverage.md").write_text(document(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
