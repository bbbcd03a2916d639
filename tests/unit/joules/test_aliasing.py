"""Fast loads that slow readings may be of: what a mean over a part of a period leaves of a swing."""

import numpy as np
import pytest

from microjoule.joules.gauges.aliasing import swings
from microjoule.joules.gauges.coming_round import SLOWEST, UNSURE

K = np.arange(600)
INSIDE = slice(100, 500)  # farther from the ends than any reading is looked at
MOST_W, NOISE_W = 400.0, 0.1


def found(watts, coverage=0.25, most_w=MOST_W, noise_w=NOISE_W):
    return swings(np.asarray(watts, float), coverage, most_w, noise_w)


@pytest.mark.parametrize("phi", [0.02, 0.04, 0.1])
@pytest.mark.parametrize("coverage", [0.1, 0.25, 0.7])
def test_a_slow_swing_may_be_a_fast_one_of_which_a_mean_leaves_a_sinc(phi, coverage):
    """Of a sine of f cycles a period the mean over w of it keeps sin(pi f w) / (pi f w); f is 1 - phi."""
    of = found(200 + 30 * np.sin(2 * np.pi * phi * K + 0.3), coverage)
    f = np.pi * (1 - phi) * coverage
    assert of.half_w[INSIDE] == pytest.approx(30 * f / np.sin(f), rel=0.05)
    assert np.median(of.phi[INSIDE]) == pytest.approx(phi, abs=UNSURE)


@pytest.mark.parametrize("coverage", [0.2, 0.5])
def test_the_mean_of_three_phases_is_off_by_a_sixth_of_a_load_s_swing(coverage):
    """Two of three are high of one that is high for half of the time: of 300 W they show 50 more."""
    assert found(np.where(K % 3 < 2, 350.0, 50.0), coverage).astray_w[INSIDE] == pytest.approx(50)


def test_readings_that_alternate_show_as_much_of_a_load_as_their_phases_chance_to():
    """Between 8 and 208 W, always: there is room for 1.2 times 108 W about their middle."""
    of = found(108 + 100 * (-1.0) ** K, coverage=1.0)
    assert of.phi[INSIDE] == pytest.approx(0.5, abs=0.01)
    assert of.half_w[INSIDE] == pytest.approx(1.2 * 108)
    assert found(200 + 5 * (-1.0) ** K, coverage=0.5).half_w[INSIDE] == pytest.approx(1.2 * 200)


def test_readings_that_all_but_alternate_are_of_a_load_of_rectangles_of_no_less_swing():
    """A sine of 0.49 cycles an update or of 0.51 swings by pi * 0.51 / sin(pi * 0.51) of what they do.

    Where there is no room for that, rectangles of 0.51 / 0.49 of it may be meant.
    """
    beat = np.cos(2 * np.pi * 0.49 * K)
    wide = found(200 + 100 * beat, coverage=1.0)
    assert wide.half_w[INSIDE] == pytest.approx(100 * np.pi * 0.51 / np.sin(np.pi * 0.51), rel=0.05)
    # From 0 to 150 W it is high for 8 of 15 parts of the time, and strays as one of 70 (2 - 70 / 75) W does.
    none = found(80 + 79 * beat, coverage=1.0, most_w=150.0)
    assert none.half_w[INSIDE] == pytest.approx(70 * (2 - 70 / 75), rel=0.01)
    assert not found(80 + 79 * beat, coverage=1.0, most_w=130.0).half_w.any()  # and of 65 W do not


def test_how_long_a_load_is_high_is_known_no_better_than_its_cycles():
    """Of a beat of 32 readings to three hundredths of it; of one that takes 28 to 36, to a tenth at least."""
    chance = np.random.default_rng(4)
    each = np.repeat(chance.uniform(1 / 36, 1 / 28, len(K) // 30 + 1), 30)[: len(K)]
    shorter = []
    for phase in (K / 32, np.cumsum(each)):
        into = phase % 1.0
        beat = np.interp(into, [0, 0.03, 0.5, 0.53, 1], [0.0, 1.0, 1.0, 0.0, 0.0])
        shorter.append(float(np.median(found(200 + 5 * beat, coverage=1.0).shorter[INSIDE])))
    assert shorter[0] > 0.46
    assert 0.3 < shorter[1] < 0.42


@pytest.mark.parametrize("high", [0.2, 0.8])
def test_a_load_that_is_high_for_a_part_of_the_time_may_swing_from_nothing_to_the_limit(high):
    """Of 300 W swings a mean over T shows 0.1 in every eleventh part of a cycle, and the part that is high.

    It strays by 300 W times high (1 - high), as one that is high for half of the time does of 192 W.
    """
    is_high = np.mod(K / 11, 1) < high
    of = found(50 + 300 * (1.1 * high - 0.1 * is_high), coverage=1.0)
    assert (of.half_w[INSIDE] > 2 * 300 * high * (1 - high)).all()
    assert (
        of.half_w[INSIDE] < 1.6 * 2 * 300 * high * (1 - high)
    ).all()  # any swing of that mean may be meant


SLOW = 2 * np.pi * 0.03 * K
NONE = {
    "a steady power": (np.full(600, 200.0), {}),
    "noise": (200 + NOISE_W * np.random.default_rng(5_500_301).standard_normal(600), {}),
    "steps, as a slow load shows them": (200 + 30 * np.sign(np.sin(SLOW)), {}),
    "a swing that would go below nothing": (32 + 30 * np.sin(SLOW), {"coverage": 0.7}),
    "a swing that would go beyond what the device may draw": (
        200 + 30 * np.sin(SLOW), {"coverage": 0.7, "most_w": 232.0}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NONE)
def test_other_readings_are_of_no_fast_load(name):
    watts, options = NONE[name]
    assert not found(watts, **options).half_w.any()


def test_fewer_readings_than_a_swing_is_looked_for_in_tell_nothing():
    watts = 200 + 30 * np.sin(SLOW)
    assert (found(watts[:31]).half_w.tolist(), found(watts[:31]).phi.tolist()) == ([0.0] * 31, [0.5] * 31)
    assert found(watts[:32]).half_w.any()


def test_at_the_ends_of_a_swing_it_is_what_it_is_inside():
    watts = np.where(K < 300, 200 + 30 * np.sin(SLOW), 200.0)
    of = found(watts)
    assert (of.half_w[250:300] > 30).all()
    assert not of.half_w[400:].any()
    assert of.phi.min() >= SLOWEST


def test_a_beat_within_noise_may_be_of_a_load_of_which_a_part_sees_about_a_whole_period():
    """Of 2.016 cycles an update half of it sees 1.008, and keeps 0.008 / 1.008 of rectangles of ± 60 W."""
    chance = np.random.default_rng(5_500_300)
    noisy = (
        200
        + 60 * 0.008 / 1.008 * np.sin(2 * np.pi * 0.016 * K) * 4 / np.pi
        + 0.2 * chance.standard_normal(600)
    )
    of = found(noisy, coverage=0.5, noise_w=0.2)
    assert np.median((of.half_w * of.period)[INSIDE]) == pytest.approx(60 / 2.016, rel=0.3)
    assert np.median(of.unseen_w[INSIDE]) == pytest.approx(60 * 0.008, rel=0.3)


def test_power_that_settles_is_at_a_level_and_one_pulse_no_beat():
    """A fast load's edges creep through a quarter of T for sixteen readings: settling was taken for them."""
    n = np.arange(166)
    settled = 190 - 5 * np.exp(-(n - 16) / 8)
    jitter = np.random.default_rng(3).uniform(-0.5, 0.5, len(n))
    watts = np.where((n >= 16) & (n < 75), settled, 60.0) + jitter
    assert not swings(watts, 0.25, 250.0, 0.06).half_w.any()
