"""Checksums that a trace carries in rows of its own, so that any tool may cut its batches otherwise.

A row ``@checksum`` ends each stretch of rows that was written at once: ``raw`` is the checksum of the rows
of the stretch before it, ``read_ns`` the number of the stretch in its file, from 0. The row ``@opening``
holds the checksum of the channel table and of the facts, and ``@seal``, in the last stretch, says that the
recording was ended and not cut.

A checksum is two of CRC-32 (zlib's): the lower half of the columns that every energy depends on, the upper
half of ``sensor_ns`` and ``label``, which a reading in parts may leave out. CRC-32 finds each error that
lies within 32 bits, and of any other all but one in 4.3 thousand million. It is no protection against
somebody who changes a file on purpose.

Channels count by their place in the canonical dictionary (``schema.dictionary``), not by the codes that a
tool may have given them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import is_valid, numbers, texts
from . import schema

UPPER = 32
_LOWER_MASK = (1 << UPPER) - 1
_NO_CODE = 0xFFFF


def of_rows(batch: pa.RecordBatch, start: int, stop: int, place: npt.NDArray[np.uint16]) -> int:
    """The checksum of some rows of a batch.

    Args:
        batch: All columns, or those of the lower half: then the upper half is 0.
        start: The first row.
        stop: The first row after them.
        place: uint16, of each code of the batch's dictionary its place in the canonical one.
    """
    rows = batch.slice(start, stop - start)
    codes = place[numbers(rows.column("channel").indices)]
    lower = 0
    for values in (
        numbers(rows.column("t_ns")),
        numbers(rows.column("read_ns")),
        codes,
        numbers(rows.column("raw")),
        is_valid(rows.column("raw")),
        numbers(rows.column("status")),
    ):
        lower = _crc32(values, lower)
    return lower | _upper(rows) << UPPER


def lower(checksum: int) -> int:
    """The half that is about the columns that every energy depends on."""
    return checksum & _LOWER_MASK


def of_opening(metadata: Mapping[bytes, bytes]) -> int:
    """The checksum of the channel table, and in the upper half that of the facts."""
    table = crc32(metadata.get(schema.KEY_CHANNELS, b""), crc32(metadata.get(schema.KEY_FORMAT, b"")))
    return table | crc32(metadata.get(schema.KEY_FACTS, b"")) << UPPER


def places(names: Iterable[str], canonical: Iterable[str]) -> npt.NDArray[np.uint16]:
    """Of each name its place among the canonical ones; what is not among them has the last place there is."""
    place = {name: number for number, name in enumerate(canonical)}
    return np.array([place.get(name, _NO_CODE) for name in names], np.uint16)


def _upper(rows: pa.RecordBatch) -> int:
    found = 0
    if "sensor_ns" in rows.schema.names:
        sensor = rows.column("sensor_ns")
        if sensor.null_count < len(sensor):
            found = _crc32(numbers(sensor))
            found = _crc32(is_valid(sensor), found)
    if "label" in rows.schema.names:
        label = rows.column("label")
        if label.null_count < len(label):
            at = np.flatnonzero(is_valid(label))
            for row, word in zip(at.tolist(), texts(label, at), strict=True):
                found = crc32(f"{row}\t{word}\n".encode(), found)
    return found


def _crc32(values: npt.NDArray[Any], start: int = 0) -> int:
    return crc32(np.ascontiguousarray(values).data, start)
