"""Where a recording's batches go, whatever becomes of the file meanwhile.

Once a second, before it writes, it looks whether the file is still its own and whole. A disk that is full or
fails, a file that was deleted, replaced or cut is reported at once. Until it can be written again, batches
wait in memory; where they become too many, readings are thinned as :mod:`.thin` does it, and the oldest are
dropped. Afterwards a row ``@gap`` says from when to when, why, and how many readings are lost.

Decision: a recording goes on, because the counters do: what comes later is worth as much as what came before.
What was given up: a recorder that cannot write holds up to 40 MB.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..arrays import numbers
from ..errors import Disturbed, TraceError
from ..trace import schema
from ..trace.label import label
from ..units import seconds
from .native import now_ns
from .plan import RecordingPlan
from .thin import Thinner
from .trace_file import cannot_write
from .writer import Writer

HELD_ROWS_MAX = 1 << 20
PATIENCE_S = 5.0  # for the reader of a pipe, at the end
_HERE = "Readings wait in memory, thinned where they become too many"


@dataclass(slots=True)
class Incident:
    """Something that happened to the file of a recording.

    Attributes:
        cause: What.
        t0_ns: Since when readings may be missing, CLOCK_MONOTONIC.
        t1_ns: Until when; 0: it is not over.
        lost: How many readings are lost.
    """

    cause: str
    t0_ns: int
    t1_ns: int = 0
    lost: int = 0


class Output:
    """Writes batches, in one thread; nothing that happens to the file raises.

    Args:
        writer: An open file.
        plan: Whose channels are the file's; and what it says of troubles.

    Attributes:
        incidents: What happened to the file, in order.
    """

    def __init__(self, writer: Writer, plan: RecordingPlan) -> None:
        self.incidents: list[Incident] = []
        self._writer = writer
        self._channels = plan.channels
        self._say = plan.say
        self._is_fsynced = plan.is_fsynced
        self._held: list[pa.RecordBatch] = []
        self._open: Incident | None = None

    @property
    def path(self) -> Path:
        """Where the file is now."""
        return self._writer.file.path

    def write(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Writes batches, or holds them until they can be written."""
        self._held += [batch for batch in batches if batch.num_rows]
        if not self._is_restored():
            self._append([])  # a file that has lost its name takes what comes all the same
        elif self._append(self._gap()):
            self._close_incident()
        self._shrink()

    def close(self) -> None:
        """Completes the file.

        Raises:
            TraceError: It is not whole, or not where it should be.
        """
        if self._open is not None:
            self.write([])
        if self._open is not None and not self._held:
            self._rescue()
        if self._held:
            lost = sum(self._n_readings(batch) for batch in self._held)
            since = self._open.t0_ns if self._open else now_ns()
            self._writer.abandon()
            raise TraceError(
                f"{self.incidents[-1].cause}, so the last {seconds(now_ns() - since):.1f} s of it, "
                f"{lost:,} readings, are lost",
                f"What came before is kept: uj report {self.path}",
            )
        self._writer.close(PATIENCE_S)

    def disturb(self, cause: str) -> None:
        """Records that something went wrong, and says so once."""
        if self._open is None:
            self._open = Incident(cause, self._first_ns())
            self.incidents.append(self._open)
            self._say(f"{cause}. {_HERE}")

    def _is_restored(self) -> bool:
        """Looks after the file; whether it is where and what it should be."""
        file = self._writer.file
        try:
            file.look()
        except Disturbed as disturbed:
            self.disturb(disturbed.what)
            try:
                lost = file.restore()
            except OSError:
                return False
            if lost and self._open is not None:
                self._open.t0_ns = min(self._open.t0_ns, lost.t_ns)
                self._open.lost += lost.rows
        return True

    def _append(self, more: Sequence[pa.RecordBatch]) -> bool:
        """Appends what is held and some more; whether that was possible."""
        try:
            self._writer.append([*self._held, *more])
        except OSError as error:
            self.disturb(cannot_write(self.path, error).what)
            return False
        self._held.clear()
        try:
            if self._is_fsynced:
                self._writer.file.settle()
        except OSError as error:
            self.disturb(cannot_write(self.path, error).what)
            return False
        return True

    def _gap(self) -> list[pa.RecordBatch]:
        if self._open is None:
            return []
        words = label(self._open.cause, {"readings_lost": self._open.lost})
        return [self._writer.rows([(self._open.t0_ns, 0, schema.GAP, now_ns(), words)])]

    def _close_incident(self) -> None:
        if self._open is None:
            return
        over, self._open = self._open, None
        over.t1_ns = now_ns()
        lost = f"{over.lost:,} readings are lost" if over.lost else "no reading is lost"
        self._say(f"{self.path} is written again after {seconds(over.t1_ns - over.t0_ns):.1f} s; {lost}")

    def _rescue(self) -> None:
        """Keeps a file that has no place any more in the folder for temporary files."""
        name = f"{self.path.stem}-{now_ns()}{self.path.suffix}"
        self._append(self._gap())
        try:
            self._writer.file.move(Path(tempfile.gettempdir()) / name)
        except OSError as error:
            self._writer.abandon()
            raise cannot_write(self.path, error) from error
        self._close_incident()

    def _shrink(self) -> None:
        """Thins what is held where it is too much, then drops the oldest."""
        if sum(map(len, self._held)) <= HELD_ROWS_MAX:
            return
        own = [batch for batch in self._held if not self._n_readings(batch)]
        before = sum(self._n_readings(batch) for batch in self._held)
        thinner = Thinner(self._channels)
        for batch in own:
            for t_ns in self._marks_ns(batch):
                thinner.mark(t_ns)
        for batch in self._held:
            if self._n_readings(batch):
                thinner.push(batch)
        readings = list(thinner.rest())
        while len(readings) > 1 and sum(map(len, (*own, *readings))) > HELD_ROWS_MAX:
            del readings[0]
        while len(own) > 1 and sum(map(len, (*own, *readings))) > HELD_ROWS_MAX:
            del own[0]
        self._held = [*readings, *own]
        if self._open is not None:
            self._open.lost += before - sum(self._n_readings(batch) for batch in readings)

    def _n_readings(self, batch: pa.RecordBatch) -> int:
        codes = numbers(batch.column("channel").indices)
        return int(np.count_nonzero(codes < len(self._channels)))

    def _marks_ns(self, batch: pa.RecordBatch) -> list[int]:
        names = batch.column("channel").dictionary.to_pylist()
        marks = [names.index(schema.BEGIN), names.index(schema.END)]
        codes = numbers(batch.column("channel").indices)
        marked: list[int] = numbers(batch.column("t_ns"))[np.isin(codes, marks)].tolist()
        return marked

    def _first_ns(self) -> int:
        return min((int(batch.column("t_ns")[0].as_py()) for batch in self._held), default=now_ns())
