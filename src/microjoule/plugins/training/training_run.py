"""What every training loop's callback does: records unless somebody does, makes windows, sums up.

Decision: figures are taken from the whole file when the training has ended. To know them at an epoch's end
would mean to wait for the counters' next updates and for the drain, on the training's own time. What was
given up: a curve of joules while it runs.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Self

from ...errors import BadWindow, MicrojouleError
from ...recording.gpu_wait import synchroniser
from ...recording.marking import is_recorded, window
from .log_values import NAMES, doubt, totals

if TYPE_CHECKING:
    from ...joules.energy_trace import Trace
    from ...joules.total import Total
    from ...measuring.record import Recorder

WINDOWS = ("train", "epoch", "eval")


class TrainingRun:
    """What all callbacks have: what came of a training, and an end for one that failed."""

    _watch: Watch

    @property
    def trace(self) -> Trace | None:
        """The recording of the last training; None under ``uj run``, and on other ranks."""
        return self._watch.trace

    @property
    def energies(self) -> dict[str, list[Total]]:
        """By window name the totals, in the order in which the windows began; empty without a recording."""
        return self._watch.energies

    def close(self) -> None:
        """Ends a recording that a failed training left open. Harmless when repeated."""
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Watch:
    """The windows of a training, and its recording where nobody else records.

    Args:
        recorder: What to record with, not yet open; None: a temporary one.
        windows: Which windows to make.
        sync: Whose device to wait for at their edges; None: nobody's.

    Attributes:
        trace: The recording of the last training; None: there is none, or somebody else has it.
        energies: The totals of its windows by name.

    Raises:
        BadWindow: There is no window of such a name, or no such framework to wait for.
    """

    def __init__(self, recorder: Recorder | None, windows: tuple[str, ...], sync: str | None) -> None:
        unknown = [name for name in windows if name not in NAMES]
        if unknown:
            raise BadWindow(f"A training has no window {unknown[0]!r}", f"Take some of {', '.join(NAMES)}")
        if sync is not None:
            synchroniser(sync)
        self.trace: Trace | None = None
        self.energies: dict[str, list[Total]] = {}
        self._given = recorder
        self._names = ("train", *(name for name in windows if name != "train"))
        self._sync = sync
        self._is_on = False
        self._recorder: Recorder | None = None
        self._open: dict[str, AbstractContextManager[object]] = {}

    def begin_training(self, is_local_zero: bool) -> None:
        """Opens a recording unless there is one, and the window ``train``. Of other ranks nothing.

        Raises:
            MicrojouleError: The recorder that was given cannot be opened. Of a temporary one that is a
                warning: it must not keep anybody from training.
        """
        self.close()
        self.trace, self.energies = None, {}
        if not is_local_zero:
            return
        if not is_recorded():
            self._record()
        self._is_on = True
        self.begin("train")

    def begin(self, name: str, **attributes: object) -> None:
        """Begins a window, if it was asked for; one of the same name that is open ends."""
        if not self._is_on or name not in self._names:
            return
        self.end(name)
        begun = window(name, sync=self._sync, **attributes)
        begun.__enter__()
        self._open[name] = begun

    def end(self, name: str) -> None:
        """Ends a window, if it is open."""
        begun = self._open.pop(name, None)
        if begun is not None:
            begun.__exit__(None, None, None)

    def end_training(self) -> None:
        """Ends all windows, and the recording with its figures."""
        self.close()
        sentence = doubt(self.energies) if self.energies else ""
        if sentence:
            warnings.warn(sentence, stacklevel=3)

    def close(self) -> None:
        """Ends what is open, after an exception too. Harmless when repeated."""
        self._is_on = False
        try:
            for name in reversed(list(self._open)):
                self.end(name)
        finally:
            if self._recorder is not None:
                self._end_recording(self._recorder)

    def _record(self) -> None:
        recorder = self._given
        if recorder is not None:
            self._recorder = recorder.open()
            return
        try:
            from ...measuring.record import record

            self._recorder = record().open()
        except MicrojouleError as error:
            warnings.warn(f"the energy of this training is not recorded: {error}", stacklevel=4)

    def _end_recording(self, recorder: Recorder) -> None:
        self._recorder = None
        recorder.close()
        self.trace = recorder.trace
        self.energies = totals(self.trace)
