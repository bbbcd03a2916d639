"""Between two readings power has either level of a load whose levels do not last as long: U holds both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gauges import POLLS, Load, Sensor, gauge, outcome, uneven
from scipy.stats import binomtest

SELDOM = Sensor(update_s=1.0, window_s=0.02)  # a meter that looks at 20 ms of each second and says nothing
LOADS = {"1.3 s, high for 30 %": (1.3, 0.3, 0.17), "0.45 s, high for two thirds": (0.45, 0.67, 0.03)}


@pytest.mark.parametrize("name", LOADS)
def test_a_short_window_between_two_readings_may_have_either_level(name):
    """77 to 92 % of windows of 0.03 to 0.3 s were held: readings have two values, and hardly one between."""
    covered = asked = 0
    for seed in range(8):
        period_s, high, spread = LOADS[name]
        load: Load = uneven(period_s, 95.0, high, spread, seed)
        of = gauge(load, replace(SELDOM, noise_w=0.1), POLLS["10 ms"], seed)
        for length_s in (0.03, 0.3):
            found = outcome(of, load, length_s, 20, seed)
            covered, asked = covered + found.covered, asked + 20
    assert binomtest(covered, asked).proportion_ci(0.999, "exact").high >= 0.93
