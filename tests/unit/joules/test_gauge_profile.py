"""What a gauge makes of its readings before it integrates them, in figures of one's own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from gauges import nvml_power

from microjoule.channel import SensorError, Timing
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.profile import Profile
from microjoule.joules.gauges.readings import Shape
from microjoule.joules.gauges.step_loss import OF_BOUND
from microjoule.trace.series import Series

MS, S = 1_000_000, 1_000_000_000
T0 = 9_000 * S
POINT = Timing()
CHARGE = Timing(update_ns=100 * MS, update_max_ns=200 * MS, decay_ns=150 * MS, sensor_clock="realtime")


def gauge(watts, timing=POINT, **trust):
    """A reading each 100 ms; where the sensor has a clock, of 5 ms before it."""
    n = len(watts)
    t_ns = T0 + 100 * MS * np.arange(n, dtype=np.int64)
    raw = np.round(np.array(watts) * 1000).astype(np.int64).view(np.uint64)
    stamps = t_ns + 10**18 if timing.sensor_clock else None
    read_ns = t_ns + 5 * MS * (stamps is not None)
    zeros = np.zeros(n, np.uint32)
    clock = (np.array([T0]), np.array([T0 + 10**18]))
    return Gauge(
        Series(read_ns, zeros, raw, zeros.astype(np.uint16), None, stamps), nvml_power(timing, **trust), clock
    )


def charged(power_w):
    """What a capacitor shows of these powers of 100 ms each, from the first one on."""
    kept, shown = math.exp(-100 / 150), [power_w[0]]
    for each in power_w[1:]:
        shown.append(shown[-1] * kept + each * (1 - kept))
    return shown


def test_what_charged_a_capacitor_is_found_again():
    power_w = [100.0, 100.0, 250.0, 90.0, 180.0, 180.0, 60.0, 300.0]
    found = gauge(charged(power_w), CHARGE)
    assert found.readings.shape is Shape.CHARGE
    assert found._profile.watts == pytest.approx(power_w, abs=0.01)
    joules = found.energy(T0 + 100 * MS, T0 + 700 * MS)
    assert joules.value == pytest.approx(0.1 * sum(power_w[2:]), rel=1e-4)


def test_readings_of_a_gigawatt_among_equal_ones_are_integrated_without_a_warning():
    found = gauge([0.0, 1e9, 0.0, 1e9, 1e9, 0.0, 0.0, 0.0])
    with np.errstate(all="raise"):
        joules = found.energy(T0 + 150 * MS, T0 + 650 * MS)
    assert joules.low <= joules.value <= joules.high


def test_power_that_is_worked_out_is_negative_only_where_a_reading_is():
    """A capacitor that empties faster than it can: it was charged by nothing, or by less than nothing."""
    falls = [100.0, 100.0, 10.0, 90.0, 90.0]
    assert gauge(falls, CHARGE)._profile.watts[2] == 0.0
    kept = math.exp(-100 / 150)
    less = gauge([*falls, -5.0, 90.0], CHARGE)._profile.watts[2]
    assert less == pytest.approx((10 - 100 * kept) / (1 - kept), abs=0.01)


def test_power_within_a_period_of_a_capacitor_counts_the_more_the_later_it_was():
    """By T² / 12 τ seconds at an end: 100 ms squared of 12 times 150 ms."""
    found = gauge(charged([100.0, 200.0, 50.0, 150.0] * 5), CHARGE)
    assert found._profile.late_s == pytest.approx(np.hypot(found.readings.spread_s, 0.01 / (12 * 0.15)))


@pytest.mark.parametrize("at_ms", [250, 400, 1000])
def test_the_power_around_an_instant_is_the_mean_of_so_much_before_and_after(at_ms):
    """Of a ramp of 100 W a second it is the ramp's own power; at its end, of what there is."""
    found = gauge([100 + 10 * i for i in range(11)])
    at = np.array([T0 + at_ms * MS])
    last = min(at_ms + 100, 1000)
    mean_ms = (at_ms - 100 + last) / 2
    assert found._power_w(at, 0.1) == pytest.approx(100 + mean_ms / 10)


def test_a_lag_moves_a_window_by_the_difference_of_the_power_at_its_ends():
    """From 125 to 175 W, and a point may be a period and a half off either way."""
    found = gauge([100 + 10 * i for i in range(11)]).energy(T0 + 250 * MS, T0 + 750 * MS)
    rows = {row["name"]: row["u"] for row in found.budget()}
    assert rows["lag"] == pytest.approx(50 * 0.15 * OF_BOUND)


def test_the_sensor_of_a_gauge_errs_in_proportion_to_energy_and_to_time():
    error = SensorError(gain=0.02, offset_w=0.5, linearity=0.01, code=0.03, form="rectangular")
    for form, divisor in (("rectangular", math.sqrt(3)), ("normal", 1.0)):
        found = gauge([100.0] * 11, sensor=replace(error, form=form)).energy(T0, T0 + S)
        rows = {row["name"]: row["u"] for row in found.budget()}
        assert rows["gain"] == pytest.approx(2.0 / divisor)
        assert rows["offset"] == pytest.approx(0.5 / divisor)
        assert rows["linearity"] == pytest.approx(1.0 / divisor)


@pytest.mark.parametrize(("limit_w", "most_w"), [(300.0, 300.0), (110.0, 120.0), (None, 240.0), (0.0, 240.0)])
def test_a_device_draws_its_limit_at_most_or_what_was_seen_and_twice_that_without_one(limit_w, most_w):
    assert gauge([100.0, 120.0, 90.0], power_limit_w=limit_w).most_w == pytest.approx(most_w)


def test_instants_in_seconds_are_the_same_instants():
    found = gauge([100.0] * 5)
    t_ns = T0 + np.array([0, 1, 250 * MS + 3, 400 * MS])
    assert found._ns(found._s(t_ns)).tolist() == t_ns.tolist()
    assert found.update_ns.min() == T0
    assert found.update_ns.max() == T0 + 400 * MS


@pytest.mark.parametrize(("late_s", "missed"), [(0.011, 0), (0.018, 1)])
def test_an_update_that_was_read_half_a_period_late_is_none_after_one_that_was_missed(late_s, missed):
    ends_s = 0.02 * np.arange(1.0, 20.0)
    ends_s[10:] += late_s
    found = Profile(ends_s - 0.01, ends_s, np.arange(19.0), np.zeros(19), 0.1)
    assert found.missed.tolist() == [0] * 9 + [missed] + [0] * 8
