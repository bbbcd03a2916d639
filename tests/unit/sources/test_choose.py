from dataclasses import replace

import pytest
from machines import (
    CLIENT,
    EMPTY_VM,
    LOCKED_DOWN,
    MACHINES,
    PSYS_AND_MMIO,
    SAPPHIRE_RAPIDS,
    TWO_SOCKET_SERVER,
    Cpu,
    Machine,
    Pmu,
    write,
)

from microjoule import sources
from microjoule.errors import MicrojouleError, NothingToMeasure, PermissionDenied, SourceUnavailable
from microjoule.joules.estimates.total import covered
from microjoule.sources.survey import FIXABLE, Cause, Obstacle, Survey


def chosen(machine, root, names=None):
    return sources.choose(sources.survey(sources.Machine(write(machine, root))), names)


def measured(channels):
    return {channel.id: channel.source for channel in channels if channel.provenance == "measured"}


def test_the_sources_are_in_the_order_of_preference():
    names = [source.NAME for source in sources.SOURCES]
    assert names[:3] == ["rapl_perf", "powercap", "rapl_msr"]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_no_id_is_chosen_twice_and_every_parent_is_there(tmp_path, machine):
    channels = chosen(machine, tmp_path)
    ids = [channel.id for channel in channels]
    assert len(ids) == len(set(ids))
    assert {parent for channel in channels for parent in channel.trust.parents} <= set(ids)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_no_choice_is_mapped_memory(tmp_path, machine):
    assert not any("mmio" in channel.access.path for channel in chosen(machine, tmp_path))


def test_perf_goes_before_powercap_and_msr(tmp_path):
    assert set(measured(chosen(CLIENT, tmp_path)).values()) == {"rapl_perf"}


def test_powercap_goes_before_msr(tmp_path):
    assert set(measured(chosen(LOCKED_DOWN, tmp_path)).values()) == {"powercap"}


def test_msr_is_the_last_resort(tmp_path):
    machine = replace(LOCKED_DOWN, zones=())
    assert set(measured(chosen(machine, tmp_path)).values()) == {"rapl_msr"}


def test_a_package_that_perf_lacks_falls_back_to_powercap_by_itself(tmp_path):
    machine = replace(TWO_SOCKET_SERVER, pmu=Pmu(cpumask="0", events=("energy-pkg",)))
    assert measured(chosen(machine, tmp_path)) == {
        "package-0": "rapl_perf",
        "package-0/dram": "powercap",
        "package-1": "powercap",
        "package-1/dram": "powercap",
    }


def test_psys_of_another_interface_still_contains_the_packages(tmp_path):
    machine = replace(SAPPHIRE_RAPIDS, pmu=Pmu(cpumask="0-1", events=("energy-pkg",)))
    channels = {channel.id: channel for channel in chosen(machine, tmp_path)}
    assert (channels["psys"].source, channels["package-1"].source) == ("powercap", "rapl_perf")
    assert channels["package-1"].trust.parents == ("psys",)


def test_a_package_is_never_shown_whole_and_by_dies(tmp_path):
    cpu = Cpu(model=0x55, name="Xeon 9282", placement=((0, 0), (0, 1)))
    machine = Machine(
        name="Cascade Lake-AP under a powercap that knows no dies",
        cpu=cpu,
        pmu=Pmu(cpumask="0-1", events=("energy-pkg",)),
        zones=CLIENT.zones[:1],
    )
    assert list(measured(chosen(machine, tmp_path))) == ["package-0-die-0", "package-0-die-1"]


def test_cpu_time_is_always_chosen(tmp_path):
    for place, machine in enumerate((CLIENT, EMPTY_VM)):
        ids = [channel.id for channel in chosen(machine, tmp_path / str(place))]
        assert ids[-2:] == ["cpu_time/system", "cpu_time/command"]


def test_a_second_source_by_name_is_set_apart_with_its_parents(tmp_path):
    channels = {
        channel.id: channel for channel in chosen(PSYS_AND_MMIO, tmp_path / "one", ["powercap", "cpu_time"])
    }
    assert not any("@" in key for key in channels)
    both = {channel.id: channel for channel in chosen(CLIENT, tmp_path / "two", ["rapl_perf", "powercap"])}
    assert len(both) == 10
    assert both["package-0"].source == "rapl_perf"
    assert both["package-0/core@powercap"].source == "powercap"
    assert both["package-0/core@powercap"].trust.parents == ("package-0",)
    assert both["package-0@powercap"].trust.parents == ("psys",)
    assert both["package-0/core@powercap"].physical_id == "package-0/core"
    assert both["package-0/core@powercap"].place == both["package-0/core"].place
    alone = {name: one for name, one in both.items() if name not in ("package-0@powercap", "psys")}
    assert "package-0/core@powercap" not in covered(alone)  # package-0 holds it, through whichever source


def test_an_unknown_name_is_answered_with_those_that_exist(tmp_path):
    with pytest.raises(MicrojouleError, match="Nearest: 'rapl_msr', 'rapl_perf', 'rapl_cores'") as caught:
        chosen(CLIENT, tmp_path, ["rapl"])
    assert isinstance(caught.value, ValueError)


def test_a_forced_source_that_is_missing_says_why_and_what_to_do(tmp_path):
    with pytest.raises(SourceUnavailable, match="module") as caught:
        chosen(PSYS_AND_MMIO, tmp_path, ["rapl_perf"])
    assert "sudo modprobe rapl" in caught.value.remedy


def test_a_forced_source_that_is_refused_is_a_permission_error(tmp_path):
    with pytest.raises(PermissionDenied, match="perf_event_paranoid is 4") as caught:
        chosen(LOCKED_DOWN, tmp_path, ["rapl_perf"])
    assert isinstance(caught.value, PermissionError)
    assert "sysctl" in caught.value.remedy


def test_an_empty_machine_has_nothing_to_measure(tmp_path):
    with pytest.raises(NothingToMeasure):
        sources.choose(sources.survey(sources.Machine(tmp_path)))


@pytest.mark.parametrize("cause", list(Cause))
def test_where_nothing_is_read_the_obstacle_that_can_be_removed_is_named(cause):
    found = [
        Survey("powercap", "all", obstacles=(Obstacle(Cause.NO_HARDWARE, "no RAPL"),)),
        Survey("nvml", "all", obstacles=(Obstacle(cause, "versions differ", "Reboot"),)),
    ]
    with pytest.raises(NothingToMeasure) as caught:
        sources.choose(found)
    is_named = "(nvml: versions differ). Reboot" in str(caught.value)
    assert is_named == (cause in FIXABLE), str(caught.value)
    assert is_named or "Run `uj probe`" in str(caught.value)


def test_a_driver_that_fails_beside_no_other_source_is_named():
    failing = Survey("nvml", "all", obstacles=(Obstacle(Cause.FAILING, "versions differ", "Reboot"),))
    with pytest.raises(NothingToMeasure, match="nvml: versions differ"):
        sources.choose([failing])
