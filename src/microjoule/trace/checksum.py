"""Checksums that a trace carries in rows of its own, so that any tool may cut its batches otherwise.

A row ``@checksum`` ends each stretch of rows that was written at once: ``raw`` is the checksum of the rows
before it, back to the row ``@checksum`` before, ``read_ns`` the number of the stretch, from 0. Where the
stretch has labels or device times, the row ``@checksum/labels`` in front of it has their checksum, so that a
reader of energies need not decode them. The first stretch has a row ``@opening`` with the checksum of the
channel table (the lower 32 bits) and of the facts; the last has a row ``@seal``: the recording was ended,
and not cut.

A checksum is a multilinear hash modulo 2^64 (Lemire and Kaser, "Strongly universal string hashing is fast",
The Computer Journal 57, 2014): each value times an odd pseudo-random weight, all added up. It finds every
change that is confined to one value, whatever it is, and any other but for about one in 2^63. Labels, the
channel table and the facts have zlib's CRC-32, which finds every change within 32 bits and any other but for
one in 2^32. Neither protects against somebody who changes a file on purpose.

Decision: not the CRC-32 of all columns, nor that of a batch's bytes. The first takes as long as decoding
does (1.3 GiB/s; the hash 6 GiB/s); the second cannot lie in the batch that it is of, so that each batch
would need the next one, and no other tool could write the rows again. What was given up: a name that
everybody knows.

Channels count by their place in the canonical dictionary (``schema.dictionary``), not by the codes that a
tool may have given them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import is_valid, numbers, texts
from . import schema

METHOD = b"multilinear-64"
FACTS_SHIFT = 32
_BLOCK = 1 << 16
_MOD_MASK = (1 << 64) - 1
_BITS_32, _BITS_16 = np.uint64(32), np.uint64(16)
# Odd factors that tell columns and blocks apart: of the golden ratio and of splitmix64 (Steele et al., 2014).
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def of_rows(batch: pa.RecordBatch, place: npt.NDArray[np.uint16]) -> int:
    """The checksum of the rows of a batch, but for ``sensor_ns`` and ``label``; 64 bits.

    Args:
        batch: The rows.
        place: uint16, of each code of the batch's dictionary its place in the canonical one.
    """
    packed = numbers(batch.column("read_ns")).astype(np.uint64) << _BITS_32
    packed |= place[numbers(batch.column("channel").indices)].astype(np.uint64) << _BITS_16
    packed |= numbers(batch.column("status"))
    raw = batch.column("raw")
    columns = [numbers(batch.column("t_ns")).view(np.uint64), numbers(raw), packed]
    if raw.null_count:
        columns.append(is_valid(raw).astype(np.uint64))
    return _hash(columns)


def of_labels(batch: pa.RecordBatch) -> int | None:
    """The checksum of ``sensor_ns`` and ``label``, 64 bits; None: no row has either."""
    sensor, label = batch.column("sensor_ns"), batch.column("label")
    found = 0
    if sensor.null_count < len(sensor):
        found = _hash([numbers(sensor).view(np.uint64), is_valid(sensor).astype(np.uint64)])
    if label.null_count < len(label):
        at = np.flatnonzero(is_valid(label))
        words = zip(at.tolist(), texts(label, at), strict=True)
        found ^= crc32("".join(f"{row}\t{word}\n" for row, word in words).encode()) * _GOLDEN & _MOD_MASK
    return found or None


def of_opening(metadata: Mapping[bytes, bytes]) -> int:
    """The checksum of the channel table, and above ``FACTS_SHIFT`` bits that of the facts."""
    table = crc32(metadata.get(schema.KEY_CHANNELS, b""), crc32(metadata.get(schema.KEY_FORMAT, b"")))
    return table | crc32(metadata.get(schema.KEY_FACTS, b"")) << FACTS_SHIFT


def places(names: Iterable[str], canonical: Iterable[str]) -> npt.NDArray[np.uint16]:
    """Of each name its place among the canonical ones; what is not among them has the last place there is."""
    place = {name: number for number, name in enumerate(canonical)}
    return np.array([place.get(name, 0xFFFF) for name in names], np.uint16)


class Stretches:
    """Ends stretches of rows with their checksums, for whoever writes a trace.

    Args:
        own: Makes the recorder's own rows.
    """

    def __init__(self, own: schema.OwnRows) -> None:
        self._own = own
        self._places = np.arange(len(own.names), dtype=np.uint16)

    def opening(self, t_ns: int) -> pa.RecordBatch:
        """The row of the opening."""
        return self._own.batch([(t_ns, 0, schema.OPENING, of_opening(self._own.schema.metadata), None)])

    def seal(self, t_ns: int, number: int) -> pa.RecordBatch:
        """The row that ends the trace, in the stretch of that number."""
        return self._own.batch([(t_ns, 0, schema.SEAL, number, None)])

    def ended(self, batches: Sequence[pa.RecordBatch], t_ns: int, number: int) -> pa.RecordBatch:
        """The rows of some batches as a stretch, with its checksums.

        Args:
            batches: Their dictionary is the canonical one.
            t_ns: Now.
            number: Of the stretch.
        """
        whole = joined(batches)
        labels = of_labels(whole)
        if labels is not None:
            whole = joined([whole, self._own.batch([(t_ns, number, schema.CHECKSUM_LABELS, labels, None)])])
        found = of_rows(whole, self._places)
        return joined([whole, self._own.batch([(t_ns, number, schema.CHECKSUM, found, None)])])


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """The rows of several batches as one."""
    if len(batches) == 1:
        return batches[0]
    (whole,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return whole


def _hash(columns: Sequence[npt.NDArray[Any]]) -> int:
    """The sum over all values of value times weight, and over columns and blocks of sum times factor."""
    found = 0
    weights = _weights(min(_BLOCK, max(1 << (len(columns[0]) - 1).bit_length(), 1)))
    for number, values in enumerate(columns, start=1):
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            factor = (number << 40 | start // _BLOCK << 1 | 1) * _GOLDEN
            found += factor * int(np.dot(block, weights[: len(block)]))
    return (found + len(columns[0]) * _MIX_1) & _MOD_MASK


@lru_cache(maxsize=_BLOCK.bit_length() + 1)
def _weights(n: int) -> npt.NDArray[np.uint64]:
    """The first n odd weights: splitmix64."""
    z = (np.arange(1, n + 1, dtype=np.uint64)) * np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX_2)
    return z ^ (z >> np.uint64(31)) | np.uint64(1)
