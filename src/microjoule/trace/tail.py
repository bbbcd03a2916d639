"""A trace file that another process is still writing: its whole batches, as they come."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from ..channel import Channel
from ..errors import TraceError
from . import schema
from .messages import CUT, Break, FileSource, Kind, Message, messages
from .opened import END_OF_STREAM, check, is_ended, opened
from .verify import Verifier, opening_is_right


class Tail:
    """Reads on from where it was, whenever it is asked.

    Args:
        path: The file; its opening must stand.

    Attributes:
        path: The same.
        channels: All of the file's.
        damage: Why batches were left out, in order.

    Raises:
        TraceError: It is missing, empty, foreign, cut before its opening ended, or of a later format.
    """

    def __init__(self, path: Path) -> None:
        with opened(path) as (_, reader):
            channels, _ = schema.opening(reader.schema, str(path))
            self._schema = reader.schema
        self.path = path
        self.channels: tuple[Channel, ...] = tuple(channels)
        self.damage: list[str] = []
        self._verifier = Verifier(self._schema, schema.dictionary(channels))
        self._file_id = _file_id(path)
        self._opening = b""
        self._place = 0

    @property
    def is_ended(self) -> bool:
        """Whether the writer has closed the stream and all of it was read."""
        return is_ended(self.path) and self._place + len(END_OF_STREAM) >= self.path.stat().st_size

    def read(self) -> list[pa.RecordBatch]:
        """The batches that were added since the last call, in their order; mostly none or one.

        One that is damaged is left out, and ``damage`` says why.

        Raises:
            TraceError: The file was replaced or cut meanwhile; or its channel table is damaged.
        """
        if _file_id(self.path) != self._file_id or self.path.stat().st_size < self._place:
            raise TraceError(f"{self.path} was replaced while `uj watch` followed it", "Start again")
        found: list[pa.RecordBatch] = []
        with self.path.open("rb") as file:
            source = FileSource(file.fileno())
            for each in messages(source, self._place):
                if isinstance(each, Break) and each.why == CUT and each.end == source.size:
                    break  # the rest of it comes later
                if isinstance(each, Break):
                    self._lose(each.why)
                    self._place = each.end
                elif isinstance(each, Message):
                    data = source.read(each.begin, each.end - each.begin)
                    if each.kind is Kind.BATCH:
                        found += self._believed(data)
                    else:
                        self._opening += data
                    self._place = each.end
        return found

    def _believed(self, data: bytes) -> list[pa.RecordBatch]:
        """The rows of a batch that are right."""
        try:
            with pa.ipc.open_stream(pa.py_buffer(self._opening + data)) as reader:
                batch = reader.read_next_batch()
            check(batch)
        except (pa.ArrowException, OSError, MemoryError) as error:
            self._lose(str(error).partition("\n")[0] or type(error).__name__)
            return []
        stretches = list(self._verifier.take(batch))
        right = [each.rows for each in stretches if each.is_right]
        # A batch that is damaged itself may say anything about the opening.
        if not all(opening_is_right(rows, self._schema)[0] for rows in right):
            raise schema.damaged(str(self.path), "its channel table does not match its checksum")
        if len(right) < len(stretches):
            self._lose("a batch does not match its checksum")
        return right

    def _lose(self, why: str) -> None:
        self._verifier.forget()
        self.damage.append(why)


def _file_id(path: Path) -> tuple[int, int]:
    try:
        told = os.stat(path)
    except OSError as error:
        raise TraceError(f"{path} is gone: {error.strerror}", "Follow another file") from error
    return told.st_dev, told.st_ino
