"""Of a gauge of which nothing is declared, U holds the loads that any part of its period would hide.

A sensor that looks at a part of its period shows a load near its own frequency as one as slow as its phase.
Readings are taken for such a beat only where they come round as they were, as those of a clock do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import POLLS, SENSORS, Load, bursts, covered, gauge, outcome, square, steps, uneven, wandering
from scipy.stats import binomtest

from microjoule.joules.gauges.aliasing import swings
from microjoule.joules.gauges.repeating import comes_round

NAME = "100 of 100 ms, not declared"
T_S = SENSORS[NAME].update_s
POLL, SEEDS, WINDOWS, LENGTHS_S = POLLS["10 ms"], 3, 40, (0.03, 0.3, 3.0)
NEAR = {"0.9 T": 0.9, "0.97 T": 0.97, "1.1 T": 1.1, "1.02 T": 1.02, "0.8 T": 0.8, "1.5 T": 1.5, "3 T": 3.0}
SLOW = {  # of a length in seconds and a seed
    "steps of 8 T": lambda length_s, seed: steps(8 * T_S, length_s, seed),
    "steps of 100 T": lambda length_s, seed: steps(100 * T_S, length_s, seed),
    "bursts": lambda length_s, seed: bursts(0.6 * T_S, 6 * T_S, length_s, seed),
    "rare bursts": lambda length_s, seed: bursts(3 * T_S, 20 * T_S, length_s, seed),
    "wandering": wandering,
    "edges of 20 T that differ by 40 %": lambda length_s, seed: uneven(20 * T_S, length_s, 0.5, 0.4, seed),
}


def of_part(load: Load, part: float, seed: int):
    """A gauge that looks at a part of its period, which is not declared."""
    return gauge(load, replace(SENSORS[NAME], window_s=part * T_S), POLL, seed)


@pytest.mark.parametrize("part", [0.02, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("name", NEAR)
def test_windows_under_loads_near_its_frequency_are_covered(name, part):
    """Before, 0 to 60 % were under most."""
    loads = [square(NEAR[name] * T_S, 40.0, 700 + seed) for seed in range(SEEDS)]
    readers = [of_part(load, part, seed) for seed, load in enumerate(loads)]
    for length_s in LENGTHS_S:
        held = covered(readers, loads, length_s, WINDOWS)
        assert binomtest(held, SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93, length_s


def test_readings_that_a_slow_load_and_a_fast_one_share_have_the_u_of_both():
    """17.3 T and 0.945 T at 2 % of T: levels that last for 8.6 readings, of which hardly one is between."""
    fast, slow = (square(of * T_S, 60.0, 710) for of in (17.3 / 18.3, 17.3))
    found = [outcome(of_part(load, 0.02, 1), load, 0.3, 100, 1) for load in (fast, slow)]
    of_fast, of_slow = (np.median(each.wide_j) for each in found)
    assert of_slow == pytest.approx(of_fast, rel=0.2)
    assert np.sqrt(np.mean(found[0].error_j ** 2)) > 3 * np.sqrt(np.mean(found[1].error_j ** 2))
    assert min(each.covered for each in found) >= 95


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("part", [0.02, 0.5])
def test_slow_power_that_is_no_clock_s_has_the_u_that_it_would_have_if_all_of_the_time_were_seen(name, part):
    load = SLOW[name](100.0, 720)
    of = of_part(load, part, 2)
    watts = of.readings.watts
    known = swings(watts, 1.0, of.most_w, 0.2)
    assert np.mean(of.swings.half_w > known.half_w) < 0.1
    assert np.mean(comes_round(watts)) < 0.1


@pytest.mark.parametrize("updates", [2.7, 9.0, 17.3, 32.3, 49.5])
def test_beats_of_up_to_50_updates_are_seen_and_slower_ones_are_not_looked_for(updates):
    at = np.arange(400)

    def seen(watts):
        return np.mean(swings(watts, None, 400.0, 0.1).half_w > 0)

    assert seen(np.where(at / updates % 1 < 0.4, 200.0, 80.0)) > 0.95
    assert seen(150 + 50 * np.sin(2 * np.pi * at / updates)) > 0.95
    assert not comes_round(150 + 50 * np.sin(2 * np.pi * at / (updates + 64))).any()


@pytest.mark.parametrize(
    "watts",
    [
        np.full(400, 70.0),
        np.repeat([80.0, 200.0], 200),
        np.linspace(80, 200, 400),
        np.random.default_rng(1).normal(100, 5, 400),
        np.cumsum(np.random.default_rng(2).normal(0, 5, 400)),
    ],
    ids=["steady", "one step", "a ramp", "noise", "a walk"],
)
def test_what_is_seen_once_does_not_come_round(watts):
    assert not comes_round(watts).any()
