"""The text of ``perf script``: a paragraph a sample, a line for it and one for each frame, innermost first.

::

    python 18792/18792   829.388378406:    5025125 cpu-clock:
                     fa8f6 unicodekeys_lookup_unicode+0x66 (/usr/lib/libpython3.11.so.1.0)

Times are seconds of the clock that ``perf record -k`` chose; without it they are the scheduler's own, which
is near CLOCK_MONOTONIC and is not it (``perf_event_clock`` in kernel/events/core.c). A number behind the time
is the event's period, in the event's unit. Without ``-g`` the one frame is on the sample's line. A stack that
was seen before is known by its text, so that most samples cost one look; of such texts only so many are kept.
Names may be in any encoding: bytes that are not UTF-8 stay visible as escapes. A frame without a symbol is
called by its file, or ``[unknown]``; several of these in a row are one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from ...errors import ProfileError
from .chrome import opened
from .profile import UNKNOWN, Source, Tally
from .stacks import Samples, Sampling

NAME = "perf script"
NO_HEAD = "a line that is no sample"
_HEAD = re.compile(
    rb"^(?P<comm>\S.*?|\s*)\s+(?P<pid>-?\d+)(?:/(?P<tid>-?\d+))?\s+(?:\[\d+\]\s+)?(?P<s>\d+)\.(?P<f>\d+):"
    rb"(?:\s+\d+)?(?:\s+\S+:(?=\s|$))?"
)
_FRAME = re.compile(rb"^\s+(?P<ip>[0-9a-f]+)\s+(?P<symbol>.*?)(?:\s+\((?P<file>.*)\))?\s*$")
_LOST = re.compile(rb"PERF_RECORD_LOST|LOST\s+(\d+)\s+events")
_OFFSET = re.compile(rb"\+0x[0-9a-f]+$")
_PYTHON = re.compile(r"py::(?P<name>[^:]+):(?P<file>.*)")
_REMEDY = "Make it with: perf record -k CLOCK_MONOTONIC -g …; perf script --ns > FILE"
UNNAMED = "[unknown]"
_CHUNK = 1 << 18
_LONGEST = 1 << 26  # bytes of one paragraph; a text that never ends must not fill the memory
_KEPT, _ENTRY = 1 << 24, 200  # bytes of texts that are known at most; of each beside its own letters
_BESIDE = re.compile(rb"\n[^ \t]")  # a line that is no frame
_SPACE, _NO_HEAD = (b" ", b"\t", b""), (b" ", b"\t", b"", b"#")


class _Head(NamedTuple):
    command: str
    process: int
    thread: int
    t_ns: int
    frame: bytes  # without -g it is on the same line


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


def taken(stream: IO[bytes], path: Path, clock: str, period_ns: int | None, remedy: str = _REMEDY) -> Samples:
    """The samples in a stream of text, as it comes.

    Args:
        stream: The text.
        path: What to call it.
        clock: What its times are of.
        period_ns: The time between two samples of a thread; None: as they show it.
        remedy: What to do where nothing was sampled.

    Raises:
        ProfileError: There is no sample, or the stream ends in the middle of what is packed.
    """
    found = Sampling()
    names = _Names(found)
    wrong = lost = read_ = 0
    for head_line, body in _paragraphs(stream, path):
        count = _LOST.search(head_line)
        if count:
            lost += int(count[1] or 1)
            continue
        read_ += 1
        head = _head(head_line)
        if head is None:
            wrong += 1
            continue
        found.add(head.t_ns, names.node(head.command, body or head.frame), (head.process, head.thread))
    if not len(found):
        if wrong:
            raise ProfileError(f"{path} has no sample among its {wrong} paragraphs", _REMEDY)
        raise ProfileError(f"{path} has no sample", remedy)
    impossible = {NO_HEAD: wrong} if wrong else {}
    tally = Tally(read_, len(found), 0, 0, 0, impossible)
    source = Source(path=path, form=NAME, clock=clock, tally=tally, uuids={})
    processes = tuple(sorted({process for process, _ in found.threads.known}))
    return Samples(source, found, period_ns or found.usual_period_ns(), lost, processes)


class _Names:
    """The nodes of stacks by their text, and the names of frames by theirs.

    Args:
        found: Where nodes are made.
    """

    def __init__(self, found: Sampling) -> None:
        self._stacks = found.stacks
        self._nodes: dict[bytes, int] = {}
        self._names: dict[bytes, str] = {}
        self._bytes = 0

    def node(self, command: str, body: bytes) -> int:
        """The node of a sample; a thread's name may change, and what it ran is the same stack below it."""
        key = command.encode() + b"\0" + body
        node = self._nodes.get(key)
        if node is None:
            self._bytes += len(key) + _ENTRY
            if self._bytes > _KEPT:
                self._nodes, self._names, self._bytes = {}, {}, len(key)
            node = self._nodes[key] = self._stacks.of((command or "[no name]", *self._frames(body)))
        return node

    def _frames(self, body: bytes) -> list[str]:
        """The names of a stack, outermost first."""
        found: list[str] = []
        for line in reversed(body.splitlines()):
            name = self._names.get(line)
            if name is None:
                name = self._names[line] = _frame(line)
                self._bytes += len(line) + _ENTRY
            if name and (name != UNNAMED or not found or found[-1] != UNNAMED):
                found.append(name)
        return found


def _paragraphs(stream: IO[bytes], path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The first line of each paragraph, and the rest of it."""
    rest = b""
    try:
        while chunk := stream.read(_CHUNK):
            *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
            if len(rest) > _CHUNK:  # lines without an empty one between: samples without stacks
                text, rest = _at_a_head(rest)
                whole.append(text)
            for text in whole:
                yield from _of_text(text)
            if len(rest) > _LONGEST:
                raise ProfileError(f"{path} has a paragraph of more than {_LONGEST >> 20} MB", _REMEDY)
    except (EOFError, OSError, zlib.error) as error:  # a gzip that is cut or damaged
        raise ProfileError(f"{path} is cut or damaged: {error}", "Copy or pack it again") from error
    yield from _of_text(rest)


def _at_a_head(text: bytes) -> tuple[bytes, bytes]:
    """What is before the last line that begins a sample, and the text from there on."""
    end = len(text)
    while (end := text.rfind(b"\n", 0, end)) >= 0:
        if text[end + 1 : end + 2] not in _SPACE:
            return text[:end], text[end + 1 :]
    return b"", text


def _of_text(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The paragraphs in some text without an empty line: one, as a rule."""
    head, _, body = text.lstrip(b"\n").partition(b"\n")
    if head[:1] not in _NO_HEAD and not _BESIDE.search(body) and body[:1] in _SPACE:
        yield head.strip(), body
    else:
        yield from _line_by_line(text.splitlines(keepends=True))


def _line_by_line(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    head: bytes | None = None
    body: list[bytes] = []
    for line in lines:
        if line[:1] in _SPACE and line.strip():
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
        b" " + line[found.end() :].strip(),
    )


def _frame(line: bytes) -> str:
    """The name of a frame; empty: the line is none."""
    frame = _FRAME.match(line)
    return _called(_text(_OFFSET.sub(b"", frame["symbol"])), _text(frame["file"] or b"")) if frame else ""


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
