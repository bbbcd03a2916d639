"""How many cycles an update readings show that come round (:mod:`microjoule.joules.gauges.coming_round`)."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.estimates.brackets import F64
from microjoule.joules.gauges.coming_round import UNSURE, Differences, cycles_shown, height

N, INSIDE = 400, slice(80, 320)


def _beat(phase: F64, high: float) -> F64:
    """What means of an update show of a load that is high for a part of each cycle."""
    slope = float(np.median(np.diff(phase)))
    into = phase % 1.0
    return np.interp(into, [0, slope, high, high + slope, 1], [0.0, 1.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize("high", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("phi", [0.011, 0.0309, 0.05, 0.0909, 0.111, 0.182])
def test_a_load_of_one_period_shows_its_cycles_and_its_high_part(phi: float, high: float) -> None:
    """To less than how often readings cross their middle would: by half a crossing of some 65."""
    watts = _beat(phi * np.arange(N) + 0.37, high)
    found = cycles_shown(watts, np.full(N, 0.5), np.full(N, 0.5))
    off = np.abs(found.each - phi)[INSIDE]
    assert (off <= found.unsure[INSIDE] + 1e-12).all()
    assert off.max() < UNSURE / 4
    assert found.unsure[INSIDE].max() < UNSURE
    assert np.abs(found.above - high)[INSIDE].max() < 0.78 * phi + 0.5 * phi  # a slope is half of it high


def test_cycles_are_known_no_better_than_they_differ() -> None:
    """Of a load that slows down the cycles around an update are those of no other one."""
    steadily, slowing = 0.1 * np.arange(N), np.cumsum(np.linspace(0.11, 0.08, N))
    of_each = [
        cycles_shown(_beat(each, 0.5), np.full(N, 0.5), np.full(N, 0.5)) for each in (steadily, slowing)
    ]
    steady, slow = (float(np.median(each.unsure[INSIDE])) for each in of_each)
    assert slow > 1.5 * steady
    assert (np.abs(of_each[1].each - np.linspace(0.11, 0.08, N)) < of_each[1].unsure + 1e-3)[INSIDE].all()


def test_a_load_that_stays_as_it_is_shows_its_cycles_more_closely() -> None:
    """Of 257 updates, a quarter as unsure as of 65; of one that slows down by more than that, no better."""
    regular, slowing = 0.1818 * np.arange(600), np.cumsum(np.linspace(0.182, 0.17, 600))
    here = slice(200, 400)
    half = np.full(600, 0.5)
    steady, slow = (cycles_shown(_beat(each, 0.5), half, half) for each in (regular, slowing))
    assert (np.abs(steady.each - 0.1818) <= steady.unsure)[here].all()
    assert steady.unsure[here].max() < 0.3 * slow.unsure[here].min()


def test_what_does_not_come_round_among_the_updates_around_is_counted() -> None:
    watts = _beat(np.arange(N) / 200, 0.5)
    found = cycles_shown(watts, np.full(N, 0.5), np.full(N, 0.5))
    assert found.unsure[INSIDE] == pytest.approx(UNSURE)
    assert found.each[INSIDE].max() < 2 * UNSURE + 1e-12


@pytest.mark.parametrize(("phi", "most"), [(0.031, 1.15), (0.25, 1.15), (0.348, 1.15), (0.429, 1.5)])
def test_means_of_ten_updates_differ_by_what_power_did_ten_updates_apart(phi: float, most: float) -> None:
    """Differences have the readings' noise, and power that is worked out from them ten times as much."""
    chance = np.random.default_rng(1)
    power = 100 * (_beat(phi * np.arange(N + 10) + 0.37, 0.5) - 0.5)
    differ = (power[10:] - power[:-10]) / 10 + 0.1 * chance.standard_normal(N)
    half = Differences(differ, np.zeros(N, bool), 10.0).half_w(np.full(N, phi))[INSIDE]
    assert half.min() > 0.95 * np.abs(power[10:][INSIDE]).max()
    assert half.max() < most * np.abs(power[10:][INSIDE]).max()


def test_means_of_whole_cycles_tell_nothing_of_how_far_power_swings() -> None:
    phi = np.full(N, 0.2)
    scatter = Differences(np.ones(N), np.ones(N, bool), 10.0)
    assert np.isinf(Differences(np.ones(N), np.zeros(N, bool), 10.0).half_w(phi)).all()
    assert np.isinf(scatter.half_w(np.full(N, 0.25))).all()
    few = np.full(N, 0.016)  # a sine is seen by less than half, and a rectangle by more
    assert np.isinf(Differences(np.ones(N), np.zeros(N, bool), 10.0).half_w(few)).all()


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("wave", ["rectangle", "sine", "triangle"])
def test_the_height_of_a_wave_is_its_own_and_not_that_of_its_noise(wave: str, noise: float) -> None:
    """Of noise of a tenth the largest value among 65 is a quarter more than the wave."""
    into = 0.031 * np.arange(N) % 1.0
    of = {
        "rectangle": np.where(into < 0.5, 1.0, -1.0),
        "sine": np.sin(2 * np.pi * into),
        "triangle": 4 * np.abs(into - 0.5) - 1,
    }
    found = height(of[wave] + noise * np.random.default_rng(1).standard_normal(N))[INSIDE]
    assert found.min() > 0.95
    assert found.max() < 1.0 + 1.4 * noise + 1e-9


def test_differences_of_a_sine_are_of_rectangles_that_stray_as_far() -> None:
    """Means of ten updates, a fifth of a cycle: a sine strays as far as rectangles of 2 / π of its height."""
    power = 100 * np.sin(2 * np.pi * 0.02 * np.arange(N + 10))
    differ = (power[10:] - power[:-10]) / 10
    half = Differences(differ, np.zeros(N, bool), 10.0).half_w(np.full(N, 0.02))[INSIDE]
    assert half == pytest.approx(100 * 2 / np.pi, rel=0.01)


def test_one_sine_in_the_differences_tells_the_cycles_where_it_is_quicker() -> None:
    """What is worked out from means adds their noise up to a slow swing."""
    slow, half = _beat(0.02 * np.arange(N), 0.5), np.full(N, 0.5)
    quick = np.sin(2 * np.pi * 0.2 * np.arange(N))
    slower = np.sin(2 * np.pi * 0.011 * np.arange(N))
    scatter = np.sign(quick) * np.random.default_rng(2).uniform(0.2, 1.0, N)
    no, yes = np.zeros(N, bool), np.ones(N, bool)
    for differ, is_scatter, phi in (
        (quick, no, 0.2), (quick, yes, 0.02), (slower, no, 0.02), (scatter, no, 0.02),
    ):  # fmt: skip
        found = cycles_shown(slow, half, half, Differences(differ, is_scatter, 10.0))
        assert found.each[INSIDE] == pytest.approx(phi, rel=0.01)
        assert found.unsure[INSIDE].max() <= UNSURE
        assert found.above[INSIDE] == pytest.approx(0.5, abs=0.03)
