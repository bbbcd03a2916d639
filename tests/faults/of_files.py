"""What happens to the file of a recording, and to the disk and the pipe under it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

import microjoule as uj
from faults.play import (
    IS_SHORT,
    PATIENCE_S,
    UJ,
    WHOLE_BYTES,
    Fault,
    NotHere,
    counters,
    ended,
    readable,
    recording,
    started,
    until,
)
from faults.unruly import WRITES, unruly

CUT_BATCHES = 3
EVERY_BYTES = 97 if IS_SHORT else 1


def cut_anywhere(folder: Path) -> None:
    """the file is cut at any byte of its last three batches | whole batches are read; the cut is reported"""
    with recording(folder, "--rate", "200") as (running, path):
        until(lambda: len(batch_ends(path.read_bytes())) > CUT_BATCHES)
        ended(running)
        data = path.read_bytes()
        ends = batch_ends(data)
        energies = []
        cut = folder / "cut.arrows"
        for size in range(ends[-1 - CUT_BATCHES], len(data), EVERY_BYTES):
            cut.write_bytes(data[:size])
            trace = uj.load(cut)
            assert trace.is_truncated
            energies.append(trace.energy()["package-0"].low)
        assert energies == sorted(energies)
        assert len(set(energies)) == CUT_BATCHES  # the last batch, the seal, has no readings


def batch_ends(data: bytes) -> list[int]:
    """Where each batch of a stream with readings ends."""
    source = pa.BufferReader(data)
    messages = pa.ipc.MessageReader.open_stream(source)
    ends = []
    with contextlib.suppress(StopIteration, pa.ArrowInvalid):  # its end, whole or cut
        while True:
            if messages.read_next_message().type == "record batch":
                ends.append(source.tell())
    return ends


def deleted(folder: Path) -> None:
    """the file is deleted while it is written | reported at once; all is written again; exit code 1"""
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
    """its folder is removed | the trace is kept among temporary files, which is reported; exit code 1"""
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
    Path(out.strip()).unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NotHere("nothing may be mounted")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def full_disk(folder: Path) -> None:
    """the disk is full for a second | batches wait in memory; nothing is lost; exit code 1"""
    with small_disk(folder) as disk:
        path = disk / "t.arrows"
        running = started(folder, "record", "--rate", "4000", "-o", str(path), *counters(folder))
        assert running.stderr is not None
        assert "No space left on device" in running.stderr.readline()
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        until(lambda: path.stat().st_size > 1 << 16)
        assert ended(running)[0] == 1
        assert readable(path).gaps[0].readings_lost == 0


def failing_disk(folder: Path) -> None:
    """the disk fails (EIO) for two seconds | batches wait in memory; nothing is lost; exit code 1"""
    with unruly(folder) as (control, more), recording(folder, **more) as (running, path):
        control.set(WRITES, 5)
        time.sleep(2.0)
        control.set(WRITES, 0)
        size = path.stat().st_size
        until(lambda: path.stat().st_size > size)
        code, _, said = ended(running)
        assert code == 1
        assert "Input/output error" in said
        assert readable(path).gaps[0].readings_lost == 0


def read_only_disk(folder: Path) -> None:
    """the disk becomes read-only and stays so | what was written is kept, the rest counted; exit code 1"""
    with unruly(folder) as (control, more), recording(folder, **more) as (running, path):
        control.set(WRITES, 30)
        time.sleep(1.2)
        code, _, said = ended(running)
        assert code == 1
        assert "Read-only file system" in said
        assert "readings, are lost" in said
        assert readable(path).is_truncated


def refused_places(folder: Path) -> None:
    """/dev/full, no such folder, a folder, `/proc` | a one-line error before anything runs; exit code 1"""
    for place in ("/dev/full", str(folder / "none" / "t.arrows"), str(folder), "/proc/t.arrows"):
        running = started(folder, "record", "-o", place, *counters(folder))
        out, said = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 1
        assert out == ""
        assert said.startswith("uj: Cannot write the trace")
        assert len(said.splitlines()) == 1


def pipe(folder: Path) -> None:
    """a FIFO whose reader rests for two seconds | all of it arrives; exit code 0"""
    fifo = folder / "fifo.arrows"
    os.mkfifo(fifo)
    running = started(folder, "record", "--for", "4s", "-o", str(fifo), *counters(folder))
    with fifo.open("rb") as reader:
        parts = [reader.read(WHOLE_BYTES)]
        time.sleep(2.0)
        parts += itertools.takewhile(bool, iter(lambda: reader.read(1 << 16), b""))
    assert ended(running, None)[0] == 0
    (folder / "read.arrows").write_bytes(b"".join(parts))
    trace = readable(folder / "read.arrows")
    assert not trace.is_truncated
    assert not trace.gaps


def broken_pipe(folder: Path) -> None:
    """the reader of a pipe goes away | reported at once; exit code 1"""
    running = started(folder, "record", "-o", "/dev/stdout", *counters(folder))
    assert running.stdout is not None
    assert running.stderr is not None
    assert len(running.stdout.buffer.read(WHOLE_BYTES)) == WHOLE_BYTES
    running.stdout.close()
    said = running.stderr.readline()
    assert "Broken pipe" in said, said
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE_S) == 1
    running.stderr.close()


def report_into_broken_pipe(folder: Path) -> None:
    """the reader of a report goes away | `uj report` ends silently; `uj run` gives the command's code"""
    running = started(folder, "run", "-o", "t.arrows", *counters(folder), "--", "sh", "-c", "exit 7")
    assert running.stderr is not None
    assert running.stdout is not None
    running.stderr.close()
    running.stdout.close()
    assert running.wait(PATIENCE_S) == 7
    assert not readable(folder / "t.arrows").is_truncated
    words = 'set -o pipefail; "$@" | true'
    done = subprocess.run(
        ["bash", "-c", words, "bash", *UJ, "report", "--as", "json", str(folder / "t.arrows")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


FAULTS: dict[str, Fault] = {
    "cut anywhere": cut_anywhere,
    "deleted": deleted,
    "replaced": replaced,
    "truncated": truncated,
    "folder removed": without_folder,
    "full disk": full_disk,
    "failing disk": failing_disk,
    "read-only disk": read_only_disk,
    "refused places": refused_places,
    "FIFO": pipe,
    "broken pipe": broken_pipe,
    "report into a broken pipe": report_into_broken_pipe,
}
