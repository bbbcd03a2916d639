"""How often 95 % intervals of power gauges and GPU counters contain the truth, by how often they are read.

    python benchmarks/coverage_rates.py               # writes results/coverage_rates.md
    python benchmarks/coverage_rates.py 250 steps     # only rows whose name holds the words; writes nothing
    python benchmarks/coverage_rates.py --seed 7 30   # of other recordings; writes nothing

Set ``OPENBLAS_NUM_THREADS=1``, as for ``coverage_gauges.py``, whose sensors, loads, windows, cells and rule
of failing these are; there all is read every 10 ms. When reads come after an update is drawn.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from coverage_gauges import RECORDINGS, WINDOWS, Cell, cells_of, table
from gauge_rows import (
    BESIDE,
    COUNTERS,
    OF_SECONDS,
    RECORDING_S,
    STEPS_OF_SECONDS,
    THREE_LEVELS,
    Meter,
    counter_meter,
    gauge_meter,
    load_of,
    plain,
    polls,
    windows,
)
from gauges import LENGTHS_S, REST_S, SENSORS, Load, Poll, gauge, truth_j
from gpu_counter import GpuCounter

from microjoule.channel import Timing
from microjoule.joules.estimates.brackets import F64
from microjoule.units import NS_PER_MS

HERE = Path(__file__).parent
ALIKE = 10  # recordings in which windows have two truths
SEED = 2_900_000  # no test and no study of the estimators uses these
LOADS = ("near: 0.97 T", "far: 3.7 T", "bursts", "steps", "wandering")
MISSED = ("near: 0.97 T", "near twice: 2.03 T", "far: 0.23 T")  # which reads that miss updates do not show
IN_STEP, QUARTER, HALF, TENTH = "every update, in step", "every 250 ms", "every 500 ms", "every 100 ms"
SILENT = "every 10 ms, but not for 50 to 500 ms every 2 s"
RATES = {  # None: so many updates apart
    "every 1 ms": Poll(rate_hz=1000.0),
    "every 30 ms": Poll(rate_hz=1 / 0.03),
    IN_STEP: None,
    SILENT: Poll(silent_every_s=2.0),
    "every 1.7 updates": None,
    QUARTER: Poll(rate_hz=4.0, jitter=0.02),
    HALF: Poll(rate_hz=2.0, jitter=0.01),
    "every second": Poll(rate_hz=1.0, jitter=0.01),
    TENTH: Poll(rate_hz=10.0, jitter=0.05),
}
WORK = "work of 7 s, high for half, ± 5 %"
OF_RATE = {  # loads beside those of the sensor's own update, or in their place
    HALF: (*(name for name in OF_SECONDS if "0.5 s:" in name), WORK, THREE_LEVELS, STEPS_OF_SECONDS),
    TENTH: (*(name for name in OF_SECONDS if "0.1 s:" in name or " 2 s" in name), STEPS_OF_SECONDS),
}
CPU = "counter of 1 ms, declared"  # as RAPL's
MILLISECOND = GpuCounter(
    update_s=0.001, timing=Timing(update_ns=NS_PER_MS, update_max_ns=10 * NS_PER_MS, lag_ns=NS_PER_MS)
)
UPDATES = {IN_STEP: 1.0, "every 1.7 updates": 1.7}
READ = {  # how each sensor is read
    "100 of 100 ms": tuple(rate for rate in RATES if rate != TENTH),
    "25 of 100 ms": (IN_STEP, SILENT, QUARTER, HALF),
    "10 of 20 ms": (HALF,),
    "capacitor of 50 ms": (HALF, TENTH),
    "100 of 100 ms, not declared": (HALF, TENTH),
    "counter of 100 ms, lag 100 ms": (IN_STEP, SILENT, HALF),
    CPU: (HALF, TENTH),
    "mean of 1 s": (IN_STEP, SILENT, TENTH),
}
Row = tuple[str, str, str]  # a sensor, how it is read, and a load


def rows() -> list[Row]:
    """All of the table, in order."""
    return [
        (sensor, rate, load)
        for sensor, rates in READ.items()
        for rate in rates
        for load in OF_RATE.get(rate, LOADS) + _hidden_loads(sensor, rate)
    ]


def _hidden_loads(sensor: str, rate: str) -> tuple[str, ...]:
    is_missed = rate not in OF_RATE and _is_missed((sensor, rate, MISSED[0]))
    return MISSED[1:] if is_missed else ()


def _is_missed(row: Row) -> bool:
    """Whether a gauge's reads miss updates that a load may hide in."""
    sensor, rate, load = row
    return sensor in SENSORS and load in MISSED and _poll(sensor, rate).rate_hz * _update_s(sensor) < 0.8


def _update_s(sensor: str) -> float:
    return (SENSORS.get(sensor) or COUNTERS.get(sensor) or MILLISECOND).update_s


def _poll(sensor: str, rate: str) -> Poll:
    return RATES[rate] or Poll(rate_hz=1 / (UPDATES[rate] * _update_s(sensor)), jitter=0.02)


def meter_of(sensor: str, rate: str) -> Meter:
    """What makes a meter of a load and a seed."""
    poll = _poll(sensor, rate)
    if sensor in SENSORS:
        return gauge_meter(sensor, poll, is_any_phase=True)
    if sensor == CPU:
        return lambda load, seed: plain(MILLISECOND.counter(load, polls(seed, poll)[0], seed))
    return counter_meter(COUNTERS[sensor], BESIDE, poll)


def row(asked: Row, seed: int = SEED) -> list[Cell]:
    """A cell for each length of window."""
    sensor, rate, load = asked
    first = seed + RECORDINGS * rows().index(asked)
    return cells_of(meter_of(sensor, rate), _update_s(sensor), load, first)


def wider(asked: Row, seed: int = SEED) -> list[float]:
    """For each length, the U that holds 95 % of windows over the error under a load of the same readings.

    That has the power of each reading for all of the update that it shows, and goes straight from one to the
    next in the updates that nobody read.
    """
    sensor, rate, name = asked
    of, still = _update_s(sensor), replace(SENSORS[sensor], jitter=0.0, noise_w=0.0)
    off: list[list[F64]] = [[] for _ in LENGTHS_S]
    for each in range(seed, seed + ALIKE):
        load, poll = load_of(name, of, each), polls(each, _poll(sensor, rate))[0]
        end_s = load.span_s[1] + REST_S + still.window_s
        at, watts = still.updates(load, end_s, each)
        read_s = poll.reads_s(at[0], end_s, np.random.default_rng([each, 7]))
        shown = np.unique(np.searchsorted(at, read_s, "right") - 1)
        other = Load(at, np.append(np.interp(np.arange(len(at)), shown, watts[shown]), watts[-1]))
        differs_w = np.abs(still.updates(other, end_s, each)[1] - watts)[shown[1:]]
        assert differs_w.max() < 1.5 * still.quantum_w, "another load has other readings"
        found = gauge(load, still, poll, each)
        for own, length_s in zip(off, LENGTHS_S, strict=True):
            t0, t1 = windows(load, length_s, WINDOWS, each)
            value = found.energies(t0, t1).value
            own.append(np.stack([value - truth_j(one, t0, t1) for one in (load, other)]))
    errors = [np.concatenate(own, axis=1) for own in off]
    return [float(np.nanquantile(np.abs(own), 0.95) / np.sqrt(np.nanmean(same**2))) for own, same in errors]


HEAD = """# Coverage by how often gauges and counters are read

`python benchmarks/coverage_rates.py` writes this: the sensors, loads, windows and cells of
`coverage_gauges.md`, where all is read every 10 ms, at other rates. {n} windows in all, {least} to {each} a
cell, of {recordings} recordings of {length:g} s. A cell in bold *fails*: the 99.9 % binomial interval of its
share lies below 93 %. {failing} of {cells} cells fail of those that readings can tell, and {hidden} of
{of_hidden} of those that they cannot (below). In {outside} windows the guaranteed interval missed the truth
or the value. Where the median U is more than three times the root mean square error ({wide} of {cells}
cells), the largest component follows.

When reads come after an update is drawn for each recording, and so is what `coverage_gauges.md` draws. Reads
that see each update once do not show how old its values are: that is in *lag*, and part of U under all loads.
Of a counter such reads leave each update open by as much, which is in *edges*.

Reads every 500 ms, and every 100 ms of some, are under loads near the reads' own frequency, and under work of
seconds. A sensor that looks at a tenth of the time or less, or at nobody knows which part, reads the same of
both, so that its U is as wide as the one asks under the other.

{those}
"""
NOT_SHOWN = """## Loads that reads rarer than updates do not show

Between two reads there are updates that nobody sees. A load near the updates' own frequency, or a quicker
one, comes at another phase in each reading, and what a mean leaves of it looks like power that wanders a
little: means of 100 ms show 3 % of what 0.97 T swings by. Reads that come once an update or more often hold
these loads (tables above).

A load that has the power of each reading in all of its update, and goes straight from one to the next in the
updates that nobody reads, has the same readings. A U that holds 95 % of windows under the load of the row is
so many times the root mean square error under that one:

{wider}
"""


def text(found: dict[Row, list[Cell]]) -> str:
    """The file."""
    hidden = set(filter(_is_missed, found))
    told = [cell for each, cells in found.items() if each not in hidden for cell in cells]
    untold = [cell for each in hidden for cell in found[each]]
    head = HEAD.format(
        n=sum(cell.n for cell in told + untold),
        least=min(cell.n for cell in told + untold),
        each=max(cell.n for cell in told + untold),
        recordings=RECORDINGS,
        length=RECORDING_S,
        failing=sum(not cell.is_held for cell in told) or "None",
        cells=len(told),
        hidden=sum(not cell.is_held for cell in untold) or "none",
        of_hidden=len(untold),
        outside=sum(cell.outside for cell in told + untold) or "no",
        wide=sum(cell.is_wide for cell in told),
        those=_failing({each: cells for each, cells in found.items() if each not in hidden}),
    )
    not_shown = NOT_SHOWN.format(wider=_wider([each for each in found if each in hidden]))
    return head + _tables(found, hidden, False) + not_shown + _tables(found, hidden, True).rstrip("\n") + "\n"


def _wider(hidden: list[Row]) -> str:
    """The table of :func:`wider`."""
    lines = [f"| sensor, read, load | {' | '.join(f'{s:g} s' for s in LENGTHS_S)} |"]
    lines.append("|---" + "|---:" * len(LENGTHS_S) + "|")
    lines += [f"| {', '.join(each)} | {' | '.join(f'{of:.0f}' for of in wider(each))} |" for each in hidden]
    return "\n".join(lines) + "\n"


def _failing(found: dict[Row, list[Cell]]) -> str:
    """Which cells are, or that none is."""
    lines = []
    for (sensor, rate, load), cells in found.items():
        at = zip(LENGTHS_S, cells, strict=True)
        if those := [f"{s:g} s {cell.covered / cell.n:.1%}" for s, cell in at if not cell.is_held]:
            lines.append(f"- {sensor}, read {rate}, {load}: {', '.join(those)}\n")
    return "Those that fail:\n\n" + "".join(lines) if lines else ""


def _tables(found: dict[Row, list[Cell]], hidden: set[Row], is_hidden: bool) -> str:
    """One for each sensor and rate."""
    of: dict[str, dict[str, list[Cell]]] = {}
    for each, cells in found.items():
        if (each in hidden) == is_hidden:
            of.setdefault(f"{each[0]}; read {each[1]}", {})[each[2]] = cells
    return "".join(
        table(name, cells).replace("## ", "### " if is_hidden else "## ", 1) + "\n"
        for name, cells in of.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="*", help="of the names of rows")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    chosen = [each for each in rows() if all(word in " / ".join(each) for word in given.words)]
    found: dict[Row, list[Cell]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for each, cells in zip(chosen, pool.map(partial(row, seed=given.seed), chosen), strict=True):
            found[each] = cells
            print(" / ".join(each) + ": " + " | ".join(map(str, cells)), flush=True)
    failing = sum(not cell.is_held for cells in found.values() for cell in cells)
    print(f"{failing} of {sum(map(len, found.values()))} fail")
    if not given.words and given.seed == SEED:
        (HERE / "results" / "coverage_rates.md").write_text(text(found), encoding="utf-8")


if __name__ == "__main__":
    main()
