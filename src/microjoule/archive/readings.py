"""The rows of a trace as Parquet: by channel and time within some hundred thousand rows each.

So neighbours are alike and take little room, each part of the file holds a stretch of time that can be
integrated by itself, and no more than one part is in memory. ``uj.load`` reads the file as it reads the
trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pyarrow as pa

from ..errors import NotInParts
from ..trace.exporting import by_channel, parquet_writer
from ..trace.parts import survey, tables
from ..trace.raw_trace import RawTrace

PART_ROWS = 1 << 20  # readings sorted together, in memory 40 MB


def write(trace: Path, sink: IO[bytes]) -> int:
    """Writes all rows of a trace, and gives how many there are.

    Args:
        trace: Its file. Of one that was cut or damaged, what is whole is taken.
        sink: A file at its beginning.

    Raises:
        TraceError: It is none.
    """
    if trace.suffix != ".parquet":
        try:
            found = survey(trace)
            return _written(tables(replace(found, columns=None)), sink)
        except NotInParts:
            sink.seek(0)
            sink.truncate()
    whole = RawTrace.load(trace).table
    return _written(iter([whole]), sink)


def _written(some: Iterator[pa.Table], sink: IO[bytes]) -> int:
    rows = 0
    first = next(some)
    with parquet_writer(first.schema, sink) as writer:
        for part in _joined(first, some):
            rows += part.num_rows
            for start in range(0, part.num_rows, PART_ROWS):
                writer.write_table(by_channel(part.slice(start, PART_ROWS)), PART_ROWS)
    return rows


def _joined(first: pa.Table, some: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables with so many rows or more, the last one apart."""
    waiting, n = [first], first.num_rows
    for each in some:
        if n >= PART_ROWS:
            yield pa.concat_tables(waiting)
            waiting, n = [], 0
        waiting.append(each)
        n += each.num_rows
    yield pa.concat_tables(waiting)
