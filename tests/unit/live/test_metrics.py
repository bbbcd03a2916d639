"""What the table of metrics makes of levels."""

from dataclasses import replace

import pytest
from levels import BUSY, CORE, PACKAGE, PSYS, SERVER, level, picture, placed

from microjoule.channel import Kind, SensorError
from microjoule.live.metrics import METRICS, PROMETHEUS_UNITS

ROWS = {metric.otel: metric for metric in METRICS}


def points(name, levels=SERVER, now_ns=1_000_000_000):
    """A metric's figures by channel and labels."""
    found = ROWS[name].points(picture(levels, now_ns))
    return {
        (point.channel.id if point.channel else "", *(v for _, v in point.labels)): point.value
        for point in found
    }


def test_energy_is_of_channels_that_share_no_joule_and_its_sum_is_the_hosts():
    assert points("hw.energy") == {("package-0",): 40.0, ("package-0/dram",): 5.0}
    assert points("hw.host.energy") == {("", "package-0+package-0/dram", "measured"): 45.0}


def test_every_channel_is_in_one_of_the_two_energies():
    assert points("microjoule.overlapping.energy") == {("package-0/core",): 30.0, ("psys",): 60.0}


def test_powers_are_told_apart_likewise():
    assert points("hw.power") == {("package-0",): 40.0, ("package-0/dram",): 5.0}
    assert points("microjoule.overlapping.power") == {("package-0/core",): 30.0, ("psys",): 60.0}
    assert points("hw.host.power") == {("", "package-0+package-0/dram", "measured"): 45.0}


def test_a_power_that_is_not_known_is_no_point_and_neither_is_a_sum_of_it():
    lacking = (replace(SERVER[0], power_w=None), *SERVER[1:])
    assert points("hw.power", lacking) == {("package-0/dram",): 5.0}
    assert points("hw.host.power", lacking) == {}


def test_a_power_of_nothing_is_a_figure():
    idle = (level(placed("gpu-0/energy"), 0, power_w=0.0),)
    assert points("hw.power", idle) == {("gpu-0/energy",): 0.0}
    assert points("hw.host.power", idle) == {("", "gpu-0/energy", "measured"): 0.0}


def test_a_package_that_never_moved_has_no_energy_and_hides_nothing():
    """As psys in many a virtual machine: what is known is the model's."""
    levels = [level(PSYS, 0, power_w=0.0), level(BUSY, 2000, power_w=3.0)]
    assert points("hw.energy", levels) == {("cpu_time/system",): 8.0}
    assert points("hw.power", levels) == {("cpu_time/system",): 3.0}
    assert points("microjoule.overlapping.energy", levels) == {}
    assert points("hw.host.energy", levels) == {("", "cpu_time/system", "estimated"): 8.0}
    assert points("microjoule.channel.alive", levels) == {("psys",): 0, ("cpu_time/system",): 1}


def test_a_sum_of_other_channels_is_another_series():
    """Once the board shows itself: neither series ever steps back."""
    (before,) = points("hw.host.energy", [level(PSYS, 0), level(BUSY, 2000)])
    (after,) = points("hw.host.energy", [level(PSYS, 1000), level(BUSY, 2000)])
    assert before != after


def test_a_channel_whose_every_read_failed_has_no_energy_and_says_how_often():
    failing = level(PACKAGE, readings=0, failed=4)
    assert points("hw.energy", [failing]) == {}
    assert points("hw.host.energy", [failing]) == {}
    assert points("microjoule.failed_readings", [failing]) == {("package-0",): 4}


def test_without_a_channel_there_is_no_figure_at_all():
    assert [metric.otel for metric in METRICS if list(metric.points(picture(())))] == []


def test_a_estimated_host_says_so():
    assert points("hw.host.energy", [level(BUSY, 2000)]) == {("", "cpu_time/system", "estimated"): 8.0}


def test_what_ambiguous_steps_may_have_had_is_in_joules():
    assert points("microjoule.ambiguous.energy")["package-0/core",] == 0.5
    assert points("microjoule.ambiguous.energy", [level(BUSY, 0, extra_counts=500)]) == {
        ("cpu_time/system",): 2.0
    }


def test_what_interruptions_kept_from_the_count_is_in_joules():
    assert points("microjoule.uncounted.energy", [level(CORE, 9, lost_counts=123)]) == {
        ("package-0/core",): pytest.approx(0.123)
    }


def test_bounds_are_the_models_or_the_sensors_and_absent_where_nobody_knows():
    assert points("microjoule.bound", [level(BUSY), level(PACKAGE), level(CORE)]) == pytest.approx(
        {
            ("cpu_time/system", "low"): 0.5,
            ("cpu_time/system", "high"): 2.0,
            ("package-0", "low"): 0.95,
            ("package-0", "high"): 1.05,
        }
    )
    assert points("microjoule.sensor.offset", [level(BUSY), level(PACKAGE), level(CORE)]) == {
        ("package-0",): 1.5
    }


def test_a_standard_uncertainty_is_taken_twice():
    known = placed("package-0", sensor=SensorError(gain=0.05, offset_w=1.5, form="normal"))
    assert points("microjoule.bound", [level(known, 9)]) == pytest.approx(
        {("package-0", "low"): 0.9, ("package-0", "high"): 1.1}
    )
    assert points("microjoule.sensor.offset", [level(known, 9)]) == {("package-0",): 3.0}


def test_samplings_own_counts_are_the_levels():
    assert points("microjoule.failed_readings")["psys",] == 3
    assert points("microjoule.missed_ticks")["psys",] == 7
    assert points("microjoule.resets")["package-0/dram",] == 2
    assert points("microjoule.readings")["psys",] == 1000


def test_the_age_of_a_reading_grows_and_is_none_where_there_was_none():
    never = level(placed("gpu-0/energy"), readings=0)
    ages = points("microjoule.reading_age", (*SERVER, never), now_ns=3_500_000_000)
    assert ages["psys",] == 2.5
    assert ("gpu-0/energy",) not in ages


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.otel)
def test_a_name_ends_in_its_unit_and_a_sentence_helps(metric):
    unit = PROMETHEUS_UNITS.get(metric.unit, "")
    assert metric.prometheus.endswith(unit)
    assert metric.help.endswith(".")
    assert metric.kind in (Kind.COUNTER, Kind.GAUGE)
