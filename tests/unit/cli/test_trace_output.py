"""Traces as `uj record` and `uj run` leave them: whole, or an exit code that says that they are not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted import machine

import microjoule as uj

UJ = [sys.executable, "-m", "microjoule"]
PATIENCE_S = 60


def counters(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    return ["--source", "script", "--root", str(machine(root))]


def recording(tmp_path, output, **streams):
    """A `uj record` that has written its first readings."""
    words = [*UJ, "record", "-o", str(output), *counters(tmp_path)]
    return subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True, **streams)


def grown(path, size):
    ends = time.monotonic() + PATIENCE_S
    while not path.exists() or path.stat().st_size <= size:
        assert time.monotonic() < ends
        time.sleep(0.02)


def ended(running):
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=PATIENCE_S)
    return running.returncode, *said


@pytest.mark.parametrize("disturb", [Path.unlink, lambda path: os.truncate(path, 100)])
def test_a_recording_that_was_disturbed_says_so_at_once_and_exits_1(tmp_path, disturb):
    path = tmp_path / "t.arrows"
    running = recording(tmp_path, path, stdout=subprocess.PIPE)
    grown(path, 3000)
    disturb(path)
    said = running.stderr.readline()  # while it still records
    assert said.startswith(f"uj: {path} was ")
    # By readline() as well: it may have taken this line already, and communicate() would pass over that.
    assert "is written again after" in running.stderr.readline()
    grown(path, 3000)
    code, out, _ = ended(running)
    assert code == 1
    assert out == f"{path}\n"
    trace = uj.load(path)
    assert not trace.is_truncated


def test_one_that_nothing_happened_to_exits_0(tmp_path):
    path = tmp_path / "t.arrows"
    running = recording(tmp_path, path, stdout=subprocess.PIPE)
    grown(path, 3000)
    assert ended(running) == (0, f"{path}\n", "")


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"])
@pytest.mark.parametrize("before", [b"", b"a line of somebody's\n"])
def test_a_trace_on_standard_output_is_whole_and_nothing_else_goes_there(tmp_path, name, before):
    path = tmp_path / "f"
    path.write_bytes(before)
    with path.open("ab") as out:
        running = recording(tmp_path, name, stdout=out)
    grown(path, 3000)
    code, _, err = ended(running)
    assert (code, err) == (0, f"{name}\n")
    assert path.read_bytes().startswith(before)
    whole = tmp_path / "whole.arrows"
    whole.write_bytes(path.read_bytes()[len(before) :])
    trace = uj.load(whole)
    assert not trace.is_truncated
    assert len(trace.series("package-0"))


def test_a_trace_may_go_through_a_pipe(tmp_path):
    running = recording(tmp_path, "/dev/stdout", stdout=subprocess.PIPE)
    running.stderr.close()
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    path = tmp_path / "t.arrows"
    with path.open("wb") as file:
        file.write(running.stdout.buffer.read())
    running.stdout.close()
    assert running.wait(PATIENCE_S) == 0
    assert not uj.load(path).is_truncated


def run(tmp_path, *command, options=(), **more):
    words = [*UJ, "run", *counters(tmp_path), *options, "--", *command]
    return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, **more)


def test_the_commands_own_output_is_not_mixed_with_the_trace(tmp_path):
    done = run(tmp_path, "echo", "hello", options=["-o", "/dev/stdout"])
    assert done.returncode == 125
    assert "-o trace.arrows" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("code", "exits"), [(0, 125), (3, 3)])
def test_a_command_that_deletes_its_trace_keeps_its_own_code_unless_that_is_0(tmp_path, code, exits):
    done = run(tmp_path, "sh", "-c", f"rm t.arrows; exit {code}", options=["-o", "t.arrows"])
    assert done.returncode == exits
    assert "t.arrows was deleted" in done.stderr
    assert "is written again after" in done.stderr
    assert not uj.load(tmp_path / "t.arrows").is_truncated


def test_what_a_killed_run_left_is_removed_by_the_next_and_that_of_a_living_one_is_not(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    apart = {"env": {**os.environ, "TMPDIR": str(temporary)}, "start_new_session": True}
    words = [*UJ, "run", *counters(tmp_path), "--", "sleep", "1000"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, **apart) as killed:
        until_folders(temporary, 1)
        os.killpg(killed.pid, signal.SIGKILL)
    (left,) = temporary.iterdir()
    assert list(left.iterdir())
    other = temporary / "somebody-elses"
    other.mkdir()
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, **apart) as living:
        try:
            until(lambda: not left.exists() and len(list(temporary.iterdir())) == 2)
            done = subprocess.run([*words[:-2], "true"], capture_output=True, text=True, check=False, **apart)
            assert done.returncode == 0, done.stderr
            assert len(list(temporary.iterdir())) == 2
        finally:
            os.killpg(living.pid, signal.SIGTERM)
    assert list(temporary.iterdir()) == [other]


def until(is_so):
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.02)


def until_folders(folder, n):
    until(lambda: len(list(folder.glob("*/run.arrows"))) == n)
