"""``uj run`` with commands that do to the marks whatever a command can do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attacker
import pytest
from scripted import machine

UJ = [sys.executable, "-m", "microjoule"]
ATTACKER = Path(attacker.__file__)

COMMAND = f"""
import os, subprocess, sys
import microjoule as uj
with uj.window("before"):
    pass
lines = sys.argv[1].replace(";", "\\n")
attacker = [sys.executable, {str(ATTACKER)!r}]
said = subprocess.run(attacker, input=lines, text=True, capture_output=True, check=True)
assert "was cut" not in said.stdout
with uj.window("after"):
    pass
sys.exit(3)
"""


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


def environment(tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def uj_run(root, tmp_path, *command):
    path = tmp_path / "report.json"
    done = subprocess.run(
        [*UJ, "run", "--source", "script", "--root", root, "--json", path, "--", *command],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment(tmp_path),
    )
    return done, json.loads(path.read_text()) if path.exists() else None


def names(report):
    return [window["name"] for window in report["windows"]]


@pytest.mark.parametrize(
    ("lines", "is_damaged", "is_kept"),
    [
        (f"word {attacker.HEAD} {2**63}", True, False),
        (f"word {attacker.HEAD} {2**32}", True, False),
        (f"word {attacker.HEAD} {0x9E3779B97F4A7C15}", True, False),
        (f"fill {attacker.SLOTS} {attacker.SIZE - attacker.SLOTS} 171", True, False),
        (f"punch 0 {attacker.SIZE}", False, False),  # an empty ring, as good as any
        ("cut 0", False, True),
    ],
)
def test_the_command_has_its_exit_code_and_its_report_whatever_it_overwrites(
    root, tmp_path, lines, is_damaged, is_kept
):
    done, report = uj_run(root, tmp_path, sys.executable, "-c", COMMAND, lines)
    assert done.returncode == 3, done.stderr
    assert names(report).count("run") == 1  # its marks are where no other program gets to
    assert (report["engine"]["lost_marks"]["damaged"] > 0) == ("damaged" in done.stderr) == is_damaged
    assert (names(report) == ["run", "before", "after"]) == is_kept
    assert list((tmp_path / "tmp").iterdir()) == []


def test_marks_of_a_killed_program_are_named_as_such(root, tmp_path):
    done, report = uj_run(root, tmp_path, sys.executable, "-c", COMMAND, "claim 3")
    assert done.returncode == 3, done.stderr
    assert report["engine"]["lost_marks"] == {"full": 0, "lost": 3, "damaged": 0}
    assert "Up to 3 marks of windows lost: a program was killed" in done.stderr
    assert set(names(report)) == {"run", "before", "after"}


def test_a_name_that_is_no_utf_8_and_a_value_that_cannot_be_written_break_no_program(root, tmp_path):
    program = (
        "import os, microjoule as uj\n"
        "class Broken:\n"
        "    def __repr__(self): raise RuntimeError('no')\n"
        "with uj.window(os.fsdecode(b'caf\\xe9')): pass\n"
        "with uj.window(os.fsdecode(b'\\xff'), path=os.fsdecode(b'/tmp/\\xe9')): pass\n"
        "loop = []; loop.append(loop)\n"
        "with uj.window('values', broken=Broken(), loop=loop): pass\n"
        "print('went on')\n"
    )
    done, report = uj_run(root, tmp_path, sys.executable, "-c", program)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    assert set(names(report)) == {"run", "caf\\udce9", "\\udcff", "values"}
    (window,) = [each for each in report["windows"] if each["name"] == "values"]
    assert "broken, loop" in window["attributes"]["unrecorded"]


HIDDEN = """
import ctypes, sys
set_dumpable = 4
assert ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0) == 0
from microjoule.cli import main
program = "import os, microjoule as uj; print(os.environ['MICROJOULE_MARKS'])\\nwith uj.window('step'): pass"
sys.exit(main(["run", *sys.argv[1:], "--", sys.executable, "-c", program]))
"""


def test_a_recorder_that_is_hidden_from_its_children_has_their_windows(root, tmp_path):
    # A Python with file capabilities is one: the kernel shows nobody its descriptors.
    path = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN, "--source", "script", "--root", root, "--json", path],
        capture_output=True,
        text=True,
        check=True,
        env=environment(tmp_path),
    )
    assert done.stdout.startswith("sysv:")
    assert names(json.loads(path.read_text())) == ["run", "step"]


def test_a_kill_leaves_no_memory_behind(root, tmp_path):
    shared = Path("/dev/shm")
    before = {path.name for path in shared.iterdir()} if shared.is_dir() else set()
    running = subprocess.Popen(
        [*UJ, "run", "--source", "script", "--root", root, "--", "sleep", "60"],
        env=environment(tmp_path),
        stderr=subprocess.DEVNULL,
    )
    with running:
        deadline = time.monotonic() + 60
        while not (children := children_of(running.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    os.kill(children[0], signal.SIGKILL)
    left = [path for path in (tmp_path / "tmp").rglob("*") if path.is_file()]
    assert all(path.name != "marks" and path.stat().st_size < 2**20 for path in left)
    assert not shared.is_dir() or {path.name for path in shared.iterdir()} <= before


def children_of(pid):
    found = subprocess.run(
        ["pgrep", "-P", str(pid), "-x", "sleep"], capture_output=True, text=True, check=False
    )
    return [int(each) for each in found.stdout.split()]
