"""How faults are played: a real `uj` in a folder of its own, over counters of known power.

A fault is a function of a folder: it lets something happen, and asserts that what was recorded can be read,
that what is missing is named, and that the exit code is honest. Its docstring is its row in
docs/reliability.md. Whoever calls it then asks :func:`left_behind`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripted import PACKAGE_W, machine

import microjoule as uj

Fault = Callable[[Path], None]

UJ = [sys.executable, "-m", "microjoule"]
PATIENCE_S = 60.0
IS_SHORT = "FAULTS_LONG" not in os.environ
OTHER_USER = 61_523  # whom nothing else on a machine is likely to belong to
WHOLE_BYTES = 8000  # the opening and a second of readings


class NotHere(Exception):
    """This machine cannot play the fault."""


def counters(folder: Path) -> list[str]:
    """The words that make `uj` read the scripted machine."""
    root = folder / "machine"
    root.mkdir(exist_ok=True)
    return ["--source", "script", "--root", str(machine(root))]


def started(folder: Path, *words: str, **more: Any) -> subprocess.Popen[str]:
    """A `uj` in its own process group, with its temporary files in a folder of its own."""
    return program(folder, *UJ, *words, **more)


def program(folder: Path, *words: str, **more: Any) -> subprocess.Popen[str]:
    """A program in its own process group, with its temporary files in a folder of its own."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), **more.pop("env", {})}
    settings: dict[str, Any] = {"cwd": folder, "env": environment, "text": True, "start_new_session": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, **{**settings, **pipes, **more})


@contextmanager
def recording(folder: Path, *words: str, **more: Any) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A `uj record` of the scripted machine that has written its first readings."""
    with recording_of(folder, [*words, *counters(folder)], **more) as found:
        yield found


@contextmanager
def recording_of(folder: Path, words: list[str], **more: Any) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A `uj record` that has written its first readings, of the machine that the words name."""
    path = folder / "t.arrows"
    running = started(folder, "record", "-o", str(path), *words, **more)
    try:
        until(lambda: path.exists() and path.stat().st_size > WHOLE_BYTES)
        yield running, path
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def as_another_user() -> list[str]:
    """The words before a command that make root a user whom limits bind; for others nothing.

    Files of any user can be read all the same, because Python may be in a folder of root's.
    """
    if os.geteuid():
        return []
    user = [f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups"]
    words = ["setpriv", *user, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    if (
        shutil.which("setpriv") is None
        or subprocess.run([*words, "true"], capture_output=True, check=False).returncode
    ):
        raise NotHere("root cannot become another user")
    return words


def until(is_so: Callable[[], bool]) -> None:
    """Waits for something to become true, and fails where it never does."""
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends, "it never came so far"
        time.sleep(0.02)


def ended(running: subprocess.Popen[str], number: int | None = signal.SIGINT) -> tuple[int, str, str]:
    """Sends a signal; the exit code, and what was said on both streams, which is never a traceback."""
    if number is not None:
        running.send_signal(number)
    out, said = running.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in said, said
    return running.returncode, out, said


def readable(path: Path) -> uj.Trace:
    """A trace whose figures hold: each count is what the script says it was."""
    trace = uj.load(path)
    energy = trace.energy()["package-0"]
    true_j = PACKAGE_W * trace.span.duration_ns * 1e-9
    assert energy.low <= true_j <= energy.high
    return trace


def reported(path: Path) -> str:
    """What `uj report` says of a trace, in one line."""
    done = subprocess.run([*UJ, "report", str(path)], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def left_behind(folder: Path) -> list[str]:
    """Temporary files and processes that a fault has left."""
    temporary = folder / "tmp"
    files = [str(path) for path in temporary.iterdir()] if temporary.exists() else []
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={temporary}\0".encode() in environment and command:
            processes.append(f"{process.name}: {command.decode(errors='replace')}")
    return files + processes
