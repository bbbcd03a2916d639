"""Scripted GPUs through the whole path, survey to estimate: the truth lies inside the stated bound."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from standin import Wave, compiler, machine

from microjoule._native import now_ns

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")

MS = 1_000_000
MW_NS_PER_J = 10**12

RECORD = """
import json, sys, time
from pathlib import Path
import microjoule as uj
folder = Path(sys.argv[1])
with uj.record(folder / "t.arrows", uj.Meter(rate=100, sources=["nvml"], root=folder)) as recorder:
    with recorder.window("first"):
        time.sleep(0.7)
    time.sleep(1.5)  # what the end of the window needs has been read
    (folder / "unplugged").touch()
    with recorder.window("second"):
        time.sleep(0.7)
trace = uj.load(folder / "t.arrows")
found = []
for window in trace.windows:
    energies = trace.energy(window)
    for id in energies:
        one = energies[id]
        found.append([window.name, window.t0_ns, window.t1_ns, id, one.low, one.high, one.status])
print(json.dumps(found))
"""


def recorded(folder):
    """Two windows; a GPU that is lost with the file ``unplugged`` is lost between them."""
    command = [sys.executable, "-c", RECORD, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("update_ms", [20, 100])
def test_the_truth_lies_inside_the_bound(tmp_path, update_ms):
    truth = Wave("square", 90_000, 650_000, 170 * MS, now_ns() - 1000 * MS)
    machine(tmp_path, f"device GPU-1\n{truth.line}\nenergy {update_ms * MS} 12345\nslow {MS}")
    found = recorded(tmp_path)
    assert [row[3] for row in found] == ["gpu-0/energy"] * 2
    for _, t0_ns, t1_ns, _, low, high, status in found:
        energy_j = (truth.integral(t1_ns) - truth.integral(t0_ns)) / MW_NS_PER_J
        assert status == "ok"
        assert low <= energy_j <= high


def test_a_gpu_that_is_lost_fails_and_leaves_the_other_whole(tmp_path):
    steady = Wave("constant", 90_000, 90_000, 1000 * MS, 0)
    machine(tmp_path, f"device GPU-1\nlost unplugged\n{steady.line}\ndevice GPU-2\n{steady.line}")
    found = recorded(tmp_path)
    status = {(name, gpu): status for name, _, _, gpu, _, _, status in found}
    assert status["first", "gpu-0/energy"] == "ok"
    assert status["second", "gpu-0/energy"] not in ("ok", "ambiguous")
    assert status["second", "gpu-1/energy"] == "ok"
    whole = [row for row in found if row[3] == "gpu-1/energy"]
    assert len(whole) == 2
    for _, t0_ns, t1_ns, _, low, high, _ in whole:
        assert low <= (t1_ns - t0_ns) * 90_000 / MW_NS_PER_J <= high


NO_COUNTER = "answer 83 0 3 0 3\nanswer 191 0 3 0 3\nrefuse energy 3"
GAUGES = """
import json, sys, time
from pathlib import Path
import microjoule as uj
folder = Path(sys.argv[1])
with uj.record(folder / "t.arrows", uj.Meter(rate=100, sources=["nvml"], root=folder)) as recorder:
    time.sleep(1.2)
    with recorder.window("work"):
        time.sleep(1.0)
trace = uj.load(folder / "t.arrows")
work = trace.window("work")
found = {}
for name in [*trace.energy_channels, *sys.argv[2:]]:
    one = trace.meter(name).energy(work.t0_ns, work.t1_ns)
    found[name] = [one.low, one.value, one.high, one.U, [row["name"] for row in one.budget()]]
print(json.dumps([work.t0_ns, work.t1_ns, found, list(trace.energy(work).total.channels)]))
"""


def gauges(folder, *more):
    """One window of a second by every meter: its edges, the figures and the total's channels."""
    command = [sys.executable, "-c", GAUGES, str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_gpu_without_a_counter_has_its_energy_from_its_power(tmp_path):
    # The mean of the past second needs a second after the window: the recorder waits for it.
    truth = Wave("square", 90_000, 650_000, 70 * MS, now_ns() - 1000 * MS)
    machine(tmp_path, f"device GPU-1\n{truth.line}\n{NO_COUNTER}")
    t0_ns, t1_ns, found, total = gauges(tmp_path)
    assert set(found) == {"gpu-0/power", "gpu-0/power_average"}
    assert total == ["gpu-0/power"]
    energy_j = (truth.integral(t1_ns) - truth.integral(t0_ns)) / MW_NS_PER_J
    for low, value, high, expanded, _ in found.values():
        assert low <= energy_j <= high
        assert (
            low <= value <= high <= 1400 * (t1_ns - t0_ns) / 1e9 + 1e-6
        )  # at most twice the limit, throughout
        assert abs(value - energy_j) <= 2 * expanded
    assert found["gpu-0/power_average"][1] == pytest.approx(energy_j, rel=0.1)
    assert "aliasing" in found["gpu-0/power"][4]
    assert "aliasing" not in found["gpu-0/power_average"][4]


def test_a_gpu_without_a_counter_has_its_energy_from_the_drivers_samples_if_there_are_some(tmp_path):
    truth = Wave("square", 90_000, 650_000, 170 * MS, now_ns() - 1000 * MS)
    machine(tmp_path, f"device GPU-1\n{truth.line}\n{NO_COUNTER}\nsamples {10 * MS} 100 1\nslow {MS}")
    t0_ns, t1_ns, found, total = gauges(tmp_path)
    assert {"gpu-0/power", "gpu-0/power_samples"} <= set(found)
    assert total == ["gpu-0/power_samples"]
    energy_j = (truth.integral(t1_ns) - truth.integral(t0_ns)) / MW_NS_PER_J
    low, value, high, expanded, _ = found["gpu-0/power_samples"]
    assert low <= energy_j <= high
    assert abs(value - energy_j) <= 2 * expanded


def test_the_drivers_samples_give_the_energy_too(tmp_path):
    truth = Wave("square", 90_000, 650_000, 170 * MS, now_ns() - 1000 * MS)
    machine(tmp_path, f"device GPU-1\n{truth.line}\nsamples {10 * MS} 100 1\nslow {MS}")
    t0_ns, t1_ns, found, total = gauges(tmp_path, "gpu-0/power_samples")
    assert total == ["gpu-0/energy"]
    energy_j = (truth.integral(t1_ns) - truth.integral(t0_ns)) / MW_NS_PER_J
    assert found["gpu-0/power_samples"][1] == pytest.approx(energy_j, rel=0.03)
    assert found["gpu-0/energy"][0] <= energy_j <= found["gpu-0/energy"][2]
