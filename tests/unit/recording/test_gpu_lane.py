"""Who is busy on GPUs: a library with NVML's ABI that knows processes, and folders as DRM shows them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from places import identity
from standin import LIBRARY, compiler, machine

from microjoule.channel import Access, Channel, Scale
from microjoule.recording.drm_clients import DrmClients, by_pci
from microjoule.recording.gpu_lane import GpuLane
from microjoule.recording.gpu_use import Moment
from microjoule.trace import schema
from microjoule.trace.activity import Activity, named
from microjoule.trace.label import Subject

MS, S = 1_000_000, 1_000_000_000
PCI = "0000:03:00.0"

# NVML is loaded once in a process, so each machine of a test needs a process of its own.
LOOKS = """
import json, sys, time
from pathlib import Path
from microjoule.channel import Channel
from microjoule.recording.gpu_lane import GpuLane
from microjoule.sources import Machine, nvml
from microjoule.trace.label import Subject
survey = nvml.survey(Machine(Path(sys.argv[1])))
names = {1234: "train.py", 77: "Xorg"}
def who(pid):
    return Subject("process", names[pid], pid) if pid in names else None
lane = GpuLane(survey.channels, Path(sys.argv[1]), who)
lane.start()
time.sleep(float(sys.argv[2]))
lane.stop()
print(json.dumps([lane.left_out, lane.drain()]))
"""
ORDINARY = "driver 570.86.15\ndevice GPU-aaaa-1\n"
SQUARE = "wave square 100000 500000 400000000 0\n"


def looked(folder: Path, script: str, seconds: float = 1.0):
    """What a lane writes of a machine: why what is left out, and the activity."""
    machine(folder, script)
    done = subprocess.run(
        [sys.executable, "-c", LOOKS, str(folder), str(seconds)], capture_output=True, text=True, check=True
    )
    left_out, rows = json.loads(done.stdout)
    return left_out, activity(rows)


def activity(rows) -> Activity:
    subjects = named((raw, label) for _, _, name, raw, label in rows if name == schema.SUBJECT)
    mine = np.array([(n, t, raw) for t, n, name, raw, _ in rows if name == schema.ACTIVITY], np.int64)
    return Activity(subjects, *mine.reshape(-1, 3).T)


def used(of: Activity) -> dict[tuple[str, str], float]:
    """The seconds of each, by name and engine, and for how long it was looked at: both in seconds."""
    found = {}
    for number in of.numbers("gpu"):
        at = of.instants_ns(number)
        subject = of.subjects[number]
        found[subject.name, subject.engine] = float(np.diff(of.used_ns(number, at[[0, -1]]))[0]) / S
    return found


needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")


@needs_compiler
def test_processes_have_the_part_of_the_time_that_the_driver_says(tmp_path):
    """Of two processes one is three times as busy; what nobody here knows has its number for a name."""
    left_out, found = looked(
        tmp_path, ORDINARY + SQUARE + "process 1234 90 40\nprocess 77 30 0\nprocess 424242 9 0\n"
    )
    assert left_out == {}
    mine = used(found)
    assert mine.keys() >= {("train.py", "sm"), ("train.py", "memory"), ("Xorg", "sm"), ("gpu-0", "")}
    assert ("process 424242", "sm") in mine
    assert mine["train.py", "sm"] == pytest.approx(3 * mine["Xorg", "sm"], rel=1e-6)
    assert mine["train.py", "memory"] == pytest.approx(mine["train.py", "sm"] * 4 / 9, rel=1e-6)
    (whole,) = (n for n in found.numbers("gpu") if not found.subjects[n].engine)
    at = found.instants_ns(whole)
    # 90 % at its peak, which is half of the time; how often a loaded machine looks is left open.
    assert 0 < mine["train.py", "sm"] / ((at[-1] - at[0]) / S) <= 0.91


@needs_compiler
def test_slices_have_the_time_of_their_part_of_the_cores(tmp_path):
    script = ORDINARY + "arch 9\nmig 1\nwave square 100000 500000 400000000 0\n"
    script += "slice 3 1 1234 80\nslice 5 3 77 80\nslice 9 4 0 80\n"
    left_out, found = looked(tmp_path, script)
    assert left_out == {}
    mine = used(found)
    assert mine["Xorg", "sm"] == pytest.approx(3 * mine["train.py", "sm"], rel=0.05)
    assert mine["slice 9 of gpu-0", "sm"] == pytest.approx(4 * mine["train.py", "sm"], rel=0.05)


@needs_compiler
@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("arch 8\nmig 1\nslice 3 1 1234 80\n", "Not Supported"),
        ("virtual 2\nmig 1\narch 8\nslice 3 1 1 1", "NVML"),
    ],
)
def test_a_gpu_that_does_not_say_is_named_and_nothing_fails(tmp_path, script, word):
    left_out, found = looked(tmp_path, ORDINARY + script, 0.2)
    assert left_out.keys() == {"gpu-0"}
    assert word in left_out["gpu-0"]
    assert not len(found)


@needs_compiler
def test_a_gpu_that_nobody_uses_was_looked_at(tmp_path):
    _, found = looked(tmp_path, ORDINARY, 0.4)
    assert [found.subjects[n].name for n in found.numbers("gpu")] == ["gpu-0"]
    assert len(found.instants_ns(found.numbers("gpu")[0])) >= 2


# ---- the kernel's DRM ------------------------------------------------------------------------------


def client(root, pid, number, texts, file=5, is_gpu=True):
    """A process that has a GPU open."""
    folder = root / "proc" / str(pid)
    (folder / "fd").mkdir(parents=True, exist_ok=True)
    (folder / "fdinfo").mkdir(exist_ok=True)
    link = folder / "fd" / str(file)
    if not link.is_symlink():
        link.symlink_to("/dev/dri/renderD128" if is_gpu else "/dev/null")
    lines = [f"pos:\t0\ndrm-driver:\tamdgpu\ndrm-client-id:\t{number}\ndrm-pdev:\t{PCI}", *texts]
    (folder / "fdinfo" / str(file)).write_text("\n".join(lines) + "\n")


def looks(clients, *times_ns):
    return [use for t_ns in times_ns for use in clients.look("amdgpu-0", Moment(t_ns, 0))]


def test_engine_times_of_clients_and_files_that_were_duplicated_count_once(tmp_path):
    clients = DrmClients({PCI: "amdgpu-0"}, tmp_path)
    client(tmp_path, 7, 11, ["drm-engine-gfx:\t5000 ns", "drm-engine-dec:\t100 ns"])
    client(tmp_path, 7, 11, ["drm-engine-gfx:\t5000 ns", "drm-engine-dec:\t100 ns"], file=6)
    client(tmp_path, 8, 12, ["drm-engine-gfx:\t1 ns", "drm-engine-capacity-gfx:\t2"])
    assert looks(clients, 1 * S) == []
    client(tmp_path, 7, 11, ["drm-engine-gfx:\t40005000 ns", "drm-engine-dec:\t100 ns"])
    client(tmp_path, 7, 11, ["drm-engine-gfx:\t40005000 ns", "drm-engine-dec:\t100 ns"], file=6)
    client(tmp_path, 8, 12, ["drm-engine-gfx:\t60000001 ns", "drm-engine-capacity-gfx:\t2"])
    found = {(use.pids, use.engine): use.used_ns for use in looks(clients, S + 100 * MS)}
    assert found == {((7,), "gfx"): 40 * MS, ((8,), "gfx"): 30 * MS}


def test_cycles_of_all_cycles_are_the_same_part_of_the_time(tmp_path):
    clients = DrmClients({PCI: "xe-0"}, tmp_path)
    client(tmp_path, 7, 11, ["drm-cycles-rcs:\t1000", "drm-total-cycles-rcs:\t50000"])
    clients.look("xe-0", Moment(S, 0))
    client(tmp_path, 7, 11, ["drm-cycles-rcs:\t2000", "drm-total-cycles-rcs:\t54000"])
    (use,) = clients.look("xe-0", Moment(S + 100 * MS, 0))
    assert (use.engine, use.used_ns) == ("rcs", 25 * MS)


def test_a_client_that_begins_later_is_found_and_one_that_ends_is_forgotten(tmp_path):
    clients = DrmClients({PCI: "amdgpu-0"}, tmp_path)
    client(tmp_path, 7, 11, ["drm-engine-gfx:\t5000 ns"])
    assert looks(clients, S) == []
    client(tmp_path, 9, 13, ["drm-engine-gfx:\t700000000 ns"])
    (tmp_path / "proc/7/fdinfo/5").unlink()
    (use,) = looks(clients, S + 100 * MS, 3 * S + 100 * MS)
    assert (use.pids, use.used_ns) == ((9,), 700 * MS)
    (tmp_path / "proc/9/fdinfo/5").unlink()
    assert looks(clients, 3 * S + 200 * MS) == []


def test_where_all_processes_are_hidden_none_uses_a_gpu(tmp_path):
    """A sandbox without /proc: `uj run` of a machine with an AMD GPU ended before its command began."""
    assert looks(DrmClients({PCI: "amdgpu-0"}, tmp_path), S, S + 100 * MS) == []


@pytest.mark.parametrize(
    "texts",
    [[], ["drm-engine-gfx:\tmany ns"], ["drm-engine-gfx:"], ["drm-engine-capacity-gfx:\t0"], ["\0\0:\0"]],
)
def test_texts_that_make_no_sense_say_nothing(tmp_path, texts):
    clients = DrmClients({PCI: "amdgpu-0"}, tmp_path)
    client(tmp_path, 7, 11, texts)
    client(tmp_path, 8, 12, ["drm-engine-gfx:\t1 ns"], is_gpu=False)
    assert looks(clients, S, S + 100 * MS) == []


def channel(path: str, reader: str = "text", name: str = "amdgpu-0/power") -> Channel:
    return Channel(
        **identity(name), source="x", lane="x", scale=Scale(quantity="J", unit=1, unit_source="kernel"),
        access=Access(reader=reader, path=path),
    )  # fmt: skip


def test_gpus_are_told_by_their_addresses(tmp_path):
    """AMD's library has it in the path; a hwmon folder is behind a link that leads through it."""
    device = tmp_path / "sys/devices/pci0000:00/0000:00:01.0" / PCI / "hwmon/hwmon4"
    device.mkdir(parents=True)
    (device / "power1_average").write_text("1\n")
    (tmp_path / "sys/class/hwmon").mkdir(parents=True)
    (tmp_path / "sys/class/hwmon/hwmon4").symlink_to(device)
    by_link = channel(str(tmp_path / "sys/class/hwmon/hwmon4/power1_average"))
    assert by_pci([by_link]) == by_pci([channel(f"{PCI}@/opt/libamd_smi.so", "amdsmi")]) == {PCI: "amdgpu-0"}
    assert by_pci([replace(by_link, place=identity("package-0")["place"]), channel("/nowhere")]) == {}


def test_rows_say_when_time_was_used_and_who_by(tmp_path):
    """Two looks of nothing, then one of work: it is in the last one. The rows are those of a recording."""
    lane = GpuLane(
        [channel(f"{PCI}@lib", "amdsmi")],
        tmp_path,
        lambda pid: Subject("process", "game", pid, "/a", "me", True),
    )
    (tmp_path / "proc").mkdir()
    client(tmp_path, os.getpid(), 11, ["drm-engine-gfx:\t5000 ns"])
    for text in ("5000 ns", "5000 ns", "6000 ns"):
        client(tmp_path, os.getpid(), 11, [f"drm-engine-gfx:\t{text}"])
        lane.look()
    found = activity(lane.drain())
    (number,) = (n for n in found.numbers("gpu") if found.subjects[n].engine)
    subject = found.subjects[number]
    assert (subject.name, subject.device, subject.engine, subject.is_of_command) == (
        "game", "amdgpu-0", "gfx", True,
    )  # fmt: skip
    assert found.used_ns(number, found.instants_ns(number)).tolist() == [0, 1000]


def test_nobody_asks_where_there_is_no_gpu(tmp_path):
    lane = GpuLane([channel("x", name="package-0")], tmp_path, lambda _: None)
    lane.start()
    lane.stop()
    assert lane.drain() == []


def test_a_library_that_is_gone_is_a_sentence(tmp_path):
    lane = GpuLane([channel(f"GPU-1@{tmp_path}/{LIBRARY}", "nvml", "gpu-0/energy")], tmp_path, lambda _: None)
    lane.start()
    lane.stop()
    assert "cannot be asked" in lane.left_out["gpu-0"]
    assert lane.drain() == []
