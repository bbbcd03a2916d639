"""How often 95 % intervals of power gauges and GPU counters contain the truth, by configuration.

    python benchmarks/coverage_gauges.py                # writes results/coverage_gauges.md
    python benchmarks/coverage_gauges.py "1 s" bursts   # only rows whose name holds the words; writes nothing

Sensors, loads and polls are those of ``tests/gauges.py`` and ``tests/gpu_counter.py``: loads are constant
between instants, so that their energy is exact, near and far from the sensor's period, bursts, steps. Windows
do not overlap and fall anywhere. No sensor here has a gain or an offset: what is tested is all but those. A
configuration fails where the 99.9 % binomial interval of its coverage lies below 93 %, or where a guaranteed
interval misses the truth or the value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import gauges
from gauges import LENGTHS_S, POLLS, REST_S, SENSORS, T0, Load, S, truth_j
from gpu_counter import GpuCounter

from microjoule.joules.counter import Counter
from microjoule.joules.estimate import Estimate
from microjoule.joules.fused_edges import finer, fused
from microjoule.joules.gauge import Gauge
from microjoule.joules.lag_beside_gauge import lag_beside_gauge
from microjoule.joules.update_record import record_of

HERE = Path(__file__).parent
RECORDING_S = 600.0
WINDOWS = 2000
RECORDINGS = 5  # 2,000 windows of 1 s; of 3 and 10 s there are as many as fit
SEED = 94_000  # no test and no study of the estimators uses these
COUNTERS = {
    f"counter of {1000 * update_s:.0f} ms, lag {1000 * lag_s:.0f} ms": GpuCounter(
        update_s=update_s, lag_s=lag_s
    )
    for update_s, lag_s in ((0.02, 0.0), (0.02, 0.02), (0.02, 0.1), (0.1, 0.0), (0.1, 0.1))
}
BETWEEN = (0.55, 0.8, 1.5, 3.0)  # of a gauge's update: beats of a few readings, and readings that repeat
BESIDE = "25 of 100 ms"  # the gauge from which the counters' lag is learnt
FINER = ("10 of 20 ms", "capacitor of 50 ms")  # gauges that place a counter's energy
PLACED = {
    f"counter of 100 ms, lag {1000 * lag_s:.0f} ms, placed by gauge {sensor}": (
        GpuCounter(update_s=0.1, lag_s=lag_s),
        sensor,
    )
    for sensor in FINER
    for lag_s in (0.0, 0.1)
}
Energies = Callable[[np.ndarray, np.ndarray], list[Estimate]]
Meter = Callable[[Load, int], Energies]


class Cell(NamedTuple):
    """What the windows of one configuration show."""

    n: int
    covered: int
    error: float  # root mean square over the mean energy of a window
    width: float  # median U over the root mean square error
    outside: int  # windows whose guaranteed interval misses the truth or the value

    @property
    def highest(self) -> float:
        """Of the 99.9 % interval of the share covered."""
        return float(binomtest(self.covered, self.n).proportion_ci(0.999).high)

    @property
    def is_held(self) -> bool:
        return self.highest >= 0.93 and not self.outside

    def __str__(self) -> str:
        text = f"{self.covered / self.n:.1%} {min(self.width, 99):.1f}"
        if self.outside:
            return f"**OUTSIDE {text}**"
        return text if self.is_held else f"**{text}**"


def configurations() -> dict[str, tuple[Meter, float]]:
    """What makes a meter of a load and a seed, and its update interval, by name."""
    found: dict[str, tuple[Meter, float]] = {}
    for sensor in SENSORS:
        for poll in ("10 ms", "10 ms, stamps of updates"):
            found[f"gauge {sensor}; read every {poll}"] = (_gauge(sensor, poll), SENSORS[sensor].update_s)
    for name, counter in COUNTERS.items():
        found[name] = (_counter(counter, BESIDE), counter.update_s)
    for name, (counter, sensor) in PLACED.items():
        found[name] = (_counter(counter, sensor), counter.update_s)
    return found


def _loads(update_s: float, seed: int) -> dict[str, Load]:
    """Those of the tests, and loads of periods in between."""
    between = {f"between: {of:g} T": gauges.square(of * update_s, RECORDING_S, seed) for of in BETWEEN}
    return gauges.loads(update_s, RECORDING_S, seed) | between


def _gauge(sensor: str, poll: str) -> Meter:
    return lambda load, seed: _plain(gauges.gauge(load, SENSORS[sensor], POLLS[poll], seed))


def _plain(of: Counter | Gauge) -> Energies:
    return lambda t0, t1: of.estimates(of.energies(t0, t1))


def _counter(of: GpuCounter, sensor: str) -> Meter:
    """The counter with the lag that a gauge shows; where that is finer, it places the counter's energy."""

    def meter(load: Load, seed: int) -> Energies:
        counter = of.counter(load, POLLS["10 ms"], seed)
        beside = gauges.gauge(load, SENSORS[sensor], POLLS["10 ms"], seed)
        counter = counter.with_timing(lag_beside_gauge(counter, record_of(counter), [beside]))
        shown, own = finer(counter, [beside]), _plain(counter)
        if shown is None:
            return own
        return lambda t0, t1: fused(counter, shown, own(t0, t1), t0, t1)

    return meter


def row(asked: tuple[str, str]) -> list[Cell]:
    """A cell for each length of window, of one sensor under one load."""
    name, load_name = asked
    meter, update_s = configurations()[name]
    columns: list[list[tuple[float, float, float, bool]]] = [[] for _ in LENGTHS_S]
    for seed in range(SEED, SEED + RECORDINGS):
        load = _loads(update_s, seed)[load_name]
        of = meter(load, seed)
        for column, length_s in zip(columns, LENGTHS_S, strict=True):
            if len(column) < WINDOWS:
                column.extend(_windows(of, load, length_s, seed))
    return [_cell(column[:WINDOWS]) for column in columns]


def _windows(
    of: Energies, load: Load, length_s: float, seed: int
) -> Iterator[tuple[float, float, float, bool]]:
    """Error, U, truth, and whether the guaranteed interval holds truth and value."""
    chance = np.random.default_rng([seed, 31])
    apart = length_s + chance.uniform(0, 0.5 * length_s + 0.1, round(RECORDING_S / length_s))
    begins = REST_S + np.cumsum(apart) - length_s
    begins = begins[begins + length_s < load.span_s[1]]
    t0 = T0 + np.rint(begins * S).astype(np.int64)
    t1 = t0 + round(length_s * S)
    for estimate, truth in zip(of(t0, t1), truth_j(load, t0, t1).tolist(), strict=True):
        if estimate.value is not None:
            is_bound = estimate.low - 1e-6 <= truth <= estimate.high + 1e-6
            is_bound &= estimate.low <= estimate.value <= estimate.high
            yield estimate.value - truth, estimate.U, truth, is_bound


def _cell(windows: list[tuple[float, float, float, bool]]) -> Cell:
    errors, wide, truths, is_bound = (np.array(column) for column in zip(*windows, strict=True))
    rms = max(float(np.sqrt(np.mean(errors**2))), 1e-9)
    # Errors below a microjoule are rounding.
    covered = int(np.count_nonzero(np.abs(errors) <= wide + 1e-6))
    outside = int(np.count_nonzero(~is_bound.astype(bool)))
    return Cell(len(errors), covered, rms / float(truths.mean()), float(np.median(wide)) / rms, outside)


HEAD = """# Coverage of the uncertainty of power gauges and GPU counters

`python benchmarks/coverage_gauges.py` writes this: simulated recordings of ten minutes, the shipped
estimator, {n} windows in all, which do not overlap; no gain and no offset. Each cell has the share of windows
whose 95 % interval contains the truth, and the median U over the root mean square error. A cell in bold
fails: the 99.9 % binomial interval of its share lies below 93 %. Cells have up to 2,000 windows, those of
10 s {ten}. In {outside} windows the guaranteed interval missed the truth or the value.

The lag of a counter is learnt from a gauge that looks at 25 of each 100 ms; T is the update interval.

"""
FOOT = """
## Where U is more than three times the error

- *near* loads and 0.23 T: both ends of a window are off by the load's swing inside a period, and U holds
  them at their worst, whatever the window's length. Lengths here are whole numbers of updates, and some of
  them whole cycles, of which both ends err alike: of 0.97 T a window of 0.1 s is 1.03 cycles, and U is 20
  times the error; of 0.085 s it is 7.4, of 0.07 and 0.13 s 3.8 and 3.4, of 0.15 s 2.9 times. Of 0.23 T a
  window of 0.3 s has 14, of 0.265 and 0.335 s 2.9 and 2.8. Of 2.03 T a window of 1 s has 11.8, of 0.9 and
  1.1 s 3.4; of 3.7 T one of 10 s has 11.7, of 8.8 s 3.6. Under the capacitor's sensor, updated every 15 ms, a
  window of 30 ms is 0.985 cycles of 2.03 T: 54.
- Steps and 17.3 T from 0.3 s on: the *lag*. A gauge's readings may trail by 2 % of its period either way
  (seven public logs show up to 10 %), a mean of a second by 50 ms, a counter's as far as its lag was learnt:
  bounded priors that no reading narrows. Here nothing trails: of U / rms error 7.3 in windows of 1 s under
  100 of 100 ms (17.3 T) the lag is 5.6, and of 13 in windows of 3 s under a mean of a second (wandering) 9.
- *steady* in short windows: the sensor's noise is taken to be 0.1 % of the power at most, and is less here.
- Sensors that look at a part of the time: what power does in the gaps of loads near 2 T is taken to be new
  in each gap, because a load of 2/3 T shows the same readings. The errors of a regular load's gaps (3.7 T,
  17.3 T over 10 s) cancel, which U credits for up to 16 readings in a row. What lies in a gap is in no
  reading: no better is to be had of it than statistics.
- A gauge of which nothing is declared: nobody knows of which part of the time a reading speaks, and here it
  is all of it.
- Counters of 100 ms: short levels, of which each update is unlike both of its neighbours.

The ratio says less where errors are of two kinds. Under steps most windows have next to none, and the median
U is theirs, while the root mean square error is that of the few in which a step is cut: the ratio falls below
1 and no window is short of ± (bursts, 17.3 T and steps, in the shortest windows). The root mean square of U,
which those few have, is 4 to 5 times the error under bursts of 100 of 100 ms in windows up to 0.3 s.
"""


def table(name: str, rows: dict[str, list[Cell]]) -> str:
    """One sensor's table."""
    head = f"## {name[0].upper()}{name[1:]}\n\n| load | " + " | ".join(f"{s:g} s" for s in LENGTHS_S) + " |\n"
    lines = [f"| {load} | " + " | ".join(map(str, cells)) + " |" for load, cells in rows.items()]
    return head + "|---" + "|---:" * len(LENGTHS_S) + "|\n" + "\n".join(lines) + "\n"


def main() -> None:
    words = sys.argv[1:]
    loads = list(_loads(1.0, 0))
    every = [(name, load) for name in configurations() for load in loads]
    asked = [each for each in every if all(word in " / ".join(each) for word in words)]
    found: dict[str, dict[str, list[Cell]]] = {}
    with ProcessPoolExecutor(1) as pool:
        for (name, load), cells in zip(asked, pool.map(row, asked), strict=True):
            found.setdefault(name, {})[load] = cells
            print(f"{name} / {load}: " + " | ".join(map(str, cells)), flush=True)
    cells = [cell for rows in found.values() for each in rows.values() for cell in each]
    failing = sum(not cell.is_held for cell in cells)
    print(f"{failing} of {len(cells)} configurations fail")
    if not words:
        head = HEAD.format(
            n=sum(cell.n for cell in cells),
            ten=max(each[-1].n for rows in found.values() for each in rows.values()),
            outside=sum(cell.outside for cell in cells) or "none",
        )
        head += f"{failing} of {len(cells)} configurations fail.\n\n"
        text = head + "\n".join(table(name, rows) for name, rows in found.items()) + FOOT
        (HERE / "results" / "coverage_gauges.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
