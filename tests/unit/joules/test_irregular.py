"""What readings of a load with irregular edges show of it: they scatter, and creep with its phase."""

import numpy as np
import pytest
from scipy.stats import t

from microjoule.joules.gauges.irregular import BLOCKS, creeping_w, irregular_w, means_astray_w, of_means

N = 3000
CHANCE = np.random.default_rng(12)
NOISE = CHANCE.standard_normal(N)
MIDDLE = slice(200, -200)


def half_w(watts, noise_w=0.1, room=200.0):
    middle, seen = np.full(N, 200.0), np.full(N, 3 * np.std(watts) + 1e-9)
    return irregular_w(watts, (middle, seen, np.full(N, room)), noise_w)[MIDDLE]


@pytest.mark.parametrize("scatter_w", [2.0, 8.0])
def test_readings_that_scatter_may_be_of_a_load_of_half_an_update_of_edges_off_by_a_fifth(scatter_w):
    """It strays by S where they scatter by S 0.2 sqrt(2 / 6): a load of twice S that is high for half."""
    expected_w = 2 * scatter_w / (0.2 * np.sqrt(1 / 3))
    assert np.median(half_w(200 + scatter_w * NOISE)) == pytest.approx(expected_w, rel=0.05)


@pytest.mark.parametrize(
    "watts",
    [
        200 + 0.05 * NOISE,  # the sensor's own noise
        200 + 8 * np.sin(np.arange(N) / 5),  # a sine
        200 + 8 * np.sign(np.sin(np.arange(N) / 9)),  # levels
        200 + 150 * NOISE,  # more than irregular edges of any load in the room do
    ],
)
def test_readings_that_do_something_else_are_of_none(watts):
    assert not half_w(watts).any()


def creeping(watts, kept_w=10.0, is_fast=True):
    return creeping_w(watts, np.full(N, is_fast), np.full(N, kept_w))[:, MIDDLE]


def phase(a_step, amplitude_w):
    """Readings of a load whose phase walks at random: a sine of it, and what scatters."""
    walk = np.cumsum(np.random.default_rng(3).standard_normal(N)) * 2 * np.pi * a_step
    return 200 + amplitude_w * np.sin(walk) + 2 * NOISE


def test_means_of_readings_stray_as_they_scatter_while_a_phase_creeps():
    """A walk of 0.1 cycles a reading forgets its phase after 5 of them: of twice as many strays 0.7."""
    found = np.median(creeping(phase(0.1, 8.0)), axis=1)
    scatter = found / [t.ppf(0.975, 1.5 * (2 * 512 + 1) / size - 1) / 1.96 for size in BLOCKS]
    assert scatter[1:] / scatter[:-1] == pytest.approx(np.sqrt(0.5), rel=0.15)
    alike = 1 / (2 * np.pi**2 * 0.1**2)  # updates over which it does
    assert found[2] == pytest.approx(np.sqrt(8**2 / 2 * 2 * alike / BLOCKS[2]), rel=0.25)


def test_readings_that_span_more_than_the_sensor_keeps_are_the_power_itself():
    watts = phase(0.04, 8.0)
    assert creeping(watts).any()
    assert not creeping(watts, kept_w=4.0).any()
    assert not creeping(watts, is_fast=False).any()


def test_only_what_may_be_of_a_fast_load_creeps():
    watts, is_fast = phase(0.04, 8.0), np.arange(N) < N // 2
    found = creeping_w(watts, is_fast, np.full(N, 10.0))
    assert (found[:, is_fast] > 0).all()
    assert not found[:, ~is_fast].any()


def test_means_of_independent_readings_scatter_by_the_root_of_their_number():
    """By Student's t of how few they are among 1025: their own mean is taken off."""
    chance = np.random.default_rng(5_500_300)
    found2 = [np.mean(creeping(200 + 2 * chance.standard_normal(N)) ** 2, axis=1) for _ in range(20)]
    of_few = [t.ppf(0.975, 1.5 * (2 * 512 + 1) / size - 1) / 1.96 for size in BLOCKS]
    assert np.sqrt(np.mean(found2, axis=0)) == pytest.approx(2 / np.sqrt(BLOCKS) * of_few, rel=0.12)


def test_scatter_that_comes_of_how_powers_were_worked_out_is_of_no_load():
    levels = np.full(N, 200.0), np.full(N, 24.0), np.full(N, 200.0)
    watts, own = 200 + 8 * NOISE, np.arange(N) < N // 2
    found = irregular_w(watts, levels, 0.1, own)
    assert (found[:1400] > 0).mean() > 0.9
    assert not found[~own].any()


EVEN = 2 * np.sqrt(3) * np.random.default_rng(7).uniform(-1, 1, N)  # W, anywhere between two ends


def test_means_of_a_part_of_the_time_are_astray_by_how_they_scatter():
    """Of independent readings by the root of their number, with a fifth more of how few such means are."""
    of_readings = np.sqrt(np.mean(means_astray_w(200 + EVEN, np.ones(N, bool)) ** 2, axis=1))
    assert of_readings == pytest.approx(1.2 * 2 / np.sqrt(BLOCKS), rel=0.25)


def test_power_that_wanders_is_mostly_near_its_mean_and_is_of_no_such_load():
    """U of 10 s of a random walk that returns was seven times as large as without it."""
    assert not means_astray_w(200 + 2 * NOISE, np.ones(N, bool)).any()


def test_what_is_beside_a_load_without_a_clock_tells_nothing_of_its_means():
    """Idle time after it is a step of power; where little of a load is seen, as means of fewer do."""
    is_own = np.arange(N) < N // 2
    found = means_astray_w(np.where(is_own, 200 + EVEN, 60.0), is_own)
    assert not found[:, ~is_own].any()
    assert (found[:, is_own] < 1.0).all()
    short = np.arange(N) < 150
    of_short = means_astray_w(np.where(short, 200 + EVEN, 60.0), short)
    assert of_short[0, 75] > 0
    assert of_short[-1, 75] == of_short[-2, 75]


def test_means_of_other_numbers_of_readings_are_between_those_that_are_known():
    by_size, at = np.array([8.0, 4.0, 2.0, 2.0, 1.0])[:, None], np.zeros(1, int)
    sizes = [3, 16, 16 * np.sqrt(2), 32, 256, 1024]
    found = [of_means(by_size, at, np.array([each]))[0] for each in sizes]
    assert found == pytest.approx([8.0, 8.0, 6.0, 4.0, 1.0, 0.5])
