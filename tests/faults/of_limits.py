"""What the machine does not grant: descriptors, memory, processes, file systems, system calls."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import microjoule as uj
from faults.play import (
    IS_SHORT,
    UJ,
    Fault,
    NotHere,
    as_another_user,
    counters,
    ended,
    program,
    readable,
    recording,
    started,
)

MB = 1 << 20
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}

MARKS = "import microjoule as uj\nwith uj.window('inner'): pass\n"


def few_descriptors(folder: Path) -> None:
    """there are too few file descriptors, up to 40 | it works, or one error and a code that is not 0"""
    # Python itself needs some to start, and ends with a traceback of its own below them.
    fewest = next(number for number in range(3, 41) if python_starts(number))
    numbers = (fewest, fewest + 3, fewest + 6, 40) if IS_SHORT else range(fewest, 41)
    codes = [run_with(folder, resource.RLIMIT_NOFILE, number) for number in numbers]
    assert codes[0] != 0
    assert codes[-1] == 0


def python_starts(descriptors: int) -> bool:
    """Whether an interpreter that does nothing is content with so many descriptors."""
    limits = (descriptors, descriptors)
    ran = subprocess.run(
        [sys.executable, "-c", ""],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
        capture_output=True,
        check=False,
    )
    return not ran.returncode and not ran.stderr


def run_with(folder: Path, kind: int, limit: int) -> int:
    """The code of a run under a limit, which says something in any case."""
    settings = {"preexec_fn": lambda: resource.setrlimit(kind, (limit, limit))}
    code, _, said = ended(started(folder, "run", *counters(folder), "--", "true", **settings), None)
    assert code >= 0, f"limit {limit}: ended by signal {-code}"
    assert said, f"limit {limit}: no message"
    assert "mistake in microjoule" not in said
    return code


def descriptors_run_out(folder: Path) -> None:
    """no more file descriptors once it records | the trace is whole; exit code 0"""
    with recording(folder) as (running, path):
        resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (1, 1))
        time.sleep(1.2)
        assert ended(running)[0] == 0
        assert not readable(path).is_truncated


def little_memory(folder: Path) -> None:
    """there is too little memory, 60 MB to 1 GB | it works, or one error and a code that is not 0"""
    sizes = (60, 260, 600) if IS_SHORT else range(60, 1000, 20)
    codes = [run_with(folder, resource.RLIMIT_AS, size * MB) for size in sizes]
    assert codes[0] != 0


def memory_runs_out(folder: Path) -> None:
    """no more memory once it records | what is written is readable, what is missing is named"""
    with recording(folder) as (running, path):
        pages = int(Path(f"/proc/{running.pid}/statm").read_text().split()[0])
        size = pages * os.sysconf("SC_PAGE_SIZE")
        resource.prlimit(running.pid, resource.RLIMIT_AS, (size, size))
        time.sleep(2.2)
        code, _, said = ended(running)
        trace = readable(path)
        assert code == 0 or said
        assert (code == 0) == (not trace.is_truncated and not trace.gaps)


def no_processes(folder: Path) -> None:
    """no thread or process can be started | one error; the exit code is not 0"""
    as_other = as_another_user()
    limit = 1 if as_other else 0
    words = [*as_other, *UJ, "run", *counters(folder), "--", "true"]
    settings = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))}
    code, _, said = ended(program(folder, *words, **settings), None)
    assert code > 0, said
    assert said.splitlines()[-1].startswith("uj run: "), said
    assert "ulimit -u" in said, said


def without(what: str, hidden: str) -> Fault:
    """A fault: an empty file system lies over a folder of the system."""

    def fault(folder: Path) -> None:
        unshare = shutil.which("unshare")
        hide = f'mount -t tmpfs -o mode=0555,ro none {hidden} && exec "$@"'
        words = [unshare or "", "--mount", "sh", "-c", hide, "sh"]
        if unshare is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
            raise NotHere("nothing may be mounted")
        (folder / "marks.py").write_text(MARKS)
        command = [*UJ, "run", "-o", "t.arrows", *counters(folder), "--", sys.executable, "marks.py"]
        code, _, said = ended(program(folder, *words, *command), None)
        assert code == 0, said
        trace = readable(folder / "t.arrows")
        assert [window.name for window in trace.windows] == ["run", "inner"]

    fault.__doc__ = f"there is no {what} | the recording and the command's windows are whole; exit code 0"
    return fault


def without_perf(folder: Path) -> None:
    """seccomp forbids `perf_event_open` | RAPL is read through powercap instead, and CPU time by rusage"""
    number = PERF_EVENT_OPEN.get(platform.machine())
    if number is None:
        raise NotHere("the number of the system call is not known here")
    from faults.unruly import tree, unruly

    def forbid() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        # BPF: load the number of the call; where it is perf_event_open answer EPERM, else allow.
        code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
        filter_of = struct.pack("HxxxxxxP", len(code), ctypes.addressof(program))
        assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_of, 0, 0) == 0

    words = tree(folder)[2:]
    with unruly(folder) as (_, more):
        command = ["run", "-o", "t.arrows", *words, "--", "sleep", "1"]
        code, _, said = ended(started(folder, *command, preexec_fn=forbid, **more), None)
    assert code == 0, said
    trace = readable(folder / "t.arrows")
    assert trace.channels["package-0"].source == "powercap"
    assert "perf" in said


def own_pid_namespace(folder: Path) -> None:
    """the command has a PID namespace of its own | its windows are recorded, or it warns"""
    unshare = shutil.which("unshare")
    apart = [unshare or "", "--pid", "--fork", "--mount-proc"]
    if unshare is None or subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        raise NotHere("no namespace may be made")
    (folder / "marks.py").write_text(MARKS)
    command = [*apart, sys.executable, "marks.py"]
    (folder / "closing.py").write_text(f"import subprocess\nsubprocess.run({command!r}, check=True)\n")
    expected = {"inherits": ["run", "inner"], "closes": ["run"]}
    for how, words in (("inherits", command), ("closes", [sys.executable, "closing.py"])):
        path = folder / f"{how}.arrows"
        running = started(folder, "run", "-o", str(path), *counters(folder), "--", *words)
        code, _, said = ended(running, None)
        assert code == 0, said
        assert [window.name for window in uj.load(path).windows] == expected[how]
        assert ("windows of this process are not recorded" in said) == (how == "closes"), said


FAULTS: dict[str, Fault] = {
    "few descriptors": few_descriptors,
    "descriptors run out": descriptors_run_out,
    "little memory": little_memory,
    "memory runs out": memory_runs_out,
    "no processes": no_processes,
    "no /proc": without("`/proc`", "/proc"),
    "no /dev/shm": without("`/dev/shm`", "/dev/shm"),
    "no perf_event_open": without_perf,
    "own PID namespace": own_pid_namespace,
}
