"""Beats of loads near the sensor's own frequency are found in a drift and in noise, and nowhere else."""

import numpy as np
import pytest

from microjoule.joules.gauges.beats import DUTY, beats

MOST_W, NOISE_W, LEAST = 400.0, 0.2, 1e-6
N = 1200
INSIDE = slice(330, 870)  # farther from the ends than any reading is looked at


def means(phi, high, swing_w=200.0, mean_w=200.0):
    """Means over T of rectangles of 1 + phi cycles an update."""
    f = 1 + phi
    t = np.arange(N + 1) + 0.123
    on = (np.floor(t * f) * high + np.minimum(t * f - np.floor(t * f), high)) / f  # how long it was high
    return mean_w + swing_w * (np.diff(on) - high)


def found(watts):
    return beats(watts, 1.0, MOST_W, NOISE_W, LEAST)


@pytest.mark.parametrize("phi", [0.02, 0.031, 0.08])
@pytest.mark.parametrize("high", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("drift_w", [0.0, 0.4])
def test_a_beat_has_the_energy_within_a_period_of_its_load(phi, high, drift_w):
    """2 H d (1 - d) is half the swing of a load that is high for half of the time and moves as much."""
    drift = drift_w * np.abs(np.arange(N) - N / 2)
    of = found(means(phi, high) + drift - drift.mean())
    even = 2 * 200 * high * (1 - high)
    assert np.median(of.half_w[INSIDE]) == pytest.approx(even, rel=0.25)
    assert np.median(of.phi[INSIDE]) == pytest.approx(phi, rel=0.05)
    assert np.mean(of.shorter[INSIDE] < min(high, 1 - high)) > 0.9


@pytest.mark.parametrize("phi", [0.02, 0.031, 0.08])
@pytest.mark.parametrize("high", [0.3, 0.5, 0.7])
def test_the_part_that_is_high_is_known_to_a_part_of_the_time(phi, high):
    of = found(means(phi, high))
    assert np.median(of.shorter[INSIDE]) == pytest.approx(min(high, 1 - high) - DUTY, abs=0.04)


@pytest.mark.parametrize("bins", [11.5, 12.5, 13.5])
def test_cycles_are_known_to_a_part_of_the_distance_between_two_frequencies(bins):
    """Of 320 readings frequencies are 1/640 of a cycle apart: half of one would be 4 % of these."""
    assert np.median(found(means(bins / 640, 0.5)).phi[INSIDE]) == pytest.approx(bins / 640, rel=0.03)


def test_all_readings_that_show_a_beat_have_it():
    assert found(means(0.1, 0.5)[:32]).half_w.min() > 70


@pytest.mark.parametrize("swing_w", [200.0, 240.0, 260.0])
def test_a_load_swings_by_no_more_than_its_mean_allows(swing_w):
    """Of a mean of 40 W, from 0 to 400 W, a tenth of the time: 2 H d (1 - d) is 72 W."""
    half_w = found(means(0.08, 0.2, swing_w, 40.0)).half_w[INSIDE]
    assert half_w == pytest.approx(min(2 * swing_w * 0.2 * 0.8, 72), rel=0.03)


def test_a_beat_of_a_load_that_its_mean_does_not_allow_is_none():
    """Half of the time 300 W more than else, about a mean of 40 W."""
    assert not found(means(0.08, 0.5, 300.0, 40.0)).half_w.any()


def test_a_beat_within_noise_stands_out_of_it():
    noise = NOISE_W * np.random.default_rng(5_500_100).standard_normal(N)
    of = found(means(0.03, 0.5, swing_w=20.0) + noise)
    assert np.mean(of.half_w[INSIDE] > 0) > 0.98
    assert np.median(of.half_w[INSIDE]) == pytest.approx(10, rel=0.3)


@pytest.mark.parametrize("seed", range(5_500_110, 5_500_116))
def test_noise_levels_and_power_that_wanders_have_none(seed):
    chance = np.random.default_rng(seed)
    noise = NOISE_W * chance.standard_normal(N)
    levels = np.repeat(chance.uniform(60, 330, N), chance.integers(1, 16, N))[:N]
    wanders = np.zeros(N)
    for i in range(1, N):
        wanders[i] = 0.95 * wanders[i - 1] + 3 * chance.standard_normal()
    for power in (np.full(N, 200.0), levels, 200 + wanders):
        assert np.mean(found(power + noise).half_w > 0) < 0.06


def test_a_beat_of_a_load_that_would_need_less_than_no_power_is_none():
    """Of means that swing by 20 W at 0.02 cycles an update it would swing by 1000 W."""
    assert not found(means(0.02, 0.5, swing_w=1000.0)).half_w.any()


def test_fewer_readings_than_any_beat_needs_have_none():
    assert not found(means(0.1, 0.5)[:31]).half_w.any()
