"""``benchmarks/gpu.py`` runs to its end where there is no GPU but the stand-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from standin import Wave, compiler, machine

from microjoule._native import now_ns
from microjoule.joules.energy_trace import load

BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"
MS = 1_000_000

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with"),
    pytest.mark.skipif(not BENCH.exists(), reason="no benchmarks beside these tests"),
]


def test_every_experiment_runs_and_leaves_its_results(tmp_path):
    truth = Wave("square", 90_000, 650_000, 170 * MS, now_ns() - 1000 * MS)
    machine(tmp_path / "m", f"device GPU-1\nname Test GPU\n{truth.line}\nsamples {10 * MS} 100 1")
    command = [sys.executable, BENCH, "--load", "none", "--root", tmp_path / "m", "--scale", "0.01"]
    done = subprocess.run([*command, "--out", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "gpu-test-gpu.md").read_text()
    assert done.stdout.strip() == text.strip()
    for title in ("eight phases", "One long load", "A lane of 1 kHz", "Throughput", "The machine"):
        assert title in text
    assert len(load(tmp_path / "gpu-test-gpu.arrows").windows) == 8


def test_without_a_gpu_it_says_why(tmp_path):
    command = [sys.executable, BENCH, "--load", "none", "--root", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "NVIDIA" in done.stderr
    assert "Traceback" not in done.stderr
