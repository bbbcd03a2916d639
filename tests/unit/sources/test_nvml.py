"""Discovery on scripted machines, each in a process of its own, as a process has one NVML library."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
from places import identity
from standin import LIBRARY, compiler, machine

from microjoule.channel import UNPLACED, Channel, Kind, Trust
from microjoule.joules.estimates.total import covered
from microjoule.sources import Machine, nvml, nvml_channels
from microjoule.sources.survey import Cause

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")

ONE, TWO = "GPU-aaaa-1", "GPU-bbbb-2"
SLOW = {"sm_clock", "temperature", "utilization", "clock_reasons"}

SURVEY = """
import json, sys
from pathlib import Path
from microjoule.joules.estimates.total import covered
from microjoule.sources import Machine, nvml, nvml_channels
found = nvml.survey(Machine(Path(sys.argv[1]), *sys.argv[2:]))
print(json.dumps([
    [channel.to_json() for channel in found.channels],
    [[obstacle.cause, obstacle.what, obstacle.remedy] for obstacle in found.obstacles],
]))
"""


def run(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def survey(folder, *visible):
    """The channels by id, and the obstacles."""
    channels, obstacles = run(SURVEY, folder, *visible)
    return {plain["id"]: Channel.from_json(plain) for plain in channels}, obstacles


def names(channels, gpu=0):
    return {name.partition("/")[2] for name in channels if name.startswith(f"gpu-{gpu}/")}


@needs_compiler
def test_hopper_has_energy_two_powers_and_slow_gauges(tmp_path):
    machine(tmp_path, f"driver 570.86.15\ndevice {ONE}\narch 9")
    channels, obstacles = survey(tmp_path)
    assert names(channels) == {"energy", "power", "power_average"} | SLOW
    assert obstacles == []
    energy, power = channels["gpu-0/energy"], channels["gpu-0/power"]
    assert (energy.kind, energy.scale.quantity, energy.scale.unit) == (Kind.COUNTER, "J", Fraction(1, 1000))
    assert (power.kind, power.scale.quantity, power.scale.unit) == (Kind.GAUGE, "W", Fraction(1, 1000))
    assert energy.trust.power_limit_w == power.trust.power_limit_w == 700
    assert energy.access.path == f"{ONE}@{tmp_path / LIBRARY}"
    assert (energy.access.config, power.access.config) == (83, 186)
    assert (power.timing.update_ns, power.timing.window_ns) == (100_000_000, 25_000_000)
    assert channels["gpu-0/power_average"].timing.window_ns == 1_000_000_000
    assert energy.timing.update_ns is None  # nobody has published it
    assert energy.trust.accuracy is None  # NVIDIA states none
    assert channels["gpu-0/sm_clock"].scale.unit == 1_000_000


@needs_compiler
def test_power_is_inside_energy_and_slow_gauges_have_a_lane_of_their_own(tmp_path):
    machine(tmp_path, f"device {ONE}\nanswer 185 2 0 200 1\nanswer 185 1 0 1500 1")
    channels, _ = survey(tmp_path)
    assert channels["gpu-0/energy"].trust.parents == ("gpu-0/module_power",)
    for name in ("power", "power_average", "memory_power"):
        assert channels[f"gpu-0/{name}"].trust.parents == ("gpu-0/energy",)
        assert channels[f"gpu-0/{name}"].lane == "gpu-0"
    assert {channels[f"gpu-0/{name}"].lane for name in SLOW} == {"gpu-0-slow"}


MODULE = "answer 191 1 0 1500 3\nanswer 185 1 0 1500 1"


@needs_compiler
def test_a_module_contains_its_gpu_and_not_the_other_way_round(tmp_path):
    """Scope 1 of a Grace Hopper counts the CPU and the memory too."""
    machine(tmp_path, f"device {ONE}\n{MODULE}")
    channels, obstacles = survey(tmp_path)
    energy, power = channels["gpu-0/module_energy"], channels["gpu-0/module_power"]
    assert (energy.kind, energy.access.config) == (Kind.COUNTER, 191 | 1 << 32)
    assert str(energy.place) == "module-0"
    assert energy.place.is_platform
    assert (energy.trust.parents, power.trust.parents) == ((), ("gpu-0/module_energy",))
    assert channels["gpu-0/energy"].trust.parents == ("gpu-0/module_energy",)
    assert energy.trust.power_limit_w is None, "NVML states the GPU's limit, not the module's"
    assert obstacles == []
    assert covered(channels) == ("gpu-0/module_energy",)
    packages = {c.id: c for c in [replace(channels["gpu-0/energy"], **identity("package-0"), trust=Trust())]}
    assert covered(channels | packages) == ("gpu-0/energy", "package-0"), "scopes are not mixed"


@needs_compiler
def test_modules_that_may_be_one_enter_no_total(tmp_path):
    """Both GPUs of a GB200 show the module of both."""
    machine(tmp_path, f"device {ONE}\n{MODULE}\ndevice {TWO}\n{MODULE}")
    channels, ((cause, what, _),) = survey(tmp_path)
    assert (cause, "gpu-0, gpu-1" in what) == (Cause.EXCLUDED, True)
    assert {channels[f"gpu-{n}/module_energy"].trust.parents for n in (0, 1)} == {(UNPLACED,)}
    assert covered(channels) == ("gpu-0/energy", "gpu-1/energy")


@needs_compiler
def test_a_gpu_that_shows_its_module_alone(tmp_path):
    refused = "\n".join(f"answer {field} 0 3 0 1" for field in (83, 185, 186, 191))
    machine(tmp_path, f"device {ONE}\n{refused}\nrefuse energy 3\nrefuse power 3\n{MODULE}")
    channels, obstacles = survey(tmp_path)
    assert names(channels) == {"module_energy", "module_power"} | SLOW
    assert covered(channels) == ("gpu-0/module_energy",)
    assert obstacles == []


JETSON = """
    driver 595.78
    device GPU-orin
    name Orin (nvgpu)
    arch 7
    capability 8 7
    limit_mw 0
    refuse energy 3
    refuse power 3
    refuse temperature 3
    refuse utilization 3
"""


@needs_compiler
@pytest.mark.parametrize(
    "fields", ["refuse fields 3", "\n".join(f"answer {field} 0 3 0 1" for field in (83, 185, 186, 191))]
)
def test_a_jetson_has_no_power_sensor_in_nvml(tmp_path, fields):
    """NVML starts, lists the GPU and supports nothing of it: no figure, no 0 J, and what to read instead."""
    machine(tmp_path, JETSON + fields)
    channels, ((cause, what, remedy),) = survey(tmp_path)
    assert names(channels) <= {"sm_clock", "clock_reasons"}
    assert cause == Cause.NO_SENSOR
    assert "has no power sensor in NVML" in what
    assert "code 3" not in what
    assert "INA3221" in remedy


@needs_compiler
def test_memory_and_module_power_that_answer_zero_are_not_there(tmp_path):
    machine(tmp_path, f"device {ONE}\nanswer 185 2 0 0 1\nanswer 185 1 3 0 1")
    assert {"memory_power", "module_power"}.isdisjoint(names(survey(tmp_path)[0]))


@needs_compiler
def test_kepler_has_power_only_with_its_stated_accuracy(tmp_path):
    refused = "\n".join(f"answer {field} 0 3 0 1" for field in (83, 185, 186, 191))
    machine(tmp_path, f"driver 470.1\ndevice {ONE}\narch 2\ncapability 3 5\n{refused}\nrefuse energy 3")
    channels, obstacles = survey(tmp_path)
    assert names(channels) == {"power"} | SLOW
    power = channels["gpu-0/power"]
    assert (power.trust.accuracy, power.trust.parents) == (0.05, ())
    assert power.access.config == nvml_channels.call_config(nvml_channels.POWER_CALL)
    assert power.timing.sensor_clock is None
    assert obstacles == []


@needs_compiler
def test_energy_falls_back_to_the_other_field_and_then_to_its_call(tmp_path):
    machine(tmp_path / "a", f"device {ONE}\nanswer 83 0 3 0 3")
    machine(tmp_path / "b", f"device {ONE}\nanswer 83 0 3 0 3\nanswer 191 0 3 0 3")
    assert survey(tmp_path / "a")[0]["gpu-0/energy"].access.config == 191
    assert survey(tmp_path / "b")[0]["gpu-0/energy"].access.config == nvml_channels.call_config(
        nvml_channels.ENERGY_CALL
    )


@needs_compiler
def test_a_counter_and_a_power_that_stay_at_zero_are_not_listed(tmp_path):
    machine(tmp_path, f"device {ONE}\nwave constant 0 0 1000 0")
    channels, ((cause, _, _),) = survey(tmp_path)
    assert names(channels) == SLOW
    assert cause == Cause.NO_SENSOR


@needs_compiler
def test_a_library_without_an_optional_symbol_loses_that_channel(tmp_path):
    machine(tmp_path, f"device {ONE}", without=["UTILIZATION"])
    assert names(survey(tmp_path)[0]) & SLOW == SLOW - {"utilization"}


@needs_compiler
@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("0", {0}),
        ("1", {1}),
        ("1,0", {0, 1}),
        (TWO, {1}),
        ("GPU-bb", {1}),
        ("GPU-", set()),  # two have it: CUDA takes none
        ("MIG-slice", {1}),
        (f"MIG-{TWO}/3/0", {1}),
        ("0,7,1", {0}),  # what follows a wrong entry is not seen
        ("nonsense", set()),
    ],
)
def test_visible_devices_read_as_cuda_reads_them(tmp_path, visible, expected):
    machine(tmp_path, f"device {ONE}\ndevice {TWO}\nmig_uuid MIG-slice")
    channels, obstacles = survey(tmp_path, visible)
    assert {int(name[4]) for name in channels} == expected
    hidden = [remedy for cause, _, remedy in obstacles if cause == Cause.HIDDEN]
    assert bool(hidden) == (not expected)
    assert all("--all-gpus" in remedy for remedy in hidden)


@needs_compiler
@pytest.mark.parametrize("visible", ["", " ", "-1", "none", "NoDevFiles"])
def test_a_list_that_hides_all_gpus_on_purpose_is_no_hindrance(tmp_path, visible):
    machine(tmp_path, f"device {ONE}\ndevice {TWO}")
    channels, ((cause, what, remedy),) = survey(tmp_path, visible)
    assert not channels
    assert cause == Cause.EXCLUDED
    assert f"CUDA_VISIBLE_DEVICES={visible!r}" in what
    assert "--all-gpus" in remedy


@needs_compiler
def test_indices_are_doubtful_where_the_gpus_differ(tmp_path):
    machine(tmp_path, f"device {ONE}\nname A\ndevice {TWO}\nname B")
    assert [cause for cause, _, _ in survey(tmp_path, "0")[1]] == [Cause.MISLEADING]
    assert survey(tmp_path, TWO)[1] == []


@needs_compiler
def test_mig_says_that_the_energy_is_the_whole_gpus(tmp_path):
    machine(tmp_path, f"device {ONE}\nmig 1")
    channels, ((cause, what, remedy),) = survey(tmp_path)
    assert "gpu-0/energy" in channels
    assert cause == Cause.MISLEADING
    assert "whole GPU's" in what
    assert "-mig 0" in remedy


SILENT = "\n".join(
    [*(f"answer {field} 0 3 0 1" for field in (83, 185, 186, 191)), "refuse energy 3", "refuse power 3"]
)


@needs_compiler
@pytest.mark.parametrize(
    ("script", "cause", "sentence"),
    [
        ("init 18", Cause.FAILING, "different versions"),
        ("init 9", Cause.MODULE, "not loaded"),
        ("init 4", Cause.PERMISSION, "may not talk"),
        ("init 17", Cause.PERMISSION, "block"),
        ("init 27", Cause.FAILING, "the GPU is not ready (NVML_ERROR_NOT_READY)"),
        ("init 777", Cause.FAILING, "NVML answered with code 777"),
        ("driver 570", Cause.NO_HARDWARE, "sees no GPU"),
        (f"device {ONE}\nlost machine", Cause.FAILING, "gpu-0: the GPU is lost"),
        (f"device {ONE}\nvirtual 2\n{SILENT}", Cause.HIDDEN, "vGPU"),
        (f"device {ONE}\n{SILENT}", Cause.NO_SENSOR, "no power sensor in NVML"),
    ],
)
def test_every_obstacle_is_one_sentence(tmp_path, script, cause, sentence):
    machine(tmp_path, script)
    channels, ((found, what, remedy),) = survey(tmp_path)
    assert not {"energy", "power"} & names(channels)
    assert found == cause
    assert sentence in what
    assert remedy or cause in (Cause.NO_HARDWARE, Cause.NO_SENSOR)
    assert not what.endswith(".")


@needs_compiler
def test_a_lost_gpu_leaves_the_other(tmp_path):
    machine(tmp_path, f"device {ONE}\nlost machine\ndevice {TWO}")
    channels, obstacles = survey(tmp_path)
    assert {name[:5] for name in channels} == {"gpu-1"}
    assert len(obstacles) == 1


@needs_compiler
def test_a_library_without_a_required_symbol_says_which(tmp_path):
    machine(tmp_path, f"device {ONE}", without=["FIELD_VALUES"])
    channels, ((cause, what, remedy),) = survey(tmp_path)
    assert channels == {}
    assert (cause, what) == (Cause.FAILING, f"{tmp_path / LIBRARY} has no nvmlDeviceGetFieldValues")
    assert "driver" in remedy


def test_a_file_that_is_no_library_is_said(tmp_path):
    (tmp_path / LIBRARY).write_text("not ELF")
    (obstacle,) = nvml.survey(Machine(tmp_path)).obstacles
    assert obstacle.cause is Cause.FAILING


def test_without_library_the_machine_says_why(tmp_path):
    assert nvml.survey(Machine(tmp_path)).obstacles[0].cause is Cause.NO_HARDWARE
    pci = tmp_path / "sys/bus/pci/devices/0000:17:00.0"
    pci.mkdir(parents=True)
    (pci / "vendor").write_text("0x10de\n")
    (pci / "class").write_text("0x030200\n")
    assert nvml.survey(Machine(tmp_path)).obstacles[0].cause is Cause.MODULE
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text("NVRM\n")
    hidden = nvml.survey(Machine(tmp_path)).obstacles[0]
    assert hidden.cause is Cause.HIDDEN
    assert "utility" in hidden.remedy


def test_without_library_nothing_is_imported(tmp_path):
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom microjoule.sources import Machine, nvml\n"
        "nvml.survey(Machine(Path(sys.argv[1])))\nprint(json.dumps('pynvml' in sys.modules))"
    )
    assert run(program, tmp_path) is False


@needs_compiler
def test_a_second_library_in_one_process_is_noticed(tmp_path):
    machine(tmp_path / "a", f"device {ONE}")
    machine(tmp_path / "b", f"device {TWO}")
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom microjoule.sources import Machine, nvml\n"
        "found = [nvml.survey(Machine(Path(folder))) for folder in sys.argv[1:]]\n"
        "print(json.dumps([[len(f.channels), [o.what for o in f.obstacles]] for f in found]))"
    )
    (first, none), (second, (what,)) = run(program, tmp_path / "a", tmp_path / "b")
    assert (first > 0, none, second) == (True, [], 0)
    assert "another" in what


AGREE = """
import json, sys
from pathlib import Path
import pynvml
from microjoule._native import Sampler
from microjoule.joules.estimates.total import covered
from microjoule.sources import Machine, nvml, nvml_channels
import numpy as np
found = nvml.survey(Machine(Path(sys.argv[1]))).channels
table = [(c.access.reader, c.access.path, 0, c.access.config, -1, i) for i, c in enumerate(found)]
sampler = Sampler("t", table, 10**7, 1024)
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
said = {
    "gpu-0/temperature": pynvml.nvmlDeviceGetTemperature(handle, 0),
    "gpu-0/sm_clock": pynvml.nvmlDeviceGetClockInfo(handle, 1),
    "gpu-0/clock_reasons": pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),
    "gpu-0/utilization": pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
}
values = pynvml.nvmlDeviceGetFieldValues(handle, [83, 186, 185, (185, 2)])
for id, value in zip(("energy", "power", "power_average", "memory_power"), values):
    said["gpu-0/" + id] = value.value.uiVal if value.valueType == 1 else value.value.ullVal
sampler.tick()
columns = sampler.drain()
codes = np.frombuffer(columns.channel, np.uint16)[: columns.length]
raw = np.frombuffer(columns.raw, np.uint64)[: columns.length]
print(json.dumps([said, {found[c].id: int(r) for c, r in zip(codes, raw)}]))
"""


@needs_compiler
def test_pynvml_and_the_native_reader_say_the_same(tmp_path):
    # Everything stands still for an hour, so that two readings of one instant are the same number.
    hour = 3_600_000_000_000
    machine(
        tmp_path,
        f"device {ONE}\nwave saw 50000 700000 {hour} 0\nenergy {hour} 12345\ninstant {hour} {hour // 2}\n"
        f"average {hour} {hour} 0\nanswer 185 2 0 180 1",
    )
    said, read = run(AGREE, tmp_path)
    assert said == read
    assert said["gpu-0/energy"] > 0
