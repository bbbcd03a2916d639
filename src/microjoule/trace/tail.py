"""A trace file that another process is still writing: its whole batches, as they come."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from ..channel import Channel
from ..errors import TraceError
from . import schema
from .opened import END_OF_STREAM, check, is_ended, opened
from .parts import messages


class Tail:
    """Reads on from where it was, whenever it is asked.

    Args:
        path: The file; its opening must stand.

    Attributes:
        path: The same.
        channels: All of the file's.

    Raises:
        TraceError: It is missing, empty, foreign, cut before its opening ended, or of a later format.
    """

    def __init__(self, path: Path) -> None:
        with opened(path) as (_, reader):
            channels, _ = schema.opening(reader.schema, str(path))
        self.path = path
        self.channels: tuple[Channel, ...] = tuple(channels)
        self._file_id = _file_id(path)
        self._opening = b""
        self._place = 0

    @property
    def is_ended(self) -> bool:
        """Whether the writer has closed the stream and all of it was read."""
        return is_ended(self.path) and self._place + len(END_OF_STREAM) >= self.path.stat().st_size

    def read(self) -> list[pa.RecordBatch]:
        """The whole batches that were added since the last call, in their order; mostly none or one.

        Raises:
            TraceError: The file was replaced or cut meanwhile, or a batch is damaged.
        """
        if _file_id(self.path) != self._file_id or self.path.stat().st_size < self._place:
            raise TraceError(f"{self.path} was replaced while it was followed", "Follow it anew")
        with self.path.open("rb") as file:
            file.seek(self._place)
            added = file.read()
        framed = [each for each in messages(pa.BufferReader(added)) if each[0] == "record batch"]
        if not framed:
            return []
        begin, end = framed[0][1], framed[-1][2]
        self._opening = self._opening or added[:begin]
        self._place += end
        try:
            with pa.ipc.open_stream(pa.py_buffer(self._opening + added[begin:end])) as reader:
                found = list(reader)
            for batch in found:
                check(batch)
        except (pa.ArrowException, OSError) as error:  # what is whole should decode
            raise schema.damaged(str(self.path), str(error).partition("\n")[0]) from error
        return found


def _file_id(path: Path) -> tuple[int, int]:
    try:
        told = os.stat(path)
    except OSError as error:
        raise TraceError(f"{path} is gone: {error.strerror}", "Follow another file") from error
    return told.st_dev, told.st_ino
