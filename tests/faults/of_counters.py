"""What happens to the counters that a recording reads, and to the clocks."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import microjoule as uj
from faults.mounted import SHORT, mounted
from faults.play import Fault, ended, readable, recording_of, reported, until
from faults.unruly import (
    AHEAD_S,
    ANSWERED,
    COUNTER,
    CUT,
    EMPTY,
    GONE,
    LETTERS,
    NOISE,
    REMOVALS,
    STUCK,
    Control,
    tree,
    unruly,
)
from microjoule.channel.failed_read import NO_NUMBER

READS = 300  # that a counter answers wrongly


def disturbed(control: Control, path: Path, how: int) -> None:
    """Lets the counter answer so for some reads, and waits until good ones are in the file."""
    control.set(COUNTER, how)
    until(lambda: control.get(ANSWERED) > READS)
    control.set(COUNTER, 0)
    size = path.stat().st_size
    until(lambda: path.stat().st_size > size + 1000)


def failing(how: int, what: str, named: str) -> Fault:
    """A fault: reads fail for a while. No joule is lost, and the report says how many reads failed."""

    def fault(folder: Path) -> None:
        with unruly(folder) as (control, more), recording_of(folder, tree(folder), **more) as (running, path):
            disturbed(control, path, how)
            assert ended(running)[0] == 0
            errors = readable(path).engine()["package-0"]["errors"]
            assert errors >= READS
            said = reported(path)
            assert f"{errors:,} reads failed: {named}" in said or f"{errors} reads failed: {named}" in said

    fault.__doc__ = f"{what} | no joule is lost; the report has their number and the error"
    return fault


def on_fuse(how: str, what: str, named: str) -> Fault:
    """A fault: a real file system answers so for a while."""

    def fault(folder: Path) -> None:
        words = tree(folder)
        with (
            mounted(Path(words[-1])) as (root, answers),
            recording_of(folder, [*words[:-1], str(root)]) as (running, path),
        ):
            answers.write_text(how)
            until(lambda: failed_reads(path) > 100)
            answers.write_text("")
            last_ns = time.monotonic_ns()
            until(lambda: fresh(path, last_ns))
            assert ended(running)[0] == 0
            assert f"reads failed: {named}" in reported(path)
            readable(path)

    fault.__doc__ = (
        f"a file system (FUSE) {what} | no joule is lost; the report has their number and the error"
    )
    return fault


def failed_reads(path: Path) -> int:
    """How many reads of the counter have failed so far, of those in the file."""
    return int((uj.load(path).series("package-0").status != 0).sum())


def removed(folder: Path) -> None:
    """a powercap zone disappears and returns | it is read again; no joule is lost; failures are counted"""
    with unruly(folder) as (control, more), recording_of(folder, tree(folder), **more) as (running, path):
        control.set(REMOVALS, 1)
        disturbed(control, path, GONE)
        last_ns = time.monotonic_ns()
        until(lambda: fresh(path, last_ns))
        assert ended(running)[0] == 0
        assert readable(path).engine()["package-0"]["errors"] >= READS
        assert "reads failed: No such device" in reported(path)


def fresh(path: Path, since_ns: int) -> bool:
    """Whether a counter was read well after an instant."""
    series = uj.load(path).series("package-0")
    return bool((series.t_ns[series.status == 0] > since_ns).any())


def offline(folder: Path) -> None:
    """the CPU whose MSR is read goes offline and returns | no joule is lost; failed reads are counted"""
    words = tree(folder, "rapl_msr")
    with (
        unruly(folder, "cpu/0/msr") as (control, more),
        recording_of(folder, words, **more) as (running, path),
    ):
        disturbed(control, path, errno.ENXIO)
        assert ended(running)[0] == 0
        assert readable(path).engine()["package-0"]["errors"] >= READS
        assert "reads failed: No such device or address" in reported(path)


def stuck(folder: Path) -> None:
    """a counter stands still for a while and then jumps to where it should be | the interval holds"""
    with unruly(folder) as (control, more), recording_of(folder, tree(folder), **more) as (running, path):
        disturbed(control, path, STUCK)
        assert ended(running)[0] == 0
        readable(path)


def noise(folder: Path) -> None:
    """a counter answers random numbers for a while | no energy is given; the report says what was seen"""
    with unruly(folder) as (control, more), recording_of(folder, tree(folder), **more) as (running, path):
        disturbed(control, path, NOISE)
        assert ended(running)[0] == 0
        assert uj.load(path).energy()["package-0"].status == "reset"
        assert "reset" in reported(path)


def stepped_clock(folder: Path) -> None:
    """the wall clock is set forward by a day and back | no effect on energies and durations"""
    with unruly(folder) as (control, more), recording_of(folder, tree(folder), **more) as (running, path):
        for ahead_s in (86_400, -86_400, 0):
            control.set(AHEAD_S, ahead_s)
            size = path.stat().st_size
            until(lambda size=size: path.stat().st_size > size)
        assert ended(running)[0] == 0
        assert readable(path).span.duration_ns < 60e9


def _words(code: int) -> str:
    return f"reads of a counter fail: {errno.errorcode[code]}"


_FAILING: dict[str, tuple[int, str, str]] = {
    **{
        errno.errorcode[code]: (code, _words(code), os.strerror(code))
        for code in (errno.EIO, errno.EINTR, errno.EACCES, errno.ENODEV)
    },
    "short reads": (CUT, "reads of a counter end in the middle of the number", NO_NUMBER),
    "letters": (LETTERS, "a counter answers bytes that are no number", NO_NUMBER),
    "empty reads": (EMPTY, "a counter's file is empty", "No data available"),
}

FAULTS: dict[str, Callable[[Path], None]] = {
    **{name: failing(*one) for name, one in _FAILING.items()},
    "FUSE EIO": on_fuse(str(errno.EIO), "answers a counter's reads with EIO", os.strerror(errno.EIO)),
    "FUSE short reads": on_fuse(SHORT, "ends a counter's reads in the middle of the number", NO_NUMBER),
    "zone removed": removed,
    "CPU offline": offline,
    "stuck counter": stuck,
    "random numbers": noise,
    "stepped wall clock": stepped_clock,
}
