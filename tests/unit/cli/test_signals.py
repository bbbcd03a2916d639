"""Whom a signal finds in a command that runs until one comes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted import machine

from microjoule.cli import main
from microjoule.cli.signals import awaited

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


WAITS = """
import signal
from microjoule.cli.signals import awaited
mask = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, mask)
print("waits", flush=True)
while (came := awaited(mask, 0.2)) is None:
    pass
print(*came, flush=True)
"""
LONGER_S = 0.6  # than a wait


@pytest.fixture
def waits():
    """A process that waits for a signal in waits of a fifth of a second, and prints the first."""
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "waits\n"
        try:
            yield running
        finally:
            running.kill()


def stopped(running):
    """Stops it for longer than one of its waits."""
    running.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, running.pid, os.WSTOPPED)
    time.sleep(LONGER_S)


def test_a_stop_that_outlasts_a_wait_is_no_signal(waits):
    """Not one that nobody sent: as CPython's own wait gives, an interrupt for one."""
    for _ in range(3):
        stopped(waits)
        waits.send_signal(signal.SIGCONT)
        time.sleep(LONGER_S)
    waits.send_signal(signal.SIGHUP)
    assert waits.communicate(timeout=PATIENCE_S)[0] == f"{signal.SIGHUP} 0\n"


def test_a_signal_sent_to_a_stopped_process_is_not_lost(waits):
    """It comes when the process goes on."""
    stopped(waits)
    waits.send_signal(signal.SIGTERM)
    waits.send_signal(signal.SIGCONT)
    assert waits.communicate(timeout=PATIENCE_S)[0] == f"{signal.SIGTERM} 0\n"


def test_a_number_that_is_no_signals_is_refused():
    """Not waited for in vain."""
    with pytest.raises(ValueError, match="Invalid argument"):
        awaited({0}, 0.0)
    with pytest.raises(ValueError, match="more than 64"):
        awaited(range(1, 70), 0.0)
