"""A recording that begins and ends while a session goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..recording.native import now_ns
from ..recording.writer import Writer
from ..trace import schema

if TYPE_CHECKING:
    import pyarrow as pa

    from ..recording import RawRecorder

_NUMBER = 1  # of its one window
_AFTER = 2  # batches that are kept beyond the window's end: its last update shows in them


class Tape:
    """A trace file with one window, which the batches of a recorder are copied into; from one thread.

    Args:
        path: Where to write; it must not exist.
        recorder: Open.
        name: The window's.

    Raises:
        TraceError: The file cannot be made.
    """

    def __init__(self, path: Path, recorder: RawRecorder, name: str) -> None:
        self.path = path
        self.begun_ns = now_ns()
        self._name = name
        self._writer = Writer(path, recorder.channels, recorder.opening)
        self._is_new = True
        self._left: int | None = None

    @property
    def is_ending(self) -> bool:
        """Whether its window has ended."""
        return self._left is not None

    def write(self, batch: pa.RecordBatch) -> bool:
        """Copies a batch; whether there is room for more.

        The window begins in front of the first batch, whose readings began before it.

        Raises:
            TraceError: The disk is full. What was written before stays.
        """
        if self._is_new:
            self._is_new = False
            begun = self._writer.rows([(self.begun_ns, 0, schema.BEGIN, _NUMBER, self._name)])
            self._writer.write([begun])
        self._writer.write([batch])
        if self._left is not None:
            self._left -= 1
        return self._left is None or self._left > 0

    def end(self) -> None:
        """Ends the window now; the batches that come next still bring what brackets it."""
        if self._left is None:
            self._left = _AFTER
            self._ended_ns = now_ns()

    def close(self) -> None:
        """Completes the file."""
        self.end()
        self._writer.write([self._writer.rows([(self._ended_ns, 0, schema.END, _NUMBER, None)])])
        self._writer.close()

    def abandon(self) -> None:
        """Lets the file go as it is, after a write has failed."""
        self._writer.abandon()
