"""A Chrome JSON trace read piece by piece, so that half a gigabyte of it needs a few megabytes of memory.

An event whose text is no JSON is repaired where that is plain (:mod:`.chrome_text`), else left out; both are
counted, and the file is read on.

Decision: bytes are decoded as Latin-1, one character a byte, because JSON's own signs are ASCII. So a place
in the text is a place in the file, which writing back needs, and no chunk cuts a character; names are turned
into what they are by :func:`name`. What was given up: nothing.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import ProfileError
from .chrome_text import end_of, next_event, repaired

REMEDY = "Give a profile of a kind that `uj attribute --help` lists, unpacked or as .gz"
_CHUNK = 1 << 20
_LARGEST = 1 << 26  # bytes of one value; a string that never ends must not fill the memory
_NEAR_END = 16  # an error this near to what was read may be of what was not
_SPACE = re.compile(r"[ \t\r\n]*")
_GZIP = b"\x1f\x8b"


def name(text: str) -> str:
    """A string of the file as what it says; one that is not UTF-8 stays as it is."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def opened(path: Path) -> BinaryIO:
    """The file's text as bytes, unpacked if need be; the caller closes it.

    Raises:
        ProfileError: It cannot be opened.
    """
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == _GZIP
        return gzip.open(path) if is_packed else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise ProfileError(f"cannot open {path}: {error.strerror or error}", "Check the path") from error


class Document:
    """One Chrome JSON trace: an object with ``traceEvents``, or the bare array of them.

    Args:
        stream: Its bytes.
        path: What to call it in messages.

    Attributes:
        head: What the object says beside its events, as far as it was read.
        events_end: Where, in bytes, the array of events closes; None until it was reached.
        read: Events that the array has had so far.
        repaired: Of these, those whose text was made JSON.
        unreadable: Of these, those that could not be.
    """

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self.head: dict[str, Any] = {}
        self.events_end: int | None = None
        self.read = self.repaired = self.unreadable = 0
        self._stream, self._path = stream, path
        self._text, self._at, self._gone = "", 0, 0
        self._decoder = json.JSONDecoder(strict=False)

    def events(self) -> Iterator[dict[str, Any]]:
        """The events, each once, in the order of the file; ``head`` is whole after the last.

        Raises:
            ProfileError: The file is no such trace, is damaged, or ends too early.
        """
        opening = self._peek()
        if opening == "[":
            yield from self._array()
            return
        if opening != "{":
            raise ProfileError(f"{self._path} is not a Chrome trace", REMEDY)
        self._at += 1
        while (sign := self._peek()) != "}":
            if sign == ",":
                self._at += 1
                self._peek()
            key = self._value()
            if self._peek() != ":" or not isinstance(key, str):
                raise self._damaged()
            self._at += 1
            if key == "traceEvents" and self._peek() == "[":
                yield from self._array()
            else:
                self.head[name(key)] = self._value()
        if self.events_end is None:
            raise ProfileError(f"{self._path} is JSON without traceEvents", REMEDY)

    def _array(self) -> Iterator[dict[str, Any]]:
        self._at += 1
        while (sign := self._peek()) != "]":
            if sign == ",":
                self._at += 1
                continue
            event = self._event()
            self.read += 1
            if isinstance(event, dict):
                yield event
        self.events_end = self._gone + self._at
        self._at += 1

    def _event(self) -> Any:  # noqa: ANN401 - JSON is anything
        """The next value of the array; None where it cannot be read even when repaired."""
        try:
            return self._value()
        except ProfileError:
            end = self._found(end_of)
            if end is None:
                raise
        try:
            event = self._decoder.decode(repaired(self._text[self._at : end]))
            self.repaired += 1
        except (ValueError, RecursionError):
            event, end = None, self._found(next_event) or end
            self.unreadable += 1
        self._at = end
        return event

    def _found(self, search: Callable[[str, int], int | None]) -> int | None:
        """A place in the text at or after the present one, of which more is read while it is not there."""
        while True:
            found = search(self._text, self._at)
            if found is not None or len(self._text) - self._at > _LARGEST or not self._fill():
                return found

    def _peek(self) -> str:
        """The next sign that is no space; the place stands at it."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                raise self._cut()

    def _value(self) -> Any:  # noqa: ANN401 - JSON is anything
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                is_over = error.pos < len(self._text) - _NEAR_END and not error.msg.startswith("Unterminated")
                if is_over or len(self._text) - self._at > _LARGEST:
                    raise self._damaged() from error
                if not self._fill():
                    raise self._cut() from error
                continue
            except RecursionError as error:
                raise self._damaged("nests too deeply to be read") from error
            # A number may go on in the next chunk, or behind a point that is there already.
            if isinstance(value, int | float) and end > len(self._text) - _NEAR_END and self._fill():
                continue
            self._at = end
            return value

    def _fill(self) -> bool:
        try:
            chunk = self._stream.read(_CHUNK)
        except (OSError, EOFError) as error:  # a gzip that is cut, or none
            raise self._ended() from error
        if chunk:
            self._text = self._text[self._at :] + chunk.decode("latin-1")
            self._gone, self._at = self._gone + self._at, 0
        return bool(chunk)

    def _cut(self) -> ProfileError:
        if not self._gone and not self._text.strip():
            return ProfileError(f"{self._path} is empty", REMEDY)
        return self._ended()

    def _ended(self) -> ProfileError:
        return ProfileError(
            f"{self._path} ends in the middle of its JSON",
            "The profiler was stopped while it wrote, or the copy is not whole: export or copy it again",
        )

    def _damaged(self, what: str = "is no valid JSON") -> ProfileError:
        where = self._gone + self._at
        if not where or (where < _NEAR_END and not self.head and not self.read):
            return ProfileError(f"{self._path} is not a Chrome trace", REMEDY)
        return ProfileError(f"{self._path} {what} near byte {where}", "Export the profile again")
