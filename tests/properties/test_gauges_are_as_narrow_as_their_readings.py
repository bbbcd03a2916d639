"""What a gauge's readings exclude is in no interval: U stays within a few times the error, and holds it."""

from __future__ import annotations

import numpy as np
import pytest
from gauges import POLLS, SENSORS, gauge, loads, outcome
from scipy.stats import binomtest

SEEDS, WINDOWS = 4, 200


def width(sensor: str, name: str, length_s: float) -> float:
    """Median U over the root mean square error, of windows that U holds in 93 % or more."""
    one, found = SENSORS[sensor], []
    for seed in range(SEEDS):
        load = loads(one.update_s, 600 * one.update_s, 70 + seed)[name]
        found.append(outcome(gauge(load, one, POLLS["10 ms"], seed), load, length_s, WINDOWS, seed))
    assert all(each.is_bound.all() for each in found)
    covered = sum(each.covered for each in found)
    assert binomtest(covered, SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93
    error_j, wide_j = (np.concatenate([getattr(each, of) for each in found]) for of in ("error_j", "wide_j"))
    return float(np.median(wide_j) / np.sqrt(np.mean(error_j**2)))


@pytest.mark.parametrize("length_s", [0.03, 0.1])
@pytest.mark.parametrize("name", ["steps", "far: 17.3 T", "bursts"])
def test_readings_that_are_alike_are_of_one_power(name: str, length_s: float) -> None:
    """A step is inside one reading, and those on either side of it lie still. Before, U was 5 to 50 times."""
    assert width("100 of 100 ms", name, length_s) < 4.5
