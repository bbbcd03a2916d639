"""Who is busy: looks at real processes, at folders that stand for a machine, and what rows are written."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from microjoule.recording.activity import ActivityLane, ActivityPlan, until_next_ns
from microjoule.recording.cpu_times import Cgroups, Cpus, Processes, busy_ns, cgroup_of
from microjoule.trace import schema
from microjoule.trace.activity import Activity, named
from microjoule.trace.label import Subject

STAT = "cpu  {user} 0 0 500 7 0 0 90 0 0\n"
BURN = "import time\nwhile time.process_time() < {}: pass\n"


def process(root, pid, ticks, name="sleepy (1)", parent=1):
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    fields = ["S", parent, *[0] * 9, ticks, 0, *[0] * 6, 1]
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(map(str, fields))}\n")
    (folder / "cgroup").write_text(f"0::/app-{pid}.service\n")


def machine(root, user=0):
    (root / "proc").mkdir(parents=True, exist_ok=True)
    (root / "proc/stat").write_text(STAT.format(user=user))
    return root


def activity(rows):
    """What a reader makes of a lane's rows."""
    subjects = named((raw, label) for _, _, name, raw, label in rows if name == schema.SUBJECT)
    mine = np.array([(n, t, raw) for t, n, name, raw, _ in rows if name == schema.ACTIVITY], np.int64)
    return Activity(subjects, *mine.reshape(-1, 3).T)


def test_the_clock_of_another_process_is_what_it_used():
    """Threads and all: rusage, which its parent alone can ask for, says the same."""
    program = "import threading\n" + BURN.format(0.15) + "print(1, flush=True)\ninput()\n"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    used = Processes(Path("/")).look()[child.pid]
    child.stdin.close()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    child.stdout.close()
    total_ns = (usage.ru_utime + usage.ru_stime) * 1e9
    assert 0.15e9 * 0.9 <= used <= total_ns * 1.01 + 1e6


def test_a_command_s_processes_are_told_from_others():
    lane = ActivityLane(ActivityPlan())
    lane.start()
    child = subprocess.Popen([sys.executable, "-c", BURN.format(0.2)])
    child.wait()
    lane.stop()
    found = activity(lane.drain())
    mine = [s for s in found.subjects.values() if s.is_of_command]
    assert [s.pid for s in mine] == [child.pid]
    (recorder,) = (s for s in found.subjects.values() if s.is_recorder)
    assert recorder.pid == os.getpid()


def test_where_no_clock_is_answered_ticks_are_read(tmp_path):
    """A name may hold brackets and blanks, and the fields behind it still count."""
    machine(tmp_path)
    process(tmp_path, 7, ticks=123, name="a) R 1 (b")
    processes = Processes(tmp_path)
    assert processes.look() == {7: 1_230_000_000}
    assert processes.describe(7) == Subject("process", "a) R 1 (b", 7, "/app-7.service", str(os.getuid()))
    assert processes.describe(8) is None


def test_busy_is_neither_idle_nor_waiting_nor_stolen(tmp_path):
    assert busy_ns(machine(tmp_path, user=3)) == (30_000_000, {})
    assert busy_ns(tmp_path / "nowhere") == (None, {})


def test_each_cpu_has_its_time_and_siblings_have_one_core(tmp_path):
    machine(tmp_path)
    lane = ActivityLane(ActivityPlan(root=tmp_path))
    for cpu, core in ((0, 0), (1, 4), (2, 0)):
        topology = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text("-1\n")
        (topology / "core_id").write_text(f"{core}\n")
    for ticks in (5, 8):
        each = "".join(f"cpu{cpu} {cpu * ticks} 0 0 9 0 0 0 0 0 0\n" for cpu in range(4))
        (tmp_path / "proc/stat").write_text(STAT.format(user=6 * ticks) + each + "intr 1 2 3\nctxt 4\n")
        lane.look()
    found = activity(lane.drain())
    cpus = {found.subjects[n].name: n for n in found.numbers("cpu")}
    assert cpus.keys() == {"cpu1", "cpu2", "cpu3"}  # the first one was never busy
    assert [found.subjects[cpus[f"cpu{n}"]].device for n in (1, 2, 3)] == ["0/4", "0/0", ""]
    used = {name: np.diff(found.used_ns(n, found.instants_ns(n)[[0, -1]]))[0] for name, n in cpus.items()}
    assert used == {"cpu1": 30e6, "cpu2": 60e6, "cpu3": 90e6}
    assert Cpus(tmp_path).describe(0).device == "0/0"


def test_ten_thousand_processes_that_sleep_have_no_rows(tmp_path):
    machine(tmp_path)
    for pid in range(2000, 4000):  # a fifth of them are enough to tell
        process(tmp_path, pid, ticks=5)
    lane = ActivityLane(ActivityPlan(root=tmp_path))
    lane.look()
    process(tmp_path, 2500, ticks=9)
    lane.look()
    lane.look()
    rows = lane.drain()
    assert [row[3] for row in rows if row[2] == schema.SUBJECT] == [1]
    assert len(rows) == 6  # three of the machine, one name, and where it stood before and after


def test_time_passes_when_it_was_used_and_not_since_the_last_row(tmp_path):
    """Ten looks of sleep, then one of work: the work is in the last one."""
    machine(tmp_path)
    process(tmp_path, 5, ticks=1)
    lane = ActivityLane(ActivityPlan(root=tmp_path))
    lane.look()
    process(tmp_path, 5, ticks=3)
    lane.look()
    for _ in range(10):
        time.sleep(0.002)
        lane.look()
    process(tmp_path, 5, ticks=8)
    lane.look()
    found = activity(lane.drain())
    (number,) = (n for n, s in found.subjects.items() if s.pid == 5)
    at = found.instants_ns(number)
    assert found.used_ns(number, at).tolist() == [0, 20e6, 20e6, 70e6]
    assert at[2] > at[1]


def test_a_pid_that_is_used_again_is_somebody_else(tmp_path):
    machine(tmp_path)
    process(tmp_path, 5, ticks=50, name="old")
    lane = ActivityLane(ActivityPlan(root=tmp_path))
    lane.look()
    process(tmp_path, 5, ticks=53, name="old")
    lane.look()
    process(tmp_path, 5, ticks=2, name="new")
    lane.look()
    found = activity(lane.drain())
    used = {s.name: found.used_ns(n, np.array([0, 1 << 62])) for n, s in found.subjects.items()}
    assert np.diff(used["old"])[0] == 30e6
    assert np.diff(used["new"])[0] == 20e6


def test_who_ended_is_forgotten_and_a_lost_folder_is_no_failure(tmp_path):
    machine(tmp_path)
    process(tmp_path, 5, ticks=1)
    lane = ActivityLane(ActivityPlan(root=tmp_path))
    lane.look()
    (tmp_path / "proc/5/stat").unlink()
    lane.look()
    (tmp_path / "proc/5/cgroup").unlink()
    (tmp_path / "proc/5").rmdir()
    (tmp_path / "proc/stat").unlink()
    (tmp_path / "proc").rmdir()
    lane.look()
    assert all(name == schema.ACTIVITY for _, _, name, _, _ in lane.drain())


@pytest.mark.parametrize(
    ("file", "text", "used"),
    [
        ("cpu.stat", "usage_usec {}\nuser_usec 1\n", 1000),
        ("cpuacct/cpuacct.usage", "{}\n", 1),
        ("cpu,cpuacct/cpuacct.usage", "{}\n", 1),
    ],
)
def test_cgroups_of_both_versions_and_one_that_disappears(tmp_path, file, text, used):
    folder = tmp_path / "sys/fs/cgroup"
    for path, count in (("", 9), ("/a", 5), ("/a/b", 2)):
        place = (folder / file).parent / path.strip("/")
        place.mkdir(parents=True, exist_ok=True)
        (place / file.rpartition("/")[2]).write_text(text.format(count))
    (folder / file).parent.joinpath("gone").mkdir()
    assert Cgroups(tmp_path).look() == {"/": 9 * used, "/a": 5 * used, "/a/b": 2 * used}
    assert not Cgroups(tmp_path / "nowhere").is_there


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/user.slice/session-2.scope\n", "/user.slice/session-2.scope"),
        ("4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n", "/docker/abc"),
        ("2:cpuacct:/\n1:name=systemd:/system.slice/a.service\n", "/system.slice/a.service"),
        ("0::/\n", "/"),
        ("", ""),
    ],
)
def test_the_cgroup_of_a_process_is_that_of_the_hierarchy_that_accounts(text, path):
    assert cgroup_of(text) == path


@pytest.mark.parametrize(
    "label",
    ["", "no json", "[]", "3", '{"kind": "planet", "name": "x"}', '{"kind": "process"}',
     '{"kind": "process", "name": 3}', '{"kind": "process", "name": "x", "pid": "1"}'],
)  # fmt: skip
def test_labels_that_make_no_sense_name_nobody(label):
    assert named([(1, label)]) == {}


def test_labels_of_a_later_version_are_read():
    assert named([(1, '{"kind": "process", "name": "x", "hue": 3}')]) == {1: Subject("process", "x")}


@pytest.mark.parametrize(
    ("now_ms", "apart_ms", "wait_ms"),
    [(0, 100, 100), (1, 100, 99), (99, 100, 1), (0, 250, 200), (30, 250, 170), (30, 290, 270), (5, 20, 95)],
)
def test_looks_come_on_multiples_of_a_step_and_no_nearer_than_they_may(now_ms, apart_ms, wait_ms):
    """A dear look is followed by a long wait, whatever the phase: half of it would cost twice as much."""
    ms = 1_000_000
    assert until_next_ns(now_ms * ms, 100 * ms, apart_ms * ms) == wait_ms * ms
    assert (now_ms + wait_ms) % 100 == 0
