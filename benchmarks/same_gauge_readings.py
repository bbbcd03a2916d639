"""Loads with the same readings of a gauge or GPU counter: why some ± of coverage_gauges.md is not narrower.

    python benchmarks/same_gauge_readings.py   # half an hour; writes results/same_gauge_readings.md

A row is simulated without jitter of updates. Then other loads are searched that have the same readings:

* *period*: two levels, high for 10 to 90 % of a period T / (k + φ) or T / (k - φ), where φ is what the row's
  load has beyond whole cycles an update. At updates these loads have the same phases or their mirror images.
  For each duty the phase is searched; level and swing are a regression on the readings;
* *edges*: the levels of the row's load, or of one of *period*, and each edge that no reading shows is
  anywhere in its gap. Only for gauges that look at a part of the time, and for loads with no more than three
  edges in a gap;
* *rows*: the same, but of eight rises in a row all are at one place of their gaps, and of as many falls;
* *ends*: the same, but each edge is at one end of its gap, by chance at either;
* *longest*: of 1.5 and 3 T, whose edges are at few places, all rises are at one end of their gaps and all
  falls at the other, so that power is high for as long, or as short, as readings leave open;
* *hidden*: the row's load, which besides is high for half or more of one in six gaps between two looks at
  its low level. Only for gauges that look at a part of the time;
* *filled*: the same, for all of every second gap, by chance;
* *sensor*: of a gauge of which nothing is declared, those of f = k + φ or k - φ cycles an update, high for
  half of a period, with another sensor: it looks at another part c of each update, where c f is as far from a
  whole number as the row's is, and shows its readings as soon, or as late, as an update allows. For a slow
  sine it is a quick one, and the sensor looks at as much of each update as leaves it room;
* *both*: a load of *ends* or *longest* under such a gauge, which shows its readings as soon, or as late;
* *inside*: between 0 and the limit, or the row's levels, high once in each update, anywhere in it, for as
  long as its energy says: no mean of whole updates changes, nor one of a second. Of irregular loads these
  parts differ by less than the row's own; of 1.5 and 3 T three updates come again and again, too. Only for
  sensors that look at all of the time, and capacitors, for as long as its charge says; of these *rows* and
  *ends* are the same, at one place in eight updates in a row, or at either end. Of steady power it is
  between the lowest and the highest reading, and the readings' noise is its own;
* *pattern*: of a mean of a second, the row's load and a square wave of two to five cycles a second, as large
  as a quarter of the row's swing, or as there is room for;
* *lag*: of a counter beside a gauge, the row's load earlier or later by as much as the learnt interval of its
  lag leaves open: by when reads come after the updates of either, and by how much the gauge trails;
* *both*: of a counter that no gauge places, *inside* and *lag* together. Of the gauge that tells its lag only
  the lag is asked, not whether a load that is another one inside updates had the same readings.

Of those that fit between 0 and the limit the one is taken whose windows err most, for each recording and
length. The estimator sees one recording, so that value and U are the same for all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import gauge_rows
import gauges
import numpy as np
import numpy.typing as npt
from gauges import LENGTHS_S, LIMIT_W, POLLS, SENSORS, Load, truth_j
from loads_alike import (
    ALIKE,
    ROW,
    Periodic,
    Sine,
    charging_alike,
    one_in_each,
    periodic,
    quick_sines,
    unseen,
    with_a_pattern,
    with_other_parts,
)

F64 = npt.NDArray[np.float64]
HERE = Path(__file__).parent
SEED, RECORDINGS, WINDOWS = 6_400_000, 10, 23  # of a row, and of each recording and length
JUSTIFIED, HOLDS = 0.95, 0.93
WIDE = 3.0
CAPACITOR, LONG = "capacitor of 50 ms", "mean of 1 s"
PERIODS = {"near: 0.97 T": 0.97, "far: 0.23 T": 0.23, "near twice: 2.03 T": 2.03, "far: 3.7 T": 3.7}
SMOOTH = "smooth: sine of 50 T"  # by 20 W
PERIODS |= {"far: 17.3 T": 17.3, "between: 0.8 T": 0.8, "between: 1.5 T": 1.5, "between: 3 T": 3.0}
TWO_LEVELS = PERIODS | {"near: 0.9 T": 0.9, "near: 1.1 T": 1.1, "between: 0.55 T": 0.55}
PERIODS |= {SMOOTH: 50.0}
BURSTS, STEADY, STAMPS = "bursts", "steady", ", stamps of updates"
PATTERN = (2, 3, 4, 5)  # cycles a second, of which a mean of one shows nothing
PATTERNED = ("near twice: 2.03 T", "far: 3.7 T")  # rows of which U includes them
PART_TIME = [each + of for each in ("25 of 100 ms", "10 of 20 ms") for of in ("", STAMPS)] + ["20 of 100 ms"]
COUNTERS = {name: (of, gauge_rows.BESIDE) for name, of in gauge_rows.COUNTERS.items()} | gauge_rows.PLACED
LAGS = 9  # of those that the interval of a learnt one holds
ROWS = [
    *(("100 of 100 ms", load) for load in ("between: 3 T", "between: 1.5 T", "far: 0.23 T", "near: 0.97 T")),
    *(("100 of 100 ms", load) for load in ("near twice: 2.03 T", "far: 3.7 T", STEADY)),
    *((sensor, load) for sensor in PART_TIME for load in (*TWO_LEVELS, BURSTS)),
    *((of, load) for of in COUNTERS for load in (*gauges.LOADS, *gauge_rows.BETWEEN) if load != "steady"),
    *((LONG, load) for load in PERIODS if load != SMOOTH),
    *((LONG, load) for load in ("between: 0.55 T", BURSTS, "wandering")),
    *((sensor, load) for sensor in ("100 of 100 ms", LONG) for load in gauge_rows.IRREGULAR),
    *((sensor, load) for sensor in SENSORS if sensor.endswith("not declared") for load in PERIODS),
    *((CAPACITOR, load) for name, load in gauge_rows.rows() if name.startswith(f"gauge {CAPACITOR};")),
]
AT_ENDS = ("ends", "longest")
REPEAT = {"between: 3 T": 3, "between: 1.5 T": 3}  # updates after which readings come again
PATTERNS = 8  # of places of high parts in so many updates
EnergyAt = Callable[[F64], F64]


class Recorded(NamedTuple):
    """The meter of a row, and what its updates look at; times in seconds.

    Attributes:
        energies: Of windows.
        ends_s: float64[n]: when each update's look ends.
        window_s: How long it is.
        update_s: Between two updates.
        late_s: By how much later an update comes than its look ends.
        watts: float64[n]: what readings say, with their noise; empty: a counter's.
        moved_s: By how much earlier the load may have been: of a counter.
    """

    energies: gauge_rows.Energies
    ends_s: F64
    window_s: float
    update_s: float
    late_s: float
    watts: F64 = np.empty(0)
    moved_s: tuple[float, ...] = ()


class Updates(NamedTuple):
    """When updates' looks end (float64[n], s), which part of each they take, and what they say (W)."""

    ends_s: F64
    part: float
    watts: F64


class Seen(NamedTuple):
    """One window of a row: what U is, and how far its value is from the truth of each load. Joules."""

    wide: float
    error: float
    others: dict[str, float]  # of the worst other load of each kind


def recorded(name: str, load: Load, seed: int) -> Recorded:
    """The meter of a row under its load."""
    if name in COUNTERS:
        of, sensor = COUNTERS[name]
        of = replace(of, jitter=0.0)
        n = int((load.span_s[1] + gauges.REST_S + 1.0) / of.update_s) + 2
        at = (np.arange(n) + np.random.default_rng([seed, 21]).uniform(0, 1)) * of.update_s - of.lag_s
        counter, beside = gauge_rows.counter_beside(of, sensor, load, seed)
        timing = counter.channel.timing
        middle_s, half_s = timing.middle_lag_ns / gauges.S, timing.half_lag_ns / gauges.S
        if name in gauge_rows.PLACED and timing.likely_lag_ns is None:  # then the gauge alone says when
            middle_s, half_s = of.lag_s, gauge_rows.LAG_BESIDE_COUNTER * SENSORS[sensor].update_s
        moved_s = tuple((middle_s - of.lag_s + half_s * np.linspace(-1, 1, LAGS)).tolist())
        energies = gauge_rows.placed(counter, beside)
        return Recorded(energies, at, of.update_s, of.update_s, of.lag_s, moved_s=moved_s)
    sensor = name.removesuffix(STAMPS)
    still, poll = replace(SENSORS[sensor], jitter=0.0), POLLS["10 ms" + name[len(sensor) :]]
    lag = gauge_rows.LAG_OF_LONG_MEAN if name == LONG else gauge_rows.LAG
    drawn, seen = gauge_rows._drawn(still, load, np.random.default_rng([seed, 32]), lag)
    found = gauges.gauge(seen, drawn, poll, seed)
    at, watts = drawn.updates(seen, seen.span_s[1] + gauges.REST_S + drawn.window_s, seed)
    late_s = float(seen.edges_s[0] - load.edges_s[0])
    return Recorded(gauge_rows.plain(found), at - late_s, drawn.window_s, drawn.update_s, late_s, watts)


def one(asked: tuple[str, str], seed: int) -> tuple[list[list[Seen]], float]:
    """A recording of a row: windows of each length, and the largest difference of readings over noise."""
    name, load_name = asked
    sensor = COUNTERS[name][0] if name in COUNTERS else SENSORS[name.removesuffix(STAMPS)]
    update_s = sensor.update_s
    load = smooth(update_s, seed) if load_name == SMOOTH else gauge_rows.load_of(load_name, update_s, seed)
    period = (PERIODS | TWO_LEVELS).get(load_name, 1.0)
    energies, ends_s, window_s, update_s, late_s, read_w, moved_s = recorded(name, load, seed)
    rest_s = (max(period, 1) + 1) * update_s + window_s
    is_inside = (ends_s > load.span_s[0] + rest_s) & (ends_s < load.span_s[1] - rest_s)
    ends_s, read_w = ends_s[is_inside], read_w[is_inside[: len(read_w)]]
    tau_s = SENSORS[name].tau_s if name in SENSORS else 0.0
    shown = partial(_looked_at, ends_s=ends_s, window_s=window_s)
    if tau_s:
        shown = partial(gauges._charged, at=ends_s, tau_s=tau_s)
    watts = shown(load)
    part, start_s = window_s / update_s, float(ends_s[0])
    others: list[tuple[str, EnergyAt]] = []
    others += [("lag", partial(_earlier, load, by_s)) for by_s in moved_s]
    differs = [0.0]
    with_gaps = [(load, 1 / period)]
    is_regular = load_name in PERIODS | TWO_LEVELS and not tau_s and name not in gauge_rows.PLACED
    for each in periodic(watts, part, 1 / period) if is_regular else []:
        others.append(("period", partial(_since, each, start_s, update_s)))
        differs.append(float(np.abs(each.shown_w(len(watts), part) - watts).max()))
        with_gaps.append((each.load(len(watts), start_s, update_s), each.cycles))
    if name.endswith("not declared"):
        is_sine = load_name == SMOOTH
        found = quick_sines(watts, 1 / period) if is_sine else with_other_parts(watts, part, 1 / period)
        for of, other in found:
            starts_s = (start_s + late_s - other_s for other_s in (0.0, (1 - of) * update_s))
            others += [("sensor", partial(_since, other, at_s, update_s)) for at_s in starts_s]
            differs.append(float(np.abs(other.shown_w(len(watts), of) - watts).max()))
    for kind, other in _of_all_time(name, load_name, Updates(ends_s, part, read_w), load, seed):
        others.append((kind, other.energy_j))
        if kind == "inside":
            others += [("both", partial(_earlier, other, by_s)) for by_s in moved_s]
        seen = slice(int(np.ceil(part)), None)  # readings of these updates alone
        differs.append(0.0 if kind == "noise" else float(np.abs(shown(other) - watts)[seen].max()))
    sees_a_part = name.removesuffix(STAMPS) in SENSORS and 0 < part < 0.99
    repeats = load_name in REPEAT
    shown_s = (0.0, (1 - part) * update_s) if name.endswith("not declared") else ()
    for kind, other in unseen(with_gaps, ends_s, window_s, seed, repeats) if sees_a_part else []:
        others.append((kind, other.energy_j))
        others += [("both", partial(_earlier, other, by_s - late_s)) for by_s in shown_s if kind in AT_ENDS]
        differs.append(float(np.abs(shown(other) - watts).max()))
    most = max(differs) / (ALIKE * float(watts.mean()))
    assert most < 1, "another load has other readings"
    inside = (start_s + update_s, float(ends_s[-1]) - update_s)
    return [_windows(energies, load, others, length_s, inside, seed) for length_s in LENGTHS_S], most


def _of_all_time(name: str, load_name: str, of: Updates, load: Load, seed: int) -> Iterator[tuple[str, Load]]:
    """Other loads of sensors that look at all of the time, and capacitors, with their kinds."""
    chance = np.random.default_rng([seed, 38])
    tau_s = SENSORS[name].tau_s if name in SENSORS else 0.0
    if (not tau_s and (of.part < 0.99 or name.endswith("not declared"))) or name in gauge_rows.PLACED:
        return
    n = len(of.ends_s)
    places = [chance.uniform(0, 1, n)]
    if tau_s:
        rows, ends = np.repeat(chance.uniform(0, 1, n // ROW + 1), ROW), chance.integers(0, 2, n) / 1.0
        for kind, each in (("inside", places[0]), ("rows", rows), ("ends", ends)):
            yield kind, charging_alike(load, of.ends_s, tau_s, each)
        return
    if load_name in REPEAT:
        places += list(chance.uniform(0, 1, (PATTERNS, REPEAT[load_name])))
    low_w, high_w = float(load.watts.min()), float(load.watts.max())
    if load_name == STEADY:
        noisy = Load(of.ends_s, np.append(of.watts, of.watts[-1]))
        levels_w = float(of.watts.min()), float(of.watts.max())
        yield "noise", one_in_each(noisy, of.ends_s, levels_w, places[0])
        return
    for each in places:
        for levels_w in ((low_w, high_w), (0.0, LIMIT_W)):
            yield "inside", one_in_each(load, of.ends_s, levels_w, each)
    by_w = min(low_w, LIMIT_W - high_w, (high_w - low_w) / 4)
    for a_second in PATTERN if name == LONG and load_name in PATTERNED else ():
        yield "pattern", with_a_pattern(load, a_second, float(chance.uniform()), by_w)


def smooth(update_s: float, seed: int) -> Load:
    """The slow sine, in two hundred steps an update."""
    lowest_w, step_s = np.random.default_rng([seed, 37]).uniform(100, 300) - 20, update_s / 200
    n = round(gauge_rows.RECORDING_S / step_s)
    watts = lowest_w + 20 + 20 * np.sin(2 * np.pi * np.arange(n) / 200 / PERIODS[SMOOTH])
    return Load(gauges.REST_S + np.arange(n + 1) * step_s, np.concatenate(([lowest_w], watts, [lowest_w])))


def _looked_at(load: Load, ends_s: F64, window_s: float) -> F64:
    return np.asarray((load.energy_j(ends_s) - load.energy_j(ends_s - window_s)) / window_s)


def _since(of: Periodic | Sine, start_s: float, update_s: float, t_s: F64) -> F64:
    return of.energy_j(t_s - start_s, update_s)


def _earlier(load: Load, by_s: float, t_s: F64) -> F64:
    return np.asarray(load.energy_j(t_s + by_s))


def _windows(
    energies: gauge_rows.Energies,
    load: Load,
    others: list[tuple[str, EnergyAt]],
    length_s: float,
    inside: tuple[float, float],
    seed: int,
) -> list[Seen]:
    t0, t1 = gauge_rows.windows(load, length_s, WINDOWS, seed)
    from_s, to_s = ((t - gauges.T0) / gauges.S for t in (t0, t1))
    kept = (from_s > inside[0]) & (to_s < inside[1])
    t0, t1, from_s, to_s = t0[kept], t1[kept], from_s[kept], to_s[kept]
    found = energies(t0, t1)
    values = np.array([np.nan if each.value is None else each.value for each in found])
    worst: dict[str, F64] = {}
    for kind, energy_j in others:
        error = values - (energy_j(to_s) - energy_j(from_s))
        if kind not in worst or np.nanmean(error**2) > np.nanmean(worst[kind] ** 2):
            worst[kind] = error
    own = values - truth_j(load, t0, t1)
    return [
        Seen(each.U, float(own[i]), {kind: float(error[i]) for kind, error in worst.items()})
        for i, each in enumerate(found)
        if each.value is not None
    ]


def lines(asked: tuple[str, str], pool: ProcessPoolExecutor) -> list[str]:
    """A row of the table for each length of which U is wide."""
    got = list(pool.map(partial(one, asked), range(SEED, SEED + RECORDINGS)))
    alike = max(most for _, most in got)
    found = []
    for i, length_s in enumerate(LENGTHS_S):
        seen = [window for of_lengths, _ in got for window in of_lengths[i]]
        wide, error = (np.array([getattr(each, name) for each in seen]) for name in ("wide", "error"))
        width = float(np.median(wide) / np.sqrt(np.mean(error**2)))
        if width <= WIDE:
            continue
        head = f"| {asked[0]} | {asked[1].split(': ')[-1]} | {length_s:g} s | {width:.1f} |"
        kinds = sorted({kind for each in seen for kind in each.others})
        partners = []
        for kind in kinds:
            of = [(each.wide, each.others[kind]) for each in seen if kind in each.others]
            u, off = np.array(of).T
            share = float(np.mean(np.abs(off) <= u * WIDE / width))
            own = float(np.median(u) / np.sqrt(np.mean(off**2)))
            held = float(np.mean(np.abs(off) <= u))
            text = f" {kind} ({len(of)}) | {own:.1f} | {held:.1%} | {share:.1%} |"
            partners.append((not (share < JUSTIFIED and held >= HOLDS), share, text))
        # One that U holds, if it needs that U; else the one that needs most.
        _, least, text = min(partners, default=(True, 1.0, " none | | | |"))
        found.append(f"{head}{text} {'yes' if least < JUSTIFIED else '**no**'} | {alike:.2f} |")
        print(found[-1], flush=True)
    return found


HEAD = """# Same readings, other loads

`python benchmarks/same_gauge_readings.py` writes this: why some ± of
[coverage_gauges.md](coverage_gauges.md) is not narrower. Each line is a cell in which U is more than three
times the error, of {recordings} recordings without jitter of updates. The estimator sees one recording; its
windows have two truths:

- the row's load, whose U over the root mean square error is in the fourth column;
- another load of two levels between 0 and the limit ({limit:.0f} W) with the same readings. *period*: it has
  one period, often another one, and is high for 10 to 90 % of it. *edges*: edges of the row's load, or of
  one of *period*, that no reading shows are anywhere in their gaps. *rows*: the same, but of {row} rises in
  a row all are at one place of their gaps, and of as many falls. *ends*: each edge is at one end of its gap,
  by chance at either. *longest*: of 1.5 and 3 T, all rises are at one end of their gaps and all falls at the
  other. *hidden*: the row's load is high, too, for half or more of one in six gaps between two looks at its
  low level; *filled*: for all of every second one. *sensor*: of a gauge of which nothing is declared, it has
  one period, and the sensor looks at another part of each update, or is earlier or later within it; for a
  sine the load is a quick sine. *both*: a load of *ends* or *longest*, and such a gauge is as early or as
  late as an update allows. *inside*: it is high once in each update, anywhere in it, for as long as its
  energy says, or the charge of a capacitor, between 0 and the limit or the row's levels; of a capacitor it
  is at one place in {row} updates in a row (*rows*), or at either end (*ends*), too; of 1.5 and 3 T it may do
  the same every three updates. *noise*: readings of steady power have none, and it is high once in each
  update, between the lowest and the highest reading. *pattern*: under a
  mean of a second a square wave of 2 to 5 cycles a second is added to the row's load, by a quarter of its
  swing up and down at most, of which no reading shows anything. *lag*: the row's load earlier or later, by
  what the interval of a counter's lag leaves open: reads come up to 10 ms after updates of counter and
  gauge, which may trail by a tenth of its period; each recording draws both, and most lags are off by less.
  The worst one found in each recording is taken; the number of its windows is in parentheses. Of kinds that
  justify a cell, one that U holds is named if there is one.

The last column is the largest difference of two readings over the largest noise of a reading (0.1 % of the
mean power). A cell is *justified* if three times the row's error holds less than {justified:.0%} of the other
load's windows. Where it is not, no load of these kinds needs a U as wide. Other loads may: those with more
than two levels are not searched, but for patterns. Of some of these loads U holds few windows either (column
*held*): mostly of those that are high once in each update, in step with it, under means of a second and
capacitors, whose mean such a load moves. Loads in step with a sensor's updates are among those that
coverage_gauges.md names as not held, so U claims none of these: they show that no narrower U is safe, not
that this one is.

{yes} of {all} cells are justified, {held} of them by a load of whose windows U holds {holds:.0%} or more.

| sensor | load | window | U / error | other load | its U / error | held | held by 3 times | justified | \
differ |
|---|---|---:|---:|---|---:|---:|---:|---|---:|
"""


def _held(line: str) -> float:
    """The share of the other load's windows that U holds, of a line of the table."""
    return float(line.split("|")[7].strip().rstrip("%")) / 100


def main() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [line for asked in ROWS for line in lines(asked, pool)]
    head = HEAD.format(
        recordings=RECORDINGS,
        limit=LIMIT_W,
        row=ROW,
        justified=JUSTIFIED,
        yes=sum("| yes |" in line for line in found),
        held=sum("| yes |" in line and _held(line) >= HOLDS for line in found),
        holds=HOLDS,
        all=len(found),
    )
    (HERE / "results" / "same_gauge_readings.md").write_text(head + "\n".join(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
