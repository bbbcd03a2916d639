"""The rows of ``coverage_gauges.py``: sensors, loads, and what is drawn anew in each recording.

Sensors, loads and polls are those of ``tests/gauges.py`` and ``tests/gpu_counter.py``: loads are constant
between instants, so that their energy is exact. Periods are fixed; phases and levels are drawn. So is what a
declaration bounds and no reading tells, each from the whole of what the estimator allows: else U over the
error says nothing of it.

* *lag*: readings trail by up to 2 % of a period either way, means of a second by 50 ms; a gauge beside a
  counter by 10 % of its period;
* *noise*: of up to 0.1 % of the mean power;
* *reads* of a counter and its gauge: when each comes after an update, of which there is one every few reads;
* *not declared*: a reading is the mean of any part of the period that ends with it.

No sensor has a gain or an offset. A counter's lag is fixed: it is learnt.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import gauges
from gauges import BUSY_W, IDLE_W, POLLS, REST_S, SENSORS, Load, Poll, Sensor
from gpu_counter import GpuCounter
from ideal import rows as rows_of

from microjoule.channel import Channel
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.brackets import F64
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.lags.lag_beside_gauge import lag_beside_gauge
from microjoule.joules.marks.fused_edges import finer, fused
from microjoule.trace.series import I64, Series

RECORDING_S = 250.0
LAG, LAG_OF_LONG_MEAN, LAG_BESIDE_COUNTER = 0.02, 0.5, 0.1  # of a period, either way
NOISE = 1e-3  # of the mean power, at most
LOW_W, HIGH_W = (50.0, 75.0), (180.0, 340.0)  # between which the two levels of a load are drawn
BETWEEN = {  # periods in updates: beats of a few readings, and readings that repeat
    f"between: {of:g} T": of for of in (0.55, 0.8, 1.5, 3.0)
}
BESIDE = "25 of 100 ms"  # the gauge from which the counters' lag is learnt
FINER = ("10 of 20 ms", "capacitor of 50 ms")  # gauges that place a counter's energy
STAMPED = ("100 of 100 ms", "25 of 100 ms", "10 of 20 ms", "mean of 1 s")  # by which stamps are tried
COUNTERS = {
    f"counter of {1000 * update_s:.0f} ms, lag {1000 * lag_s:.0f} ms": GpuCounter(
        update_s=update_s, lag_s=lag_s
    )
    for update_s, lag_s in ((0.02, 0.0), (0.02, 0.02), (0.02, 0.1), (0.1, 0.0), (0.1, 0.1))
}
PLACED = {
    f"counter of 100 ms, lag {1000 * lag_s:.0f} ms, placed by gauge {sensor}": (
        GpuCounter(update_s=0.1, lag_s=lag_s),
        sensor,
    )
    for sensor in FINER
    for lag_s in (0.0, 0.1)
}
IRREGULAR = {  # period in updates, the part of it that is high, and by which share each of its parts varies
    "irregular: 0.5 T, high for half, ± 30 %": (0.5, 0.5, 0.3),
    "irregular: 0.5 T, high for 80 %, ± 20 %": (0.5, 0.8, 0.2),
    "irregular: T, high for half, ± 30 %": (1.0, 0.5, 0.3),
    "irregular: T, high for half, ± 10 %": (1.0, 0.5, 0.1),
    "irregular: T, high for 80 %, ± 20 %": (1.0, 0.8, 0.2),
}
OF_SECONDS = {  # the same, of periods in seconds, for reads that are so far apart
    "near 0.1 s: 0.097 s, high for 30 %, ± 3 %": (0.097, 0.3, 0.03),
    "near 0.5 s: 0.45 s, high for 67 %, ± 3 %": (0.45, 0.67, 0.03),
    "near 0.5 s: 0.55 s, high for 30 %, ± 3 %": (0.55, 0.3, 0.03),
    "work of 2 s, high for 30 %, ± 5 %": (2.0, 0.3, 0.05),
    "work of 7 s, high for half, ± 5 %": (7.0, 0.5, 0.05),
}
THREE_LEVELS = "near 0.5 s: three levels in 0.45 s, ± 3 %"
STEPS_OF_SECONDS = "steps of 2 s"
SEE_IRREGULAR = ("100 of 100 ms", "mean of 1 s", "capacitor of 50 ms")  # sensors that look at all of the time
Energies = Callable[[I64, I64], list[Estimate]]
Meter = Callable[[Load, int], Energies]


def configurations() -> dict[str, tuple[Meter, float]]:
    """What makes a meter of a load and a seed, and its update interval, by name."""
    found: dict[str, tuple[Meter, float]] = {}
    for sensor in SENSORS:
        for poll in ("10 ms", "10 ms, stamps of updates"):
            if poll == "10 ms" or sensor in STAMPED:
                update_s = SENSORS[sensor].update_s
                found[f"gauge {sensor}; read every {poll}"] = (gauge_meter(sensor, POLLS[poll]), update_s)
    for name, counter in COUNTERS.items():
        found[name] = (counter_meter(counter, BESIDE), counter.update_s)
    for name, (counter, sensor) in PLACED.items():
        found[name] = (counter_meter(counter, sensor), counter.update_s)
    return found


def rows() -> list[tuple[str, str]]:
    """The configurations with their loads."""
    every = [(name, load) for name in configurations() for load in (*gauges.LOADS, *BETWEEN)]
    irregular = [f"gauge {sensor}; read every 10 ms" for sensor in SEE_IRREGULAR]
    return every + [(name, load) for name in irregular for load in IRREGULAR]


def load_of(name: str, update_s: float, seed: int) -> Load:
    """One load by its name, of levels that the seed draws."""
    if name in IRREGULAR:
        return levelled(_irregular(*IRREGULAR[name], update_s, seed), seed)
    if name in OF_SECONDS:
        return levelled(_irregular(*OF_SECONDS[name], 1.0, seed), seed)
    if name == THREE_LEVELS:
        return levelled(_of_three_levels(seed), seed)
    if name == STEPS_OF_SECONDS:
        return levelled(gauges.steps(2.0, RECORDING_S, seed), seed)
    if name in BETWEEN:
        return levelled(gauges.square(BETWEEN[name] * update_s, RECORDING_S, seed), seed)
    return levelled(gauges.LOADS[name](update_s, RECORDING_S, seed), seed)


def _irregular(of: float, high: float, spread: float, update_s: float, seed: int) -> Load:
    chance = np.random.default_rng([seed, 33])
    n = int(RECORDING_S / (of * update_s))
    lengths_s = np.tile([high, 1 - high], n) * of * update_s * (1 + spread * chance.uniform(-1, 1, 2 * n))
    edges_s = REST_S + np.concatenate(([0.0], np.cumsum(lengths_s)))
    return Load(edges_s, np.concatenate(([IDLE_W], np.tile([BUSY_W, IDLE_W], n), [IDLE_W])))


def _of_three_levels(seed: int) -> Load:
    n = int(RECORDING_S / 0.45)
    each = 1 + 0.03 * np.random.default_rng([seed, 36]).uniform(-1, 1, n)
    lengths_s = np.repeat(each, 3) * np.tile([0.3, 0.1, 0.05], n)
    edges_s = REST_S + np.concatenate(([0.0], np.cumsum(lengths_s)))
    return Load(edges_s, np.concatenate(([IDLE_W], np.tile([BUSY_W, 180.0, 90.0], n), [IDLE_W])))


def levelled(load: Load, seed: int) -> Load:
    """The load with its idle and busy power drawn anew."""
    chance = np.random.default_rng([seed, 34])
    low_w, high_w = chance.uniform(*LOW_W), chance.uniform(*HIGH_W)
    return Load(load.edges_s, low_w + (load.watts - IDLE_W) / (BUSY_W - IDLE_W) * (high_w - low_w))


def _late(load: Load, lag_s: float) -> Load:
    """What a sensor sees that trails the load."""
    return Load(load.edges_s + lag_s, load.watts)


def _drawn(sensor: Sensor, load: Load, chance: np.random.Generator, lag: float) -> tuple[Sensor, Load]:
    """The sensor as it happens to be, and the load as it sees it."""
    first_s, last_s = load.span_s
    mean_w = float(load.energy_j(np.array([last_s]))[0]) / (last_s - first_s)
    sensor = replace(sensor, noise_w=NOISE * mean_w * chance.uniform(0, 1))
    if sensor.timing.window_ns is None and sensor.timing.decay_ns is None:
        window_s = chance.uniform(0, sensor.update_s)
        late_s = chance.uniform(0, sensor.update_s - window_s)
        return replace(sensor, window_s=window_s), _late(load, late_s)
    return sensor, _late(load, lag * sensor.update_s * chance.uniform(-1, 1))


def _gauge_of(sensor: str, poll: Poll, load: Load, seed: int, lag: float) -> Gauge:
    drawn, seen = _drawn(SENSORS[sensor], load, np.random.default_rng([seed, 32]), lag)
    return gauges.gauge(seen, drawn, poll, seed)


def polls(seed: int, of: Poll = POLLS["10 ms"]) -> list[Poll]:
    """Who reads a counter and who a gauge: each so long after its updates, which come every few reads."""
    phases = np.random.default_rng([seed, 35]).uniform(0, 1, 2)
    return [replace(of, phase=phase) for phase in phases.tolist()]


def gauge_meter(sensor: str, poll: Poll, *, is_any_phase: bool = False) -> Meter:
    """Of recordings of a gauge; of any phase of the reads, or of the one that is given."""
    is_long = SENSORS[sensor].window_s > 1.5 * SENSORS[sensor].update_s
    lag = LAG_OF_LONG_MEAN if is_long else LAG
    return lambda load, seed: plain(
        _gauge_of(sensor, polls(seed, poll)[0] if is_any_phase else poll, load, seed, lag)
    )


def plain(of: Counter | Gauge) -> Energies:
    return lambda t0, t1: of.estimates(of.energies(t0, t1))


def counter_meter(of: GpuCounter, sensor: str, poll: Poll = POLLS["10 ms"]) -> Meter:
    """The counter with the lag that a gauge shows; where that is finer, it places the counter's energy."""

    return lambda load, seed: placed(*counter_beside(of, sensor, load, seed, poll))


def counter_beside(
    of: GpuCounter, sensor: str, load: Load, seed: int, poll: Poll = POLLS["10 ms"]
) -> tuple[Counter, Gauge]:
    """A counter with the lag that a gauge shows, and the gauge."""
    of_counter, of_gauge = polls(seed, poll)
    counter = of.counter(load, of_counter, seed)
    beside = _gauge_of(sensor, of_gauge, load, seed, LAG_BESIDE_COUNTER)
    return counter.with_timing(lag_beside_gauge(counter, record_of(counter), [beside])), beside


def recorded(name: str, load: Load, seed: int, marks: Iterable[tuple[int, str, int, str | None]]) -> Trace:
    """A recording of a counter of ``configurations``, of the gauge beside it and of a program's marks."""
    of, sensor = (COUNTERS[name], BESIDE) if name in COUNTERS else PLACED[name]
    both = series_beside(of, sensor, load, seed)
    return Trace(rows_of([SimpleNamespace(channel=each, series=series) for each, series in both], marks))


def series_beside(
    of: GpuCounter, sensor: str, load: Load, seed: int, poll: Poll = POLLS["10 ms"]
) -> list[tuple[Channel, Series]]:
    """What a recorder gets of a counter, and of the gauge beside it."""
    drawn, seen = _drawn(SENSORS[sensor], load, np.random.default_rng([seed, 32]), LAG_BESIDE_COUNTER)
    of_counter, of_gauge = polls(seed, poll)
    inside = gauges.channel(drawn.timing)
    inside = replace(inside, trust=replace(inside.trust, parents=(of.channel.id,)))
    return [
        (of.channel, of.series(load, of_counter, seed)),
        (inside, gauges.series(seen, drawn, of_gauge, seed)),
    ]


def placed(counter: Counter, beside: Gauge) -> Energies:
    """The energies of a counter, which a gauge places where it is finer."""
    shown, own = finer(counter, [beside]), plain(counter)
    if shown is None:
        return own
    return lambda t0, t1: fused(counter, shown, own(t0, t1), t0, t1)


def windows(load: Load, length_s: float, n: int, seed: int) -> tuple[I64, I64]:
    """As many windows anywhere in a load as fit, which do not overlap; their lengths differ by a tenth."""
    chance = np.random.default_rng([seed, 31, round(1000 * length_s)])
    lengths: F64 = length_s * chance.uniform(0.9, 1.1, n)
    first_s, last_s = load.span_s
    lengths = lengths[np.cumsum(lengths) < last_s - first_s]  # a load of chance may end early
    room_s = last_s - first_s - lengths.sum()
    begins = first_s + np.cumsum(lengths) - lengths + np.sort(chance.uniform(0, room_s, len(lengths)))
    t0 = gauges.T0 + np.rint(begins * gauges.S).astype(np.int64)
    return t0, t0 + np.rint(lengths * gauges.S).astype(np.int64)
