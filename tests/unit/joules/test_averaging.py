"""Over how much time a gauge averages, by its readings alone (:mod:`microjoule.joules.gauges.averaging`)."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.gauges.averaging import Averaging, averaging, is_twofold

NOISE_W = 0.2
N = 4000
NEXT = np.ones(N - 1, bool)


def joules(seed: int = 1, shortest: float = 6.0, longest: float = 60.0):
    """Energy until an instant, in updates, of levels that last by chance; when those begin, and they."""
    chance = np.random.default_rng(seed)
    edges = np.concatenate(([-100.0], np.cumsum(chance.uniform(shortest, longest, N)) - 100))
    levels = chance.uniform(60, 330, N)
    sums = np.concatenate(([0.0], np.cumsum(np.diff(edges) * levels)))
    return lambda t: np.interp(t, edges, sums), edges, levels


def means(window: float, seed: int = 1) -> np.ndarray:
    """Readings that are the mean of so many updates."""
    until, _, _ = joules(seed)
    ends = np.arange(N) + 0.0
    noise = NOISE_W / 4 * np.random.default_rng(seed).standard_normal(N)
    return (until(ends) - until(ends - window)) / window + noise


def capacitor(decay: float, seed: int = 1) -> np.ndarray:
    """Readings of a capacitor that is off by 1 / e of a step after so many updates."""
    _, edges, levels = joules(seed, 20.0, 60.0)
    shown, watts, now = 200.0, np.zeros(N), 0.0
    for k in range(N):
        inside = edges[(edges > now) & (edges <= k)]
        for until in (*inside, float(k)):
            level = levels[np.searchsorted(edges, now, "right") - 1]
            shown, now = level + (shown - level) * np.exp(-(until - now) / decay), until
        watts[k] = shown
    return watts + NOISE_W / 8 * np.random.default_rng(seed).standard_normal(N)


@pytest.mark.parametrize("window", [2.3, 5.0, 17.0, 37.5])
def test_a_mean_bends_when_a_step_comes_and_again_its_length_later(window):
    for seed in (1, 2, 3):
        found = averaging(means(window, seed), NEXT, NOISE_W)
        assert found is not None
        assert found.decay is None
        assert found.window == pytest.approx(window, rel=0.03)


@pytest.mark.parametrize("window", [0.25, 1.0])
def test_a_mean_of_no_more_than_an_update_is_none(window):
    for seed in (1, 2, 3):
        assert averaging(means(window, seed), NEXT, NOISE_W) is None


@pytest.mark.parametrize("decay", [0.7, 2.0, 5.0])
def test_a_capacitor_has_one_ratio_of_changes_upwards_and_downwards(decay):
    for seed in (1, 2, 3):
        found = averaging(capacitor(decay, seed), NEXT, NOISE_W)
        assert found == Averaging(None, pytest.approx(decay, rel=0.03))


def test_a_capacitor_that_only_charges_is_none():
    """Power that rises step by step has one ratio of a few changes upwards, and none downwards."""
    watts = 300 - 240 * np.exp(-np.arange(N) % 200 / 5.0)
    watts[0] = 60
    falls = np.flatnonzero(np.diff(watts) < 0)
    is_next = NEXT.copy()
    is_next[falls] = False
    assert averaging(watts, is_next, NOISE_W) is None


def test_readings_between_which_some_are_missing_bend_by_no_step():
    watts = means(5.0)
    assert averaging(watts, np.arange(N - 1) % 2 > 0, NOISE_W) is None


def test_few_readings_or_noise_tell_nothing():
    assert averaging(means(5.0)[:200], NEXT[:199], NOISE_W) is None
    assert averaging(NOISE_W * np.random.default_rng(3).standard_normal(N), NEXT, NOISE_W) is None
    one_step = np.where(np.arange(N) < N // 2, 60.0, 300.0)
    assert averaging(one_step, NEXT, NOISE_W) is None


def test_pulses_of_one_length_are_told_from_levels_that_last_by_chance():
    """They bend twice in a row at each end, and the other way their length later."""
    chance = np.random.default_rng(4)
    begins = np.cumsum(np.concatenate(([5.0], chance.uniform(30, 80, 200))))
    edges = np.stack((begins, begins + 7.0), 1).ravel()
    sums = np.concatenate(([0.0], np.cumsum(np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0) * 200)))
    ends = np.arange(N) + 0.0
    pulses = np.interp(ends, edges, sums) - np.interp(ends - 1, edges, sums)
    assert is_twofold(pulses, NEXT, NOISE_W)
    assert not is_twofold(means(1.0), NEXT, NOISE_W)
