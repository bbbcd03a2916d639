"""A trace in the formats of data tools: Parquet and CSV.

Parquet takes the readings in the order of their channels, so that neighbours are alike and the counts'
differences small: DELTA_BINARY_PACKED, then zstd. Times are split by byte instead (BYTE_STREAM_SPLIT):
channels that are read together repeat them, and zstd sees that; 3.5 bytes a reading where deltas of the
times too came to 5.7. ``uj.load`` reads such a file as it reads the trace.
The wide form is for other tools: one row a tick, one column a channel, nothing of the recorder's own and
not how long each read took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ..arrays import array, distinct, numbers
from .raw_trace import RawTrace

_DELTA, _SPLIT, _PLAIN = "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "PLAIN"
_ENCODINGS = MappingProxyType({"t_ns": _SPLIT, "read_ns": _PLAIN, "raw": _DELTA})


def parquet(trace: RawTrace, sink: IO[bytes]) -> None:
    """All rows, with the channel table and the facts, by channel and time."""
    with parquet_writer(trace.table.schema, sink) as writer:
        writer.write_table(by_channel(trace.table))


def by_channel(table: pa.Table) -> pa.Table:
    """The rows by channel and time."""
    codes = table["channel"].combine_chunks().dictionary_encode().indices
    return table.take(array(np.lexsort((numbers(table["t_ns"]), numbers(codes)))))


def parquet_writer(of: pa.Schema, sink: IO[bytes]) -> Any:  # noqa: ANN401 - pyarrow's class has no types
    """A ``pyarrow.parquet.ParquetWriter`` for rows of a trace."""
    return _writer(of, _ENCODINGS, ["channel", "status", "label"], sink)


def wide(trace: RawTrace, sink: IO[bytes]) -> None:
    """One row a tick: ``t_ns`` int64, and the raw uint64 of each channel by its id.

    A channel that was not read at an instant, or whose read failed, is null there.
    """
    series = {name: trace.series(name) for name in trace.channels}
    t_ns = distinct(np.empty(0, np.int64), *(one.t_ns for one in series.values()))
    columns = {"t_ns": array(t_ns)}
    for name, one in series.items():
        at = np.searchsorted(t_ns, one.t_ns)
        valid = np.ones(len(at), bool) if one.valid is None else one.valid
        raw, missing = np.zeros(len(t_ns), np.uint64), np.ones(len(t_ns), bool)
        raw[at], missing[at] = one.raw, ~valid
        columns[name] = array(raw, missing)
    table = pa.table(columns, metadata=trace.table.schema.metadata)
    _write(table, dict.fromkeys(columns, _DELTA), [], sink)


def csv(trace: RawTrace, sink: IO[bytes], written: Callable[[str], str]) -> None:
    """All rows as they stand in the trace, under a line of the columns' names.

    Args:
        trace: The trace.
        sink: Where they go.
        written: How a label, which somebody else chose, is written in a cell.
    """
    from pyarrow import csv as arrow_csv

    labels = [label if label is None else written(label) for label in trace.table["label"].to_pylist()]
    columns = {"channel": trace.table["channel"].cast(pa.utf8()), "label": pa.array(labels, pa.utf8())}
    table = trace.table
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    arrow_csv.write_csv(table, sink)


def _write(table: pa.Table, encodings: dict[str, str], words: list[str], sink: IO[bytes]) -> None:
    with _writer(table.schema, encodings, words, sink) as writer:
        writer.write_table(table)


def _writer(of: pa.Schema, encodings: Mapping[str, str], words: list[str], sink: IO[bytes]) -> Any:  # noqa: ANN401
    import pyarrow.parquet as pq

    return pq.ParquetWriter(
        sink,
        of,
        compression="zstd",
        use_dictionary=words,
        column_encoding=dict(encodings),
        write_statistics=False,
    )
