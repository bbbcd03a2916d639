"""What ``py-spy record -f chrometrace`` wrote: the Python stack of each thread, where it changed.

Begins (``B``) and ends (``E``) of frames, at the instants of samples. A stack that stayed is not repeated: it
is taken as a sample each period. Times are microseconds since py-spy started (``Instant::now`` in its
``chrometrace.rs``), and the file does not say when that was. A thread that waits is not sampled unless py-spy
was given ``--idle``, and its last stack then lasts until it runs again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ProfileError
from ...spool import Spool
from ...units import NS_PER_US
from .chrome import Document, name, opened
from .collecting import microseconds
from .profile import FROM_START, Source, Tally
from .stacks import BLOCK, ROOT, Samples, Sampling, runs

NAME = "py-spy"
UNENDED = "an end without a begin"
_SAME_NS = 50 * NS_PER_US  # events of one sample differ by this at most
_FIRST = 1 << 17  # changes that say how long a period is
_ROW = np.dtype([("t_ns", np.int64), ("node", np.int32), ("thread", np.int32)])
_PROCESS = re.compile(r'process \d+:"(.*)"', re.DOTALL)
_REMEDY = "Make it with: py-spy record -f chrometrace -o FILE -- COMMAND"


def is_mine(opening: str) -> bool:
    """Whether a file that opens so is of this form."""
    return '"cat":"py-spy"' in opening or '"cat": "py-spy"' in opening


def read(path: Path, period_ns: int | None = None, without: str = "", remedy: str = _REMEDY) -> Samples:
    """The samples in a file.

    Args:
        path: The file.
        period_ns: The time between two samples; None: as the file shows it.
        without: Frames that hold this text are left out; empty: none.
        remedy: What to do where nothing was sampled.

    Raises:
        ProfileError: It cannot be opened, is damaged or cut, or has no sample.
    """
    sampling = Sampling()
    found = _Changes(sampling, without)
    with opened(path) as stream:
        document = Document(stream, path)
        for event in document.events():
            found.take(event)
    found.ended()
    period = period_ns or found.usual_period_ns()
    for t, until, node, thread in found.stays():
        for instant in runs(t, until, period):
            sampling.add(instant, node, thread)
    if not len(sampling):
        raise ProfileError(f"{path} has no sample", remedy)
    used = document.read - found.other - found.wrong
    impossible = {UNENDED: found.wrong} if found.wrong else {}
    tally = Tally(document.read, used, found.other, 0, 0, impossible)
    source = Source(path=path, form=NAME, clock=FROM_START, tally=tally, uuids={})
    return Samples(source, sampling, period, 0)


class _Changes:
    """When the stack of each thread changed, and to what.

    Args:
        sampling: Has the tree of stacks.
        without: Frames that hold this text are left out; empty: none.

    Attributes:
        other: Events of other kinds.
        wrong: Ends without a begin.
    """

    def __init__(self, sampling: Sampling, without: str) -> None:
        self.other = self.wrong = 0
        self._stacks, self._threads, self._without = sampling.stacks, sampling.threads, without
        self._open: dict[int, list[int]] = {}
        self._last: dict[int, tuple[int, int]] = {}  # of each thread: since when, and which node
        self._rows: list[tuple[int, int, int]] = []
        self._kept = Spool(_ROW)

    def take(self, event: dict[str, Any]) -> None:
        """Takes the next event."""
        t, phase = microseconds(event.get("ts")), event.get("ph")
        if phase not in ("B", "E") or t is None:
            self.other += 1
            return
        thread = self._threads.of((event.get("pid"), event.get("tid")))
        stack = self._open.setdefault(thread, [])
        if phase == "B":
            around = stack[-1] if stack else ROOT
            label = _called(event)
            is_shown = not self._without or self._without not in label
            stack.append(self._stacks.node(around, label) if is_shown else around)
        elif stack:
            stack.pop()
        else:
            self.wrong += 1
        since, node = self._last.get(thread, (t, ROOT))
        if t - since > _SAME_NS:
            self._keep(since, node, thread)
            since = t
        self._last[thread] = since, stack[-1] if stack else ROOT

    def _keep(self, t: int, node: int, thread: int) -> None:
        self._rows.append((t, node, thread))
        if len(self._rows) == BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._kept.add(np.array(self._rows, _ROW))
        self._rows.clear()

    def ended(self) -> None:
        """Says that all events came."""
        for thread, (since, node) in self._last.items():
            self._keep(since, node, thread)
        self._flush()

    def usual_period_ns(self) -> int:
        """The shortest gap between changes that is usual: a stack may stay for any number of periods."""
        first = next(self._kept.blocks(size=_FIRST), np.empty(0, _ROW))
        gaps = np.diff(np.unique(first["t_ns"]))
        gaps = gaps[gaps > _SAME_NS]
        return int(np.quantile(gaps, 0.05)) if len(gaps) else NS_PER_US * 10_000

    def stays(self) -> Iterator[tuple[int, int, int, int]]:
        """From when until when a thread was in a stack, the stack's node, and the thread.

        Until when it was in its last one the profile does not say: that is an instant.
        """
        last: dict[int, tuple[int, int]] = {}
        for rows in self._kept.blocks(size=BLOCK):
            for t, node, thread in rows.tolist():
                since, before = last.get(thread, (t, ROOT))
                if before != ROOT:
                    yield since, max(t, since + 1), before, thread
                last[thread] = t, node
        for thread, (since, node) in last.items():
            if node != ROOT:
                yield since, since + 1, node, thread


def _called(event: dict[str, Any]) -> str:
    """The function and its file; of the frame that stands for a process its command."""
    arguments = event.get("args")
    file = str(arguments.get("filename", "")) if isinstance(arguments, dict) else ""
    short = name(file).rpartition("/")[2]
    label = name(str(event.get("name", "")))
    process = _PROCESS.fullmatch(label)
    if process:
        return process[1]
    return f"{label} ({short})" if short else label
