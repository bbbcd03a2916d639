"""Which equal readings of a mean were updates, and which show that it stood still."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.gauges.standstills import stops_in_motion

PERIOD_NS, WINDOW_NS = 100_000_000, 1_000_000_000
VALUES = np.array([90_000, 120_013, 150_007, 131_002, 160_011, 190_017, 171_005, 200_003])


def _stops(values, gaps):
    gaps_ns = np.array(gaps) * PERIOD_NS
    return stops_in_motion(values, gaps_ns, gaps_ns > 1.5 * PERIOD_NS, WINDOW_NS - 2 * PERIOD_NS)


def test_a_value_that_lasts_again_and_again_between_steps_of_watts_was_not_updated() -> None:
    assert _stops(VALUES, [1, 2, 1, 1, 2, 1, 1])
    assert not _stops(VALUES, [1, 2, 1, 1, 1, 1, 1]), "one alone may be of power that rested before it"


@pytest.mark.parametrize(("singles", "found"), [(7, True), (8, False)])
def test_power_that_rests_for_as_long_as_a_mean_repeats_it(singles: int, found: bool) -> None:
    """After another value it takes W until it can."""
    values = 90_000 + np.cumsum(10_007 + 31 * np.arange(singles + 3))
    assert _stops(values, [3, *[1] * singles, 3]) is found


@pytest.mark.parametrize("by", [1, 2])
def test_noise_of_a_quantum_brings_equal_values_by_chance(by: int) -> None:
    """Then others differ by one or two."""
    values = VALUES.copy()
    values[-1] = values[-2] + by
    assert not _stops(values, [1, 2, 1, 1, 2, 1, 1])
    values[-1] = values[-2] + 3
    assert _stops(values, [1, 2, 1, 1, 2, 1, 1])


def test_of_a_coarse_quantum_equal_values_show_nothing() -> None:
    assert not _stops(VALUES // 1000 * 1000, [1, 2, 1, 1, 2, 1, 1])
    assert not _stops(VALUES[:1], [])
