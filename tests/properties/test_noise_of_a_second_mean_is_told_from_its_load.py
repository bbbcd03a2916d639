"""A mean of a second hides little loads in its noise, and U tells: neither is taken for the other.

A load of which a whole number of cycles nearly fits into the second moves readings by no more than noise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import POLLS, REST_S, SENSORS, Load, covered, gauge, outcome, square, steady
from scipy.stats import binomtest

SEEDS, WINDOWS, LENGTHS_S = 6, 60, (0.03, 0.1, 3.0)
NOISY = replace(SENSORS["mean of 1 s"], noise_w=0.14)


def test_windows_under_a_load_that_noise_nearly_hides_are_covered() -> None:
    """Of 331 ms a second has 3.02 cycles. Smoothed away at first, 68 % were."""
    loads = [square(0.331, 60.0, 700 + seed, 54.0, 150.0) for seed in range(SEEDS)]
    readers = [gauge(load, NOISY, POLLS["10 ms"], seed) for seed, load in enumerate(loads)]
    for window_s in LENGTHS_S:
        held = covered(readers, loads, window_s, WINDOWS)
        assert binomtest(held, SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93, window_s


@pytest.mark.parametrize("window_s", LENGTHS_S)
def test_power_that_wanders_within_the_noise_of_readings_is_covered(window_s: float) -> None:
    """White power of 0.8 % in steps of 5 ms scatters by 0.4 W in bins of readings whose noise is 0.05 W.

    The fit smooths it away, and 69 to 83 % of windows of 30 and 100 ms were covered.
    """
    quiet = replace(NOISY, noise_w=0.05)
    loads = [_wandering(200.0, 1.6, 60.0, seed) for seed in range(2 * SEEDS)]
    readers = [gauge(load, quiet, POLLS["10 ms"], seed) for seed, load in enumerate(loads)]
    held = covered(readers, loads, window_s, WINDOWS)
    assert binomtest(held, 2 * SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93


def _wandering(mean_w: float, scatter_w: float, length_s: float, seed: int) -> Load:
    """A load that is another power every 5 ms."""
    n = round(length_s / 0.005)
    watts = mean_w + scatter_w * np.random.default_rng([seed, 5]).standard_normal(n)
    return Load(REST_S + 0.005 * np.arange(n + 1), np.concatenate(([mean_w], watts, [mean_w])))


@pytest.mark.parametrize(("window_s", "most"), [(0.03, 10), (0.1, 7), (3.0, 5)])
def test_noise_over_steady_power_is_not_added_up_over_short_windows(window_s: float, most: float) -> None:
    """U was 6 to 10 times the error; of windows within a bin noise may hide power that wanders."""
    wide, off = [], []
    for seed in range(2 * SEEDS):
        load = steady(60.0, seed)
        found = outcome(gauge(load, NOISY, POLLS["10 ms"], seed), load, window_s, WINDOWS, seed)
        wide.append(found.wide_j)
        off.append(found.error_j)
    assert np.median(wide) < most * np.sqrt(np.mean(np.square(off)))
