from dataclasses import replace
from fractions import Fraction

import pytest
from machines import (
    AMD_MIRRORED_DIES,
    CLIENT,
    EMPTY_VM,
    LOCKED_DOWN,
    SAPPHIRE_RAPIDS,
    TWO_SOCKET_SERVER,
    write,
)

from microjoule.sources import rapl_msr
from microjoule.sources.machine import Machine


def by_id(survey):
    return {channel.id: channel for channel in survey.channels}


def test_an_intel_client_has_five_registers(tmp_path):
    channels = by_id(rapl_msr.survey(Machine(write(CLIENT, tmp_path))))
    assert {key: channel.access.config for key, channel in channels.items()} == {
        "package-0": 0x611,
        "package-0/core": 0x639,
        "package-0/uncore": 0x641,
        "package-0/dram": 0x619,
        "psys": 0x64D,
    }
    scale = channels["package-0"].scale
    assert (scale.unit, scale.unit_source, scale.modulus) == (Fraction(1, 2**14), "register", 2**32)


def test_each_package_is_read_on_its_first_cpu(tmp_path):
    channels = by_id(rapl_msr.survey(Machine(write(TWO_SOCKET_SERVER, tmp_path))))
    assert channels["package-1"].access.path == str(tmp_path / "dev/cpu/1/msr")
    assert channels["package-1"].access.cpu == 1
    assert channels["package-1"].lane == "package-1"


def test_server_dram_and_psys_have_units_that_the_register_does_not_tell(tmp_path):
    server = by_id(rapl_msr.survey(Machine(write(TWO_SOCKET_SERVER, tmp_path / "skx"))))
    assert server["package-0/dram"].scale.unit == Fraction(1, 2**16)
    assert server["package-0/dram"].scale.unit_source == "kernel"
    rapids = by_id(rapl_msr.survey(Machine(write(SAPPHIRE_RAPIDS, tmp_path / "spr"))))
    assert rapids["psys"].scale.unit == 1
    assert rapids["psys"].lane == "package-0"  # once, though both packages answer


def test_amd_offers_the_package_and_never_one_core_as_all(tmp_path):
    channels = by_id(rapl_msr.survey(Machine(write(AMD_MIRRORED_DIES, tmp_path))))
    assert list(channels) == ["package-0", "package-1"]
    assert channels["package-0"].access.config == 0xC001029B
    assert channels["package-0"].scale.unit == Fraction(1, 2**16)


def test_silvermont_counts_in_microjoules(tmp_path):
    machine = replace(CLIENT, cpu=replace(CLIENT.cpu, model=0x37), registers={0: {0x606: 5 << 8, 0x611: 9}})
    assert rapl_msr.survey(Machine(write(machine, tmp_path))).channels[0].scale.unit == Fraction(32, 10**6)


def test_a_register_that_reads_zero_is_not_there(tmp_path):
    machine = replace(CLIENT, registers={0: {0x606: 0xA0E03, 0x611: 7, 0x639: 0}})
    assert list(by_id(rapl_msr.survey(Machine(write(machine, tmp_path))))) == ["package-0"]


def test_registers_that_all_read_zero_are_hidden_or_moved(tmp_path):
    machine = replace(CLIENT, registers={0: {0x606: 0}})
    (obstacle,) = rapl_msr.survey(Machine(write(machine, tmp_path))).obstacles
    assert obstacle.cause == "hidden"


@pytest.mark.parametrize(
    ("machine", "cause", "remedy"),
    [
        (EMPTY_VM, "virtual machine", "bare-metal"),
        (replace(CLIENT, registers={}), "module", "sudo modprobe msr"),
    ],
    ids=["virtual machine", "module"],
)
def test_a_missing_device_has_a_cause_and_a_remedy(tmp_path, machine, cause, remedy):
    (obstacle,) = rapl_msr.survey(Machine(write(machine, tmp_path))).obstacles
    assert obstacle.cause == cause
    assert remedy in obstacle.remedy


@pytest.mark.parametrize(("family", "remedy"), [(0x1A, "Run `sudo modprobe msr`"), (0x15, "")])
def test_a_module_that_reads_any_register_needs_no_newer_kernel(tmp_path, family, remedy):
    """Zen 5 under Linux 6.9: perf and powercap need a newer one. A CPU before Zen has no such register."""
    cpu = replace(CLIENT.cpu, vendor="AuthenticAMD", family=family)
    root = write(replace(CLIENT, cpu=cpu, registers={}, kernel="6.9.9"), tmp_path)
    (obstacle,) = rapl_msr.survey(Machine(root)).obstacles
    assert obstacle.remedy == remedy


def test_a_refused_device_closes_the_package_and_says_lockdown_too(shared_path, nobody):
    root = write(LOCKED_DOWN, shared_path)
    (root / "dev/cpu/0/msr").chmod(0)
    with nobody():
        survey = rapl_msr.survey(Machine(root))
    assert [closed.channel.id for closed in survey.closed] == ["package-0"]
    assert [obstacle.cause for obstacle in survey.obstacles] == ["permission", "lockdown"]
    assert "CAP_SYS_RAWIO" in survey.obstacles[0].remedy
