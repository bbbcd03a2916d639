"""Windows that wait for a GPU: frameworks are small real packages in a folder, in a process of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import channel, machine, steady

import microjoule as uj
from microjoule.errors import BadWindow
from microjoule.joules.summary import summary
from microjoule.report import REPORTERS
from microjoule.sources.script import write_machine

TORCH = {
    "torch/__init__.py": "from . import cuda\n",
    "torch/cuda.py": (
        "waits, devices, ready, count = [], [], True, 1\n"
        "def is_initialized(): return ready\n"
        "def device_count(): return count\n"
        "def synchronize(device):\n"
        "    import time\n"
        "    devices.append(device)\n"
        "    waits.append(time.monotonic_ns())\n"
        "    if len(waits) in failing: raise RuntimeError('CUDA error')\n"
        "failing = ()\n"
    ),
}
CUPY = {
    "cupy/__init__.py": "from . import cuda\n",
    "cupy/cuda.py": (
        "import time\nwaits, devices, count = [], [], 1\n"
        "class runtime:\n"
        "    def getDeviceCount(): return count\n"
        "class Device:\n"
        "    def __init__(self, n): devices.append(n)\n"
        "    def synchronize(self): waits.append(time.monotonic_ns())\n"
    ),
}
JAX = {
    "jax/__init__.py": (
        "import time\nwaits = []\n"
        "def live_arrays(): return ['x']\n"
        "class _Done:\n"
        "    def __init__(self, of): self.of = of\n"
        "    def __add__(self, other): return self\n"
        "    def block_until_ready(self): devices.append(self.of.id)\n"
        "class _Device:\n"
        "    def __init__(self, id, platform): self.id, self.platform = id, platform\n"
        "devices, count = [], 1\n"
        "def local_devices(): return [_Device(n, 'gpu') for n in range(count)] + [_Device(9, 'cpu')]\n"
        "def device_put(value, device): return _Done(device)\n"
        "def block_until_ready(tree):\n    assert tree == ['x']\n    waits.append(time.monotonic_ns())\n"
    ),
}

PROGRAM = """
import json, sys
import microjoule as uj
framework, where, before = sys.argv[1], sys.argv[2], sys.argv[3]
if before == "imported":
    module = __import__(framework)
with uj.record(where + "/t.arrows", uj.Meter(sources=["script"], root=where)) as rec:
    with rec.window("work", sync=framework, step=3): pass
    with uj.window("plain"): pass
waits = []
if before == "imported":
    waits = getattr(module, "waits", None) or module.cuda.waits
print(json.dumps([waits, framework in sys.modules]))
"""


def framework(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "packages"


def run(folder: Path, program: str, *arguments: object) -> object:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder / "packages")}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("name", "files"), [("torch", TORCH), ("cupy", CUPY), ("jax", JAX)])
def test_both_edges_wait_before_they_are_marked(tmp_path: Path, name: str, files: dict[str, str]) -> None:
    """The device was waited for twice, and each mark came after."""
    framework(tmp_path, files)
    waits, _ = run(tmp_path, PROGRAM, name, machine(tmp_path), "imported")  # type: ignore[misc]
    work = uj.load(tmp_path / "t.arrows").window("work")
    first, second = waits
    assert first <= work.t0_ns <= second <= work.t1_ns
    assert work.attributes == {"step": 3, "synchronised": True}


def test_what_the_program_has_not_imported_is_not_imported_for_it(tmp_path: Path) -> None:
    """Then nothing can have been launched through it, and the window says that nobody waited."""
    framework(tmp_path, TORCH)
    assert run(tmp_path, PROGRAM, "torch", machine(tmp_path), "not") == [[], False]
    assert uj.load(tmp_path / "t.arrows").window("work").attributes["synchronised"] is False


SEVERAL = """
import json, sys
from pathlib import Path
import microjoule as uj
framework, where = sys.argv[1], sys.argv[2]
module = __import__(framework)
module = getattr(module, "cuda", module)
module.count = 3
with uj.record(where + "/t.arrows", uj.Meter(sources=["script"], root=where)) as rec:
    with rec.window("work", sync=framework): pass
    by_window, module.devices[:] = module.devices[:], []
    @uj.window("step", sync=framework)
    def step(): pass
    step()
by_decorator, module.devices[:] = module.devices[:], []
meter = uj.Meter(root=Path(where), sources=("script",))
uj.measure(lambda: None, repeat=1, number=1, mode="edge", meter=meter)
print(json.dumps([by_window, by_decorator, module.devices]))
"""


@pytest.mark.parametrize(("name", "files"), [("torch", TORCH), ("cupy", CUPY), ("jax", JAX)])
def test_all_devices_are_waited_for(tmp_path: Path, name: str, files: dict[str, str]) -> None:
    """By windows at both edges, by decorated functions and by ``uj.measure``: in the same way."""
    framework(tmp_path, files)
    by_window, by_decorator, by_measure = run(tmp_path, SEVERAL, name, machine(tmp_path))  # type: ignore[misc]
    assert by_window == by_decorator == [0, 1, 2, 0, 1, 2]
    assert by_measure[:3] == [0, 1, 2]
    assert len(by_measure) % 3 == 0


DRIVER = """
#include <stddef.h>
int cuDeviceGet(int *handle, int n) { *handle = 40 + n; return 0; }
int cuDevicePrimaryCtxGetState(int handle, unsigned *flags, int *active)
{
    *flags = 0;
    *active = handle != 41;
    return handle == 42 ? 3 : 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize(("name", "files"), [("torch", TORCH), ("cupy", CUPY)])
def test_a_device_without_a_context_gets_none(tmp_path: Path, name: str, files: dict[str, str]) -> None:
    """Of three devices one has no context, and of one the driver does not answer."""
    (tmp_path / "driver.c").write_text(DRIVER)
    command = ["cc", "-shared", "-fPIC", "-o", tmp_path / "libcuda.so.1", tmp_path / "driver.c"]
    subprocess.run(command, check=True)
    framework(tmp_path, files)
    program = "import sys; from microjoule.recording import gpu_wait\n"
    program += "gpu_wait.DRIVER = sys.argv[2] + '/libcuda.so.1'\n" + SEVERAL
    by_window, by_decorator, _ = run(tmp_path, program, name, machine(tmp_path))  # type: ignore[misc]
    assert by_window == by_decorator == [0, 2, 0, 2]


UNREADY = """
import sys, torch, microjoule as uj
torch.cuda.ready = False
with uj.record(sys.argv[1] + "/t.arrows", uj.Meter(sources=["script"], root=sys.argv[1])) as rec:
    with rec.window("work", sync="torch"):
        torch.cuda.ready = True
print(len(torch.cuda.waits))
"""


def test_cuda_is_not_initialised_by_a_window(tmp_path: Path) -> None:
    """Before the program's first kernel there is nothing to wait for; after it there is."""
    framework(tmp_path, TORCH)
    assert run(tmp_path, UNREADY, machine(tmp_path)) == 1


FAILING = """
import json, sys, torch, microjoule as uj
torch.cuda.failing = (2,)
with uj.record(sys.argv[1] + "/t.arrows", uj.Meter(sources=["script"], root=sys.argv[1])) as rec:
    try:
        with rec.window("work", sync="torch"): pass
    except RuntimeError as error: said = str(error)
print(json.dumps(said))
"""


def test_a_failed_kernel_is_the_programs_own_and_the_window_still_ends(tmp_path: Path) -> None:
    """The framework's exception goes up; the mark of the end is there."""
    framework(tmp_path, TORCH)
    assert run(tmp_path, FAILING, machine(tmp_path)) == "CUDA error"
    assert not uj.load(tmp_path / "t.arrows").window("work").is_open


def test_an_unknown_framework_is_refused_with_the_list(tmp_path: Path) -> None:
    """Whether somebody records or not: a recording never breaks a program that runs without one."""
    with pytest.raises(BadWindow, match="torch, cupy, jax"):
        uj.window("work", sync="tensorflaw")
    with (
        uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path))) as rec,
        pytest.raises(BadWindow, match="torch, cupy, jax"),
    ):
        rec.window("work", sync="tensorflaw")


def test_the_report_says_which_windows_around_a_gpu_did_not_wait(tmp_path: Path) -> None:
    """Only where a GPU was recorded; a window that waited says nothing."""
    for name in ("gpu-0/energy", "package-0"):
        root = tmp_path / name.partition("/")[0]
        root.mkdir()
        write_machine(root, [channel(name, "one.txt")])
        (root / "one.txt").write_text(steady(40, 0))
        with uj.record(root / "t.arrows", uj.Meter(sources=["script"], root=root)) as rec:
            with rec.window("launched"):
                pass
            with rec.window("waited", synchronised=True):
                pass
    found = summary(uj.load(tmp_path / "gpu-0" / "t.arrows"))
    assert [window["synchronised"] for window in found["windows"]] == [False, True]
    text = REPORTERS["long"](found)
    assert text.count("GPU not synchronised at its edges") == 1
    other = summary(uj.load(tmp_path / "package-0" / "t.arrows"))
    assert {window["synchronised"] for window in other["windows"]} == {None}
    assert "synchronised" not in REPORTERS["long"](other)
