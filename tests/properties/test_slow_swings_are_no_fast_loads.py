"""A smooth swing of a small part of the power, over half a minute, is no load near a sensor's own frequency.

That one would come round: readings that have not, over ten seconds, would be of a load beyond the limit.
What readings' noise is shows on a slope in how they bend.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import POLLS, REST_S, SENSORS, Load, covered, gauge, outcome
from scipy.stats import binomtest

SEEDS, WINDOWS = 6, 60


def _sine(period_s: float, seed: int) -> Load:
    """200 W and 20 W more or less, in steps of 5 ms."""
    t_s = 0.005 * np.arange(16_000)
    phase = np.random.default_rng([seed, 11]).uniform(0, 2 * np.pi)
    watts = 200 + 20 * np.sin(2 * np.pi * t_s / period_s + phase)
    edges_s = REST_S + 0.005 * np.arange(len(watts) + 1)
    return Load(edges_s, np.concatenate(([watts[0]], watts, [watts[-1]])))


@pytest.mark.parametrize("sensor", ["100 of 100 ms", "mean of 1 s"])
@pytest.mark.parametrize(("window_s", "most"), [(0.1, 40), (1.0, 12)])
def test_energies_of_a_slow_swing_are_known(sensor: str, window_s: float, most: float) -> None:
    """U was 260 to 1,100 times the error in windows of 100 ms, and 90 to 240 times in those of 1 s."""
    noisy = replace(SENSORS[sensor], noise_w=0.14)
    wide, off = [], []
    for seed in range(SEEDS):
        load = _sine(40.0, seed)
        found = outcome(gauge(load, noisy, POLLS["10 ms"], seed), load, window_s, WINDOWS, seed)
        wide.append(found.wide_j)
        off.append(found.error_j)
    assert np.median(wide) < most * np.sqrt(np.mean(np.square(off)))


@pytest.mark.parametrize("window_s", [0.1, 1.0, 10.0])
def test_noise_on_a_slope_is_in_the_uncertainty(window_s: float) -> None:
    """Of a swing of 15 s readings rise by more than their noise, and 83 to 94 % were covered."""
    noisy = replace(SENSORS["100 of 100 ms"], noise_w=0.19)
    loads = [_sine(15.0, 100 + seed) for seed in range(2 * SEEDS)]
    readers = [gauge(load, noisy, POLLS["10 ms"], seed) for seed, load in enumerate(loads)]
    held = covered(readers, loads, window_s, WINDOWS)
    assert binomtest(held, 2 * SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93
