"""A quick load is in U of a sensor that looks at a part of the time, however irregular its edges are.

Where pulses are shorter than what is looked at, fewer readings have an edge in them: of 1.3 T that is high
for three tenths, whose 13 phases repeat, six or eight of 13, by chance. Where edges wander, no one sine
explains what readings do.
"""

from __future__ import annotations

import numpy as np
import pytest
from gauges import POLLS, SENSORS, covered, gauge, outcome, uneven
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


@pytest.mark.parametrize(
    ("sensor", "of", "high", "spread", "window_s"),
    [
        ("25 of 100 ms", 0.97, 0.5, 0.15, 1.0),
        ("25 of 100 ms", 1.03, 0.5, 0.15, 10.0),
        ("10 of 20 ms", 0.97, 0.5, 0.15, 1.0),
        ("10 of 20 ms", 1.03, 0.3, 0.15, 3.0),
        ("10 of 20 ms", 2.03, 0.05, 0.0, 3.0),
    ],
)
def test_long_windows_under_a_load_whose_beats_are_not_alike_are_covered(
    sensor: str, of: float, high: float, spread: float, window_s: float
) -> None:
    """Before, 54 to 88 %: as if each beat of an uneven load with the sensor were as long as the next.

    Short pulses in about two updates are seen by turns; pairs of readings are alike then, and were taken to
    show that longer sums are.
    """
    one = SENSORS[sensor]
    length_s = 1500 * one.update_s
    loads = [uneven(of * one.update_s, length_s, high, spread, 300 + seed) for seed in range(SEEDS)]
    found = [
        outcome(gauge(load, one, POLLS["10 ms"], seed), load, window_s, 20, seed)
        for seed, load in enumerate(loads)
    ]
    off_j, wide_j = (
        np.concatenate(each) for each in zip(*((each.error_j, each.wide_j) for each in found), strict=True)
    )
    held = int(np.count_nonzero(np.abs(off_j) <= wide_j))
    assert binomtest(held, len(off_j)).proportion_ci(0.95, "exact").high >= 0.95
    assert np.median(wide_j) < 3.5 * np.sqrt(np.mean(off_j**2))
