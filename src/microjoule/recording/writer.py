"""Batches into a trace file.

Decision: an Arrow IPC stream with zstd bodies, written through one file descriptor as batches
come. A killed process leaves whole batches, and ``uj.load`` takes them. What was given up: the
random access of the IPC file format, whose footer a killed process never writes.

Decision: the length of a read is kept in steps of 64 ns, rounded up, so that it still holds the read.
Its lowest bits are noise that no codec can take out: a fifteenth of a group's bytes, a ninth of what
is read one by one. What was given up: 32 ns of a read's width, which is a microsecond or more.
Tried and left (``benchmarks/bench_layout.py``): rows in the order of their channels, and higher levels
of zstd, which take more time for as many bytes or a fiftieth fewer.

Each write ends with a checksum of its rows (``trace/checksum.py``), the last one with a seal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..channel import Channel
from ..trace import checksum, schema
from .native import Columns, now_ns
from .trace_file import TraceFile, cannot_write


class Writer:
    """An open trace file.

    Args:
        path: Where to write; an existing file is replaced, unless others are kept.
        channels: All channels of the file.
        facts: The machine and the recording.
        owner: The user and group that the file is to belong to; None: those of this process.
        keeps_others: Where a file is at the path, write a numbered one beside it.

    Attributes:
        file: Where the bytes go.

    Raises:
        TraceError: The file cannot be made, or another recorder is writing it.
    """

    def __init__(
        self,
        path: Path,
        channels: Sequence[Channel],
        facts: Mapping[str, Any],
        owner: tuple[int, int] | None = None,
        keeps_others: bool = False,
    ) -> None:
        plain = schema.schema(channels, facts)
        self._schema = plain.with_metadata({**plain.metadata, schema.KEY_CHECKSUMS: checksum.METHOD})
        self._own = schema.OwnRows(self._schema, schema.dictionary(channels))
        self._stretches = checksum.Stretches(self._own)
        self._number = 0
        self._sink = _Sink()
        # In this thread alone: batches are small, and the cores belong to what is measured.
        options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
        self._stream = pa.ipc.new_stream(pa.PythonFile(self._sink, "w"), self._schema, options=options)
        self.file = TraceFile(path, owner, keeps_others)
        try:
            self._opening, first = self._opened()
            self.file.append(self._opening, now_ns())
            self.file.append(first, now_ns())
        except OSError as error:
            self.abandon()
            raise cannot_write(path, error) from error

    def columns(self, drained: Columns) -> pa.RecordBatch:
        """Drained rows as a batch that shares their memory; ``read_ns`` is rounded up in place."""
        n = drained.length
        read_ns = np.frombuffer(drained.read_ns, np.uint32)
        np.bitwise_or(read_ns, np.uint32(schema.READ_STEP_NS - 1), out=read_ns)
        buffer = pa.py_buffer
        raw_valid = buffer(drained.raw_valid) if drained.raw_nulls else None
        codes = pa.Array.from_buffers(pa.uint16(), n, [None, buffer(drained.channel)])
        arrays = [
            pa.Array.from_buffers(pa.int64(), n, [None, buffer(drained.t_ns)]),
            pa.Array.from_buffers(pa.uint32(), n, [None, buffer(drained.read_ns)]),
            pa.DictionaryArray.from_arrays(codes, self._own.dictionary, safe=False),
            pa.Array.from_buffers(pa.uint64(), n, [raw_valid, buffer(drained.raw)], drained.raw_nulls),
            pa.Array.from_buffers(
                pa.int64(),
                n,
                [buffer(drained.sensor_valid), buffer(drained.sensor_ns)],
                drained.sensor_nulls,
            ),
            pa.Array.from_buffers(pa.uint16(), n, [None, buffer(drained.status)]),
            pa.nulls(n, pa.utf8()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def rows(self, rows: Iterable[schema.OwnRow]) -> pa.RecordBatch:
        """The recorder's own rows as a batch."""
        return self._own.batch(rows)

    def readings(self, rows: Iterable[schema.Reading]) -> pa.RecordBatch:
        """Readings that no native sampler took as a batch."""
        return self._own.readings(rows)

    def append(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Appends the rows of these batches, as one: a batch costs 800 bytes, whatever it holds.

        Raises:
            OSError: The disk is full, or the device failed. What was written before stays.
        """
        batches = [batch for batch in batches if batch.num_rows]
        if not batches:
            return
        if self.file.is_empty:  # somebody cut all of it off
            self.file.append(self._opening, now_ns())
            batches.insert(0, self._stretches.opening(now_ns()))
        first_ns = min(int(batch.column("t_ns")[0].as_py()) for batch in batches)
        self.file.append(self._encoded(batches), first_ns, sum(map(len, batches)))
        self._number += 1

    def write(self, batches: Sequence[pa.RecordBatch]) -> None:
        """As :meth:`append`.

        Raises:
            TraceError: The disk is full, or the device failed. What was written before stays.
        """
        try:
            self.append(batches)
        except OSError as error:
            raise cannot_write(self.file.path, error) from error

    def close(self, patience_s: float = 0.0) -> None:
        """Writes the seal and the end of the stream, and lets the file go.

        Args:
            patience_s: How long the reader of a pipe may take for what is owed to it.

        Raises:
            TraceError: They cannot be written. What was written before stays.
        """
        try:
            self.append([self._stretches.seal(now_ns(), self._number)])
            self._stream.close()
            self.file.append(self._sink.taken(), now_ns())
        except OSError as error:
            self.abandon()
            raise cannot_write(self.file.path, error) from error
        try:
            self.file.close(patience_s)
        except OSError as error:
            raise cannot_write(self.file.path, error) from error

    def abandon(self) -> None:
        """Lets the file go as it is, after a write has failed."""
        with contextlib.suppress(OSError):
            self.file.close()

    def _opened(self) -> tuple[bytes, bytes]:
        """The opening of the stream, schema and dictionary; and the first batch, with their checksum."""
        whole = self._encoded([self._stretches.opening(now_ns())])
        self._number += 1
        source = pa.BufferReader(whole)
        messages = pa.ipc.MessageReader.open_stream(source)
        at = 0
        while messages.read_next_message().type != "record batch":
            at = source.tell()
        return whole[:at], whole[at:]

    def _encoded(self, batches: Sequence[pa.RecordBatch]) -> bytes:
        """Some rows with their checksum, as the stream's next batch."""
        self._stream.write_batch(self._stretches.ended(batches, now_ns(), self._number))
        return self._sink.taken()


class _Sink:
    """Takes what Arrow writes, until it is asked for."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def close(self) -> None:
        """The stream's end is taken as all the rest."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
