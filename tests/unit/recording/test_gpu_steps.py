"""Steps of a program on a scripted GPU that draws power while kernels run: each window has their energy.

The kernels are launched on a stream that goes on when the host is done; nobody waits for them. The NVML
library is the stand-in, whose power follows the kernels to the nanosecond.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cuda_stand_in import TORCH
from scipy.stats import binomtest
from standin import compiler, machine

import microjoule as uj
from microjoule.joules.estimates.code_dependence import CODE
from microjoule.joules.estimates.uncertainty import combined, gathered

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")

OF_SENSOR = {"gain", "offset", "linearity", CODE}
IDLE_W, BUSY_W = 60.0, 360.0
BUSY_BYTES = 1 << 16
SCRIPT = f"device GPU-1\nwave busy {1000 * IDLE_W:.0f} {1000 * BUSY_W:.0f} 1 1\n"
QUICK = "instant 20000000 20000000"  # a gauge that shows the lag
MACHINES = {
    f"a counter that trails by {lag_ms} ms{beside}": f"energy 20000000 12345 {lag_ms}000000\n{gauge}"
    for lag_ms in (0, 100)
    for beside, gauge in (("", QUICK), (", beside a gauge of 25 of 100 ms", ""))
}
PROGRAM = """
import json, mmap, sys, time
from pathlib import Path
import microjoule as uj
import torch

folder, n, truth = Path(sys.argv[1]), 0, []
with open(folder / "busy", "r+b") as file:
    busy = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")

def kernel(ns):
    global n
    begin, end = torch.cuda.launch(0, ns)
    busy[n + 1] = end
    busy[n] = begin
    n += 2
    return begin, end

with uj.record(folder / "t.arrows", uj.Meter(sources=["nvml"], root=folder)):
    time.sleep(0.5)
    for i in range(24):
        name = ("prefill", "decode")[i % 2]
        try:
            with uj.window(name, sync="torch-events", tokens=1 + i % 2):
                truth.append([name, *kernel(60_000_000 if i % 2 else 120_000_000)])
                if i == 7:
                    raise KeyError("caught by the program")
        except KeyError:
            pass
        time.sleep(0.05 + 0.01 * (i * 7 % 11))  # less than a kernel takes now and then
    time.sleep(0.5)
print(json.dumps(truth))
"""


def without_sensor(estimate):
    """U of all but the sensor's own error, which the stand-in has none of."""
    return combined(gathered([each for each in estimate.components if each.name not in OF_SENSOR])).U


@pytest.mark.parametrize("name", MACHINES)
def test_steps_have_the_energy_of_their_kernels_and_nobody_waits(tmp_path, name):
    """One of them raises, and the program catches that: its window ends where its kernel does, as all do."""
    machine(tmp_path, SCRIPT + MACHINES[name])
    (tmp_path / "busy").write_bytes(bytes(BUSY_BYTES))
    for path, text in TORCH.items():
        (tmp_path / "packages" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "packages" / path).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path / "packages")},
    )
    assert done.returncode == 0, done.stderr
    truth = json.loads(done.stdout)
    trace = uj.load(tmp_path / "t.arrows")
    assert [window.name for window in trace.windows] == [step for step, *_ in truth]
    kernels_j = [BUSY_W * (end - begin) / 1e9 for _, begin, end in truth]
    held = []
    for window, energies, used_j in zip(trace.windows, trace.energies(trace.windows), kernels_j, strict=True):
        one = energies["gpu-0/energy"]
        # The window is the kernel's to what the events say, and the GPU idles or computes beside it.
        slack_j = 2 * BUSY_W * window.attributes["device_u_ns"] / 1e9
        assert one.low - slack_j <= used_j <= one.high + slack_j
        assert window.attributes["synchronised"]
        held.append(abs(one.value - used_j) <= without_sensor(one) + slack_j)
    assert binomtest(sum(held), len(held)).proportion_ci(0.999).high >= 0.93
    for step in ("prefill", "decode"):
        (row,) = [each for each in trace.by_name() if each.name == step]
        used_j = sum(used for used, (name, *_) in zip(kernels_j, truth, strict=True) if name == step)
        tokens = 12 if step == "prefill" else 24
        assert row.energy.low <= used_j <= row.energy.high
        # One figure of a run: U would not hold it once in twenty runs, and twice U does.
        assert abs(row.energy.value - used_j) <= 2 * without_sensor(row.energy) + 0.01 * used_j
        assert row.per_unit["tokens"].value == pytest.approx(row.energy.value / tokens)
