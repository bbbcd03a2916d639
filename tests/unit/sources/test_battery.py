"""Batteries on fake trees."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from standin.native import once, sampler

from microjoule.channel import UNPLACED, Encoding, Kind
from microjoule.sources import battery
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause


def supply(root, name, **files):
    place = root / "sys/class/power_supply" / name
    place.mkdir(parents=True)
    for file, text in files.items():
        (place / file).write_text(f"{text}\n")


def test_a_discharging_battery_is_the_power_of_the_machine(tmp_path):
    supply(tmp_path, "AC", type="Mains", online=0)
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", power_now=8_120_000)
    survey = battery.survey(Machine(tmp_path))
    (channel,) = survey.channels
    assert survey.obstacles == ()
    assert (channel.id, channel.kind, channel.scale.quantity) == ("battery-0/power", Kind.GAUGE, "W")
    assert channel.scale.unit * 8_120_000 == pytest.approx(8.12)
    assert (channel.lane, channel.encoding) == ("battery-slow", Encoding.SIGNED)


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", ""])
def test_on_mains_its_power_is_not_the_machines(tmp_path, status):
    supply(tmp_path, "BAT0", type="Battery", status=status, power_now=1)
    (obstacle,) = battery.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.MISLEADING
    assert "Unplug" in obstacle.remedy


def test_a_battery_without_power_is_its_current_times_its_voltage(tmp_path):
    supply(
        tmp_path, "BAT0", type="Battery", status="Discharging", current_now=612_000, voltage_now=11_800_000
    )
    survey = battery.survey(Machine(tmp_path))
    (channel,) = survey.channels
    assert survey.obstacles[0].cause is Cause.MISLEADING
    assert "current and voltage" in survey.obstacles[0].what
    (row,) = once(sampler([("text", channel.access.path, 0, 0, -1, 0)]))
    assert row.raw * channel.scale.unit == Fraction("0.612") * Fraction("11.8")
    measured = replace(channel, trust=battery_of(tmp_path / "other", power_now=1).trust)
    assert channel.trust.sensor.gain > measured.trust.sensor.gain, "two moments are less certain than one"
    assert channel.trust.parents == (UNPLACED,)


def battery_of(root, **files):
    supply(root, "BAT0", type="Battery", status="Discharging", **files)
    return battery.survey(Machine(root)).channels[0]


@pytest.mark.parametrize("files", [{}, {"current_now": 1}, {"voltage_now": 1}])
def test_a_battery_that_reports_no_power_is_said(tmp_path, files):
    supply(tmp_path, "BAT1", type="Battery", status="Discharging", **files)
    survey = battery.survey(Machine(tmp_path))
    assert survey.channels == ()
    assert "neither" in survey.obstacles[0].what


def test_a_mouse_and_a_desktop_have_none(tmp_path):
    supply(tmp_path, "hid-mouse", type="Battery", scope="Device", status="Discharging", power_now=1)
    (obstacle,) = battery.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.NO_HARDWARE
