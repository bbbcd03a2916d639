"""Whom a signal finds in a command that runs until one comes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted import machine

from microjoule.cli import main

PATIENCE_S = 60
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def blocked(task):
    """The signals that a thread leaves to others."""
    (line,) = (line for line in (task / "status").read_text().splitlines() if line.startswith("SigBlk"))
    mask = int(line.split()[1], 16)
    return {sent for sent in ENDS if mask >> (sent - 1) & 1}


@pytest.mark.parametrize(
    "words", [("serve", "--port", "0"), ("record", "-o", "trace.arrows")], ids=lambda w: w[0]
)
def test_no_thread_but_the_first_can_be_found_by_a_signal(tmp_path, words):
    """A library's thread that could would die of it, and the process with it, while the first is busy."""
    command = [sys.executable, "-m", "microjoule", *words, "--root", str(machine(tmp_path))]
    command += ["--source", "script", "--calibration", "none"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        tasks = Path(f"/proc/{running.pid}/task")
        until = time.monotonic() + PATIENCE_S
        while not any("uj-package-0" in (task / "comm").read_text() for task in tasks.iterdir()):
            assert time.monotonic() < until
            time.sleep(0.05)
        found = {task.name: blocked(task) for task in tasks.iterdir() if task.name != str(running.pid)}
        running.terminate()
        running.communicate(timeout=60)
    assert running.returncode == 0
    assert found
    assert all(left == set(ENDS) for left in found.values()), found


def test_a_recording_in_process_leaves_signals_as_they_were(tmp_path):
    """Whoever calls it goes on, and what they start inherits their mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    words = ["record", "-o", str(tmp_path / "t.arrows"), "--for", "10ms", "--source", "script"]
    assert main([*words, "--root", str(machine(tmp_path / "root"))]) == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
