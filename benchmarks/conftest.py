"""Lets pytest find ``bench_*.py`` and writes the machine's facts beside every figure."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for floor.py

import floor


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("python_files", "bench_*.py")


def pytest_benchmark_update_machine_info(machine_info: dict[str, object]) -> None:
    """What a figure depends on beside the code."""
    import pyarrow

    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    clock = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    compiler = subprocess.run([*floor.CC, "--version"], capture_output=True, text=True, check=False)
    machine_info["microjoule"] = {
        "cpu": f"{fields.get('model name')}, family {fields.get('cpu family')} model {fields.get('model')}",
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in fields.get("flags", ""),
        "kernel": platform.release(),
        "clocksource": clock.read_text().strip() if clock.exists() else "unknown",
        "python": platform.python_version(),
        "pyarrow": pyarrow.__version__,
        "compiler": (compiler.stdout.splitlines() or ["none"])[0],
        "load_at_start": [round(load, 2) for load in os.getloadavg()],
    }


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The floor's C program."""
    return floor.build(tmp_path_factory.mktemp("floor"))
