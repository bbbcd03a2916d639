"""The messages of an Arrow stream, found by their frames alone, whatever lies between them.

A message is a marker of four bytes FF, the length of its metadata, the metadata (a flatbuffer: Arrow's
``format/Message.fbs``), and a body whose length the metadata says. Arrow's own reader ends where one of
these is damaged; here the search goes on with the next marker that begins a message. And it decompresses
what a body claims to hold; here that is looked at first: a file of some kilobytes could claim terabytes.

Only what is needed is read of the flatbuffer, and nothing in it is trusted.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple, Protocol

MARKER = b"\xff\xff\xff\xff"
ALIGNMENT = 8
METADATA_MAX = 1 << 28
# Real traces decompress to at most 40 times their bytes.
RATIO_MAX, DECODED_MIN, DECODED_MAX = 1000, 1 << 24, 1 << 32
CUT = "it is cut"
_HEAD_BYTES = 4096
_SEARCH_BYTES = 1 << 20


class Kind(IntEnum):
    """What a message is: Arrow's MessageHeader."""

    SCHEMA = 1
    DICTIONARY = 2
    BATCH = 3


class Message(NamedTuple):
    """A whole message: what it is, and the bytes from ``begin`` to ``end``."""

    kind: Kind
    begin: int
    end: int


class Break(NamedTuple):
    """Bytes from ``begin`` to ``end`` that are no whole message, and why."""

    begin: int
    end: int
    why: str


class End(NamedTuple):
    """The end of the stream, from ``begin`` on."""

    begin: int


class Source(Protocol):
    """Bytes that are read by their place."""

    size: int

    def read(self, begin: int, n: int) -> bytes:
        """Up to n bytes from ``begin`` on; fewer at the end."""


class FileSource:
    """The bytes of an open file.

    Args:
        descriptor: Of the file.
        begin: What counts as its beginning.
    """

    def __init__(self, descriptor: int, begin: int = 0) -> None:
        self._descriptor = descriptor
        self._begin = begin
        self.size = os.fstat(descriptor).st_size - begin

    def read(self, begin: int, n: int) -> bytes:
        """Up to n bytes from ``begin`` on; fewer at the end."""
        return os.pread(self._descriptor, n, self._begin + begin)


class _Bad(Exception):
    """These bytes begin no message."""


def messages(source: Source, begin: int = 0) -> Iterator[Message | Break | End]:
    """The messages of a stream in their order, with what lies between them.

    Nothing but a break follows an end. A stream that stops without an end stops here too, with a break where
    it stops inside a message.

    Args:
        source: The bytes.
        begin: Where a message begins.
    """
    at = begin
    while at < source.size:
        try:
            found = _message(source, at)
        except _Bad as bad:
            behind = _next(source, at + 1)
            yield Break(at, behind, str(bad))
            at = behind
            continue
        yield found
        if isinstance(found, End):
            at += 2 * len(MARKER)
            if at < source.size:
                behind = _next(source, at)
                yield Break(at, behind, "bytes follow the end of the stream")
                at = behind
            continue
        at = found.end


def _next(source: Source, begin: int) -> int:
    """Where the next message begins that can be one; the end of the bytes where none does."""
    at = begin
    while at < source.size:
        some = source.read(at, _SEARCH_BYTES + len(MARKER))
        offset = some.find(MARKER)
        while offset >= 0:
            place = at + offset  # of any alignment: bytes may be missing or too many before it
            if _is_message(source, place):
                return place
            offset = some.find(MARKER, offset + 1)
        at += _SEARCH_BYTES
    return source.size


def _is_message(source: Source, at: int) -> bool:
    try:
        found = _message(source, at)
    except _Bad:
        return False
    return isinstance(found, Message) and found.kind is Kind.BATCH


def _message(source: Source, at: int) -> Message | End:
    head = source.read(at, _HEAD_BYTES)
    if len(head) < 2 * len(MARKER):
        raise _Bad(CUT)
    if head[:4] != MARKER:
        raise _Bad("no message begins here")
    (length,) = struct.unpack_from("<i", head, 4)
    if length == 0:
        return End(at)
    if not 0 < length <= METADATA_MAX or length % ALIGNMENT:
        raise _Bad("its metadata has no possible length")
    if len(head) < length + ALIGNMENT:
        head = source.read(at, length + ALIGNMENT)
    if len(head) < length + ALIGNMENT:
        raise _Bad(CUT)
    try:
        return _parsed(source, at, head[ALIGNMENT : ALIGNMENT + length])
    except (struct.error, ValueError, IndexError) as error:
        raise _Bad("its metadata makes no sense") from error


def _parsed(source: Source, at: int, metadata: bytes) -> Message:
    table = _Table(metadata, _unsigned("<I", metadata, 0))
    kind = Kind(table.scalar(1, "<B"))
    body = table.scalar(3, "<q")
    begin = at + ALIGNMENT + len(metadata)
    if body < 0 or body % ALIGNMENT:
        raise _Bad("its body has no possible length")
    if begin + body > source.size:
        raise _Bad(CUT)
    if kind is not Kind.SCHEMA:
        batch = table.table(2) if kind is Kind.BATCH else table.table(2).table(1)
        _check_size(source, batch, begin, body)
    return Message(kind, at, begin + body)


def _check_size(source: Source, batch: _Table, begin: int, body: int) -> None:
    """Refuses a batch that would decompress to more than a trace can hold."""
    if not batch.has(3):
        return
    total = 0
    for offset, length in batch.pairs(2):
        if offset < 0 or length < 0 or offset + length > body:
            raise _Bad("a buffer of it lies outside it")
        if length:
            decoded = _unsigned("<q", source.read(begin + offset, 8), 0, least=-1)
            total += max(decoded, length)
    if total > min(max(RATIO_MAX * body, DECODED_MIN), DECODED_MAX):
        raise _Bad(f"it would decompress to {total:,} bytes")


class _Table:
    """A table of a flatbuffer."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        (back,) = struct.unpack_from("<i", data, at)
        self._fields = at - back
        if self._fields < 0:
            raise ValueError
        self._size = _unsigned("<H", data, self._fields)

    def has(self, number: int) -> bool:
        """Whether a field is there."""
        return self._place(number) is not None

    def scalar(self, number: int, form: str) -> int:
        """A number; 0 where it is not there."""
        place = self._place(number)
        if place is None:
            return 0
        (value,) = struct.unpack_from(form, self._data, place)
        return int(value)

    def table(self, number: int) -> _Table:
        """The table that a field points to."""
        return _Table(self._data, self._pointed(number))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """A vector of pairs of 64-bit numbers."""
        at = self._pointed(number)
        n = _unsigned("<I", self._data, at)
        if n > len(self._data) // 16:
            raise ValueError
        return [struct.unpack_from("<qq", self._data, at + 4 + 16 * i) for i in range(n)]

    def _pointed(self, number: int) -> int:
        place = self._place(number)
        if place is None:
            raise ValueError
        return place + _unsigned("<I", self._data, place)

    def _place(self, number: int) -> int | None:
        slot = 4 + 2 * number
        if slot + 2 > self._size:
            return None
        offset = _unsigned("<H", self._data, self._fields + slot)
        return self._at + offset if offset else None


def _unsigned(form: str, data: bytes, at: int, least: int = 0) -> int:
    (value,) = struct.unpack_from(form, data, at)
    if value < least:
        raise ValueError
    return int(value)
