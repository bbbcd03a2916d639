from dataclasses import replace
from fractions import Fraction

import pytest
from machines import (
    AMD_MIRRORED_DIES,
    CLIENT,
    EMPTY_VM,
    FRAMEWORK_PMU,
    LOCKED_DOWN,
    PSYS_AND_MMIO,
    SAPPHIRE_RAPIDS,
    TWO_SOCKET_SERVER,
    Cpu,
    Machine,
    Pmu,
    write,
)

from microjoule import sources
from microjoule.channel import Channel
from microjoule.sources import rapl_perf

CLIENT_IDS = ["package-0", "package-0/core", "package-0/uncore", "package-0/dram", "psys"]


def by_id(survey):
    return {channel.id: channel for channel in survey.channels}


def test_a_client_has_five_events_in_one_lane(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(CLIENT, tmp_path))))
    assert list(channels) == CLIENT_IDS
    assert {channel.lane for channel in channels.values()} == {"package-0"}
    assert [channel.access.config for channel in channels.values()] == [2, 1, 4, 3, 5]
    assert {channel.access.type for channel in channels.values()} == {24}


def test_the_unit_is_the_scale_file_exactly(tmp_path):
    for channel in rapl_perf.survey(sources.Machine(write(CLIENT, tmp_path))).channels:
        assert channel.scale.unit == Fraction(1, 2**32)


def test_the_quantum_is_the_register_unit_and_the_modulus_two_to_the_32_of_it(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(TWO_SOCKET_SERVER, tmp_path))))
    package, dram = channels["package-0"].scale, channels["package-0/dram"].scale
    assert (package.quantum, package.modulus, package.unit_source) == (2**18, 2**50, "inferred")
    # powercap says 15.3 µJ; perf counts these models' DRAM in 2^-16 J
    assert (dram.quantum, dram.modulus, dram.unit_source) == (2**16, 2**48, "kernel")


def test_broadwell_d_has_the_dram_quirk_in_perf_though_powercap_does_not_know_it(tmp_path):
    machine = replace(TWO_SOCKET_SERVER, cpu=replace(TWO_SOCKET_SERVER.cpu, model=0x56), zones=CLIENT.zones)
    channels = by_id(rapl_perf.survey(sources.Machine(write(machine, tmp_path))))
    assert channels["package-0/dram"].scale.quantum == 2**16


def test_a_psys_of_whole_joules_fills_all_64_bits(tmp_path):
    psys = by_id(rapl_perf.survey(sources.Machine(write(SAPPHIRE_RAPIDS, tmp_path))))["psys"]
    assert (psys.scale.quantum, psys.scale.modulus) == (2**32, None)
    assert psys.lane == "package-0"


@pytest.mark.parametrize(
    ("machine", "quantum"), [(CLIENT, 2**18), (AMD_MIRRORED_DIES, 2**16)], ids=["Intel", "AMD"]
)
def test_without_powercap_the_vendors_usual_unit_is_assumed_and_said_to_be(tmp_path, machine, quantum):
    channel = rapl_perf.survey(sources.Machine(write(replace(machine, zones=()), tmp_path))).channels[0]
    assert (channel.scale.quantum, channel.scale.unit_source) == (quantum, "assumed")


def test_one_event_a_package_is_opened_on_a_cpu_of_that_package(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(TWO_SOCKET_SERVER, tmp_path))))
    assert {key: channel.access.cpu for key, channel in channels.items()} == {
        "package-0": 0,
        "package-0/dram": 0,
        "package-1": 1,
        "package-1/dram": 1,
    }


def test_a_mask_of_every_cpu_does_not_multiply_the_energy(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(FRAMEWORK_PMU, tmp_path))))
    assert {key: channel.access.cpu for key, channel in channels.items() if "/" not in key} == {
        "package-0": 0,
        "package-1": 2,
    }


def test_the_framework_pmu_cuts_its_scale_to_an_integer(tmp_path):
    package = by_id(rapl_perf.survey(sources.Machine(write(FRAMEWORK_PMU, tmp_path))))["package-0"].scale
    assert (package.quantum, package.modulus) == (262_143, 262_143 << 32)


def test_mirrored_amd_dies_are_one_package(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(AMD_MIRRORED_DIES, tmp_path))))
    assert {key: channel.access.cpu for key, channel in channels.items()} == {"package-0": 0, "package-1": 2}


def test_dies_of_intel_are_real(tmp_path):
    cpu = Cpu(model=0x55, name="Xeon 9282", placement=((0, 0), (0, 1), (1, 0), (1, 1)))
    machine = Machine(name="Cascade Lake-AP", cpu=cpu, pmu=Pmu(cpumask="0-3", events=("energy-pkg",)))
    survey = rapl_perf.survey(sources.Machine(write(machine, tmp_path)))
    assert {channel.id: channel.access.cpu for channel in survey.channels} == {
        "package-0-die-0": 0,
        "package-0-die-1": 1,
        "package-1-die-0": 2,
        "package-1-die-1": 3,
    }


def test_a_count_starts_at_its_opening(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(TWO_SOCKET_SERVER, tmp_path))))
    assert all(channel.scale.starts_at_open for channel in channels.values())


def test_the_power_limit_is_the_largest_that_powercap_states(tmp_path):
    root = write(TWO_SOCKET_SERVER, tmp_path)
    for number in (0, 1):
        (root / f"sys/class/powercap/intel-rapl:{number}/constraint_0_max_power_uw").write_text("150000000\n")
    channels = by_id(rapl_perf.survey(sources.Machine(root)))
    assert channels["package-1"].trust.power_limit_w == 180.0
    assert channels["package-1"].trust.power_limit_source == "intel-rapl:0/constraint_1_power_limit_uw"
    assert channels["package-0"].trust.power_limit_w == 150.0  # 200 kW is firmware's "no limit"
    assert channels["package-0/dram"].trust.power_limit_w is None


def test_what_contains_what(tmp_path):
    channels = by_id(rapl_perf.survey(sources.Machine(write(CLIENT, tmp_path / "with"))))
    assert {key: channel.trust.parents for key, channel in channels.items()} == {
        "package-0": ("psys",),
        "package-0/core": ("package-0",),
        "package-0/uncore": ("package-0",),
        "package-0/dram": ("psys",),
        "psys": (),
    }
    server = by_id(rapl_perf.survey(sources.Machine(write(TWO_SOCKET_SERVER, tmp_path / "without"))))
    assert server["package-0"].trust.parents == server["package-0/dram"].trust.parents == ()


def test_a_paranoid_kernel_closes_the_events_and_the_remedy_opens_them(tmp_path):
    survey = rapl_perf.survey(sources.Machine(write(LOCKED_DOWN, tmp_path)))
    assert survey.channels == ()
    assert [closed.channel.id for closed in survey.closed] == CLIENT_IDS
    (obstacle,) = survey.obstacles
    assert obstacle.cause == "perf_event_paranoid"
    assert "sudo sysctl kernel.perf_event_paranoid=0" in obstacle.remedy
    assert "setcap cap_perfmon+ep" in obstacle.remedy


@pytest.mark.parametrize(
    ("machine", "cause", "remedy"),
    [(EMPTY_VM, "virtual machine", "bare-metal"), (PSYS_AND_MMIO, "module", "sudo modprobe rapl")],
    ids=["virtual machine", "module"],
)
def test_a_missing_pmu_has_a_cause_and_a_remedy(tmp_path, machine, cause, remedy):
    (obstacle,) = rapl_perf.survey(sources.Machine(write(machine, tmp_path))).obstacles
    assert obstacle.cause == cause
    assert remedy in obstacle.remedy


def test_a_virtual_machine_that_is_given_rapl_lacks_only_the_module(tmp_path):
    machine = replace(PSYS_AND_MMIO, cpu=replace(PSYS_AND_MMIO.cpu, is_virtual=True))
    (obstacle,) = rapl_perf.survey(sources.Machine(write(machine, tmp_path))).obstacles
    assert obstacle.cause == "module"


def test_another_makers_cpu_is_told_so(tmp_path):
    (obstacle,) = rapl_perf.survey(sources.Machine(tmp_path)).obstacles
    assert obstacle.cause == "no such hardware"


@pytest.mark.parametrize(
    ("family", "cause", "what"),
    [(0x15, "no such hardware", "AMD's CPUs have RAPL since Zen"), (0x19, "hidden", "lists no energy event")],
)
def test_a_power_pmu_without_an_energy_event_is_another_drivers_before_zen(tmp_path, family, cause, what):
    """Linux' ``amd/power.c`` has the same name there: the report said that its events were hidden."""
    cpu = replace(CLIENT.cpu, vendor="AuthenticAMD", family=family)
    root = write(replace(CLIENT, cpu=cpu, pmu=Pmu(cpumask="0", events=())), tmp_path)
    (obstacle,) = rapl_perf.survey(sources.Machine(root)).obstacles
    assert obstacle.cause == cause
    assert what in obstacle.what


def test_the_documents_unit_goes_with_perfs_count_where_they_give_one(tmp_path):
    """Kernels before 6.1 shift Sapphire Rapids' DRAM by two bits too few, which no file of theirs says."""
    channels = by_id(rapl_perf.survey(sources.Machine(write(SAPPHIRE_RAPIDS, tmp_path))))
    dram, package = channels["package-0/dram"].scale, channels["package-0"].scale
    assert (dram.register_unit, dram.quantum) == (Fraction(1, 1 << 14), 1 << 18)
    assert (package.register_unit, package.quantum) == (None, 1 << 18)
    assert Channel.from_json(channels["package-0/dram"].to_json()) == channels["package-0/dram"]
