"""What was drawn so far, from batches as they come."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from batches import batch
from levels import BUSY
from scripted import MODULUS, MS, channel

from microjoule.channel import Encoding, Kind, Scale, Timing, largest_rate
from microjoule.live.totals import Totals
from microjoule.trace.schema import engine

PACKAGE = channel("package-0", "unread.txt")
GAUGE = replace(
    channel("gpu-0/power", "unread.txt", lane="gpu-0", timing=Timing()),
    kind=Kind.GAUGE,
    scale=Scale(quantity="W", unit=Fraction(1, 1000), unit_source="interface"),
)
S = 1000 * MS


def after(*batches, channels=(PACKAGE,)):
    """The one channel's level once these rows of ``(t_ns, raw)`` have come, batch by batch."""
    totals = Totals(channels)
    for rows in batches:
        totals.add(batch(channels, [(t_ns, channels[0].id, raw) for t_ns, raw in rows]))
    (level,) = totals.levels()
    return level


def test_a_counter_counts_from_its_first_reading():
    level = after([(0, 500), (100 * MS, 4500)], [(200 * MS, 8500)])
    assert (level.energy_counts, level.energy_j, level.readings, level.t_ns) == (8000, 8.0, 3, 200 * MS)


def test_a_wrap_between_two_batches_is_a_step_like_any_other():
    level = after([(0, MODULUS - 1000)], [(100 * MS, 3000)])
    assert (level.energy_counts, level.resets, level.extra_counts) == (4000, 0, 0)


def test_a_reset_adds_nothing_and_is_counted():
    level = after([(0, 10**6), (100 * MS, 10**6 + 4000)], [(200 * MS, 0)], [(300 * MS, 4000)])
    assert (level.energy_counts, level.resets) == (8000, 1)


def test_a_step_that_may_have_passed_the_modulus_more_often_says_by_how_much():
    narrow = replace(PACKAGE, scale=replace(PACKAGE.scale, modulus=10_000))
    level = after([(0, 0)], [(100 * MS, 4000)], channels=(narrow,))
    assert (level.energy_counts, level.extra_counts, level.extra_j) == (4000, 10_000, 10.0)


@pytest.mark.parametrize("split", [30, 300])
def test_what_interruptions_may_have_kept_from_the_count_is_an_update_each_at_the_power_around(split):
    """At 40 W, updated and read each millisecond: 40 counts of a millijoule and the quantum; 3 of them."""
    rows = [(at * MS, PACKAGE.id, at * 40, {100: 1, 299: 2}.get(at, 0)) for at in range(300)]
    totals = Totals([PACKAGE])
    for at in range(0, 300, split):
        totals.add(batch([PACKAGE], rows[at : at + split]))
    (level,) = totals.levels()
    assert (level.times_off, level.lost_counts) == (3, 3 * 41)
    assert level.lost_j == pytest.approx(0.123)


def test_of_readings_too_few_to_tell_a_power_an_update_at_the_largest_may_be_lacking():
    rows = [(0, PACKAGE.id, 40), (MS, PACKAGE.id, 40, 1)]
    totals = Totals([PACKAGE])
    totals.add(batch([PACKAGE], rows))
    (level,) = totals.levels()
    assert level.lost_counts == math.ceil(largest_rate(PACKAGE) / 1000) + 1


def test_energy_goes_on_over_reads_that_failed_and_power_is_not_known_meanwhile():
    steady = [(at * 100 * MS, at * 4000) for at in range(11)]
    failing = after(steady, [(1100 * MS, None), (1200 * MS, None)])
    assert (failing.power_w, failing.failed, failing.energy_counts) == (None, 2, 40_000)
    again = after(steady, [(1100 * MS, None)], [(1200 * MS, 48_000)], [(1300 * MS, 52_000)])
    assert (again.energy_counts, again.readings, again.failed) == (52_000, 13, 1)
    assert again.power_w == pytest.approx(40.0)


def test_power_is_a_mean_of_the_last_second():
    quiet = [(at * 100 * MS, at * 1000) for at in range(50)]
    busy = [(quiet[-1][0] + at * 100 * MS, quiet[-1][1] + at * 6000) for at in range(1, 21)]
    rows = [[row] for row in quiet + busy]
    assert after(*rows).power_w == pytest.approx(60.0)


def test_a_slow_counters_power_is_taken_between_its_updates():
    """One that updates every 400 ms and is read every 100 ms."""
    slow = channel("package-0", "unread.txt", timing=Timing(update_ns=400 * MS, update_max_ns=400 * MS))
    for last in range(40, 44):
        rows = [[(at * 100 * MS, at // 4 * 16_000)] for at in range(last)]
        assert after(*rows, channels=(slow,)).power_w == pytest.approx(40.0)


def test_a_counter_that_stands_still_draws_nothing_and_one_reading_tells_no_power():
    assert after([(0, 5)]).power_w is None
    assert after([(0, 5), (500 * MS, 5)], [(1 * S, 5), (2 * S, 5)]).power_w == 0.0


def test_a_channel_that_fell_silent_has_no_power():
    totals = Totals([PACKAGE, GAUGE])
    totals.add(batch([PACKAGE, GAUGE], [(0, "package-0", 0), (100 * MS, "package-0", 4000)]))
    totals.add(batch([PACKAGE, GAUGE], [(100 * MS, "gpu-0/power", 9)]))
    totals.add(batch([PACKAGE, GAUGE], [(9 * S, "gpu-0/power", 9)]))
    powers = {level.channel.id: level.power_w for level in totals.levels()}
    assert powers == {"package-0": None, "gpu-0/power": 0.009}


def test_a_gauges_energy_is_the_integral_of_its_readings():
    level = after([(0, 100_000), (S, 200_000)], [(2 * S, 200_000)], channels=(GAUGE,))
    assert level.energy_j == pytest.approx(350.0)
    assert level.power_w == 200.0


def test_a_gauge_that_holds_the_mean_of_the_past_is_taken_so():
    holding = replace(GAUGE, timing=Timing(update_ns=S, update_max_ns=S, window_ns=S))
    assert after([(0, 100_000), (S, 200_000)], channels=(holding,)).energy_j == pytest.approx(200.0)


def test_what_a_gauge_did_in_a_long_silence_nobody_adds():
    level = after([(0, 100_000), (S, 100_000)], [(60 * S, 100_000), (61 * S, 100_000)], channels=(GAUGE,))
    assert level.energy_j == pytest.approx(200.0)


def test_a_battery_that_says_minus_draws_as_much():
    battery = replace(GAUGE, encoding=Encoding.SIGNED)
    level = after([(0, (1 << 64) - 5000), (S, (1 << 64) - 5000)], channels=(battery,))
    assert (level.energy_j, level.power_w) == (pytest.approx(5.0), 5.0)


def test_a_estimated_channel_counts_through_its_model():
    level = after([(0, 0), (S, 500)], [(2 * S, 1000)], channels=(BUSY,))
    assert (level.energy_j, level.power_w) == (pytest.approx(4.0), pytest.approx(2.0))


def test_missed_ticks_are_the_lanes():
    totals = Totals([PACKAGE, GAUGE])
    rows = [(0, "package-0", 1), (0, "gpu-0/power", 1), (5, engine("gpu-0", "missed"), 17)]
    totals.add(batch([PACKAGE, GAUGE], rows))
    assert {level.channel.id: level.missed for level in totals.levels()} == {
        "package-0": 0,
        "gpu-0/power": 17,
    }


def test_what_tells_no_energy_has_no_account_and_what_was_never_read_no_level():
    heat = replace(GAUGE, id="gpu-0/temperature", scale=replace(GAUGE.scale, quantity="°C"))
    totals = Totals([PACKAGE, heat])
    assert list(totals.channels) == ["package-0"]
    totals.add(batch([PACKAGE, heat], []))
    assert totals.levels() == ()
