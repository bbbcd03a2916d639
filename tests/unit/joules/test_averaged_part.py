"""Which part of each update a gauge averages (:mod:`microjoule.joules.gauges.averaged_part`)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from microjoule.joules.gauges.averaged_part import _most, averaged_part

NOISE_W = 0.2


def readings(
    part: float, *, least: float = 4.0, most: float = 12.0, n: int = 300, seed: int = 1
) -> np.ndarray:
    """Means over a part of each update of levels that last for so many updates."""
    chance = np.random.default_rng(seed)
    edges = np.concatenate(([0.0], np.cumsum(chance.uniform(least, most, n))))
    levels = np.where(np.arange(n) % 2, 300.0, 60.0) + chance.uniform(-20, 20, n)
    joules = np.concatenate(([0.0], np.cumsum(np.diff(edges) * levels)))
    ends = np.arange(1.0, edges[-1])
    return (np.interp(ends, edges, joules) - np.interp(ends - part, edges, joules)) / part


def found(watts: np.ndarray, noise_w: float = NOISE_W) -> float | None:
    return averaged_part(watts, np.ones(len(watts) - 1, bool), noise_w)


@pytest.mark.parametrize("part", [0.1, 0.25, 0.4, 0.6])
def test_the_part_is_the_share_of_steps_that_a_reading_shows_a_mixture_of(part):
    """0.8 c of the steps are told from a level. Of the others a few next to one are no clear steps."""
    assert np.mean([found(readings(part, seed=seed)) for seed in range(8)]) == pytest.approx(part, rel=0.13)


def test_a_mean_of_all_of_the_time_is_no_part():
    for seed in range(8):
        assert found(readings(1.0, seed=seed)) is None


def test_a_level_mixed_in_no_step_is_of_some_of_the_time_all_the_same():
    assert found(readings(1e-6)) == 0.05


def test_few_steps_or_faint_ones_tell_nothing():
    watts = readings(0.25)
    assert found(watts, noise_w=320 / 20) is None  # no step is 20 times the noise
    assert found(readings(0.25, n=10)) is None
    assert found(watts[:6]) is None
    assert (
        averaged_part(watts, np.arange(len(watts) - 1) % 4 > 0, NOISE_W) is None
    )  # none has all four in turn


@pytest.mark.parametrize("period", [4.0, 8.0])
@pytest.mark.parametrize("phase", [0.1, 0.9])
def test_a_load_in_step_with_the_sensor_tells_nothing(period, phase):
    """All of its steps are at one phase, in a reading or outside of all."""
    watts = np.roll(readings(0.5, least=period, most=period), round(phase))
    assert found(watts) is None


def test_levels_of_two_or_three_updates_tell_nothing():
    """How many readings they have is by their phase, and only steps that are not mixed are clear."""
    assert found(readings(0.25, least=2.1, most=2.9, n=3000)) is None


@pytest.mark.parametrize(("share", "n"), [(0.0, 20), (0.3, 20), (0.3, 500), (0.9, 100)])
def test_the_most_that_a_share_may_be_is_wilson_s(share, n):
    by_scipy = binomtest(round(share * n), n).proportion_ci(1 - 2 * norm.sf(3.1), "wilson").high
    assert _most(share, n) == pytest.approx(by_scipy)
