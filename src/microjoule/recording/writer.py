"""Batches into a trace file.

Decision: an Arrow IPC stream with zstd bodies, written through one file descriptor as batches
come. A killed process leaves whole batches, and ``uj.load`` takes them. What was given up: the
random access of the IPC file format, whose footer a killed process never writes.

Decision: the length of a read is kept in steps of 64 ns, rounded up, so that it still holds the read.
Its lowest bits are noise that no codec can take out: a fifteenth of a group's bytes, a ninth of what
is read one by one. What was given up: 32 ns of a read's width, which is a microsecond or more.
Tried and left (``benchmarks/bench_layout.py``): rows in the order of their channels, and higher levels
of zstd, which take more time for as many bytes or a fiftieth fewer.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..arrays import array, text
from ..channel import Channel
from ..errors import TraceError
from ..trace import schema
from .native import Columns


class Writer:
    """An open trace file.

    Args:
        path: Where to write; an existing file is replaced.
        channels: All channels of the file.
        facts: The machine and the recording.

    Raises:
        TraceError: The file cannot be made, or another recorder is writing it.
    """

    def __init__(self, path: Path, channels: Sequence[Channel], facts: Mapping[str, Any]) -> None:
        self.path = path
        self._lock = _locked(path)
        self._schema = schema.schema(channels, facts)
        self._names = schema.dictionary(channels)
        self._codes = {name: code for code, name in enumerate(self._names)}
        self._dictionary = text(self._names)
        try:
            self._sink = pa.OSFile(os.fspath(path), "wb")
            # In this thread alone: batches are small, and the cores belong to what is measured.
            options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
            self._stream = pa.ipc.new_stream(self._sink, self._schema, options=options)
        except OSError as error:
            os.close(self._lock)
            raise _cannot_write(path, error) from error

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
            pa.DictionaryArray.from_arrays(codes, self._dictionary, safe=False),
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

    def rows(self, rows: Iterable[tuple[int, int, str, int, str | None]]) -> pa.RecordBatch:
        """The recorder's own rows, ``(t_ns, read_ns, channel, raw, label)``, as a batch."""
        t_ns, read_ns, names, raw, labels = zip(*rows, strict=True)
        n = len(t_ns)
        codes = array(np.array([self._codes[name] for name in names], np.uint16))
        arrays = [
            array(np.array(t_ns, np.int64)),
            array(np.array(read_ns, np.uint32)),
            pa.DictionaryArray.from_arrays(codes, self._dictionary, safe=False),
            array(np.array(raw, np.uint64)),
            pa.nulls(n, pa.int64()),
            array(np.zeros(n, np.uint16)),
            text(labels),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def write(self, batches: list[pa.RecordBatch]) -> None:
        """Appends the rows of these batches, as one: a batch costs 800 bytes, whatever it holds.

        Raises:
            TraceError: The disk is full, or the file went away. What was written before stays.
        """
        try:
            if len(batches) > 1:
                batches = pa.Table.from_batches(batches).combine_chunks().to_batches()
            for batch in batches:
                if batch.num_rows:
                    self._stream.write_batch(batch)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Writes the end of the stream and lets the file go."""
        try:
            self._stream.close()
            self._sink.close()
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        finally:
            os.close(self._lock)

    def abandon(self) -> None:
        """Lets the file go as it is, after a write has failed."""
        with contextlib.suppress(OSError):
            self._sink.close()
        os.close(self._lock)


def _locked(path: Path) -> int:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _cannot_write(path, error) from error
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        return lock  # a device or a pipe keeps nothing that a second one could spoil
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise TraceError(
            f"Another recorder is writing {path}", "Give this one another path, or end that one first"
        ) from error
    return lock


def _cannot_write(path: Path, error: OSError) -> TraceError:
    import errno

    remedies = {
        errno.ENOSPC: "The disk is full: free some space, or write elsewhere with -o. "
        "What was recorded before is kept: `uj report` reads it",
        errno.ENOENT: "Make its folder first",
        errno.EACCES: "Choose a folder that you may write to",
        errno.EISDIR: "Give a file's name, not a folder's",
    }
    why = os.strerror(error.errno) if error.errno else str(error)
    return TraceError(f"Cannot write the trace {path}: {why}", remedies.get(error.errno or 0, ""))
