"""Readings show over how much time a gauge averages, where that is longer than declared or nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import BUSY_W, IDLE_W, LIMIT_W, SENSORS, Load, Poll, gauge, loads, outcome, steps, uneven
from scipy.signal import lfilter
from scipy.stats import binomtest

from microjoule.joules.gauges.readings import Shape

LENGTH_S = 120.0
LENGTHS_S = (0.1, 0.3, 1.0, 3.0)
DECLARED, UNKNOWN = SENSORS["100 of 100 ms"], SENSORS["100 of 100 ms, not declared"]
IRREGULAR = ("steps", "wandering", "bursts", "irregular at 0.9 T", "irregular at 0.5 T")
ONE_PERIOD = ("near: 0.9 T", "near: 0.97 T", "near: 1.1 T", "near twice: 2.03 T", "far: 3.7 T", "far: 17.3 T")


def late(load, by_s):
    return Load(load.edges_s + by_s, load.watts)


def assert_held(held, asked):
    assert binomtest(held, asked).proportion_ci(0.999, "exact").high >= 0.93


@pytest.mark.parametrize("window_s", [0.25, 1.0])
@pytest.mark.parametrize("sensor", [DECLARED, UNKNOWN], ids=["declared", "unknown"])
def test_a_longer_mean_is_found_and_its_windows_are_covered(sensor, window_s):
    """As the mean of 100 ms, or of anything, 2 to 85 % were, and nothing was said."""
    held = asked = 0
    for seed in range(3):
        load = steps(0.8, LENGTH_S, seed)
        found = gauge(late(load, 0.04), replace(sensor, window_s=window_s), Poll(), seed)
        assert found.readings.as_longer().shape is Shape.BOXCAR
        assert found.readings.as_longer().window_ns / 1e9 == pytest.approx(window_s, rel=0.06)
        assert sum("averages about" in each for each in found.notes) == 1
        for length_s in LENGTHS_S:
            got = outcome(found, load, length_s, 50, seed)
            assert got.is_bound.all()
            held, asked = held + got.covered, asked + 50
    assert_held(held, asked)


@pytest.mark.parametrize("decay_s", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("sensor", [DECLARED, UNKNOWN], ids=["declared", "unknown"])
@pytest.mark.parametrize("period_s", [None, 1.73])
def test_a_capacitor_is_found(sensor, decay_s, period_s):
    for seed in range(2):
        load = steps(0.8, LENGTH_S, seed) if period_s is None else uneven(period_s, LENGTH_S, 0.5, 0.0, seed)
        found = gauge(load, replace(sensor, window_s=0.0, tau_s=decay_s), Poll(), seed)
        assert found.readings.as_longer().shape is Shape.CHARGE
        assert found.readings.as_longer().decay_ns / 1e9 == pytest.approx(decay_s, rel=0.05)
        assert sum("time constant" in each for each in found.notes) == 1


@pytest.mark.parametrize("seed", [0])
def test_the_less_is_declared_the_wider_is_u(seed):
    """A mean that was found trails by half an update at most; of what is declared the table says so too."""
    load = steps(0.8, LENGTH_S, seed)
    wide = {}
    for name, sensor in (("1 s", SENSORS["mean of 1 s"]), ("nothing", UNKNOWN)):
        found = gauge(load, replace(sensor, window_s=1.0), Poll(), seed)
        wide[name] = outcome(found, load, 1.0, 50, seed).wide_j.mean()
    assert wide["nothing"] > 0.9 * wide["1 s"]


@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("name", [*IRREGULAR, *ONE_PERIOD])
def test_what_averages_an_update_or_a_part_of_it_is_not_taken_for_a_longer_mean(part, name):
    """Edges near the sensor's own frequency creep through what it looks at, and are ramps in its readings."""
    for seed in range(2):
        if name.startswith("irregular"):
            load = uneven(float(name.split()[2]) / 10, LENGTH_S, 0.4, 0.1, seed)
        else:
            load = loads(0.1, LENGTH_S, seed)[name]
        found = gauge(load, replace(UNKNOWN, window_s=0.1 * part), Poll(), seed)
        assert found.readings.shape is Shape.POINT
        assert found.readings.longer is None


@pytest.mark.parametrize("part", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("pulse_s", [0.3, 0.5, 1.0])
def test_pulses_of_one_length_are_no_longer_mean(part, pulse_s):
    """Readings turn back at one distance, but at once at each end."""
    for seed in range(3):
        chance = np.random.default_rng([seed, 42])
        rests = chance.uniform(0.8, 2.5, 120)
        edges = 3.0 + np.cumsum(np.stack((rests, np.full(120, pulse_s)), 1).ravel())
        load = Load(edges, np.concatenate(([IDLE_W], np.tile([BUSY_W, IDLE_W], 120))))
        found = gauge(load, replace(UNKNOWN, window_s=0.1 * part), Poll(), seed)
        assert found.readings.longer is None


def test_power_that_jumps_up_and_decays_is_no_capacitor():
    """Its changes downwards have one ratio, and those upwards any."""
    chance = np.random.default_rng(7)
    tick_s, n = 0.005, int(LENGTH_S / 0.005)
    jumps = np.cumsum(chance.uniform(0.8, 1.8, 400))
    since_s = np.arange(n) * tick_s
    since_s = since_s - np.concatenate(([0.0], jumps))[np.searchsorted(jumps, since_s, "right")]
    watts = 60 + (BUSY_W - 60) * np.exp(-since_s / 0.25)
    load = Load(3.0 + np.arange(n + 1) * tick_s, np.concatenate(([60.0], watts, [60.0])))
    assert gauge(load, UNKNOWN, Poll(), 1).readings.longer is None


def test_two_steps_show_nothing():
    """Second differences of few steps are alike by chance."""
    for seed in range(8):
        load = loads(0.1, LENGTH_S, seed)["steady"]
        assert gauge(load, replace(UNKNOWN, window_s=0.25), Poll(), seed).readings.longer is None


def test_what_was_found_promises_nothing():
    """A guaranteed interval needs what is declared; of what readings refute it has the limit alone."""
    load = steps(0.8, LENGTH_S, 1)
    found = gauge(load, replace(DECLARED, window_s=1.0), Poll(), 1)
    t0 = found.span_ns[0] + 10**10
    brackets = found.energies([t0], [t0 + 10**10])
    assert brackets.low[0] == 0.0
    assert brackets.high[0] == pytest.approx(2 * LIMIT_W * 10)


@pytest.mark.parametrize("slowly", ["0.3 s", "1 s", "ramps"])
@pytest.mark.parametrize("sensor", [DECLARED, UNKNOWN], ids=["declared", "unknown"])
def test_power_that_itself_reaches_its_levels_slowly_is_covered(sensor, slowly):
    """Readings show the same as those of a longer mean or a capacitor do: as these 15 to 75 % were."""
    held = asked = shown = 0
    for seed in range(3):
        load = slow(slowly, seed)
        found = gauge(load, sensor, Poll(), seed)
        shown += found.readings.longer is not None
        for length_s in LENGTHS_S:
            got = outcome(found, load, length_s, 50, seed)
            assert got.is_bound.all()
            held, asked = held + got.covered, asked + 50
    assert shown
    assert_held(held, asked)


def slow(slowly, seed):
    """Random levels that power approaches exponentially, or by lines of 0.3 s, in steps of 5 ms."""
    chance, tick_s = np.random.default_rng([seed, 44]), 0.005
    n = round(LENGTH_S / tick_s)
    mean_s = 1.0 if slowly == "ramps" else 3.0
    lengths = (chance.uniform(0.3, 1.7, round(3 * LENGTH_S / mean_s)) * mean_s / tick_s).astype(int)
    aimed = np.repeat(chance.uniform(IDLE_W, BUSY_W, len(lengths)), lengths)[:n]
    if slowly == "ramps":
        watts = np.convolve(np.concatenate((np.full(59, aimed[0]), aimed)), np.full(60, 1 / 60), "valid")
    else:
        kept = np.exp(-tick_s / float(slowly.split()[0]))
        watts = lfilter([1 - kept], [1, -kept], aimed, zi=[kept * aimed[0]])[0]
    return Load(3.0 + np.arange(n + 1) * tick_s, np.concatenate(([IDLE_W], watts, [IDLE_W])))


def test_what_either_may_be_adds_up_over_windows():
    """It is of one cause in all windows, with the sign that it has in each."""
    found = gauge(slow("0.3 s", 1), DECLARED, Poll(), 1)
    at = found.span_ns[0] + 10**9 * np.arange(10, 60, 5)
    of = {
        name: next(part for part in found.energies(t0, t1).parts if part.name == "averaging")
        for name, t0, t1 in (("each", at[:-1], at[1:]), ("all", at[:1], at[-1:]))
    }
    assert set(of["each"].groups) == set(of["all"].groups)
    assert np.abs(of["each"].u).max() > 0
    assert of["each"].u.sum() == pytest.approx(of["all"].u[0])
