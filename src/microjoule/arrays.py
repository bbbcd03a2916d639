"""Arrays of numpy and of Arrow, and how one becomes the other by its buffers, without any further import.

Decision: none of pyarrow's own conversions (``pa.array``, ``pa.scalar``, ``Array.to_numpy``), each of which
imports pandas where it is installed, to recognise pandas' types; and none of its ``take`` and ``filter``,
which import all of ``pyarrow.compute``. ``numpy.unique`` imports ``numpy.ma``. Together they took 0.35 s of
CPU time and 55 MB in the program that is being measured. What was given up: some lines of Arrow's layout,
which is a published standard (https://arrow.apache.org/docs/format/Columnar.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bools = npt.NDArray[np.bool_]
Columns = TypeVar("Columns", bound=tuple[Any, ...])


def distinct(*parts: npt.ArrayLike) -> npt.NDArray[Any]:
    """The different values of some arrays of one dimension, ascending.

    ``np.unique`` does the same and imports ``numpy.ma`` the first time, which takes 10 ms and 2 MB.
    """
    ordered = np.sort(np.concatenate([np.asarray(part) for part in parts]))
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def runs(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """int64[m], where runs of equal values begin; and int64[n], the number of the run that each is in."""
    is_first = np.ones(len(values), np.bool_)
    is_first[1:] = values[1:] != values[:-1]
    return np.flatnonzero(is_first), np.cumsum(is_first) - 1


def taken(columns: Columns, rows: npt.NDArray[np.int64] | Bools) -> Columns:
    """Some rows of a named tuple of arrays, or of such tuples."""
    some = (taken(each, rows) if isinstance(each, tuple) else each[rows] for each in columns)
    found: Columns = type(columns)(*some)
    return found


def numbers(column: pa.Array | pa.ChunkedArray, fill: int = 0) -> npt.NDArray[Any]:
    """The integers or floats of a column as a numpy array; a view where it has one chunk and no null.

    Args:
        column: Of a primitive type, not bool.
        fill: What a null becomes.
    """
    dtype = np.dtype(str(column.type).replace("double", "float64"))
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [_part(chunk, dtype, fill) for chunk in chunks if len(chunk)]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def is_valid(column: pa.Array | pa.ChunkedArray) -> Bools:
    """Which values of a column are not null."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [_valid(chunk) for chunk in chunks]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, np.bool_)


def array(values: npt.NDArray[Any], missing: Bools | None = None) -> pa.Array:
    """An Arrow array that shares the memory of a numpy array of integers, floats or bools (these are packed).

    Args:
        values: Of one dimension.
        missing: Which are null; None: none is.
    """
    n_missing = 0 if missing is None else int(np.count_nonzero(missing))
    valid = pa.py_buffer(_packed(~missing)) if missing is not None and n_missing else None
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(
            pa.bool_(), len(values), [valid, pa.py_buffer(_packed(values))], n_missing
        )
    type_of = getattr(pa, values.dtype.name)()
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(type_of, len(values), [valid, data], n_missing)


def text(values: Sequence[str | None]) -> pa.Array:
    """An Arrow array of utf8; None is null."""
    coded = [b"" if value is None else value.encode() for value in values]
    ends = np.zeros(len(coded) + 1, np.int32)
    np.cumsum([len(each) for each in coded], out=ends[1:])
    n_missing = sum(value is None for value in values)
    valid = pa.py_buffer(_packed(np.array([value is not None for value in values], np.bool_)))
    buffers = [valid if n_missing else None, pa.py_buffer(ends), pa.py_buffer(b"".join(coded))]
    return pa.Array.from_buffers(pa.utf8(), len(coded), buffers, n_missing)


def texts(column: pa.Array | pa.ChunkedArray, rows: npt.NDArray[np.int64]) -> list[str | None]:
    """The texts at some rows of a column of utf8 or large_utf8, which was validated before.

    Args:
        column: The texts.
        rows: int64[n], ascending.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    first = np.concatenate(([0], np.cumsum([len(chunk) for chunk in chunks], dtype=np.int64)))
    bounds = np.searchsorted(rows, first)
    found: list[str | None] = []
    for at in np.flatnonzero(bounds[1:] > bounds[:-1]).tolist():
        found += _texts(chunks[at], rows[bounds[at] : bounds[at + 1]] - first[at])
    return found


class Texts:
    """Some texts of a column, of which each is decoded where somebody asks for it.

    Args:
        column: Of utf8 or large_utf8, which was validated before.
        rows: int64[n], which rows of it.
    """

    def __init__(self, column: pa.Array | pa.ChunkedArray, rows: npt.NDArray[np.int64]) -> None:
        self._column, self._rows = column, rows

    def at(self, some: npt.NDArray[np.int64]) -> list[str]:
        """The texts with these numbers, from 0; of a null the empty one."""
        rows = self._rows[some]
        if not (rows[1:] < rows[:-1]).any():
            return [each or "" for each in texts(self._column, rows)]
        order = np.argsort(rows, kind="stable")
        ordered = texts(self._column, rows[order])
        return [ordered[at] or "" for at in np.argsort(order).tolist()]

    def may_contain(self, word: str) -> bool:
        """Whether the column holds a word anywhere, in these rows or in others."""
        chunks = self._column.chunks if isinstance(self._column, pa.ChunkedArray) else [self._column]
        data = (chunk.buffers()[-1] for chunk in chunks)
        return any(word.encode() in held.to_pybytes() for held in data if held is not None)


def filtered(batch: pa.RecordBatch, keep: Bools) -> pa.RecordBatch:
    """The rows of a batch that are to be kept, in memory of their own.

    Args:
        batch: Of columns of numbers, of text, and of words with uint16 codes.
        keep: bool, for each row.
    """
    rows = np.flatnonzero(keep)

    def column(whole: pa.Array) -> pa.Array:
        if pa.types.is_dictionary(whole.type):
            codes = array(numbers(whole.indices)[rows])
            return pa.DictionaryArray.from_arrays(codes, whole.dictionary, safe=False)
        if pa.types.is_string(whole.type):
            return _some_text(whole, rows)
        return array(numbers(whole)[rows], ~is_valid(whole)[rows] if whole.null_count else None)

    return pa.RecordBatch.from_arrays([column(each) for each in batch.columns], schema=batch.schema)


def _some_text(whole: pa.Array, rows: npt.NDArray[np.int64]) -> pa.Array:
    """Some rows of an array of utf8, copied as bytes: a label is decoded where it is read."""
    there = is_valid(whole)[rows]
    if not there.any():
        return text([None] * len(rows))
    _, offsets, data = whole.buffers()
    at = np.frombuffer(offsets, np.int32, whole.offset + len(whole) + 1)[whole.offset :].astype(np.int64)
    length = np.where(there, at[rows + 1] - at[rows], 0)
    ends = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(length, out=ends[1:])
    held = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    copied = held[np.arange(ends[-1]) + np.repeat(at[rows] - ends[:-1], length)]
    n_missing = int(np.count_nonzero(~there))
    valid = pa.py_buffer(_packed(there)) if n_missing else None
    buffers = [valid, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(copied)]
    return pa.Array.from_buffers(pa.utf8(), len(rows), buffers, n_missing)


def _texts(chunk: pa.Array, rows: npt.NDArray[np.int64]) -> list[str | None]:
    if chunk.null_count == len(chunk) or not len(rows):
        return [None] * len(rows)
    _, ends, data = chunk.buffers()
    width = np.dtype(np.int64 if pa.types.is_large_string(chunk.type) else np.int32)
    at = np.frombuffer(ends, width, chunk.offset + len(chunk) + 1)[chunk.offset :]
    spans = zip(at[rows].tolist(), at[rows + 1].tolist(), is_valid(chunk)[rows].tolist(), strict=True)
    first, last = int(at[rows[0]]), int(at[rows[-1] + 1])
    held = b"" if data is None else data[first:last].to_pybytes()
    if not held.isascii():
        return [held[a - first : b - first].decode() if there else None for a, b, there in spans]
    words = held.decode("ascii")  # at once, where a character is a byte
    return [words[a - first : b - first] if there else None for a, b, there in spans]


def _part(chunk: pa.Array, dtype: np.dtype[Any], fill: int) -> npt.NDArray[Any]:
    values = np.frombuffer(chunk.buffers()[1], dtype, chunk.offset + len(chunk))[chunk.offset :]
    return np.where(_valid(chunk), values, dtype.type(fill)) if chunk.null_count else values


def _valid(chunk: pa.Array) -> Bools:
    bitmap = chunk.buffers()[0]
    if bitmap is None or not chunk.null_count:
        return np.full(len(chunk), chunk.null_count == 0)  # Arrow's null type has no bitmap, and nulls alone
    end = chunk.offset + len(chunk)
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), count=end, bitorder="little")
    return bits[chunk.offset :].view(np.bool_)


def _packed(bools: Bools) -> npt.NDArray[np.uint8]:
    return np.packbits(bools, bitorder="little")
