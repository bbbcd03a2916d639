"""Sampling that keeps no file: a recorder whose batches go into totals, several times a second."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..channel import Channel
from ..errors import MicrojouleError
from ..trace.label import Subject
from ..units import NS_PER_S
from .level import Level
from .tape import Tape
from .tenants import Tenant, Tenants
from .totals import Totals

if TYPE_CHECKING:
    import pyarrow as pa

    from ..recording.activity import ActivityPlan
    from ..recording.meter import Meter
    from ..recording.plan import RecordingPlan

DRAIN_S = 0.2
_LATELY_NS = NS_PER_S  # what a recording keeps from before its begin: it brackets it


class Session:
    """Samples from ``open`` to ``close`` and says what was drawn so far; a context manager.

    Args:
        plan: What to read, and where it goes; how often the rings are drained is the session's.

    Attributes:
        recorder: Of that plan; its ``left_out`` says what is not read, and why.
        failure: Why the last recording ended by itself; None: it did not.
    """

    def __init__(self, plan: RecordingPlan) -> None:
        from ..recording.recorder import RawRecorder

        self.recorder = RawRecorder(replace(plan, drain_s=DRAIN_S, listener=self._hear))
        self.failure: MicrojouleError | None = None
        self._totals: Totals | None = None
        self._tape: Tape | None = None
        self._lately: deque[pa.RecordBatch] = deque()
        self._tenants = None if plan.activity is None else Tenants(str(plan.facts.get("by", "name")))
        self._lock = threading.Lock()

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels that have an account, by id; what did not open is not among them."""
        return {} if self._totals is None else self._totals.channels

    def levels(self) -> tuple[Level, ...]:
        """What is known now of each channel that was read, or tried."""
        return () if self._totals is None else self._totals.levels()

    def tenants(self) -> tuple[Tenant, ...]:
        """Whose energy it was so far; nobody's where no CPU time is recorded."""
        return () if self._tenants is None else self._tenants.rows()

    def _subjects(self) -> Mapping[int, Subject]:
        return {} if self._tenants is None else self._tenants.subjects

    def open(self) -> Session:
        """Starts to sample.

        Raises:
            NothingToMeasure: None of the channels can be opened.
        """
        self.recorder.open()
        return self

    def close(self) -> None:
        """Ends it and its recording; the levels stay as they were at the end. Harmless when repeated."""
        if self._tape is not None:
            self._tape.end()
        self.recorder.close()
        with self._lock:
            self._finish()

    @property
    def recording(self) -> Path | None:
        """The file that is being recorded, its last readings too; None: there is none."""
        tape = self._tape
        return None if tape is None else tape.path

    def record(self, path: Path, name: str) -> None:
        """Begins a recording: a trace with one window of this name, until ``stop`` or ``close``.

        Raises:
            TraceError: The file cannot be made.
        """
        with self._lock:
            self._finish()
            self.failure = None
            self._tape = Tape(path, self.recorder, name, self._lately, self._subjects())

    def stop(self) -> None:
        """Ends the recording's window; its file is whole some tenths of a second later."""
        if self._tape is not None:
            self._tape.end()

    def __enter__(self) -> Session:
        return self.open()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _hear(self, batch: pa.RecordBatch) -> None:
        if self._totals is None:
            # Only now it is known through which interface each channel is read.
            left_out = self.recorder.left_out
            self._totals = Totals(c for c in self.recorder.channels if c.id not in left_out)
        self._totals.add(batch)
        if self._tenants is not None:
            self._tenants.add(batch, self._totals.levels())
        with self._lock:
            self._lately.append(batch)
            while _newest_ns(self._lately[0]) < _newest_ns(batch) - _LATELY_NS:
                self._lately.popleft()
            try:
                if self._tape is not None and not self._tape.write(batch):
                    self._finish()
            except MicrojouleError as error:
                self.failure = error
                if self._tape is not None:
                    self._tape.abandon()
                self._tape = None

    def _finish(self) -> None:
        tape, self._tape = self._tape, None
        if tape is not None:
            tape.close()


def _newest_ns(batch: pa.RecordBatch) -> int:
    return int(batch.column("t_ns")[-1].as_py())


def session(meter: Meter, by: str = "", activity: ActivityPlan | None = None) -> Session:
    """A session that keeps no file; the errors are those of ``uj.record``.

    Args:
        meter: What to read.
        by: How to group whose energy it is.
        activity: Whose CPU time to record for that; None: nobody's.
    """
    from ..recording.plan import plan

    planned = plan(os.devnull, meter)
    return Session(replace(planned, facts={**planned.facts, "by": by}, activity=activity))
