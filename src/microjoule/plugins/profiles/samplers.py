"""Stacks of a command, sampled while it runs: by perf, or by py-spy.

perf attaches to the command before it begins: a shell waits for a line, and the exec keeps the process, so
that the command's streams, signals and exit code are its own. ``--control`` tells when perf is ready. Only
``cpu-clock`` is sampled: it needs no hardware counter, works in virtual machines, and stands still while a
thread waits.

Python frames: since 3.12 the interpreter writes a map of its functions for perf (``PYTHONPERFSUPPORT``),
which needs an interpreter with frame pointers; since 3.13 it writes unwinding data too, for ``--call-graph
dwarf`` and ``perf inject`` (``PYTHON_PERF_JIT_SUPPORT``). Older ones show C functions.

py-spy starts the command itself, and its exit code is always 0: a shell between them keeps the command's. Its
times count from its own start, which is bracketed by when it was started and when that shell made a file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ...errors import SourceUnavailable
from ...units import NS_PER_S
from . import perf_script, py_spy
from .alignment import Wishes
from .profile import MONOTONIC
from .stacks import Samples

_READY_S = 60.0  # within which perf attaches, even where the machine is busy
_GATE = 'read _ <"$0"; exec "$@"'
# py-spy says on standard output what it does; only the command has the real one.
_QUIET = 'exec "$@" 7>&1 8>&2 >/dev/null 2>&1'
_KEEP = ': > "$0/begun"; "$@" >&7 2>&8 7>&- 8>&-; echo $? > "$0/status"'
_TICK_NS = 4_000_000  # of the clock that files are dated with


class Perf:
    """perf, attached to the command.

    Args:
        folder: For its files.
        rate_hz: Samples a second of each thread that runs.
        call_graph: ``fp``, ``dwarf`` or ``lbr``.
        is_jit: Whether the command writes unwinding data, which ``perf inject`` adds.
    """

    name = "perf"
    variables: Mapping[str, str] = MappingProxyType({"PYTHONPERFSUPPORT": "1"})

    def __init__(self, folder: Path, rate_hz: float, call_graph: str, is_jit: bool) -> None:
        self._folder, self._rate_hz = folder, rate_hz
        self._call_graph, self._is_jit = call_graph, is_jit
        self._data = folder / "perf.data"
        self._gate = folder / "gate"
        self._perf: PerfRecord | None = None
        self._opener = -1
        self.begun_ns = 0
        if is_jit:
            self.variables = MappingProxyType({"PYTHON_PERF_JIT_SUPPORT": "1"})

    def wrapped(self, command: Sequence[str]) -> list[str]:
        """The command behind its gate."""
        self._gate.unlink(missing_ok=True)
        os.mkfifo(self._gate, 0o600)
        # Open for both, so that neither end waits for the other.
        self._opener = os.open(self._gate, os.O_RDWR | os.O_CLOEXEC)
        return ["sh", "-c", _GATE, str(self._gate), *command]

    def started(self, process: int) -> None:
        """Attaches perf to the command's process, and opens the gate.

        Raises:
            SourceUnavailable: perf cannot attach; the command then runs without it.
        """
        try:
            self._attach(process)
        finally:
            self.begun_ns = time.monotonic_ns()
            os.write(self._opener, b"\n")

    def _attach(self, process: int) -> None:
        self._perf = PerfRecord(process, flame_options(self._rate_hz, self._call_graph), self._data)
        said = self._perf.say("enable")
        if said:
            raise SourceUnavailable(f"perf cannot attach: {said}", _PERMIT)

    def ended(self) -> None:
        """Waits until perf has written what it has, which it does when the command has ended."""
        if self._perf is not None:
            self._perf.ended()
        if self._opener >= 0:
            os.close(self._opener)
        self._opener = -1

    def samples(self) -> Samples:
        """The stacks, once the command has ended.

        Raises:
            ProfileError: There is none.
        """
        self.ended()
        data = self._injected() if self._is_jit else self._data
        line = ["perf", "script", "--ns", "-F", "comm,pid,tid,time,event,ip,sym,dso", "--show-lost-events"]
        with subprocess.Popen(
            [*line, "-i", str(data)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as script:
            if script.stdout is None:
                raise AssertionError("a pipe was asked for")
            period_ns = round(NS_PER_S / self._rate_hz)
            found = perf_script.taken(
                script.stdout, Path("perf"), MONOTONIC, period_ns, _longer(self._rate_hz)
            )
        self._remove_maps(found)
        return found

    def _injected(self) -> Path:
        into = self._folder / "perf.jit.data"
        line = ["perf", "inject", "-j", "-i", str(self._data), "-o", str(into)]
        done = subprocess.run(line, check=False, capture_output=True, cwd=self._folder)
        return into if done.returncode == 0 and into.exists() else self._data

    def _remove_maps(self, found: Samples) -> None:
        """Takes away the maps that interpreters of this run left in /tmp."""
        for process in found.processes:
            for name in (f"perf-{process}.map", f"jit-{process}.dump"):
                path = Path("/tmp", name)
                with contextlib.suppress(OSError):
                    status = path.lstat()
                    if status.st_uid == os.getuid() and not path.is_symlink():
                        path.unlink()

    @property
    def wishes(self) -> Wishes:
        """How its times lie beside the trace's: they are of the same clock."""
        return Wishes()

    @property
    def exit_code(self) -> int | None:
        """The command's exit code; None: that of the process."""
        return None


class PerfRecord:
    """``perf record``, attached to a process, off until it is switched on.

    Args:
        process: Its id.
        options: Those of ``perf record``.
        data: Where it writes.
    """

    def __init__(self, process: int, options: Sequence[str], data: Path) -> None:
        control, answer = os.pipe(), os.pipe()
        line = [
            *("perf", "record", "-q", *options, "-o", str(data), "-p", str(process)),
            *("-D", "-1", "--control", f"fd:{control[0]},{answer[1]}"),
        ]
        self._perf = subprocess.Popen(
            line,
            pass_fds=(control[0], answer[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # a Ctrl-C is for the command; perf ends with it
        )
        os.close(control[0])
        os.close(answer[1])
        self._ends: tuple[int, ...] = (control[1], answer[0])

    def say(self, word: str) -> str:
        """Says ``enable`` or ``disable`` and waits until it is so.

        Returns:
            Why perf ended instead; empty: it did not.
        """
        with contextlib.suppress(BrokenPipeError):
            os.write(self._ends[0], f"{word}\n".encode())
        if os.read(self._ends[1], 16):
            return ""
        _, said = self._perf.communicate()
        return _first(said)

    def stop(self) -> None:
        """Ends perf before the process does."""
        self._perf.terminate()

    def ended(self) -> None:
        """Waits until perf has ended, which it does after the process."""
        if self._perf.returncode is None:
            self._perf.communicate()
        for end in self._ends:
            os.close(end)
        self._ends = ()


class PySpy:
    """py-spy, which starts the command.

    Args:
        folder: For its files.
        rate_hz: Samples a second.
    """

    name = "py-spy"
    variables: Mapping[str, str] = MappingProxyType({})

    def __init__(self, folder: Path, rate_hz: float) -> None:
        self._folder, self._rate_hz = folder, rate_hz
        self._file = folder / "stacks.json"
        self.begun_ns = 0

    def wrapped(self, command: Sequence[str]) -> list[str]:
        """The command inside py-spy, and between them a shell that keeps its exit code."""
        spy = py_spy_path() or "py-spy"
        options = ["-s", "-f", "chrometrace", "-r", f"{self._rate_hz:.0f}", "-o", str(self._file)]
        self.begun_ns = time.monotonic_ns()
        inner = ["sh", "-c", _KEEP, str(self._folder), *command]
        return ["sh", "-c", _QUIET, "sh", spy, "record", *options, "--", *inner]

    def started(self, process: int) -> None:
        """Nothing: py-spy is the process."""

    def samples(self) -> Samples:
        """The stacks.

        Raises:
            ProfileError: There is none.
        """
        period_ns = round(NS_PER_S / round(self._rate_hz))
        # The folder is in the name of the shell between.
        return py_spy.read(self._file, period_ns, str(self._folder), _longer(self._rate_hz))

    @property
    def wishes(self) -> Wishes:
        """When py-spy's clock began: between its start and the file that the shell made."""
        real_ns = (self._folder / "begun").stat().st_mtime_ns
        latest = real_ns - time.time_ns() + time.monotonic_ns()
        earliest = max(latest - 2 * _TICK_NS, self.begun_ns)
        latest = max(latest + _TICK_NS, earliest)
        return Wishes(False, (earliest + latest) // 2, (latest - earliest) / 12**0.5)

    @property
    def exit_code(self) -> int | None:
        """The command's exit code, as the shell kept it; None: it was killed before."""
        try:
            return int((self._folder / "status").read_text())
        except (OSError, ValueError):
            return None


def flame_options(rate_hz: float, call_graph: str) -> list[str]:
    """How ``uj flame`` lets perf sample.

    Args:
        rate_hz: Samples a second of each thread that runs.
        call_graph: ``fp``, ``dwarf`` or ``lbr``.
    """
    clock = ["-k", "CLOCK_MONOTONIC"]
    return ["-e", "cpu-clock", *clock, "-F", f"{rate_hz:g}", "--call-graph", call_graph]


def py_spy_path() -> str | None:
    """Where py-spy is: on the path, or beside this interpreter; None: nowhere."""
    return shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))


def perf_obstacle() -> str:
    """Why perf cannot sample here; empty: it can."""
    if not shutil.which("perf"):
        return "perf is not installed"
    line = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "99", "-o", "/dev/null", "--", "true"]
    try:
        done = subprocess.run(
            line, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_READY_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"perf does not run: {error}"
    return "" if done.returncode == 0 else f"perf may not sample: {_first(done.stderr)}"


def python_facts(command: str) -> tuple[int, bool] | None:
    """The minor version of a Python 3 interpreter, and whether it has frame pointers; None: it is none."""
    if not Path(command).name.startswith(("python", "pypy")):
        return None
    program = (
        "import sys, sysconfig as s; f = ' '.join(str(s.get_config_var(n)) for n in "
        "('CFLAGS', 'PY_CORE_CFLAGS')); print(sys.version_info[1], 'no-omit-frame-pointer' in f)"
    )
    try:
        done = subprocess.run(
            [command, "-S", "-c", program], check=False, capture_output=True, text=True, timeout=_READY_S
        )
        minor, has_frames = done.stdout.split()
        return int(minor), has_frames == "True"
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _first(said: bytes) -> str:
    """The first line of what a program said."""
    lines = [line.strip().removeprefix("Error:") for line in said.decode("utf-8", "replace").splitlines()]
    return next((line.strip() for line in lines if line.strip()), "it gave no reason")


def _longer(rate_hz: float) -> str:
    return (
        f"The command used too little CPU time for {rate_hz:g} stacks a second. Run it for longer, "
        "or sample more often (--stacks HZ)"
    )


_PERMIT = "Run `sudo sysctl kernel.perf_event_paranoid=1`, or sample with py-spy: --sampler py-spy"
