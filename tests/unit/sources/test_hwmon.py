"""hwmon on fake trees of machines that have it."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction

import pytest
from places import identity

from microjoule.channel import UNPLACED, Encoding, Kind, Place, Role, Trust
from microjoule.joules.estimates.total import covered
from microjoule.sources import cpu_time, hwmon
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause

GRACE = ("Module", "Grace", "CPU", "SysIO")


def device(root, number, name, folder="", **files):
    """One hwmon device; the keys of ``files`` are file names, values their text."""
    place = root / f"sys/class/hwmon/hwmon{number}"
    (place / folder).mkdir(parents=True, exist_ok=True)
    (place / "name").write_text(f"{name}\n")
    for file, text in files.items():
        (place / folder / file).write_text(f"{text}\n")
    return place


def found(root):
    return {channel.id: channel for channel in hwmon.survey(Machine(root)).channels}


def test_amdgpu_is_a_gauge_in_microwatts_with_its_limit(tmp_path):
    device(tmp_path, 3, "amdgpu", power1_average=23_000_000, power1_label="PPT", power1_cap_max=300_000_000)
    channel = found(tmp_path)["amdgpu-0/power"]
    assert (channel.kind, channel.scale.quantity, channel.scale.unit) == (Kind.GAUGE, "W", Fraction(1, 10**6))
    assert (channel.trust.power_limit_w, channel.trust.power_limit_source) == (300, "power1_cap_max")
    assert channel.encoding is Encoding.SIGNED
    assert channel.access.reader == "text"
    assert channel.access.path.endswith("hwmon3/power1_average")


def test_an_apus_power_holds_the_cpu_and_enters_no_total(tmp_path):
    """ "On APUs this includes the CPU" (amdgpu_pm.c), which RAPL's package counts as well."""
    device(tmp_path, 3, "amdgpu", power1_average=23_000_000, power1_label="PPT", in1_label="vddnb")
    device(tmp_path, 4, "amdgpu", power1_average=90_000_000, power1_label="PPT", in1_label="vddmem")
    apu, card = (found(tmp_path)[f"amdgpu-{n}/power"] for n in (0, 1))
    assert apu.trust.parents == (UNPLACED,)
    assert card.trust.parents == ("amdgpu-1/energy",)
    package = replace(card, **identity("package-0"), trust=Trust())
    assert covered({c.id: c for c in (package, apu, card)}) == ("package-0", "amdgpu-1/power")


def test_amdgpu_without_a_mean_has_its_present_power(tmp_path):
    device(tmp_path, 3, "amdgpu", power1_input=1, power1_label="PPT")
    assert found(tmp_path)["amdgpu-0/power"].access.path.endswith("power1_input")


def test_a_power_that_has_both_is_read_as_its_mean(tmp_path):
    device(tmp_path, 3, "amdgpu", power1_input=1, power1_average=1)
    channels = found(tmp_path)
    assert list(channels) == ["amdgpu-0/power"]
    assert channels["amdgpu-0/power"].access.path.endswith("power1_average")


@pytest.mark.parametrize("folder", ["", "device"])  # since and until Linux 6.14
def test_grace_contains_what_it_contains(tmp_path, folder):
    # In an order that is not that of what contains what.
    for number, name in enumerate(reversed(GRACE)):
        device(
            tmp_path,
            number,
            "power_meter",
            folder,
            power1_average=1,
            power1_average_interval=50,
            power1_oem_info=f"{name} Power Socket 1",
        )
    channels = found(tmp_path)
    assert {name: channel.trust.parents for name, channel in channels.items()} == {
        "module-1/power": (),
        "grace-1/power": ("module-1/power",),
        "grace-1/cpu_power": ("grace-1/power",),
        "grace-1/sysio_power": ("grace-1/power",),
    }
    assert {channel.timing.window_ns for channel in channels.values()} == {50_000_000}


def test_another_acpi_meter_is_the_machine(tmp_path):
    device(tmp_path, 0, "power_meter", "device", power1_average=1)
    assert list(found(tmp_path)) == ["machine-0/power"]


def test_xe_card_contains_its_package(tmp_path):
    files = {"energy1_input": 5, "energy1_label": "card", "energy2_input": 4, "energy2_label": "pkg"}
    device(tmp_path, 0, "xe", power1_max=150_000_000, **files)
    device(tmp_path, 1, "xe", **files)
    channels = found(tmp_path)
    assert set(channels) == {f"xe-{n}/{name}" for n in (0, 1) for name in ("energy", "package")}
    assert channels["xe-0/package"].trust.parents == ("xe-0/energy",)
    energy = channels["xe-0/energy"]
    assert (energy.kind, energy.scale.unit, energy.trust.power_limit_w) == (
        Kind.COUNTER,
        Fraction(1, 10**6),
        150,
    )


def test_amd_energy_is_a_second_source_of_the_packages(tmp_path):
    labels = ["Ecore000", "Ecore001", "Esocket0", "Esocket1"]
    files = {f"energy{i}_input": 7 for i in range(1, 5)} | {
        f"energy{i}_label": s for i, s in enumerate(labels, 1)
    }
    device(tmp_path, 0, "amd_energy", **files)
    assert list(found(tmp_path)) == ["package-0@hwmon", "package-1@hwmon"]
    assert hwmon.survey(Machine(tmp_path)).obstacles == ()


def test_zenergy_is_the_package_where_rapl_is_missing(tmp_path):
    """Zen 5 under a kernel whose RAPL drivers do not know it, with the module zenergy loaded."""
    labels = {"energy1": "Ecore000", "energy2": "Ecore001", "energy3": "Esocket0"}
    files = {f"{name}_label": label for name, label in labels.items()}
    device(tmp_path, 4, "zenergy", **files, **{f"{name}_input": 7 for name in labels})
    (channel,) = hwmon.survey(Machine(tmp_path)).channels
    assert (channel.place, channel.twin_of) == (Place(device="package", number=0), "package-0")
    assert hwmon.survey(Machine(tmp_path)).obstacles == ()
    assert covered({channel.id: channel}) == (channel.id,)


@pytest.mark.parametrize("labels", [("CPU power", "IO power"), ("CPU's power", "IO's power")])
def test_an_altra_is_the_sum_of_its_cores_and_its_io(tmp_path, labels):
    files = {f"power{n}_label": label for n, label in enumerate(labels, 1)}
    device(tmp_path, 0, "apm_xgene", power1_input=60_000_000, power2_input=33_000_000, **files)
    device(tmp_path, 1, "apm_xgene", power1_input=50_000_000, power2_input=30_000_000, **files)
    channels = found(tmp_path)
    each = [f"altra-{n}/{part}" for n in (0, 1) for part in ("cpu_power", "io_power")]
    assert list(channels) == each
    busy = busy_time(tmp_path)
    assert covered(channels | {busy.id: busy}) == tuple(each), "the estimate of CPU time stands aside"


def busy_time(root):
    (root / "proc").mkdir()
    (root / "proc/stat").write_text("cpu  10 20 30 4000 500 60 70 80 9 1\n")
    return cpu_time.survey(Machine(root)).channels[0]


def test_an_altra_that_shows_the_whole_chip_counts_it_once(tmp_path):
    labels = ("CPU power", "IO power", "SoC power")
    files = {f"power{n}_label": label for n, label in enumerate(labels, 1)}
    device(tmp_path, 0, "apm_xgene", **files, **{f"power{n}_input": 10 * n for n in (1, 2, 3)})
    assert covered(found(tmp_path)) == ("altra-0/power",)


def test_fam15h_is_the_processors_own_estimate_of_itself(tmp_path):
    device(tmp_path, 0, "fam15h_power", power1_input=21_000_000, power1_crit=65_000_000)
    channels = found(tmp_path)
    assert covered(channels) == ("fam15h-0/power",)
    assert channels["fam15h-0/power"].place.is_processor


def test_the_power_of_an_unknown_driver_has_its_own_name_and_its_counter_is_left_out(tmp_path):
    device(tmp_path, 0, "tps546", power1_input=1, power1_label="VDD CPU/GPU", energy1_input=9)
    survey = hwmon.survey(Machine(tmp_path))
    assert [channel.id for channel in survey.channels] == ["tps546-0/vdd_cpu_gpu"]
    (obstacle,) = survey.obstacles
    assert obstacle.cause is Cause.EXCLUDED
    assert "left out" in obstacle.what


def test_temperatures_are_not_listed(tmp_path):
    device(tmp_path, 0, "coretemp", temp1_input=45000, in0_input=1)
    (obstacle,) = hwmon.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.NO_HARDWARE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_closed_counter_is_said_with_its_remedy(tmp_path):
    place = device(tmp_path, 0, "xe", energy1_input=5, energy1_label="card")
    (place / "energy1_input").chmod(0)
    survey = hwmon.survey(Machine(tmp_path))
    assert survey.channels == ()
    assert survey.closed[0].channel.id == "xe-0/energy"
    assert "chmod a+r" in survey.obstacles[0].remedy


@pytest.mark.parametrize("text", ["", "N/A"])
def test_a_file_without_a_number_is_said(tmp_path, text):
    device(tmp_path, 0, "xe", energy1_input=text, energy1_label="card")
    survey = hwmon.survey(Machine(tmp_path))
    assert survey.channels == ()
    assert survey.obstacles[0].cause is Cause.FAILING


def test_a_negative_power_is_a_number(tmp_path):
    device(tmp_path, 0, "amdgpu", power1_average=-5)
    assert "amdgpu-0/power" in found(tmp_path)


def test_two_sensors_of_one_label_are_both_read(tmp_path):
    """Which of them holds the other nobody knows, so the second enters no total."""
    device(
        tmp_path,
        1,
        "psu",
        power1_input=3_000_000,
        power1_label="in",
        power2_input=2_000_000,
        power2_label="in",
    )
    device(tmp_path, 2, "power_meter", power1_average=9_000_000, power2_average=8_000_000)
    channels = found(tmp_path)
    assert set(channels) == {"machine-0/power", "machine-0/power_0_power2", "psu-0/in", "psu-0/in_0_power2"}
    assert len({channel.place for channel in channels.values()}) == 4
    assert len({channel.access.path for channel in channels.values()}) == 4
    assert channels["machine-0/power_0_power2"].trust.parents == (UNPLACED,)
    assert covered(channels) == ("machine-0/power",)


def test_places_are_those_of_the_labels(tmp_path):
    device(tmp_path, 1, "power_meter", power1_average=1, power1_oem_info="CPU Power Socket 3")
    device(tmp_path, 2, "xe", energy1_input=1, energy1_label="pkg")
    device(tmp_path, 3, "amd_energy", energy1_input=1, energy1_label="Esocket1")
    device(tmp_path, 4, "psu", power1_input=1, power1_label="+12V Rail")
    channels = found(tmp_path)
    assert channels["grace-3/cpu_power"].place == Place(
        device="package", number=3, part="cpu", role=Role.PART, owner="grace"
    )
    assert channels["xe-0/package"].place == Place(
        device="gpu", number=0, part="package", role=Role.PART, owner="xe"
    )
    socket = channels["package-1@hwmon"]
    assert (socket.place, socket.twin_of) == (Place(device="package", number=1), "package-1")
    assert channels["psu-0/12v_rail"].place == Place(
        device="rail", number=0, part="12v_rail", role=Role.PART, owner="psu"
    )


def test_a_stated_accuracy_is_read_and_an_unknown_one_is_assumed_wide(tmp_path):
    """ACPI's meter states how near to the truth it is; amdgpu states nothing."""
    device(tmp_path, 1, "power_meter", power1_average=228_000_000, power1_accuracy="90.0%")
    device(tmp_path, 2, "amdgpu", power1_input=31_000_000, power1_label="PPT")
    machine, gpu = (found(tmp_path)[name].trust for name in ("machine-0/power", "amdgpu-0/power"))
    assert machine.accuracy == pytest.approx(0.1)
    assert machine.sensor.gain == pytest.approx(0.1)
    assert "power1_accuracy" in machine.sensor.source
    assert gpu.accuracy is None
    assert gpu.sensor.gain >= 0.1


@pytest.mark.parametrize("text", ["", "unknown", "0%", "250%"])
def test_an_accuracy_that_is_none_is_not_believed(tmp_path, text):
    device(tmp_path, 1, "power_meter", power1_average=228_000_000, power1_accuracy=text)
    assert found(tmp_path)["machine-0/power"].trust.accuracy is None


def test_an_xe_card_without_a_label_counts_its_energy(tmp_path):
    device(tmp_path, 1, "xe", energy1_input=123_456_789)
    assert found(tmp_path)["xe-0/energy"].kind is Kind.COUNTER
