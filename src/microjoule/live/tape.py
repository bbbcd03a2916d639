"""A recording that begins and ends while a session goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..recording.native import now_ns
from ..recording.writer import Writer
from ..trace import schema
from ..trace.label import Subject
from ..units import NS_PER_S

if TYPE_CHECKING:
    import pyarrow as pa

    from ..recording import RawRecorder

_NUMBER = 1  # of its one window
_PATIENCE_NS = NS_PER_S  # beyond the window's end, for a reading of each channel


class Tape:
    """A trace file with one window, which the batches of a recorder are copied into; from one thread.

    Args:
        path: Where to write; it must not exist.
        recorder: Open.
        name: The window's.
        before: The batches of the last moments, whose readings bracket the window's begin.
        subjects: Whose CPU time is recorded, by number: they were named before that.

    Raises:
        TraceError: The file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        recorder: RawRecorder,
        name: str,
        before: Iterable[pa.RecordBatch],
        subjects: Mapping[int, Subject] = MappingProxyType({}),
    ) -> None:
        self.path = path
        begun_ns = now_ns()
        self._ended_ns: int | None = None
        left_out = recorder.left_out
        # When a reading shows what a channel had counted at the window's end: an update later.
        self._update_ns = {c.id: c.timing.update_max_ns for c in recorder.channels if c.id not in left_out}
        self._unread = set(self._update_ns)
        self._patience_ns = _PATIENCE_NS + 2 * max(self._update_ns.values(), default=0)
        self._writer = Writer(path, recorder.channels, recorder.opening)
        named = [(begun_ns, 0, schema.SUBJECT, n, each.to_label()) for n, each in subjects.items()]
        begun = self._writer.rows([(begun_ns, 0, schema.BEGIN, _NUMBER, name), *named])
        self._writer.write([*before, begun])

    def write(self, batch: pa.RecordBatch) -> bool:
        """Copies a batch; whether the recording needs more.

        Raises:
            TraceError: The disk is full. What was written before stays.
        """
        self._writer.write([batch])
        return self._ended_ns is None or not self._is_whole(batch, self._ended_ns)

    def _is_whole(self, batch: pa.RecordBatch, ended_ns: int) -> bool:
        """Whether each channel was read since the window's end, or will hardly be."""
        times_ns = batch.column("t_ns").to_pylist()
        for t_ns, channel in zip(times_ns, batch.column("channel").to_pylist(), strict=True):
            if t_ns >= ended_ns + self._update_ns.get(channel, 0):
                self._unread.discard(channel)
        return not self._unread or max(times_ns, default=0) > ended_ns + self._patience_ns

    def end(self) -> int:
        """Ends the window now, and gives its end; the batches that come next still bring what brackets it."""
        if self._ended_ns is None:
            self._ended_ns = now_ns()
        return self._ended_ns

    def close(self) -> None:
        """Completes the file."""
        self._writer.write([self._writer.rows([(self.end(), 0, schema.END, _NUMBER, None)])])
        self._writer.close()

    def abandon(self) -> None:
        """Lets the file go as it is, after a write has failed."""
        self._writer.abandon()
