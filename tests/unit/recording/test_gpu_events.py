"""Windows of GPU work that nobody waits for: ``torch`` is a small package with streams and a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cuda_stand_in import TORCH
from marked import marked
from scripted import machine

import microjoule as uj
from microjoule.trace.window_columns import DEVICE_SPAN

PROGRAM = """
import json, sys, time
import microjoule as uj
import torch
where, devices = sys.argv[1], int(sys.argv[2])
torch.cuda.count = devices
truth = []
with uj.record(where + "/t.arrows", uj.Meter(sources=["script"], root=where)):
    for number in range(30):
        with uj.window("step", sync="torch-events", number=number):
            spans = [torch.cuda.launch(device, 3_000_000 * (1 + device)) for device in range(devices)]
        truth.append([min(t for t, _ in spans), max(t for _, t in spans)])
    ended_ns = time.monotonic_ns()
print(json.dumps([truth, ended_ns, torch.cuda.waits]))
"""


def run(folder: Path, program: str, *arguments: object) -> Any:
    for name, text in TORCH.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder / "packages")}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("devices", [1, 3])
def test_windows_are_when_the_devices_worked_and_nothing_waited(tmp_path: Path, devices: int) -> None:
    """The host is done at once; the devices go on, and their windows lie one after another."""
    truth, ended_ns, waits = run(tmp_path, PROGRAM, machine(tmp_path), devices)
    windows = uj.load(tmp_path / "t.arrows").named("step")
    assert [window.attributes["number"] for window in windows] == list(range(30))
    assert all(window.attributes["synchronised"] for window in windows)
    assert all(t_ns >= ended_ns for t_ns in waits)
    # Of several devices the first begins with its first window's launch, and idles never before the end.
    for window, (t0_ns, t1_ns) in zip(windows, truth, strict=True):
        u_ns = window.attributes["device_u_ns"]
        assert abs(window.t1_ns - t1_ns) <= u_ns
        assert window.t0_ns <= t0_ns + u_ns
        assert u_ns >= 1000
    late = [window for window in windows if window.t0_ns > ended_ns]
    assert late, "windows of work that was still to come when the host was done"


FAILING = """
import json, sys
import microjoule as uj
import torch
where = sys.argv[1]
with uj.record(where + "/t.arrows", uj.Meter(sources=["script"], root=where)):
    torch.cuda.failing = True
    with uj.window("a", sync="torch-events"): pass
    torch.cuda.failing, torch.cuda.ready = False, False
    with uj.window("b", sync="torch-events"): pass
    torch.cuda.ready = True
    @uj.window("c", sync="torch-events")
    def c(): torch.cuda.launch(0, 1_000_000)
    c()
    try:
        with uj.window("d", sync="torch-events"): raise KeyError("its own")
    except KeyError: pass
with uj.window("nobody records", sync="torch-events"): pass
print(json.dumps(len(torch.cuda.made)))
"""


def test_what_fails_on_the_device_leaves_the_program_alone_and_has_the_hosts_instants(tmp_path: Path) -> None:
    """CUDA that fails, and CUDA that was never initialised; a program's own exception ends its window."""
    run(tmp_path, FAILING, machine(tmp_path))
    windows = {window.name: window for window in uj.load(tmp_path / "t.arrows").windows}
    told = {name: window.attributes["synchronised"] for name, window in windows.items()}
    assert told == {"a": False, "b": False, "c": True, "d": True}
    assert windows["c"].duration_ns >= 1_000_000 - windows["c"].attributes["device_u_ns"]
    assert windows["a"].t1_ns <= windows["b"].t0_ns


def test_a_command_of_uj_run_marks_its_windows_when_it_ends(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import microjoule as uj, torch, time\n"
        "with uj.window('step', sync='torch-events'): torch.cuda.launch(0, 50_000_000)\n"
        "time.sleep(0.1)\n"
    )
    record = (
        "import json, os, subprocess, sys\nimport microjoule as uj\n"
        "where = sys.argv[1]\n"
        "rec = uj.record(where + '/t.arrows', uj.Meter(sources=['script'], root=where))\n"
        "with rec:\n"
        "    around = {**os.environ, 'MICROJOULE_MARKS': rec.share_marks()}\n"
        "    subprocess.run([sys.executable, sys.argv[2]], env=around, check=True)\n"
        "print(json.dumps(None))\n"
    )
    run(tmp_path, record, machine(tmp_path), program)
    window = uj.load(tmp_path / "t.arrows").window("step")
    assert window.duration_ns >= 50_000_000 - window.attributes["device_u_ns"]
    assert window.attributes["synchronised"] is True


@pytest.mark.parametrize("span", ["[5]", "[9, 3]", "[1.5, 3]", '"x"', "[-1, 3]", "[1, 1e300]", "[true, 3]"])
def test_instants_that_are_none_leave_a_window_where_it_was_marked(span: str) -> None:
    label = f'w\t{{"{DEVICE_SPAN}": {span}}}'
    (window,) = marked([(10, 1, label)], [(20, 1, "")])
    assert (window.t0_ns, window.t1_ns) == (10, 20)


def test_windows_are_in_the_order_in_which_their_devices_began() -> None:
    label = f'late\t{{"{DEVICE_SPAN}": [3, 8], "k": 1}}'
    first, second = marked([(5, 1, "a"), (10, 2, label)], [(6, 1, ""), (11, 2, "")])
    assert (first.name, first.t0_ns, first.t1_ns, dict(first.attributes)) == ("late", 3, 8, {"k": 1})
    assert second.name == "a"
