"""A recorder that also answers for what it recorded."""

from __future__ import annotations

import tempfile
import weakref
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import MicrojouleError, TraceError
from ..recording.meter import Meter
from ..recording.plan import RecordingPlan, plan
from ..recording.recorder import RawRecorder

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..joules.estimates.energies import Energies


class Recorder(RawRecorder):
    """Records channels from ``open`` to ``close``, and then answers in joules; a context manager.

    Args:
        plan: What to read, how often, and where it goes.
        scratch: The file behind the plan's path where it has no name; None: it has one.
    """

    def __init__(self, plan: RecordingPlan, scratch: IO[bytes] | None = None) -> None:
        super().__init__(plan)
        self._first = plan.path
        # A file that nobody asks for goes with the recorder, without a warning.
        self._let_go = None if scratch is None else weakref.finalize(self, scratch.close)

    def __repr__(self) -> str:
        where = self.path if self._let_go is None else "in memory"
        return f"Recorder({where}, {'ended' if self.is_closed else 'recording'})"

    @cached_property
    def trace(self) -> Trace:
        """What was recorded.

        Raises:
            MicrojouleError: The recording has not ended.
            TraceError: The file cannot be read.
        """
        from ..joules.energy_trace import load

        if not self.is_closed:
            raise MicrojouleError(
                "The recording has not ended", "Ask after its `with` block, or after `close()`"
            )
        trace = load(self.path)
        if self._let_go is not None:
            trace.path = None  # the trace is in memory now, and the file had no name
            self._let_go()
        return trace

    def again(self, number: int) -> Recorder:
        """Another recorder of the same plan, into a numbered file: ``run-2.arrows`` beside ``run.arrows``.

        Args:
            number: Of the recording, from 2 on. A file without a name is followed by another one.
        """
        if self._let_go is not None:
            return Recorder(*in_scratch(self.plan))
        path = numbered(self._first, number)
        found = Recorder(replace(self.plan, path=path))
        found._first = self._first
        return found

    @property
    def energy(self) -> Energies:
        """The energy of all that was recorded, by channel; of windows ``trace.energy(name)`` has it.

        Raises:
            MicrojouleError: The recording has not ended.
        """
        return self.trace.energy()


def numbered(path: Path, number: int) -> Path:
    """``run-2.arrows`` beside ``run.arrows``."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def unnamed(meter: Meter, *, takes_windows: bool = True) -> Recorder:
    """A recorder whose file has no name.

    Args:
        meter: What to read.
        takes_windows: Whether ``uj.window`` goes to it.
    """
    return Recorder(*in_scratch(replace(plan("", meter), is_thinned=True, takes_windows=takes_windows)))


def in_scratch(planned: RecordingPlan) -> tuple[RecordingPlan, IO[bytes]]:
    """The plan of a trace in a file without a name, and that file.

    Raises:
        TraceError: There is no folder for temporary files.
    """
    try:
        scratch = tempfile.TemporaryFile(prefix="microjoule-")  # noqa: SIM115 - it lives with the recorder
    except OSError as error:
        raise TraceError(
            f"Cannot create a temporary file: {error.strerror}", "Set TMPDIR to a folder with free space"
        ) from error
    return replace(planned, path=Path(f"/proc/self/fd/{scratch.fileno()}")), scratch
