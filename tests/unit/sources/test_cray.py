"""Cray's node meter on a fake tree."""

from __future__ import annotations

from microjoule.channel import Kind
from microjoule.sources import cray
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause

FILES = {
    "energy": "13223012 J 1700000000000000 us",
    "power": "275 W 1700000000000000 us",
    "cpu_energy": "5223012 J",
    "cpu_power": "95 W",
    "memory_energy": "0 J",
    "accel_energy": "40 J",
    "accel0_energy": "20 J",
    "accel0_power": "60 W",
    "freshness": "12345",
    "generation": "12",
    "power_cap": "400 W",
    "raw_scan_hz": "10",
    "version": "2",
}


def node(root, **changed):
    folder = root / cray.FOLDER
    folder.mkdir(parents=True)
    for name, text in (FILES | changed).items():
        if text is not None:
            (folder / name).write_text(f"{text}\n")
    return cray.survey(Machine(root))


def test_channels_stand_between_two_readings_of_freshness(tmp_path):
    survey = node(tmp_path)
    assert [channel.id for channel in survey.channels] == [
        "node/freshness",
        "node/energy",
        "node/accel0_energy",
        "node/accel0_power",
        "node/accel_energy",
        "node/cpu_energy",
        "node/cpu_power",
        "node/power",
        "node/freshness_after",
    ]
    paths = [channel.access.path for channel in survey.channels]
    assert paths[0] == paths[-1] == str(tmp_path / cray.FOLDER / "freshness")
    assert {channel.lane for channel in survey.channels} == {"cray"}


def test_parts_are_inside_the_node_and_powers_inside_their_energy(tmp_path):
    parents = {channel.id: channel.trust.parents for channel in node(tmp_path).channels}
    assert parents["node/energy"] == ()
    assert parents["node/power"] == parents["node/cpu_energy"] == ("node/energy",)
    assert parents["node/cpu_power"] == ("node/cpu_energy",)
    assert parents["node/accel0_energy"] == ("node/accel_energy",)
    assert parents["node/accel0_power"] == ("node/accel0_energy",)


def test_units_limit_and_period(tmp_path):
    channels = {channel.id: channel for channel in node(tmp_path).channels}
    energy, power = channels["node/energy"], channels["node/power"]
    assert (energy.kind, energy.scale.quantity, energy.scale.unit) == (Kind.COUNTER, "J", 1)
    assert (power.kind, power.scale.quantity) == (Kind.GAUGE, "W")
    assert (power.trust.power_limit_w, power.trust.power_limit_source) == (400, "power_cap")
    # A cap may be lifted: no true step of the counter may lie above what is believed.
    assert (energy.trust.power_limit_w, energy.trust.power_limit_source) == (5000, "assumed")
    assert energy.timing.update_ns == 100_000_000


def test_a_meter_at_zero_is_left_out_and_said(tmp_path):
    (obstacle,) = node(tmp_path).obstacles
    assert obstacle.cause is Cause.FAILING
    assert "memory_energy" in obstacle.what


def test_a_node_without_freshness_or_cap(tmp_path):
    survey = node(tmp_path, freshness=None, power_cap="0 W")
    assert "node/freshness" not in {channel.id for channel in survey.channels}
    assert survey.channels[0].trust.power_limit_w == 5000


def test_parts_of_a_node_that_does_not_answer_lie_side_by_side(tmp_path):
    """Without the node's own meters no part contains the others."""
    channels = node(tmp_path, energy=None, power=None).channels
    parents = {channel.id: channel.trust.parents for channel in channels}
    assert parents["node/accel_energy"] == parents["node/cpu_energy"] == ()
    assert parents["node/accel0_energy"] == ("node/accel_energy",)
    assert parents["node/cpu_power"] == ("node/cpu_energy",)


def test_a_node_that_tells_its_power_alone_contains_its_parts(tmp_path):
    channels = node(tmp_path, energy=None).channels
    parents = {channel.id: channel.trust.parents for channel in channels}
    assert parents["node/power"] == ()
    assert parents["node/cpu_energy"] == ("node/power",)


def test_elsewhere_there_is_none(tmp_path):
    (obstacle,) = cray.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.NO_HARDWARE
