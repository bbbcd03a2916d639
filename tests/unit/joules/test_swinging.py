"""What loads near a gauge's own frequency do to windows (:mod:`microjoule.joules.gauges.swinging`)."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from gauges import POLLS, SENSORS, gauge, nvml_power, outcome, square

from microjoule.channel import Timing
from microjoule.joules.gauges.aliasing import Swings
from microjoule.joules.gauges.coming_round import UNSURE
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.irregular import BLOCKS
from microjoule.joules.gauges.swinging import Swinging, _out_of_step
from microjoule.trace.series import Series

MS = 1_000_000
T0 = 9_000_000 * MS

PROFILE = SimpleNamespace(
    place=lambda t: SimpleNamespace(segment=np.where(t < 3, 2, 6)),
    watts=np.array([0.0, 120.0, 0.0, 140.0]),
    bounds_s=np.array([0.0, 1.0, 10.0]),
    energy_j=lambda t: 100 * t + 5 * t**2,
)


def _swings(is_one: bool) -> Swings:
    """30 W either way at 0.2 to 0.3 cycles a reading, in power that grows by 10 W a second."""
    return Swings(
        np.array([0.0, 20.0, 0.0, 30.0]), np.array([0.0, 0.3, 0.0, 0.2]), np.ones(4), np.zeros(4, bool),
        np.zeros(4), np.ones(4), np.zeros((len(BLOCKS), 4)), np.full(4, 0.4 * is_one),
        np.array([0.0, 20.0, 0.0, 30.0]), np.full(4, UNSURE), np.zeros(4, bool),
    )  # fmt: skip


def _at_ends(a: float, b: float, *, is_one: bool, is_whole: bool):
    t = np.array([a, b])
    value = np.diff(PROFILE.energy_j(t))
    return Swinging(PROFILE, _swings(is_one), 0.1, 400.0, is_whole).at_ends(t[:1], t[1:], value)


def test_such_a_load_moves_a_window_by_a_part_of_its_slowest_cycle():
    """Of power that grows evenly the mean around a window is its own, however wide: nothing strays.

    A quarter of the swing over three tenths of a cycle is left, as the ends of a rectangle; and at each end a
    triangle of a quarter of a period. Of all of the time readings beside it have a part of that, too.
    """
    edge2, off = _at_ends(2.0, 4.0, is_one=False, is_whole=False)
    assert edge2 == pytest.approx((30 * 0.1 / 4) ** 2)
    assert _at_ends(2.0, 4.0, is_one=False, is_whole=True)[0] == pytest.approx((30 * 0.1 / 4 * 1.35) ** 2)
    cycle_s = 0.1 / (0.2 - UNSURE)
    assert off == pytest.approx(0.25 * 30 * 0.3 * cycle_s / math.sqrt(3))
    # In so short a window power of 120 W swings by that at most: by less than up to the limit. In none at all
    # U, √6 of it, is the swing between both levels.
    share = 0.6 + (2 / math.sqrt(6) - 0.6) * (1 - 0.05 / 0.3)
    short2, _ = _at_ends(2.0, 2.005, is_one=False, is_whole=False)
    assert short2 == pytest.approx((share * 120 * 0.005) ** 2)
    assert _at_ends(2.0, 4.0, is_one=False, is_whole=True)[1] == 0.0
    # Of all of the time a reading of 120 W may be the mean of 400 W for three tenths of it.
    short2, _ = _at_ends(2.0, 2.001, is_one=False, is_whole=True)
    assert short2 == pytest.approx((0.6 * 280 * 0.001) ** 2)


def test_both_ends_of_whole_cycles_of_one_period_stray_alike():
    """At 0.3 cycles a reading 0.1 s are 0.7 or 1.3 cycles and 1 s is a whole number of them.

    0.1 s are 0.3 cycles from a whole number, and the load is high, or low, for 0.4 of its period at least:
    the triangle from tip to tip is 20 W x 0.1 s / 2 / (1 - 0.3), if readings showed sinc(1 - 0.3) of it, and
    sinc(0.3) of that, as they show 0.3 / (1 - 0.3); 0.3 / 0.4 of it at most lie that far apart. Over 1 s of
    readings nobody knows to a cycle how many there were.
    """
    regular2, _ = _at_ends(2.0, 2.1, is_one=True, is_whole=True)
    tip_j = 20 * 0.1 / 2 * math.sin(0.3 * math.pi) / (0.3 * math.pi) / 0.7
    most_j = 1.05 * (0.3 + UNSURE) / 0.4 * tip_j
    assert float(np.sqrt(6 * regular2)[0]) == pytest.approx(most_j, rel=0.02)
    long_of, _ = _at_ends(2.0, 2.9, is_one=True, is_whole=True)
    assert long_of > regular2
    assert (
        _at_ends(2.0, 4.0, is_one=True, is_whole=False)[0]
        == _at_ends(2.0, 4.0, is_one=False, is_whole=False)[0]
    )


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_repeats_strays_by_the_larger_of_both_ends_and_what_creeps_by_the_middle(is_whole: bool):
    """2 W for 1 s at one end and 3 W for 2 s at the other; 1.5 W in the middle for all of the 2 s."""
    of = _swings(is_one=False)
    of = of._replace(
        astray_w=np.array([9.0, 2.0, 9.0, 3.0]),
        for_updates=np.array([0.0, 10.0, 0.0, 30.0]),
        creeping_w=np.where(np.arange(4) == 2, 1.5, 9.0) * np.ones((len(BLOCKS), 1)),
        unseen_w=np.zeros(4),
    )
    value = np.diff(PROFILE.energy_j(np.array([2.0, 4.0])))
    of_ends = Swinging(PROFILE, of, 0.1, 400.0, is_whole).at_ends(np.array([2.0]), np.array([4.0]), value)
    assert of_ends[1] == pytest.approx(math.hypot(3.0, 6.0 / math.sqrt(3)))


@pytest.mark.parametrize(
    ("length_s", "unsure", "around_s"), [(0.21, 0.0, 0.5), (0.7, 0.0, 1.0), (0.21, 0.15, 1.0)]
)
def test_a_window_strays_from_the_mean_of_whole_cycles_around_it(length_s, unsure, around_s):
    """Power of 3 t² has a mean that is (c² - L²) / 4 more over c around a window of L than over the window.

    Of 0.2 cycles an update, give or take half of them at most, c is that of the slowest; and what a part of
    the time does not show may last for three tenths of a cycle.
    """
    profile = SimpleNamespace(bounds_s=np.array([0.0, 10.0]), energy_j=lambda t: t**3)
    of = Swinging(profile, _swings(is_one=False), 0.1, 400.0, False)
    a, b = np.array([5.0]), np.array([5.0 + length_s])
    of_window = b**3 - a**3, np.array([0.2]), np.array([unsure])
    strays = 1.1 * (around_s**2 - length_s**2) / 4 * length_s
    assert of._strays(a, b, *of_window) == pytest.approx(strays)
    hidden_s = min(length_s, 0.3 * 0.1 / (0.2 - min(unsure, 0.1)))
    assert of._strays(a, b, *of_window, 10.0) == pytest.approx(strays + 10 * hidden_s)


@pytest.mark.parametrize(("of", "length_s"), [(0.9, 0.1), (0.97, 0.1), (0.97, 3.0), (1.1, 0.1), (1.1, 1.0)])
def test_windows_under_a_load_near_the_sensor_s_period_are_narrow_and_held(of: float, length_s: float):
    """Both ends of 0.1 s err alike: U was 5 to 12 times the error, and 3.8 while cycles were counted."""
    wide, error = [], []
    for seed in range(6):
        load = square(of * 0.1, 120.0, seed)
        found = outcome(
            gauge(load, SENSORS["100 of 100 ms"], POLLS["10 ms"], seed), load, length_s, 200, seed
        )
        assert found.covered >= 190
        wide.append(found.wide_j)
        error.append(found.error_j)
    assert np.median(wide) < 3.0 * np.sqrt(np.mean(np.square(error)))


def test_a_slower_alias_alone_counts_where_a_quicker_one_has_no_room():
    """Of 0.45 cycles a reading 0.55 are possible, and 1.55 would swing by 1.55 / 0.55 times as much."""
    updates, phi, sure = np.array([0.3]), np.array([0.45]), np.zeros(1)
    assert _out_of_step(updates, phi, sure, np.array([1.5])) == pytest.approx(0.3 * 0.55)
    assert _out_of_step(updates, phi, sure, np.array([3.0])) == pytest.approx(0.3 * 1.55)
    longer = np.array([0.4])  # of these 0.58 and 0.62 cycles, and 0.22
    assert _out_of_step(longer, phi, sure, np.array([3.0])) == pytest.approx(1 - 0.4 * 1.45)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("part_ms", [0, 25, 100])
def test_few_readings_tell_of_no_load_near_their_period_and_windows_have_figures(n: int, part_ms: int):
    """Two readings of a gauge that declares nothing have no period: the time was divided by it."""
    declared = Timing(update_ns=100 * MS, update_max_ns=200 * MS, window_ns=part_ms * MS)
    t_ns, of_no_read = T0 + 100 * MS * np.arange(n), np.zeros(n, np.uint32)
    shown = Series(t_ns, of_no_read, np.arange(40_000, 40_000 + n).astype(np.uint64), of_no_read.astype("u2"))
    of = Gauge(shown, nvml_power(declared if part_ms else Timing()))
    for begun_ns, ended_ns in (
        (T0 - 1000 * MS, T0 + 1000 * MS),
        (T0, T0 + 50 * MS),
        (T0 + 20 * MS, T0 + 90 * MS),
    ):
        found = of.energy(begun_ns, ended_ns)
        assert (found.value is None) == (found.status != "ok")
        assert found.value is None or math.isfinite(found.U)
