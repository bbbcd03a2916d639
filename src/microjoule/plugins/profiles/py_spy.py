"""What ``py-spy record -f chrometrace`` wrote: the Python stack of each thread, where it changed.

Begins (``B``) and ends (``E``) of frames, at the instants of samples. A stack that stayed is not repeated: it
is taken as a sample each period. Times are microseconds since py-spy started (``Instant::now`` in its
``chrometrace.rs``), and the file does not say when that was. A thread that waits is not sampled unless py-spy
was given ``--idle``, and its last stack then lasts until it runs again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ProfileError
from ...units import NS_PER_US
from .chrome import Document, name, opened
from .collecting import microseconds
from .profile import FROM_START, Source, Tally
from .stacks import ROOT, Samples, Sampling, runs

NAME = "py-spy"
UNENDED = "an end without a begin"
_SAME_NS = 50 * NS_PER_US  # events of one sample differ by this at most
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
    changes, other, wrong, read_ = _changes(path)
    times = np.unique(np.array([t for rows in changes.values() for t, _ in rows], np.int64))
    if not len(times):
        raise ProfileError(f"{path} has no sample", remedy)
    gaps = np.diff(times)
    gaps = gaps[gaps > _SAME_NS]
    # The shortest gap that is usual: a stack may stay for any number of periods.
    period = period_ns or int(np.quantile(gaps, 0.05) if len(gaps) else NS_PER_US * 10_000)
    sampling = Sampling()
    for thread, rows in changes.items():
        node, since = ROOT, 0
        for t, stack in [*rows, (rows[-1][0], ())]:
            if node != ROOT:
                for instant in runs(since, max(t, since + 1), period):
                    sampling.add(instant, node, thread)
            shown = [frame for frame in stack if not without or without not in frame]
            node, since = sampling.stacks.of(shown), t
    if not len(sampling):
        raise ProfileError(f"{path} has no sample", _REMEDY)
    used = read_ - other - wrong
    tally = Tally(read_, used, other, 0, 0, {UNENDED: wrong} if wrong else {})
    source = Source(path=path, form=NAME, clock=FROM_START, tally=tally, uuids={})
    return Samples(source, sampling, period, 0)


_Changes = dict[tuple[Any, Any], list[tuple[int, tuple[str, ...]]]]


def _changes(path: Path) -> tuple[_Changes, int, int, int]:
    """By thread when its stack changed and to what; then events of other kinds, wrong ones, and all."""
    open_: dict[tuple[Any, Any], list[str]] = {}
    found: _Changes = {}
    other = wrong = 0
    with opened(path) as stream:
        document = Document(stream, path)
        for event in document.events():
            t, phase = microseconds(event.get("ts")), event.get("ph")
            if phase not in ("B", "E") or t is None:
                other += 1
                continue
            thread = event.get("pid"), event.get("tid")
            stack = open_.setdefault(thread, [])
            if phase == "B":
                stack.append(_called(event))
            elif stack:
                stack.pop()
            else:
                wrong += 1
            rows = found.setdefault(thread, [])
            if rows and t - rows[-1][0] <= _SAME_NS:
                rows[-1] = rows[-1][0], tuple(stack)
            else:
                rows.append((t, tuple(stack)))
    return found, other, wrong, document.read


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
