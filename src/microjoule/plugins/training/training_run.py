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
from ...units import three_digits
from .failed_cell import after_failed_cell
from .log_values import NAMES, doubt, totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...joules.energy_trace import Trace
    from ...joules.estimates.estimate import Estimate
    from ...measuring.own_recorder import Recorder
    from .budget import Budget, Spending

WINDOWS = ("train", "epoch", "eval", "save")


class TrainingRun:
    """What all callbacks have: what came of a training, and an end for one that failed."""

    _watch: Watch

    @property
    def trace(self) -> Trace | None:
        """The recording of the last training; None under ``uj run``, and on other ranks."""
        return self._watch.trace

    @property
    def energies(self) -> dict[str, list[Estimate]]:
        """By window name the energies, in the order in which the windows began; empty without a recording.

        ``epoch`` and ``train`` hold the evaluations and the checkpointing inside them, ``epoch_alone`` and
        ``train_alone`` do not.
        """
        return self._watch.energies

    @property
    def remaining(self) -> Estimate | None:
        """What the epochs to come will use, with its interval: with a budget, and once two have ended."""
        return self._watch.remaining

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
        recorder: What to record with, not yet open; None: a temporary one. A second training goes into a
            second, numbered file beside it.
        windows: Which windows to make.
        sync: Whose device to wait for at their edges; None: nobody's.
        budget: What the training may use; None: anything.

    Attributes:
        trace: The recording of the last training; None: there is none, or somebody else has it.
        energies: The energies of its windows by name.
        remaining: What the epochs to come will use; None: less than two have ended, or nothing is recorded.

    Raises:
        BadWindow: There is no window of such a name, or no such framework to wait for.
    """

    def __init__(
        self,
        recorder: Recorder | None,
        windows: tuple[str, ...],
        sync: str | None,
        budget: Budget | None = None,
    ) -> None:
        unknown = [name for name in windows if name not in NAMES]
        if unknown:
            raise BadWindow(f"A training has no window {unknown[0]!r}", f"Take some of {', '.join(NAMES)}")
        if sync is not None:
            synchroniser(sync)
        self.trace: Trace | None = None
        self.energies: dict[str, list[Estimate]] = {}
        self.remaining: Estimate | None = None
        self._given = recorder
        self._names = ("train", *(name for name in windows if name != "train"))
        self._sync = sync
        self._budget = budget
        self._spending: Spending | None = None
        self._warned: set[str] = set()
        self._trainings = 0
        self._is_on = False
        self._forget: Callable[[], None] = lambda: None
        self._recorder: Recorder | None = None
        self._open: dict[str, AbstractContextManager[object]] = {}

    def begin_training(self, is_local_zero: bool) -> None:
        """Opens a recording unless there is one, and the window ``train``. Of other ranks nothing.

        Raises:
            MicrojouleError: The recorder that was given cannot be opened. Of a temporary one that is a
                warning: it must not keep anybody from training.
        """
        self.close()
        self.trace, self.energies, self.remaining = None, {}, None
        self._spending, self._warned = None, set()
        if not is_local_zero:
            return
        if not is_recorded():
            self._record()
        elif self._budget is not None:
            self._warn(
                "elsewhere", "the budget is not watched: another recording is open. Train without `uj run`"
            )
        self._is_on = True
        self._forget = after_failed_cell(self.close)
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

    def is_spent(self) -> bool:
        """Whether the training should stop, because its budget is used up."""
        if self._spending is None or self._budget is None:
            return False
        used_j = self._spending.energy_j()
        if used_j <= self._budget.limit_j:
            return False
        self._warn(
            "spent", f"the training has used {three_digits(used_j)} J, more than its budget of {self._budget}"
        )
        return self._budget.action == "stop"

    def end_epoch(self, epochs_left: int) -> None:
        """Notes that an epoch has ended, and predicts those to come; warns where they will not fit.

        Args:
            epochs_left: How many are to come.
        """
        if self._spending is None:
            return
        self._spending.end_epoch()
        self.remaining = self._spending.remaining(max(epochs_left, 0))
        if self.remaining is None or self._budget is None:
            return
        left_j = self._budget.limit_j - self._spending.energy_j()
        if float(self.remaining) - self.remaining.U > left_j > 0:
            self._warn(
                "ahead",
                f"{epochs_left} more epochs will use {self.remaining}: "
                f"{three_digits(left_j)} J are left of the budget of {self._budget}",
            )

    def end_training(self) -> None:
        """Ends all windows, and the recording with its figures."""
        self.close()
        sentence = doubt(self.energies) if self.energies else ""
        if sentence:
            warnings.warn(sentence, stacklevel=3)

    def close(self) -> None:
        """Ends what is open, after an exception too. Harmless when repeated."""
        self._is_on = False
        self._forget()
        try:
            for name in reversed(list(self._open)):
                self.end(name)
        finally:
            if self._recorder is not None:
                self._end_recording(self._recorder)

    def _warn(self, kind: str, sentence: str) -> None:
        """Warns once in a training."""
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(sentence, stacklevel=4)

    def _record(self) -> None:
        self._trainings += 1
        if self._given is not None:
            if self._trainings > 1:
                self._given = self._given.again(self._trainings)
            self._recorder = self._opened(self._given)
            return
        try:
            from ...measuring.record import record

            self._recorder = self._opened(record())
        except MicrojouleError as error:
            warnings.warn(f"the energy of this training is not recorded: {error}", stacklevel=4)

    def _opened(self, recorder: Recorder) -> Recorder:
        """The recorder, open; what it records is counted meanwhile where there is a budget for it."""
        if self._budget is not None:
            from .budget import Spending

            self._spending = Spending(recorder.channels)
            recorder.listen(self._spending.totals.add)
        return recorder.open()

    def _end_recording(self, recorder: Recorder) -> None:
        self._recorder = None
        recorder.close()
        self.trace = recorder.trace
        self.energies = totals(self.trace)
