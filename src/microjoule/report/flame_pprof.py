"""A flame graph as pprof reads it: a packed protocol buffer, https://github.com/google/pprof/tree/main/proto.

Two values a stack: samples, and energy in microjoules, which is shown first. Written by hand, because the
message needs two of the wire's types only: whole numbers of variable length, and fields of a stated length.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from typing import Any

from .flame_stacks import own_uj, path

Plain = Mapping[str, Any]

_LENGTH = 2  # the wire's type of a field whose length is stated


def pprof(found: Plain) -> bytes:
    """The profile, packed by gzip."""
    rows, texts = found["frames"], _Texts()
    functions: dict[str, int] = {}
    samples = []
    for number, energy in enumerate(own_uj(found)):
        if energy and number:
            stack = [
                functions.setdefault(rows[each]["name"], len(functions) + 1) for each in path(rows, number)
            ]
            inner_first = _packed(reversed(stack))
            samples.append(_field(1, inner_first) + _field(2, _packed((rows[number]["own_samples"], energy))))
    kinds = [("samples", "count"), ("energy", "microjoules")]
    out = b"".join(_field(1, _kind(texts, *each)) for each in kinds)
    out += b"".join(_field(2, each) for each in samples)
    for number in functions.values():
        line = _number(1, number)
        out += _field(4, _number(1, number) + _field(4, line))  # Location: id, line
    for name, number in functions.items():
        out += _field(5, _number(1, number) + _number(2, texts.of(name)) + _number(3, texts.of(name)))
    out += _number(9, found.get("time_ns", 0)) + _number(10, round(found["span_s"] * 1e9))
    out += _field(11, _kind(texts, *kinds[1])) + _number(12, 1)
    out += _number(14, texts.of("energy"))
    out += b"".join(_field(6, each.encode("utf-8", "replace")) for each in texts.known)
    return gzip.compress(out, mtime=0)


class _Texts:
    """The table of texts, of which the first one is empty."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {"": 0}

    def of(self, text: str) -> int:
        return self.known.setdefault(text, len(self.known))


def _kind(texts: _Texts, name: str, unit: str) -> bytes:
    return _number(1, texts.of(name)) + _number(2, texts.of(unit))


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _LENGTH) + _varint(len(content)) + content


def _packed(values: Iterable[int]) -> bytes:
    return b"".join(map(_varint, values))
