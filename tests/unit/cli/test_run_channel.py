"""`uj run --channel`: one of several sensors of a device, or some."""

import json
import subprocess
import sys

import pytest
import standin
from scripted import machine


def uj(*words):
    command = [sys.executable, "-m", "microjoule", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def read_by(path):
    (window,) = json.loads(path.read_text())["windows"]
    return [row["channel"] for row in window["channels"]], window["total"]["channels"]


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        (["package-0/dram"], ["package-0/dram"]),
        (["package-0/dram", "package-0"], ["package-0", "package-0/dram"]),
    ],
)
def test_a_run_reads_the_channels_that_are_named_and_no_other(tmp_path, asked, total):
    path = tmp_path / "r.json"
    words = [word for name in asked for word in ("--channel", name)]
    done = uj("run", "--root", machine(tmp_path / "root"), *words, "--json", path, "--", "sleep", "0.2")
    assert done.returncode == 0, done.stderr
    assert read_by(path) == (total, total)


@pytest.mark.skipif(standin.compiler() is None, reason="no C compiler to build the stand-in with")
@pytest.mark.parametrize("name", ["power", "power_average"])
def test_a_gpu_s_energy_is_by_the_gauge_that_is_named(tmp_path, name):
    """By its counter it was, whatever was asked: `--source nvml` takes all of its sensors."""
    standin.machine(tmp_path, "driver 570\ndevice GPU-aaaa-1\n")
    path = tmp_path / "r.json"
    words = ["--root", tmp_path, "--channel", f"gpu-0/{name}", "--json", path]
    done = uj("run", *words, "--", "sleep", "0.5")
    assert done.returncode == 0, done.stderr
    assert read_by(path) == ([f"gpu-0/{name}"], [f"gpu-0/{name}"])


@pytest.mark.parametrize("command", ["run", "record"])
def test_an_unknown_channel_is_refused_before_anything_runs_and_the_nearest_is_said(tmp_path, command):
    root, made = machine(tmp_path / "root"), tmp_path / "made"
    last = ["--", "touch", made] if command == "run" else ["--for", "100ms"]
    done = uj(command, "-o", tmp_path / "t.arrows", "--root", root, "--channel", "package-0/ram", *last)
    assert done.returncode == (125 if command == "run" else 3)
    assert "There is no readable channel 'package-0/ram'. Nearest: 'package-0/dram'" in done.stderr
    assert not made.exists()
    assert not (tmp_path / "t.arrows").exists()
