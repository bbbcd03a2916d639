"""Readings that repeat: how far their mean is from the power's, and for how long."""

import numpy as np
import pytest

from microjoule.joules.gauges.repeating import (
    ABOUT_TWO,
    by_turns,
    comes_round,
    in_step,
    is_one_line,
    of_few_phases,
    rectangles,
    unlike_after,
)

K = np.arange(600)
INSIDE = slice(100, 400)  # farther from the ends than any reading is looked at
UNTOLD = np.zeros(600), np.zeros(600)  # cycles an update, of which readings tell nothing


@pytest.mark.parametrize("q", [3, 5, 7])
@pytest.mark.parametrize("kept", [0.075, 0.5, 1.2])
def test_the_mean_of_readings_that_repeat_has_the_multiple_that_they_all_see(q, kept):
    """Of rectangles of +-100 W: 100 / q of what readings keep at their own frequency, for ever."""
    off_w, updates = in_step(
        200 + 100 * np.sign(np.sin(2 * np.pi * (K + 0.3) / q)), np.full(600, 100.0), kept, UNTOLD
    )
    assert off_w[INSIDE] == pytest.approx(100 / q * kept)
    assert updates[INSIDE].min() > 1e6


def test_readings_repeat_on_whatever_level_they_do():
    """A long step in the power is in the readings of neither side."""
    watts = 200 + 100 * np.sign(np.sin(2 * np.pi * (K + 0.3) / 3)) + 500 * (K >= 300)
    off_w, _ = in_step(watts, np.full(600, 100.0), 1.0, UNTOLD)
    for side in (slice(100, 200), slice(400, 500)):
        assert off_w[side] == pytest.approx(100 / 3)


def test_phases_that_creep_are_of_one_side_for_a_part_of_the_time():
    """Of 3.04 updates: 0.04 / 3.04 cycles in each third update, of which 1 / pi of a cycle counts."""
    watts = 200 + 100 * np.sign(np.sin(2 * np.pi * (K + 0.3) / 3.04))
    off_w, updates = in_step(watts, np.full(600, 100.0), 1.0, UNTOLD)
    assert np.mean(off_w[INSIDE] > 30) > 0.9
    assert np.median(updates[INSIDE]) == pytest.approx(3.04 / 0.04 / np.pi, rel=0.3)


def test_readings_that_show_how_quickly_phases_creep_say_for_how_long_they_are_of_one_side():
    """Of 0.347 to 0.349 cycles an update three are 0.041 of a cycle from whole at least.

    Readings of a load whose edges they see slowly differ by less than its levels do in as many updates.
    """
    watts, seen = 200 + 100 * np.sin(2 * np.pi * 0.348 * K), np.full(600, 100.0)
    _, updates = in_step(watts, seen, 1.0, (np.full(600, 0.348), np.full(600, 0.001)))
    assert updates[INSIDE] == pytest.approx(1 / (np.pi * 0.041))
    assert (in_step(watts, seen, 1.0, UNTOLD)[1][INSIDE] > 2 / (np.pi * 0.041)).all()


@pytest.mark.parametrize(
    "watts",
    [200 + 100 * np.sign(np.sin(2 * np.pi * K / 17.3)), 200 + 50 * np.sin(2 * np.pi * K / 90), 100.0 + K % 4],
    ids=["slow rectangles", "a slow sine", "four readings"],
)
def test_slow_power_and_even_numbers_of_readings_leave_nothing(watts):
    assert not in_step(watts, np.full(600, 100.0), 1.0, UNTOLD)[0][INSIDE].any()


def test_half_the_mean_square_of_differences_is_of_each_and_as_long():
    assert unlike_after(np.array([0.0, 2.0, 0.0, 2.0, 0.0]), 1) == pytest.approx([2.0] * 5)
    assert unlike_after(np.array([0.0, 2.0, 0.0, 2.0, 0.0]), 2) == pytest.approx([0.0] * 5)


def seen_by_turns(period, high, coverage, of=200.0):
    """Means over a part of T of rectangles of some updates' period."""
    fine = np.arange(0, 600 * 200 + 200) / 200
    on = np.cumsum((fine / period % 1) < high) / 200
    at = K * 200 + 7
    return of * (on[at + round(200 * coverage)] - on[at]) / coverage


@pytest.mark.parametrize("coverage", [0.25, 0.5])
@pytest.mark.parametrize("period", [1.95, 2.03, 2.05])
@pytest.mark.parametrize("high", [0.15, 0.2, 0.8])
def test_readings_by_turns_go_and_come_back_once_a_whole_update_of_creeping(period, high, coverage):
    """Two updates later the phase is 2 - period on: 1 / |2 - period| times that one phase is the other."""
    watts = seen_by_turns(period, high, coverage)
    seen = np.full(600, 100.0)
    assert np.median(by_turns(watts, seen, seen, coverage)[INSIDE]) == pytest.approx(
        abs(2 - period) / 2, rel=0.3
    )


@pytest.mark.parametrize("period", [1.0, 2.9, 3.04, 17.3])
def test_other_readings_do_not_come_by_turns(period):
    seen = np.full(600, 100.0)
    assert not by_turns(seen_by_turns(period, 0.2, 0.25), seen, seen, 0.25)[INSIDE].any()


def test_a_load_that_is_high_for_half_of_the_time_always_shows():
    seen = np.full(600, 100.0)
    assert not by_turns(seen_by_turns(2.03, 0.5, 0.5), seen, seen, 0.5)[INSIDE].any()


def seen(period: float, high: float, coverage: float = 0.25) -> np.ndarray:
    """W: what a part of each update shows of 0 and 100 W, which is high for a part of so many updates."""
    ends = (K[:, None] + 0.3 + np.linspace(0, coverage, 400)) / period
    return 100.0 * (ends % 1 < high).mean(axis=1)


@pytest.mark.parametrize(
    ("period", "high"), [(3, 0.5), (1.5, 0.2), (4, 0.5), (0.8, 0.2), (2.5, 0.5), (7, 0.4), (2, 0.3)]
)
def test_loads_that_come_round_in_a_few_updates_repeat(period, high):
    assert of_few_phases(seen(period, high), 0.1)[INSIDE].all()


@pytest.mark.parametrize(
    ("period", "high"), [(2.03, 0.5), (3.7, 0.5), (17.3, 0.5), (0.9, 0.3), (3.2, 0.5), (4.4, 0.5)]
)
def test_loads_of_which_every_phase_is_seen_do_not(period, high):
    assert not of_few_phases(seen(period, high), 0.1)[INSIDE].any()


@pytest.mark.parametrize("of_full", [1.0, 0.03])
def test_readings_repeat_through_their_noise(of_full):
    """Of 3 W by turns noise of 0.1 W is more than what readings of a repeated load may differ by."""
    noise = 0.1 * np.random.default_rng(5_500_201).standard_normal(600)
    for period in (2, 3, 4):
        found = of_few_phases(of_full * seen(period, 0.5) + noise, 0.1)[INSIDE]
        assert np.mean(found) > 0.9, period
    assert not of_few_phases(of_full * seen(3.7, 0.5) + noise, 0.1)[INSIDE].any()


def test_noise_alone_does_not_repeat():
    assert not of_few_phases(200 + 0.1 * np.random.default_rng(4).standard_normal(600), 0.1).any()
    assert not of_few_phases(np.full(600, 200.0), 0.1).any()
    assert of_few_phases(np.tile([100.0, 200.0, 200.0], 2), 0.1).tolist() == [True] * 6
    assert of_few_phases(np.array([100.0, 200.0, 200.0]), 0.1).tolist() == [False] * 3


WAVE = 100 * np.sin(2 * np.pi * K / 20.3)  # of a load with a clock, 1 / 20.3 off the sensor's
CHANCE = np.random.default_rng(5_500_200)


@pytest.mark.parametrize("level_w", [0.0, 500.0])
@pytest.mark.parametrize("beat", [3.3, 20.3, 60.0])
def test_readings_of_a_load_with_a_clock_come_round_twice_on_whatever_level(beat, level_w):
    watts = 100 * np.sin(2 * np.pi * K / beat) + level_w * (K >= 300)
    found = comes_round(watts)
    assert found[130:170].all()
    assert found[430:470].all()


@pytest.mark.parametrize(("noise_w", "is_found"), [(15.0, 1.0), (24.0, 0.0)])
def test_readings_that_are_alike_but_for_a_little_come_round(noise_w, is_found):
    """Of the mean square less than 6 % may be unlike: noise of 15 W has 4, of 24 W has 10."""
    found = comes_round(WAVE + noise_w * CHANCE.standard_normal(600))[INSIDE]
    assert np.mean(found) == pytest.approx(is_found, abs=0.05)


def test_what_comes_round_by_chance_or_once_does_not():
    levels = np.repeat(CHANCE.uniform(0, 200, 600), CHANCE.integers(1, 16, 600))[:600]
    once = np.where((K > 250) & (K < 270) | (K > 310) & (K < 330), 100.0, 0.0)
    assert not comes_round(CHANCE.standard_normal(600))[INSIDE].any()
    assert np.mean(comes_round(levels)[INSIDE]) < 0.1
    assert not comes_round(once)[270:310].any()


MIDDLE_W, MOST_W = 200.0, 30.0


def _swing(shown: np.ndarray, phi: float, half_w: float = 25.0) -> tuple[np.ndarray, np.ndarray]:
    """Of readings that go from -1 to 1 about their middle, by up to 30 W."""
    levels = np.full(len(K), MIDDLE_W), np.full(len(K), MOST_W), np.full(len(K), MOST_W)
    least, strays = rectangles(
        MIDDLE_W + MOST_W * shown, levels, np.full(len(K), phi), np.full(len(K), half_w)
    )
    return least[INSIDE], strays[INSIDE]


# Of a load that is high for half of the time; among 65 readings each of as many phases once.
TRIANGLE = 4 * np.abs(29 / 65 * K % 1.0 - 0.5) - 1
MOSTLY_AT_ENDS = np.where(K % 2, 1.0, -1.0) * np.where(K % 4 < 2, 1.0, 0.68)


@pytest.mark.parametrize("phi", [0.46, 0.48, 0.5])
def test_a_load_that_is_high_for_half_of_the_time_swings_by_what_a_triangle_shows(phi):
    """Means of an update show φ / (1 - φ) of rectangles of 1 - φ cycles."""
    least, strays = _swing(TRIANGLE, phi, 1000.0)
    assert least == pytest.approx(MOST_W * (1 - phi) / phi)
    assert strays == pytest.approx(MOST_W * (1 - phi) / phi, rel=0.03)
    assert _swing(TRIANGLE, phi, 25.0)[0] == pytest.approx(25.0)  # where as a sine it needs less


def test_what_is_mostly_at_its_ends_strays_by_more():
    """They have 0.73 of the mean square of their ends, and a triangle a third: 1 + 2 (0.73 - 1 / 3) times."""
    assert np.mean(MOSTLY_AT_ENDS**2) == pytest.approx(0.73, abs=0.002)
    assert _swing(MOSTLY_AT_ENDS, 0.5)[1] == pytest.approx(MOST_W * (1 + 2 * (0.73 - 1 / 3)), rel=0.02)
    ends = np.where(K % 2, 1.0, -1.0)
    assert _swing(ends, 0.5)[1] == pytest.approx(MOST_W * 2)  # and no more than twice


def test_slower_loads_are_left_as_they_are():
    for phi in (0.2, ABOUT_TWO):
        for found in _swing(TRIANGLE, phi, 25.0):
            assert (found == 25.0).all()


def test_readings_that_show_nothing_have_no_load():
    levels = np.full(len(K), MIDDLE_W), np.zeros(len(K)), np.zeros(len(K))
    for found in rectangles(np.full(len(K), MIDDLE_W), levels, np.full(len(K), 0.5), np.zeros(len(K))):
        assert not found.any()


@pytest.mark.parametrize(("cycles", "n", "is_shown"), [(0.1, 49, True), (0.1, 39, False), (0.025, 160, True)])
def test_a_load_near_the_frequency_of_reads_is_one_line_in_40_of_them_or_in_160_of_a_slow_beat(
    cycles, n, is_shown
):
    """Three cycles are seen in the means of four where there are fewer in 49 reads."""
    k = np.arange(n)
    assert is_one_line(200 + 50 * np.sign(np.sin(2 * np.pi * cycles * k + 1))).all() == is_shown
    assert not is_one_line(200 + 50 * np.random.default_rng(9).standard_normal(n)).any()
