"""What sources say of their sensors reaches the report and its JSON, not the probe alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from machines import AMD_MIRRORED_DIES, EMPTY_VM, LOCKED_DOWN, write
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
    assert all(f"not read: {each}." in text for each in excluded)
    assert plain["facts"]["misleading"] == []


def test_only_sources_in_use_are_remarked_on(tmp_path) -> None:
    surveys = survey(Machine(write(AMD_MIRRORED_DIES, tmp_path)))
    assert remarks(surveys, choose(surveys, ["powercap"]))["excluded"]
    assert remarks(surveys, choose(surveys, ["rapl_perf"])) == {"misleading": [], "excluded": []}


def test_where_only_closed_counters_are_left_the_report_has_the_command_that_opens_them(tmp_path) -> None:
    text, plain = run(write(replace(LOCKED_DOWN, zones=(), registers={}), tmp_path))
    (said,) = plain["facts"]["misleading"]
    assert said.startswith("package-0 is closed: perf_event_paranoid is 4")
    assert "`sudo sysctl kernel.perf_event_paranoid=0`" in said
    assert said in text


def test_a_counter_that_is_read_or_that_is_not_there_is_not_called_closed(tmp_path) -> None:
    for machine_, names in ((LOCKED_DOWN, ["powercap"]), (EMPTY_VM, ["cpu_time"])):
        surveys = survey(Machine(write(machine_, tmp_path / machine_.name)))
        assert remarks(surveys, choose(surveys, names))["misleading"] == []


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
def test_a_sliced_gpu_is_named_in_the_report_and_in_json(tmp_path) -> None:
    """With MIG the energy is the whole GPU's, whatever slice the program had."""
    machine(tmp_path, "device GPU-a\nmig 1")
    text, plain = run(tmp_path, "--source", "nvml")
    (said,) = plain["facts"]["misleading"]
    assert "gpu-0 (NVIDIA H100 (stand-in)) is cut into MIG slices" in said
    assert plain["facts"]["gpus"][0]["is_mig"] is True
    assert said in text
