"""Faults, and what becomes of a recording that meets them: `make faults` writes docs/reliability.md.

Each fault is a function: it lets something happen to a real `uj`, and asserts that what was recorded can be
read, that what is missing is named, that the exit code is honest and that nothing is left behind. Its
docstring is its row in the document.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for scripted.py

from scripted import PACKAGE_W, machine  # noqa: E402 - of the tests, once their folder is on the path

import microjoule as uj  # noqa: E402

UJ = [sys.executable, "-m", "microjoule"]
PATIENCE_S = 60.0
WHOLE_BYTES = 8000  # the opening and a second of readings


class NotHere(Exception):
    """This machine cannot play the fault."""


def counters(folder: Path) -> list[str]:
    root = folder / "machine"
    root.mkdir(exist_ok=True)
    return ["--source", "script", "--root", str(machine(root))]


def started(folder: Path, *words: str, **more: object) -> subprocess.Popen[str]:
    """A `uj` in its own process group, with its temporary files in a folder of its own."""
    (folder / "tmp").mkdir(exist_ok=True)
    settings = {"cwd": folder, "env": {**os.environ, "TMPDIR": str(folder / "tmp")}, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*UJ, *words], start_new_session=True, **{**settings, **pipes, **more})


@contextmanager
def recording(folder: Path, *words: str, **more: object) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A `uj record` that has written its first readings."""
    path = folder / "t.arrows"
    running = started(folder, "record", "-o", str(path), *words, *counters(folder), **more)
    try:
        until(lambda: path.exists() and path.stat().st_size > WHOLE_BYTES)
        yield running, path
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends, "it never came so far"
        time.sleep(0.02)


def ended(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in said[1], said[1]
    return running.returncode, *said


def readable(path: Path) -> uj.Trace:
    """A trace whose figures hold: each count is what the script says it was."""
    trace = uj.load(path)
    energy = trace.energy()["package-0"]
    true_j = PACKAGE_W * trace.span.duration_ns * 1e-9
    assert energy.low <= true_j <= energy.high
    return trace


def by_signal(number: int) -> Callable[[Path], None]:
    def fault(folder: Path) -> None:
        with recording(folder) as (running, path):
            running.send_signal(number)
            assert running.wait(PATIENCE_S) == 0
            trace = readable(path)
            assert not trace.is_truncated

    fault.__doc__ = (
        f"`uj record` gets {signal.Signals(number).name} | the trace is whole and sealed; exit code 0"
    )
    return fault


def killed(folder: Path) -> None:
    """`uj record` is killed (-9) | every whole batch is read; the report says that it was not ended"""
    with recording(folder) as (running, path):
        running.kill()
        running.wait()
        assert readable(path).is_truncated
        done = subprocess.run([*UJ, "report", str(path)], capture_output=True, text=True, check=True)
        assert "was not ended" in done.stdout


def run_killed(folder: Path) -> None:
    """`uj run` is killed (-9) | its temporary folder is removed by the next run"""
    running = started(folder, "run", *counters(folder), "--", "sleep", "100")
    until(lambda: any((folder / "tmp").glob("*/run.arrows")))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert any((folder / "tmp").iterdir())
    other = started(folder, "run", *counters(folder), "--", "true")
    other.communicate(timeout=PATIENCE_S)
    assert other.returncode == 0
    assert list((folder / "tmp").iterdir()) == []


def stopped(folder: Path) -> None:
    """the recorder is stopped (SIGSTOP) for a second | missed ticks are counted, and no joule is lost"""
    with recording(folder) as (running, path):
        running.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        running.send_signal(signal.SIGCONT)
        size = path.stat().st_size
        until(lambda: path.stat().st_size > size)
        assert ended(running)[0] == 0
        assert readable(path).engine()["package-0"]["missed"] > 500


def cut_anywhere(folder: Path) -> None:
    """the file is cut at a byte of its last batches | what is whole is read and the cut is said"""
    with recording(folder) as (running, path):
        ended(running)
        data = path.read_bytes()
        cut = folder / "cut.arrows"
        for size in range(max(len(data) - 6000, WHOLE_BYTES), len(data), 61):
            cut.write_bytes(data[:size])
            assert uj.load(cut).is_truncated


def deleted(folder: Path) -> None:
    """the file is deleted while it is written | said at once; written again with all readings; exit code 1"""
    with recording(folder) as (running, path):
        path.unlink()
        until(path.exists)
        code, _, said = ended(running)
        assert code == 1
        assert "was deleted" in said
        assert readable(path).gaps[0].readings_lost == 0


def replaced(folder: Path) -> None:
    """another file takes its place | that file is left alone; the trace goes on beside it; exit code 1"""
    with recording(folder) as (running, path):
        (folder / "other").write_text("other")
        (folder / "other").replace(path)
        until((folder / "t.1.arrows").exists)
        code, out, _ = ended(running)
        assert (code, out) == (1, f"{folder / 't.1.arrows'}\n")
        assert path.read_text() == "other"
        readable(folder / "t.1.arrows")


def truncated(folder: Path) -> None:
    """another program truncates it | what was cut off is named with its time and number; exit code 1"""
    with recording(folder) as (running, path):
        os.truncate(path, 10)
        until(lambda: path.stat().st_size > WHOLE_BYTES)
        code, _, said = ended(running)
        assert code == 1
        assert "readings are lost" in said
        assert (readable(path).gaps[0].readings_lost or 0) > 0


def without_folder(folder: Path) -> None:
    """its folder is removed | the trace is kept among temporary files, which is said; exit code 1"""
    inner = folder / "inner"
    inner.mkdir()
    path = inner / "t.arrows"
    running = started(folder, "record", "-o", str(path), *counters(folder))
    until(lambda: path.exists() and path.stat().st_size > WHOLE_BYTES)
    shutil.rmtree(inner)
    time.sleep(1.5)
    code, out, said = ended(running)
    assert code == 1
    assert "was deleted with its folder" in said
    readable(Path(out.strip()))


def full_disk(folder: Path) -> None:
    """the disk is full for a second | batches wait in memory; nothing is lost; exit code 1"""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NotHere("nothing may be mounted")
    try:
        path = disk / "t.arrows"
        running = started(folder, "record", "--rate", "4000", "-o", str(path), *counters(folder))
        said = running.stderr.readline()
        assert "No space left on device" in said
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        until(lambda: path.stat().st_size > 1 << 16)
        assert ended(running)[0] == 1
        assert readable(path).gaps[0].readings_lost == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def refused_places(folder: Path) -> None:
    """/dev/full, no such folder, a folder, `/proc` | a sentence before anything runs; exit code 1"""
    for place in ("/dev/full", str(folder / "none" / "t.arrows"), str(folder), "/proc/t.arrows"):
        running = started(folder, "record", "-o", place, *counters(folder))
        out, said = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 1
        assert out == ""
        assert said.startswith("uj: Cannot write the trace")
        assert len(said.splitlines()) == 1


def broken_pipe(folder: Path) -> None:
    """the reader of a pipe goes away | said at once; exit code 1"""
    running = started(folder, "record", "-o", "/dev/stdout", *counters(folder))
    assert len(running.stdout.buffer.read(WHOLE_BYTES)) == WHOLE_BYTES
    running.stdout.close()
    said = running.stderr.readline()
    assert "Broken pipe" in said, said
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE_S) == 1
    running.stderr.close()


def few_descriptors(folder: Path) -> None:
    """there are too few file descriptors | a sentence and no traceback; the exit code is not 0"""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))

    running = started(folder, "run", *counters(folder), "--", "true", preexec_fn=limit)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode != 0
    assert "Traceback" not in said


def stubborn_command(folder: Path) -> None:
    """the command ignores SIGTERM | `uj run` waits for it and gives its code"""
    program = "trap '' TERM; touch ready; sleep 1; exit 7"
    running = started(folder, "run", *counters(folder), "--", "sh", "-c", program)
    until((folder / "ready").exists)
    running.terminate()
    running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 7


def daemon(folder: Path) -> None:
    """the command leaves a daemon behind | `uj run` ends with the command"""
    program = "sleep 30 >/dev/null 2>&1 & echo $! >daemon; exit 0"
    running = started(folder, "run", *counters(folder), "--", "sh", "-c", program)
    running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0
    os.kill(int((folder / "daemon").read_text()), signal.SIGKILL)


def closed_stderr(folder: Path) -> None:
    """standard error is closed | the recording goes on; exit code 0"""
    path = folder / "t.arrows"
    words = [*UJ, "record", "--for", "300ms", "-o", str(path), *counters(folder)]
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *words], capture_output=True, check=False)
    assert done.returncode == 0
    readable(path)


FAULTS: dict[str, Callable[[Path], None]] = {
    "kill -9": killed,
    "kill -9 of uj run": run_killed,
    "SIGTERM": by_signal(signal.SIGTERM),
    "SIGINT": by_signal(signal.SIGINT),
    "SIGHUP": by_signal(signal.SIGHUP),
    "SIGSTOP": stopped,
    "cut anywhere": cut_anywhere,
    "deleted": deleted,
    "replaced": replaced,
    "truncated": truncated,
    "folder removed": without_folder,
    "full disk": full_disk,
    "refused places": refused_places,
    "broken pipe": broken_pipe,
    "few descriptors": few_descriptors,
    "stubborn command": stubborn_command,
    "daemon": daemon,
    "closed stderr": closed_stderr,
}

HEAD = """# Reliability

What becomes of a recording when something goes wrong. `make faults` plays each of these against the installed
`uj` and writes this page; the tests play them too.

| fault | what happens | here |
|---|---|---|
"""
FOOT = """
Not played: EIO, ENODEV and short reads of a counter file (they need FUSE), a zone that disappears, a CPU that
goes offline, a stuck counter, a stepped wall clock, a fork at any moment, closed standard streams, exhausted
memory or processes, no `/proc` or `/dev/shm`, seccomp without `perf_event_open`, job control, setuid.
"""


def main() -> int:
    """Plays all faults, writes the page, and says whether all held."""
    rows, failed = [], 0
    for name, fault in FAULTS.items():
        with tempfile.TemporaryDirectory(prefix="uj-faults-") as folder:
            try:
                fault(Path(folder))
                found = "held"
            except NotHere as error:
                found = f"not played: {error}"
            except Exception as error:
                failed += 1
                found = f"**failed**: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        print(f"{name}: {found}")
        rows.append(
            f"| {' | '.join(part.strip() for part in (fault.__doc__ or name).split(' | '))} | {found} |"
        )
    where = f"\nPlayed on {platform.platform()}, Python {platform.python_version()}.\n"
    page = HERE.parent.parent / "docs" / "reliability.md"
    page.write_text(HEAD + "\n".join(rows) + "\n" + FOOT + where)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
