"""The text of ``perf script``: a paragraph a sample, a line for it and one for each frame, innermost first.

::

    python 18792/18792   829.388378406:    5025125 cpu-clock:
                     fa8f6 unicodekeys_lookup_unicode+0x66 (/usr/lib/libpython3.11.so.1.0)

Times are seconds of the clock that ``perf record -k`` chose; without it they are the scheduler's own, which
is near CLOCK_MONOTONIC and is not it (``perf_event_clock`` in kernel/events/core.c). A number behind the time
is the event's period: of ``cpu-clock`` nanoseconds, of others their own unit. A paragraph that was seen
before is known by its text, so that most samples cost one look. Names may be in any encoding: bytes that are
not UTF-8 stay visible as escapes. A frame without a symbol is called by its file, or ``[unknown]``; several
of these in a row are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import ProfileError
from .chrome import opened
from .profile import UNKNOWN, Source, Tally
from .stacks import Samples, Sampling

NAME = "perf script"
NO_HEAD = "a line that is no sample"
_HEAD = re.compile(
    rb"^(?P<comm>\S.*?|\s*)\s+(?P<pid>-?\d+)(?:/(?P<tid>-?\d+))?\s+(?:\[\d+\]\s+)?(?P<s>\d+)\.(?P<f>\d+):"
    rb"(?:\s+(?P<period>\d+))?(?:\s+(?P<event>[^\s:]+[^:]*):)?"
)
_FRAME = re.compile(rb"^\s+(?P<ip>[0-9a-f]+)\s+(?P<symbol>.*?)(?:\s+\((?P<file>.*)\))?\s*$")
_LOST = re.compile(rb"PERF_RECORD_LOST|LOST\s+(\d+)\s+events")
_OFFSET = re.compile(rb"\+0x[0-9a-f]+$")
_PYTHON = re.compile(r"py::(?P<name>[^:]+):(?P<file>.*)")
_REMEDY = "Make it with: perf record -k CLOCK_MONOTONIC -g …; perf script --ns > FILE"
UNNAMED = "[unknown]"


class _Head(NamedTuple):
    command: str
    process: int
    thread: int
    t_ns: int
    period: int
    event: str


def is_mine(opening: str) -> bool:
    """Whether a file that opens so is of this form."""
    lines = [line for line in opening.splitlines()[:40] if line.strip() and not line.startswith("#")]
    return bool(lines) and _HEAD.match(lines[0].encode("latin-1", "replace")) is not None


def read(path: Path, clock: str = UNKNOWN, period_ns: int | None = None) -> Samples:
    """The samples in a file, plain or packed by gzip.

    Args:
        path: The file.
        clock: What its times are of.
        period_ns: The time between two samples of a thread; None: as the file shows it.

    Raises:
        ProfileError: It cannot be opened or has no sample.
    """
    with opened(path) as stream:
        return taken(stream, path, clock, period_ns)


def taken(
    stream: Iterable[bytes], path: Path, clock: str, period_ns: int | None, remedy: str = _REMEDY
) -> Samples:
    """The samples in lines of text, as they come.

    Args:
        stream: The lines.
        path: What to call them.
        clock: What their times are of.
        period_ns: The time between two samples of a thread; None: as they show it.
        remedy: What to do where nothing was sampled.

    Raises:
        ProfileError: There is no sample.
    """
    found = Sampling()
    known: dict[bytes, int] = {}
    wrong = lost = read_ = 0
    for head_line, body in _paragraphs(stream):
        count = _LOST.search(head_line)
        if count:
            lost += int(count[1] or 1)
            continue
        read_ += 1
        head = _head(head_line)
        if head is None:
            wrong += 1
            continue
        # A thread's name may change; what it ran is known from the stack and the command.
        key = head.command.encode() + b"\0" + body
        node = known.get(key)
        if node is None:
            node = known[key] = found.stacks.of((head.command or "[no name]", *_frames(body)))
        found.add(head.t_ns, node, (head.process, head.thread))
    if not len(found):
        if wrong:
            raise ProfileError(f"{path} has no sample among its {wrong} paragraphs", _REMEDY)
        raise ProfileError(f"{path} has no sample", remedy)
    t, nodes, threads = found.columns()
    impossible = {NO_HEAD: wrong} if wrong else {}
    tally = Tally(read_, len(t), 0, 0, 0, impossible)
    source = Source(path=path, form=NAME, clock=clock, tally=tally, uuids={})
    processes = tuple(sorted({process for process, _ in found.threads.known}))
    period_ns = period_ns or found.usual_period_ns()
    return Samples(source, found.stacks, t, nodes, threads, period_ns, lost, processes)


def _paragraphs(stream: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The first line of each paragraph, and the rest of it."""
    head: bytes | None = None
    body: list[bytes] = []
    for line in stream:
        if line[:1] in b" \t" and line.strip():
            if head is None and _HEAD.match(line.lstrip()):
                head = line.strip()  # a command's name is padded on the left
            elif head is not None:
                body.append(line)
            continue
        if head is not None:
            yield head, b"".join(body)
            head, body = None, []
        if line.strip() and not line.startswith(b"#"):
            head = line.strip()
    if head is not None:
        yield head, b"".join(body)


def _head(line: bytes) -> _Head | None:
    found = _HEAD.match(line)
    if not found:
        return None
    # Nanoseconds from the digits themselves: a float has none left.
    fraction = found["f"][:9].ljust(9, b"0")
    return _Head(
        _text(found["comm"]).strip(),
        int(found["pid"]),
        int(found["tid"] or found["pid"]),
        int(found["s"]) * 1_000_000_000 + int(fraction),
        int(found["period"] or 0),
        _text(found["event"] or b""),
    )


def _frames(body: bytes) -> list[str]:
    """The names of a stack, outermost first."""
    found: list[str] = []
    for line in reversed(body.splitlines()):
        frame = _FRAME.match(line)
        if frame:
            name = _called(_text(_OFFSET.sub(b"", frame["symbol"])), _text(frame["file"] or b""))
            if name != UNNAMED or not found or found[-1] != UNNAMED:
                found.append(name)
    return found


def _called(symbol: str, file: str) -> str:
    python = _PYTHON.fullmatch(symbol)
    if python:
        return f"{python['name']} ({python['file'].rpartition('/')[2]})"
    if symbol and symbol != UNNAMED:
        return symbol
    short = file.rpartition("/")[2]
    is_file = bool(short) and short not in ("[unknown]", "unknown") and not short.startswith("perf-")
    return f"[{short}]" if is_file else UNNAMED


def _text(of: bytes) -> str:
    return of.decode("utf-8", "backslashreplace")
