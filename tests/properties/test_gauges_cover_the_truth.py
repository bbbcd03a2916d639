"""A gauge's 95 % interval holds the truth in at least 93 % of the windows of each kind, whatever the load.

Kinds are sensor × poll × load × length. Of the few windows of a test a kind fails where even the 99.9 %
interval of its share lies below 93 %. No window may leave its guaranteed interval, nor may its value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import LENGTHS_S, POLLS, REST_S, SENSORS, Load, Poll, gauge, loads, outcome
from scipy.stats import binomtest

SEEDS, WINDOWS = 2, 60
LENGTH_S = 60.0


def is_held(covered: int, n: int) -> bool:
    return bool(binomtest(covered, n).proportion_ci(0.999, "exact").high >= 0.93)


@pytest.mark.parametrize("poll", ["10 ms", "10 ms, stamps of updates"])
@pytest.mark.parametrize("sensor", SENSORS)
def test_the_truth_lies_in_the_interval_of_each_kind_of_window(sensor: str, poll: str) -> None:
    one = SENSORS[sensor]
    length_s = max(LENGTH_S, 200 * one.update_s)
    missed, asked = [], 0
    for name in loads(one.update_s, 1.0, 0):
        for window_s in LENGTHS_S:
            covered = 0
            for seed in range(SEEDS):
                load = loads(one.update_s, length_s, seed)[name]
                found = outcome(gauge(load, one, POLLS[poll], seed), load, window_s, WINDOWS, seed)
                assert found.is_bound.all(), (name, window_s)
                covered += found.covered
            asked += 1
            share, apart = covered / (SEEDS * WINDOWS), int(length_s / window_s)
            n = SEEDS * min(WINDOWS, apart)  # windows that overlap err alike
            if not is_held(round(share * n), n):
                missed.append((name, window_s, covered))
    assert asked == len(loads(1.0, 1.0, 0)) * len(LENGTHS_S)
    assert not missed


@pytest.mark.parametrize("poll", ["2 ms", "10 ms, stamps of calls"])
def test_who_asks_oftener_or_stamps_with_the_call_gets_the_same(poll: str) -> None:
    """One reading for each change: reads between two updates tell nothing, and stamps of calls neither."""
    one = SENSORS["100 of 100 ms"]
    load = loads(one.update_s, LENGTH_S, 3)["steps"]
    found = outcome(gauge(load, one, POLLS[poll], 3), load, 1.0, 200, 3)
    plain = outcome(gauge(load, one, POLLS["10 ms, stamps of updates"], 3), load, 1.0, 200, 3)
    assert is_held(found.covered, 200)
    # The spread of an update's instant is all that stamps are better by.
    assert np.sqrt(np.mean(found.error_j**2)) < np.sqrt(np.mean(plain.error_j**2)) + 270 * 0.01


@pytest.mark.parametrize("quantum_w", [5.0, 10.0])
def test_readings_of_one_coarse_value_are_of_powers_a_step_apart(quantum_w: float) -> None:
    """A sensor rounds, and declares no step: its values show it. U held 60 and 44 % of them."""
    coarse, covered = replace(SENSORS["100 of 100 ms"], quantum_w=quantum_w, noise_w=0.0), 0
    for seed in range(3):
        chance = np.random.default_rng([seed, 12])
        levels = np.repeat(chance.uniform(60, 330, 60), 100)
        watts = levels * (1 + 0.05 * np.sin(np.arange(6000) * 0.01 / 0.37))
        load = Load(REST_S + np.arange(6001) * 0.01, np.concatenate(([60.0], watts, [60.0])))
        found = outcome(gauge(load, coarse, POLLS["10 ms"], seed), load, 0.1, 200, seed)
        assert found.is_bound.all()
        covered += found.covered
    assert is_held(covered, 600)


@pytest.mark.parametrize(
    ("sensor", "dwell_s", "spread", "low_w"),
    [
        ("100 of 100 ms", 0.05, 0.1, 60.0),
        ("100 of 100 ms", 0.025, 0.1, 60.0),
        ("100 of 100 ms", 0.05, 0.3, 60.0),
        ("100 of 100 ms", 0.05, 0.2, 300.0),
        ("capacitor of 50 ms", 0.0075, 0.3, 60.0),
    ],
)
def test_a_load_near_the_sensor_s_frequency_whose_edges_are_irregular_is_held(
    sensor: str, dwell_s: float, spread: float, low_w: float
) -> None:
    """Its readings scatter as if it were none. U held 35 to 92 % of windows of 0.03 and 0.1 s."""
    covered = {0.03: 0, 0.1: 0}
    for seed in range(3):
        chance = np.random.default_rng([seed, 13])
        n = 2 * int(30 / dwell_s)
        edges_s = REST_S + np.cumsum(dwell_s * (1 + spread * chance.uniform(-1, 1, n + 1)))
        load = Load(edges_s, np.concatenate(([low_w], np.tile([330.0, low_w], n // 2), [low_w])))
        for length_s in covered:
            found = outcome(gauge(load, SENSORS[sensor], POLLS["10 ms"], seed), load, length_s, 200, seed)
            covered[length_s] += found.covered
    assert all(is_held(each, 600) for each in covered.values()), covered


@pytest.mark.parametrize("name", ["steps", "bursts"])
def test_a_mean_of_a_second_is_as_well_known_however_often_it_is_updated(name: str) -> None:
    """A cell gives a dozen windows of the sensor: of 1.2, which 120 updates are, U held 54 % of a second."""
    one = SENSORS["mean of 1 s"]
    often = replace(one, update_s=0.01, timing=replace(one.timing, update_ns=10_000_000))
    covered = 0
    for seed in range(SEEDS):
        load = loads(often.update_s, 20.0, seed)[name]
        found = outcome(gauge(load, often, Poll(rate_hz=500.0), seed), load, 1.0, 100, seed)
        assert found.is_bound.all()
        covered += found.covered
    assert is_held(covered, SEEDS * 100)
