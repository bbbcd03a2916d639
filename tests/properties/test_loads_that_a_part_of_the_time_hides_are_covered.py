"""A load is in U that a sensor of a part of the time shows within its noise, or not at all for a while.

Of 0.496 T half of T sees 1.008 cycles, of which its mean keeps half a watt. Of 2.03 T that is high for a
fifth, every second reading shows something, and for up to half a second none does. Of 0.992 T readings come
round once in 124 updates, and how slow the beat is shows in as many as it has.
"""

from __future__ import annotations

import pytest
from gauges import POLLS, SENSORS, covered, gauge, uneven
from scipy.stats import binomtest

SEED, SEEDS, WINDOWS, LENGTHS_S = 5_500_400, 3, 60, (0.1, 0.3, 1.0)
LOADS = [("10 of 20 ms", 0.496, 0.5)]  # sensor, period in updates, part of it that is high
LOADS += [(sensor, 2.03, high) for sensor in ("10 of 20 ms", "25 of 100 ms") for high in (0.2, 0.8)]


SLOW = [(sensor, of, 0.5) for sensor in ("10 of 20 ms", "25 of 100 ms") for of in (0.992, 1.008)]


@pytest.mark.parametrize(("sensor", "of", "high"), LOADS + SLOW)
def test_windows_under_it_are_covered(sensor: str, of: float, high: float) -> None:
    """Before, 15 to 75 % were."""
    one = SENSORS[sensor]
    loads = [uneven(of * one.update_s, 40.0, high, 0.0, SEED + seed) for seed in range(SEEDS)]
    readers = [gauge(load, one, POLLS["10 ms"], SEED + seed) for seed, load in enumerate(loads)]
    for window_s in LENGTHS_S:
        held = covered(readers, loads, window_s, WINDOWS)
        assert binomtest(held, SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93, window_s
