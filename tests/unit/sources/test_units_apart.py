"""Interfaces of one register that take its count for two energies are named; roundings are not."""

from dataclasses import replace

import pytest
from machines import AMD_MIRRORED_DIES, CLIENT, TWO_SOCKET_SERVER, write

from microjoule.sources import RAPL, Machine, survey
from microjoule.sources.units_apart import units_apart


def said(machine, folder):
    return units_apart(survey(Machine(write(machine, folder))), RAPL)


@pytest.mark.parametrize("machine", [CLIENT, TWO_SOCKET_SERVER, AMD_MIRRORED_DIES], ids=lambda m: m.name)
def test_interfaces_that_agree_but_for_whole_nanojoules_need_no_sentence(machine, tmp_path):
    assert said(machine, tmp_path) == []


def test_a_kernel_that_takes_another_unit_than_the_register_says_is_named(tmp_path):
    registers = {0: {**CLIENT.registers[0], 0x606: 0xA1003}}  # 2^-16 J
    found = said(replace(CLIENT, registers=registers), tmp_path)
    (package,) = [sentence for sentence in found if "package-0:" in sentence and "powercap" in sentence]
    assert "powercap takes a count for 61 µJ and rapl_msr for 15.3 µJ" in package
    assert "4 times off" in package
    names = {sentence.split(":")[0] for sentence in found}
    assert names == {"package-0", "package-0/core", "package-0/uncore", "package-0/dram", "psys"}
