"""AMD's PMU power_core on fake trees: one channel a core, inside its package, read where it is asked for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from machines import hosts
from machines.build import SCALE, Pmu, write

from microjoule import sources
from microjoule.channel import Role
from microjoule.joules.estimates.total import covered
from microjoule.sources import rapl_cores
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause

AMD = replace(
    hosts.AMD_MIRRORED_DIES,
    name="Zen under Linux 6.15",
    zones=(),
    registers={},
    kernel="6.15.0",
    pmu=Pmu(cpumask="0,2", events=("energy-pkg",)),
)


def amd(root, mask="0-3", **machine):
    write(replace(AMD, **machine), root)
    folder = root / rapl_cores.FOLDER
    (folder / "events").mkdir(parents=True)
    texts = {"type": 25, "cpumask": mask, "events/energy-core": "event=0x01"}
    for name, text in (texts | {"events/energy-core.scale": SCALE}).items():
        (folder / name).write_text(f"{text}\n")
    return Machine(root)


def test_each_core_is_a_part_of_its_package(tmp_path):
    channels = rapl_cores.survey(amd(tmp_path)).channels
    assert [channel.id for channel in channels] == [
        "package-0/core-0",
        "package-0/core-1",
        "package-1/core-2",
        "package-1/core-3",
    ]
    assert [channel.trust.parents for channel in channels] == [(f"package-{n}",) for n in (0, 0, 1, 1)]
    assert {channel.place.role for channel in channels} == {Role.PART}
    assert [(channel.access.type, channel.access.config, channel.access.cpu) for channel in channels] == [
        (25, 1, cpu) for cpu in range(4)
    ]
    assert {channel.scale.unit * channel.scale.quantum for channel in channels} == {Fraction(1, 1 << 16)}
    assert [channel.lane for channel in channels] == [f"package-{n}-cores" for n in (0, 0, 1, 1)]


def test_cores_are_recorded_where_they_are_named_and_enter_no_total_beside_their_package(tmp_path):
    surveys = sources.survey(amd(tmp_path))
    usual = [channel.id for channel in sources.choose(surveys) if channel.trust.model is None]
    assert usual == ["package-0", "package-1"]
    named = sources.choose(surveys, ["rapl_perf", "rapl_cores"])
    assert len(named) == 2 + 4
    assert covered({channel.id: channel for channel in named}) == ("package-0", "package-1")


def test_a_paranoid_kernel_closes_the_cores(tmp_path):
    survey = rapl_cores.survey(amd(tmp_path, paranoid=4))
    assert survey.channels == ()
    assert len(survey.closed) == 4
    assert survey.obstacles[0].cause is Cause.PARANOID


@pytest.mark.parametrize("missing", ["type", "events/energy-core", "events/energy-core.scale"])
def test_a_pmu_that_is_not_whole_is_none(tmp_path, missing):
    machine = amd(tmp_path)
    (tmp_path / rapl_cores.FOLDER / missing).unlink()
    (none,) = rapl_cores.survey(machine).obstacles
    assert none.cause is Cause.NO_HARDWARE
