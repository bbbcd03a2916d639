"""A quick load is in U of a sensor that looks at a part of the time, however irregular its edges are.

Where pulses are shorter than what is looked at, fewer readings have an edge in them: of 1.3 T that is high
for three tenths, whose 13 phases repeat, six or eight of 13, by chance. Where edges wander, no one sine
explains what readings do.
"""

from __future__ import annotations

import pytest
from gauges import POLLS, SENSORS, covered, gauge, uneven
from scipy.stats import binomtest

SEEDS, WINDOWS = 12, 60


@pytest.mark.parametrize("spread", [0.0, 0.15, 0.2])
def test_windows_of_one_and_a_half_updates_under_pulses_shorter_than_its_part_are_covered(
    spread: float,
) -> None:
    """Before, 85 to 89 % of windows of 0.03 s: power between two low readings was taken to be low."""
    one = SENSORS["10 of 20 ms"]
    loads = [uneven(1.3 * one.update_s, 20.0, 0.3, spread, 640 + seed) for seed in range(SEEDS)]
    readers = [gauge(load, one, POLLS["10 ms"], seed) for seed, load in enumerate(loads)]
    held = covered(readers, loads, 0.03, WINDOWS)
    assert binomtest(held, SEEDS * WINDOWS).proportion_ci(0.95, "exact").high >= 0.95
