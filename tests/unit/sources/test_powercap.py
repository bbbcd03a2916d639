import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from machines import (
    AMD_MIRRORED_DIES,
    CLIENT,
    EMPTY_VM,
    HEX_ZONES,
    PSYS_AND_MMIO,
    SAPPHIRE_RAPIDS,
    TWO_SOCKET_SERVER,
    Zone,
    energy_uj,
    max_energy_range_uj,
    write,
)

from microjoule.channel import Encoding
from microjoule.joules.counters.unwrap import counts
from microjoule.recording.plan import machine_facts
from microjoule.recording.replaced_channels import remarks
from microjoule.sources import powercap
from microjoule.sources.machine import Machine
from microjoule.sources.zones import true_unit, zones


def by_id(survey):
    return {channel.id: channel for channel in survey.channels}


def test_zones_are_known_by_name_and_not_by_order(tmp_path):
    channels = by_id(powercap.survey(Machine(write(TWO_SOCKET_SERVER, tmp_path))))
    assert list(channels) == ["package-0", "package-0/dram", "package-1", "package-1/dram"]
    assert Path(channels["package-0"].access.path).parent.name == "intel-rapl:1"
    assert {channel.encoding for channel in channels.values()} == {Encoding.POWERCAP}


def test_the_unit_is_the_registers_own_and_the_modulus_two_to_the_32(tmp_path):
    channels = by_id(powercap.survey(Machine(write(TWO_SOCKET_SERVER, tmp_path))))
    assert channels["package-0"].scale.unit == Fraction(1, 2**14)
    assert channels["package-0/dram"].scale.unit == Fraction(1, 1 << 16)
    assert channels["package-0/dram"].scale.shown_nj == 15_300
    assert {channel.scale.modulus for channel in channels.values()} == {2**32}
    assert channels["package-0"].scale.unit_source == "inferred"
    assert channels["package-0/dram"].scale.unit_source == "kernel"


@pytest.mark.parametrize("esu", [13, 14, 16, 19])
def test_microjoules_of_kernels_that_cut_no_unit_off_are_counts_of_the_unit_as_it_is(tmp_path, esu):
    """Linux 3.19, by its range of 262143999938 for 2^-14 J: with the unit cut off a wrap lost 0.67 J."""
    root = write(replace(CLIENT, zones=(Zone(id="0", name="package-0", unit_nj=10**9 >> esu),)), tmp_path)
    (zone,) = (path for path in root.rglob("max_energy_range_uj") if path.parent.name == "intel-rapl:0")
    zone.write_text(str(((1 << 32) - 1) * 10**6 >> esu))
    (channel,) = powercap.survey(Machine(root)).channels
    assert (channel.scale.unit, channel.scale.modulus) == (Fraction(1, 1 << esu), 1 << 32)
    counted = [0, 1, 2, 1000, (1 << 32) - 2, (1 << 32) - 1]
    raw = np.array([count * 10**6 >> esu for count in counted], np.uint64)
    assert counts(raw, channel).tolist() == counted
    assert powercap.survey(Machine(root)).obstacles == ()


@pytest.mark.parametrize("esu", range(10, 23))
def test_the_unit_of_every_energy_status_unit_is_inverted(tmp_path, esu):
    unit_nj = 10**9 >> esu
    zone = Zone(id="0", name="package-0", unit_nj=unit_nj)
    (channel,) = powercap.survey(Machine(write(replace(CLIENT, zones=(zone,)), tmp_path))).channels
    assert channel.scale.unit == Fraction(1, 2**esu)
    assert int(channel.scale.unit * 10**9) == unit_nj
    assert channel.scale.quantum == (1 if esu < 20 else -(-1000 // unit_nj))


def test_the_ranges_that_drivers_print_are_those_of_the_field_reports():
    assert max_energy_range_uj(61_035) == 262_143_328_850
    assert max_energy_range_uj(15_258) == 65_532_610_987
    assert max_energy_range_uj(15_300) == 65_712_999_613
    assert energy_uj(1, 61_035) == 61


def test_units_that_no_power_of_two_gives_stay_what_the_driver_says():
    assert true_unit(15_300) == Fraction(1, 1 << 16)
    assert true_unit(32_000) == Fraction(32, 10**6)  # Silvermont: 2^5 µJ
    assert true_unit(10**9) == 1


def test_hexadecimal_zone_ids_are_all_found(tmp_path):
    channels = by_id(powercap.survey(Machine(write(HEX_ZONES, tmp_path))))
    assert [key for key in channels if "/" not in key] == [f"package-{number}" for number in range(12)]
    assert Path(channels["package-9"].access.path).parent.name == "intel-rapl:a"
    assert Path(channels["package-9/dram"].access.path).parent.name == "intel-rapl:a:0"
    assert channels["package-9/dram"].lane == "package-9"


def test_the_memory_mapped_duplicate_is_not_a_second_package(tmp_path):
    channels = by_id(powercap.survey(Machine(write(PSYS_AND_MMIO, tmp_path))))
    assert list(channels) == ["package-0", "package-0/core", "psys"]
    assert Path(channels["package-0"].access.path).parent.name == "intel-rapl:1"
    assert channels["package-0"].trust.parents == ("psys",)
    assert channels["psys"].lane == "package-0"


def test_mirrored_amd_dies_are_one_package_and_the_one_core_zone_is_not_shown(tmp_path):
    survey = powercap.survey(Machine(write(AMD_MIRRORED_DIES, tmp_path)))
    assert list(by_id(survey)) == ["package-0", "package-1"]
    assert {obstacle.cause for obstacle in survey.obstacles} == {"left out"}
    assert any("one core" in obstacle.what for obstacle in survey.obstacles)
    assert any("mirrors" in obstacle.what for obstacle in survey.obstacles)
    assert survey.channels[0].scale.unit == Fraction(1, 2**16)


def test_dies_of_intel_are_real(tmp_path):
    machine = replace(AMD_MIRRORED_DIES, cpu=TWO_SOCKET_SERVER.cpu)
    assert "package-0-die-1" in by_id(powercap.survey(Machine(write(machine, tmp_path))))


def test_broadwell_ds_dram_has_the_registers_unit_and_not_the_drivers(tmp_path):
    """The driver takes its DRAM for 2^-14 J a count, four times what a count is (rapl.c's quirk)."""
    zones = (Zone(id="0", name="package-0", unit_nj=61_035), Zone(id="0:0", name="dram", unit_nj=61_035))
    machine = replace(CLIENT, cpu=replace(CLIENT.cpu, model=0x56), zones=zones)
    dram = by_id(powercap.survey(Machine(write(machine, tmp_path))))["package-0/dram"]
    assert (dram.scale.unit, dram.scale.unit_source) == (Fraction(1, 1 << 16), "kernel")
    assert dram.scale.shown_nj == 61_035
    raw = np.array([energy_uj(1000, 61_035)], np.uint64)
    assert counts(raw, dram).tolist() == [1000]


def test_a_cap_that_may_be_lifted_is_raised_to_what_such_parts_draw(tmp_path):
    channels = by_id(powercap.survey(Machine(write(CLIENT, tmp_path))))
    trust = channels["package-0"].trust
    assert trust.power_limit_w == 500.0
    assert "settable cap intel-rapl:0/constraint_1_power_limit_uw may be lifted" in trust.power_limit_source
    assert channels["package-0/core"].trust.power_limit_w is None
    assert trust.accuracy is None


@pytest.mark.parametrize(("rated_w", "expected"), [(125, (125.0, 0)), (65, (119.0, 1))])
def test_the_parts_own_power_counts_and_a_turbo_limit_above_it(tmp_path, rated_w, expected):
    """CLIENT's settings are up to 119 W: a lower one than the part's own says nothing."""
    root = write(CLIENT, tmp_path)
    zone = root / "sys/class/powercap/intel-rapl:0"
    (zone / "constraint_0_max_power_uw").write_text(f"{rated_w}000000\n")
    trust = by_id(powercap.survey(Machine(root)))["package-0"].trust
    names = ("constraint_0_max_power_uw", "constraint_1_power_limit_uw")
    assert (trust.power_limit_w, trust.power_limit_source) == (
        expected[0],
        f"intel-rapl:0/{names[expected[1]]}",
    )


def test_a_platform_may_draw_kilowatts(tmp_path):
    """Nothing states a limit of psys, and 1.5 kW of a board with GPUs are no reset."""
    trust = by_id(powercap.survey(Machine(write(CLIENT, tmp_path))))["psys"].trust
    assert trust.power_limit_w == 5000.0
    assert trust.power_limit_source.startswith("assumed")


def test_files_of_root_close_the_channels_and_the_remedy_names_its_price(shared_path, nobody):
    root = write(CLIENT, shared_path)
    for file in root.glob("sys/class/powercap/*/energy_uj"):
        file.chmod(0o400 if file.stat().st_uid == 0 else 0)
    with nobody():
        survey = powercap.survey(Machine(root))
    assert survey.channels == ()
    assert len(survey.closed) == 5
    (obstacle,) = survey.obstacles
    assert obstacle.cause == "permission"
    assert "sudo chmod a+r /sys/class/powercap/*/energy_uj" in obstacle.remedy
    assert "CVE-2020-8694" in obstacle.remedy


def test_one_file_that_may_be_read_is_one_channel(shared_path, nobody):
    root = write(CLIENT, shared_path)
    (root / "sys/class/powercap/intel-rapl:0:0/energy_uj").chmod(0)
    with nobody():
        survey = powercap.survey(Machine(root))
    assert len(survey.channels) == 4
    assert [closed.channel.id for closed in survey.closed] == ["package-0/core"]


def test_a_zone_that_answers_an_error_is_closed_and_the_others_stay(tmp_path):
    root = write(TWO_SOCKET_SERVER, tmp_path)
    broken = root / "sys/class/powercap/intel-rapl:0:0/energy_uj"
    broken.unlink()
    broken.mkdir()  # reading a folder fails as a vanished device does: with an errno
    survey = powercap.survey(Machine(root))
    assert [closed.channel.id for closed in survey.closed] == ["package-1/dram"]
    assert survey.closed[0].obstacle.cause == "failing"
    assert len(survey.channels) == 3


def test_zones_without_files_are_a_container_that_masks_them(tmp_path):
    root = write(CLIENT, tmp_path)
    (root / "sys/devices/virtual/powercap").rename(root / "away")
    (obstacle,) = powercap.survey(Machine(root)).obstacles
    assert obstacle.cause == "hidden"
    assert "container" in obstacle.what


def test_subzones_in_their_parents_folder_are_found_once_even_without_links(tmp_path):
    root = write(CLIENT, tmp_path)
    for link in root.glob("sys/class/powercap/intel-rapl:*:*"):
        link.unlink()
    assert len(powercap.survey(Machine(root)).channels) == 5


@pytest.mark.parametrize(
    ("machine", "cause", "remedy"),
    [
        (EMPTY_VM, "virtual machine", "bare-metal"),
        (replace(CLIENT, zones=()), "module", "sudo modprobe intel_rapl_msr"),
    ],
    ids=["virtual machine", "module"],
)
def test_a_missing_tree_has_a_cause_and_a_remedy(tmp_path, machine, cause, remedy):
    (obstacle,) = powercap.survey(Machine(write(machine, tmp_path))).obstacles
    assert obstacle.cause == cause
    assert remedy in obstacle.remedy


@pytest.mark.parametrize("text", [None, "0", "none"])
def test_a_zone_that_states_no_range_has_no_unit(tmp_path, text):
    """A unit that is made up would be one of joules that are made up."""
    root = write(CLIENT, tmp_path)
    path = root / "sys/class/powercap/intel-rapl:0/max_energy_range_uj"
    path.unlink() if text is None else path.write_text(f"{text}\n")
    zone = next(zone for zone in zones(root) if zone.path.name == "intel-rapl:0")
    assert (zone.unit_nj, zone.exact_unit) == (None, None)


def test_a_zone_is_settable_only_where_no_power_of_its_own_is_stated(tmp_path):
    """And 100 kW is the largest limit that is believed."""
    root = write(CLIENT, tmp_path)
    path = root / "sys/class/powercap/intel-rapl:0"
    first = [zone for zone in zones(root) if zone.path.name == "intel-rapl:0"]
    (path / "constraint_0_max_power_uw").write_text("100000000000\n")
    second = [zone for zone in zones(root) if zone.path.name == "intel-rapl:0"]
    assert [zone.is_settable for zone in (*first, *second)] == [True, False]
    assert second[0].limit_w == 100_000


def test_zones_are_found_where_the_drivers_own_folder_alone_is_mounted(tmp_path):
    root = write(TWO_SOCKET_SERVER, tmp_path)
    before = by_id(powercap.survey(Machine(root)))
    folder = root / "sys/class/powercap"
    shutil.rmtree(folder)
    folder.mkdir()
    shutil.move(root / "sys/devices/virtual/powercap/intel-rapl", folder / "intel-rapl")
    found = by_id(powercap.survey(Machine(root)))
    assert list(found) == list(before)
    assert [c.scale for c in found.values()] == [c.scale for c in before.values()]


def test_a_package_is_read_through_the_memory_mapped_window_where_the_first_one_is_closed(tmp_path):
    root = write(PSYS_AND_MMIO, tmp_path)
    opened = by_id(powercap.survey(Machine(root)))["package-0"]
    (Path(opened.access.path)).unlink()
    found = by_id(powercap.survey(Machine(root)))["package-0"]
    assert "intel-rapl-mmio" in found.access.path
    assert found.place == opened.place


@pytest.mark.parametrize(
    ("family", "kernel", "words"),
    [
        (0x15, "6.1.0", "AMD's CPUs have RAPL since Zen"),
        (0x1A, "6.9.9", "Linux 6.9.9 may be older than its support of this CPU"),
        (0x1A, "6.15.0", "its kernel module is not loaded"),
        (0x19, "5.10.0", "its kernel module is not loaded"),
    ],
)
def test_advice_fits_the_processor_and_the_kernel(tmp_path, family, kernel, words):
    cpu = replace(CLIENT.cpu, vendor="AuthenticAMD", family=family)
    root = write(replace(CLIENT, cpu=cpu, zones=(), kernel=kernel), tmp_path)
    (obstacle,) = powercap.survey(Machine(root)).obstacles
    assert words in obstacle.what
    assert ("modprobe" in obstacle.remedy) == ("module" in words)


SAPPHIRE_WRONG = replace(
    SAPPHIRE_RAPIDS,
    kernel="5.15.0-91-generic",
    zones=(
        Zone(id="0", name="package-0", unit_nj=61_035),
        Zone(id="0:0", name="dram", unit_nj=15_300),
    ),
)


@pytest.mark.parametrize("model", [0x8F, 0xCF, 0xAD, 0xBA])
def test_15_microjoules_are_the_kernels_mistake_on_every_later_cpu(tmp_path, model):
    """Kernels 5.11 to 6.0 on Sapphire Rapids; no model but those of the table counts its DRAM so."""
    machine = replace(SAPPHIRE_WRONG, cpu=replace(SAPPHIRE_RAPIDS.cpu, model=model))
    survey = powercap.survey(Machine(write(machine, tmp_path)))
    dram = by_id(survey)["package-0/dram"]
    assert dram.scale.unit == Fraction(1, 1 << 14)
    assert dram.scale.shown_nj == 15_300
    raw = np.array([energy_uj(1000, 15_300)], np.uint64)
    assert counts(raw, dram).tolist() == [1000]
    (note,) = (each.what for each in survey.obstacles if each.cause == "corrected")
    assert note == (
        "this kernel takes a count of package-0/dram for 15.3 µJ, and this CPU counts 61 µJ; "
        "energies here are corrected"
    )
    assert remarks([survey], survey.channels)["misleading"] == []  # a trace of it says so itself


@pytest.mark.parametrize("model", [0x3F, 0x4F, 0x55, 0x6A, 0x6C, 0x57, 0x85])
def test_15_microjoules_are_right_up_to_ice_lake(tmp_path, model):
    machine = replace(SAPPHIRE_WRONG, cpu=replace(SAPPHIRE_RAPIDS.cpu, model=model))
    survey = powercap.survey(Machine(write(machine, tmp_path)))
    assert by_id(survey)["package-0/dram"].scale.unit == Fraction(1, 1 << 16)
    assert survey.obstacles == ()


def test_the_kernel_is_believed_where_the_cpu_is_not_known(tmp_path):
    root = write(SAPPHIRE_WRONG, tmp_path)
    (root / "proc/cpuinfo").unlink()
    assert by_id(powercap.survey(Machine(root)))["package-0/dram"].scale.unit == Fraction(1, 1 << 16)


def test_a_part_beside_the_only_package_is_its_own(tmp_path):
    zones = (Zone(id="0", name="package-0", unit_nj=61_035), Zone(id="1", name="dram", unit_nj=61_035))
    survey = powercap.survey(Machine(write(replace(CLIENT, zones=zones), tmp_path)))
    assert list(by_id(survey)) == ["package-0", "package-0/dram"]
    assert survey.obstacles == ()


def test_a_part_beside_two_packages_is_nobodys_and_every_report_says_so(tmp_path):
    machine = Machine(write(replace(TWO_SOCKET_SERVER, zones=BESIDE_TWO), tmp_path))
    survey = powercap.survey(machine)
    assert list(by_id(survey)) == ["package-0", "package-1"]
    left_out = machine_facts(machine, [survey], survey.channels)["left_out"]
    assert left_out == {
        "intel-rapl:2 (dram)": "the powercap zone intel-rapl:2 (dram) belongs to no package that is known, "
        "so that its energy is in no total."
    }


BESIDE_TWO = (
    Zone(id="0", name="package-0", unit_nj=61_035),
    Zone(id="1", name="package-1", unit_nj=61_035),
    Zone(id="2", name="dram", unit_nj=15_300),
)
