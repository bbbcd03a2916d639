"""What a place says, and what is done with one that nobody here knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ideal import Ideal, constant, rows, write
from places import place_of

from microjoule.channel import DEVICES, Channel, Place, Role
from microjoule.errors import Overlap, TraceError
from microjoule.joules.energy_trace import Trace, load
from microjoule.joules.summary import summary
from microjoule.report.as_long_text import render
from microjoule.trace import schema

PACKAGE = Ideal(constant(40.0), id="package-0")
STRANGE = replace(PACKAGE, id="chiplet-3/cache", seed=5)


@pytest.mark.parametrize(
    ("place", "device", "words"),
    [
        (Place(device="package", number=1, die=0), "package-1-die-0", "package-1-die-0"),
        (Place(device="package", number=0, part="dram", role=Role.PART), "package-0", "dram of package-0"),
        (Place(device="psys", role=Role.PLATFORM), "psys", "psys"),
        (Place(device="gpu", number=2, owner="amdgpu"), "amdgpu-2", "amdgpu-2"),
        (Place(device="chiplet", number=3, part="cache"), "chiplet-3", "cache of chiplet-3"),
    ],
)
def test_a_place_has_a_name_for_people(place: Place, device: str, words: str) -> None:
    assert (place.device_name, str(place)) == (device, words)


def test_a_device_that_is_not_listed_is_unknown_whatever_its_role_says() -> None:
    assert all(Place(device=device, role=role).is_known for device in DEVICES for role in Role)
    assert not Place(device="chiplet").is_known
    assert not Place(device="package", role="shadow").is_known
    assert not Place(device="chiplet", role=Role.PLATFORM).always_draws
    assert not Place(device="chiplet").is_processor


def test_a_part_may_be_off_and_a_package_its_cores_and_its_memory_may_not() -> None:
    assert Place(device="package", number=0).always_draws
    assert place_of("package-0/core").always_draws
    assert place_of("package-0/dram").always_draws
    assert Place(device="psys", role=Role.PLATFORM).always_draws
    assert not place_of("package-0/uncore").always_draws
    assert not place_of("gpu-0/energy").always_draws


def test_an_unknown_place_is_kept_and_displayed_and_enters_no_total(tmp_path: Path) -> None:
    """A later version may know what contains it; this one does not, and says its energy alone."""
    write(tmp_path / "t.arrows", rows([PACKAGE, STRANGE]))
    trace = load(tmp_path / "t.arrows")
    assert trace.channels["chiplet-3/cache"].place == Place(
        device="chiplet", number=3, part="cache", role=Role.PART
    )
    energies = trace.energy()
    assert energies["chiplet-3/cache"].value == pytest.approx(energies["package-0"].value, rel=0.1)
    assert energies.total.channels == ("package-0",)
    assert "chiplet-3/cache" in render(summary(trace))
    with pytest.raises(Overlap):
        energies.add("package-0", "chiplet-3/cache")
    alone = Trace(rows([STRANGE])).energy()
    assert (alone.total.status, alone.total.channels) == ("failed", ())


def test_a_role_of_a_later_version_is_kept_too(tmp_path: Path) -> None:
    table = rows([PACKAGE])
    (plain,) = json.loads(table.schema.metadata[schema.KEY_CHANNELS])
    plain["place"] |= {"role": "shadow", "slot": 7}
    metadata = {**table.schema.metadata, schema.KEY_CHANNELS: json.dumps([plain])}
    write(tmp_path / "t.arrows", table.replace_schema_metadata(metadata))
    trace = load(tmp_path / "t.arrows")
    assert trace.channels["package-0"].place.role == "shadow"
    assert trace.energy().total.channels == ()


@pytest.mark.parametrize(
    "wrong", [{"number": "0"}, {"die": -1}, {"device": None}, {"part": 3}, {"role": ["part"]}, {"owner": {}}]
)
def test_a_place_of_the_wrong_kind_is_damage(tmp_path: Path, wrong: dict[str, object]) -> None:
    table = rows([PACKAGE])
    (plain,) = json.loads(table.schema.metadata[schema.KEY_CHANNELS])
    plain["place"] |= wrong
    metadata = {**table.schema.metadata, schema.KEY_CHANNELS: json.dumps([plain])}
    write(tmp_path / "t.arrows", table.replace_schema_metadata(metadata))
    with pytest.raises(TraceError, match="is damaged"):
        load(tmp_path / "t.arrows")


@pytest.mark.parametrize("field", ["place", "hw_type"])
def test_a_channel_without_a_place_is_damage(tmp_path: Path, field: str) -> None:
    table = rows([PACKAGE])
    (plain,) = json.loads(table.schema.metadata[schema.KEY_CHANNELS])
    del plain[field]
    metadata = {**table.schema.metadata, schema.KEY_CHANNELS: json.dumps([plain])}
    write(tmp_path / "t.arrows", table.replace_schema_metadata(metadata))
    with pytest.raises(TraceError, match=field):
        load(tmp_path / "t.arrows")


def test_a_channel_comes_back_from_json_as_it_went() -> None:
    channel = replace(STRANGE.channel, twin_of="chiplet-3")
    assert Channel.from_json(json.loads(json.dumps(channel.to_json()))) == channel
