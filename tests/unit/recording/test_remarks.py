"""What sources say of their sensors reaches the report and its JSON, not the probe alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from machines import AMD_MIRRORED_DIES, CLIENT, EMPTY_VM, LOCKED_DOWN, write
from standin import compiler, machine

from microjoule.recording.replaced_channels import remarks
from microjoule.sources import Machine, choose, survey


def run(root: Path, *words: str) -> tuple[str, dict[str, object]]:
    """The long report of a short command, and the JSON."""
    command = [sys.executable, "-m", "microjoule", "run", "-v", "--root", root, "--json", root / "run.json"]
    done = subprocess.run(
        [*map(str, command), *words, "--", "sleep", "0.3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return " ".join(done.stderr.split()), json.loads((root / "run.json").read_text())


def test_excluded_zones_are_in_the_report(tmp_path) -> None:
    """AMD's kernels mirror the package in each die: one is read, and the report names the others."""
    text, plain = run(write(AMD_MIRRORED_DIES, tmp_path), "--source", "powercap")
    excluded = plain["facts"]["excluded"]
    assert any("intel-rapl:1 (package-0-die-1) mirrors the counter of package-0" in each for each in excluded)
    assert all(f"left out: {each}." in text for each in excluded)
    assert plain["facts"]["misleading"] == []


def test_only_sources_in_use_are_remarked_on(tmp_path) -> None:
    surveys = survey(Machine(write(AMD_MIRRORED_DIES, tmp_path)))
    assert remarks(surveys, choose(surveys, ["powercap"]), ["powercap"])["excluded"]
    assert remarks(surveys, choose(surveys, ["rapl_perf"]), ["rapl_perf"]) == {
        "misleading": [],
        "excluded": [],
    }


def test_where_only_closed_counters_are_left_the_report_has_the_command_that_opens_them(tmp_path) -> None:
    text, plain = run(write(replace(LOCKED_DOWN, zones=(), registers={}), tmp_path))
    (said,) = plain["facts"]["misleading"]
    assert said.startswith("package-0 is closed: perf_event_paranoid is 4")
    assert "`sudo sysctl kernel.perf_event_paranoid=0`" in said
    assert said in text


def test_a_counter_that_is_read_or_that_is_not_there_is_not_called_closed(tmp_path) -> None:
    for machine_, names in ((LOCKED_DOWN, ["powercap"]), (EMPTY_VM, ["cpu_time"])):
        surveys = survey(Machine(write(machine_, tmp_path / machine_.name)))
        assert remarks(surveys, choose(surveys, names), names)["misleading"] == []


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
def test_a_sliced_gpu_is_named_in_the_report_and_in_json(tmp_path) -> None:
    """With MIG the energy is the whole GPU's, whatever slice the program had."""
    machine(tmp_path, "device GPU-a\nmig 1")
    text, plain = run(tmp_path, "--source", "nvml")
    (said,) = plain["facts"]["misleading"]
    assert "gpu-0 (NVIDIA H100 (stand-in)) is cut into MIG slices" in said
    assert plain["facts"]["gpus"][0]["is_mig"] is True
    assert said in text


GPU = "device GPU-a\n"


SAID = """
import json, sys
from pathlib import Path
from microjoule.recording.replaced_channels import closed, remarks
from microjoule.sources import Machine, choose, survey
visible, names = json.loads(sys.argv[2]), sys.argv[3:] or None
surveys = survey(Machine(Path(sys.argv[1]), visible_gpus=visible))
chosen = choose(surveys, names)
print(json.dumps([remarks(surveys, chosen, names)["misleading"], closed(surveys, chosen, names)]))
"""


def _said(root: Path, *names: str, visible: str | None = None) -> tuple[list[str], dict[str, str]]:
    """What is said beside the figures of the channels that are chosen, and what is left out.

    A process of its own: of NVML each has one library.
    """
    words = (str(root), json.dumps(visible), *names)
    done = subprocess.run([sys.executable, "-c", SAID, *words], capture_output=True, text=True, check=True)
    said, left_out = json.loads(done.stdout)
    return said, left_out


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
@pytest.mark.parametrize(
    ("script", "without", "sentence"),
    [
        ("init 18", (), "are of different versions. Reboot"),
        (GPU, ("FIELD_VALUES",), "has no nvmlDeviceGetFieldValues. Update the NVIDIA driver"),
        (GPU + "device GPU-b\nlost gone", (), "gpu-1: the GPU is lost: it has fallen off the bus. See"),
        (GPU + "virtual 2\nrefuse fields 3\nrefuse energy 3\nrefuse power 3", (), "gpu-0 (NVIDIA H100"),
        (GPU + "refuse fields 3\nrefuse energy 3\nrefuse power 3", (), "has no power sensor in NVML"),
    ],
)
def test_a_gpu_that_is_in_no_figure_is_named_beside_those_of_others(
    tmp_path, script, without, sentence
) -> None:
    """A total of the CPU, or of the other GPU, was called the machine's and nothing was said."""
    write(CLIENT, tmp_path)
    machine(tmp_path, script, without)
    (tmp_path / "gone").touch()
    (said,) = _said(tmp_path)[0]
    assert said.startswith("NVIDIA GPU not measured: ")
    assert sentence in said
    assert _said(tmp_path, "powercap")[0] == [], "who chooses a source knows what else there is"


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
def test_gpus_that_somebody_hides_on_purpose_are_not_called_unmeasured(tmp_path) -> None:
    """CUDA_VISIBLE_DEVICES="" is how a program is told to use no GPU: each run warned of it."""
    write(CLIENT, tmp_path)
    machine(tmp_path, GPU)
    assert _said(tmp_path, visible="") == ([], {})
    (said,) = _said(tmp_path, visible="7")[0]
    assert said.startswith("NVIDIA GPU not measured: none of the GPUs is in the list")
    refused = [sys.executable, "-m", "microjoule", "run", "--source", "nvml", "--root", tmp_path, "true"]
    done = subprocess.run(
        refused, capture_output=True, text=True, check=False, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    )
    assert "Measure them with `--all-gpus`" in " ".join(done.stderr.split())


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (replace(LOCKED_DOWN, zones=(), registers={}), "package-0 is closed: perf_event_paranoid is 4"),
        (
            replace(CLIENT, zones=(), registers={}, pmu=None),
            "no CPU is measured: perf's power PMU is missing: its kernel module is not loaded. Run `sudo",
        ),
        (EMPTY_VM, ""),
    ],
)
def test_a_cpu_that_is_in_no_figure_is_named_with_what_changes_it(tmp_path, of, sentence) -> None:
    write(of, tmp_path)
    machine(tmp_path, GPU)
    said = _said(tmp_path)[0]
    assert len(said) == bool(sentence), said
    assert all(each.startswith(sentence) for each in said)


def test_a_device_whose_only_sensor_is_closed_is_left_out_and_named(tmp_path) -> None:
    """hwmon has no other channel here: nothing was said of a source of which nothing was read."""
    write(CLIENT, tmp_path)
    folder = tmp_path / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("amdgpu\n")
    (folder / "power1_average").write_text("no number\n")
    assert list(_said(tmp_path)[1]) == ["amdgpu-0/power"]
    assert _said(tmp_path, "powercap")[1] == {}
    assert _said(tmp_path)[0] == [], "of a library that is not there no second sentence"


def test_a_meter_of_the_whole_machine_has_its_gpus_in_it(tmp_path) -> None:
    """Then no device is in no figure, whoever else does not answer."""
    write(LOCKED_DOWN, tmp_path)
    folder = tmp_path / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("power_meter\n")
    (folder / "power1_average").write_text("228000000\n")
    pci = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    pci.mkdir(parents=True)
    (pci / "vendor").write_text("0x10de\n")
    (pci / "class").write_text("0x030000\n")
    surveys = survey(Machine(tmp_path))
    metered = [channel for channel in choose(surveys) if channel.id == "machine-0/power"]
    assert remarks(surveys, metered)["misleading"] == []
    (said,) = remarks(surveys, [channel for channel in choose(surveys) if channel.source == "powercap"])[
        "misleading"
    ]
    assert said.startswith("NVIDIA GPU not measured: an NVIDIA GPU is here and its driver is not")
