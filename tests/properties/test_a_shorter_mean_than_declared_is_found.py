"""A table may say that a gauge averages all of the time: if it looks at a part, its jumps at steps say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import BUSY_W, IDLE_W, SENSORS, Load, Poll, gauge, loads, outcome, square, uneven
from gpu_counter import GpuCounter
from scipy.stats import binomtest

from microjoule.joules.counters.update_record import record_of
from microjoule.joules.lags.lag_beside_gauge import lag_beside_gauge

LENGTH_S = 120.0
DECLARED = SENSORS["100 of 100 ms"]
TELL = {"731 ms": 0.731, "770 ms": 0.77, "1033 ms": 1.033}


def load_of(name, seed):
    return square(TELL[name], LENGTH_S, seed) if name in TELL else loads(0.1, LENGTH_S, seed)[name]


@pytest.mark.parametrize("part_ms", [20, 25, 40, 50, 60])
@pytest.mark.parametrize("name", [*TELL, "steps", "far: 17.3 T"])
def test_a_part_of_the_time_is_found_and_its_windows_are_covered(name, part_ms):
    """As a mean of all of the time 5 to 45 % of windows of 25 and 50 ms were, and nothing was said."""
    held = asked = 0
    for seed in range(4):
        load = load_of(name, seed)
        found = gauge(load, replace(DECLARED, window_s=part_ms / 1000), Poll(), seed)
        assert 0.6 * part_ms < found.readings.window_ns / 1e6 < 1.4 * part_ms
        assert sum("it jumps at steps of power" in each for each in found.notes) == 1
        for length_s in (0.1, 0.3, 1.0, 3.0):
            got = outcome(found, load, length_s, 50, seed)
            assert got.is_bound.all()
            held, asked = held + got.covered, asked + 50
    assert binomtest(held, asked).proportion_ci(0.999, "exact").high >= 0.93


@pytest.mark.parametrize(
    "name", [*TELL, "steps", "bursts", "far: 3.7 T", "far: 17.3 T", "near: 0.9 T", "wandering"]
)
def test_a_mean_of_all_of_the_time_is_left_as_declared(name):
    for seed in range(4):
        found = gauge(load_of(name, seed), DECLARED, Poll(), seed).readings
        assert not found.is_shown
        assert found.longer is None


@pytest.mark.parametrize("name", ["two", "three", "six", "short levels", "creeps once", "upwards in step"])
def test_a_mean_of_all_of_the_time_is_left_as_declared_by_loads_whose_steps_come_at_few_phases(name):
    """A half to two thirds of steps are mixed under the first three, as a mean of 60 to 85 ms of 100 has."""
    for seed in range(12):
        load = {
            "two": lambda seed: square(0.65, LENGTH_S, seed),
            "three": lambda seed: square(0.7 + 0.1 / 3, LENGTH_S, seed),
            "six": lambda seed: square(0.7 + 0.1 / 6, LENGTH_S, seed),
            "short levels": lambda seed: uneven(0.65077, LENGTH_S, 0.689, 0.0, seed),
            "creeps once": lambda seed: square(0.8 + 0.12 / (LENGTH_S / 0.8), LENGTH_S, seed),
            "upwards in step": upwards_in_step,
        }[name](seed)
        assert not gauge(load, DECLARED, Poll(), seed).readings.is_shown


def upwards_in_step(seed):
    """High from whole updates on, for as long as chance will have it."""
    chance = np.random.default_rng([seed, 41])
    ups = 3.0 + 0.1 * np.cumsum(chance.integers(6, 12, 120))
    edges = np.stack((ups, ups + chance.uniform(0.2, 0.5, 120)), 1).ravel()
    return Load(edges, np.concatenate(([IDLE_W], np.tile([BUSY_W, IDLE_W], 120))))


def test_pulses_of_a_longer_mean_are_not_taken_for_a_part_of_the_time():
    """Short bursts are pulses of 1 s in a mean of 1 s, whose edges have the mixtures of 70 of 100 ms."""
    for seed in range(4):
        found = gauge(loads(0.1, 240.0, seed)["bursts"], replace(DECLARED, window_s=1.0), Poll(), seed)
        assert not found.readings.is_shown
        assert found.readings.longer is None


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("window_s", [0.1, 0.025])
def test_a_load_in_step_with_its_updates_tells_nothing(window_s, jitter):
    """All its steps may fall between two updates, where no mean has a mixture."""
    for seed in range(40):
        one = replace(DECLARED, window_s=window_s, jitter=jitter)
        assert not gauge(square(0.8, 20.0, seed), one, Poll(), seed).readings.is_shown


def test_a_counter_beside_it_is_not_taken_to_trail_by_what_the_gauge_does_not_look_at():
    """Of a counter without lag 20 to 51 ms were learnt."""
    for seed in range(4):
        load = square(0.731, 40.0, seed)
        counter = GpuCounter(update_s=0.02, lag_s=0.0).counter(load, Poll(), seed)
        beside = gauge(load, replace(DECLARED, window_s=0.025), Poll(), seed)
        timing = lag_beside_gauge(counter, record_of(counter), [beside])
        assert timing.likely_lag_ns is None or timing.likely_lag_ns[0] <= 0
