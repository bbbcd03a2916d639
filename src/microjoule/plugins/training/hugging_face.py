"""For Hugging Face's ``Trainer``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...late import extra
from .log_values import of_epochs, of_training
from .training_run import WINDOWS, TrainingRun, Watch

if TYPE_CHECKING:
    from ...measuring.own_recorder import Recorder
    from .budget import Budget

_Callback: Any = extra("transformers").TrainerCallback


class HuggingFaceCallback(TrainingRun, _Callback):  # type: ignore[misc]
    """The energy of a ``transformers.Trainer``'s training, its epochs and its evaluations.

    ``Trainer(..., callbacks=[HuggingFaceCallback()])``. After ``trainer.train()`` the entries stand in
    ``trainer.state.log_history``: ``energy_epoch_j`` an epoch, and ``energy_train_j`` with ``energy_eval_j``
    at the end, each with its ``_U_j``. For TensorBoard and others, ``trainer.add_callback(
    HuggingFaceCallback(log=trainer.log))`` sends the last entry through the trainer's own ``log``.

    Args:
        recorder: From ``uj.record(path, ...)``, not yet open, for a trace to keep; None: a temporary one.
        windows: Some of ``train``, ``epoch``, ``eval``, ``save``, ``step``; ``train`` is always there.
        sync: ``torch``: wait for CUDA at each edge; None: for nothing.
        log: What the entry at the end goes to; None: the trainer's ``state.log_history``.
        budget: What the training may use, from ``microjoule.plugins.training.Budget``; None: anything.

    Attributes:
        trace: The recording, once the training has ended; None under ``uj run``, and on other ranks.
        energies: By window name the energies, in the order in which the windows began.

    Raises:
        MissingExtra: transformers is not installed.
        BadWindow: There is no window of such a name.
    """

    def __init__(
        self,
        recorder: Recorder | None = None,
        *,
        windows: tuple[str, ...] = WINDOWS,
        sync: str | None = "torch",
        log: Callable[[dict[str, float]], None] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._watch = Watch(recorder, windows, sync, budget)
        self._log = log
        self._ends: list[tuple[float, int]] = []  # epoch and step at each epoch's end
        self._waiting: list[str] = []  # windows that the trainer has decided on, and their epoch's end

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Opens the recording on local rank 0."""
        self._ends, self._waiting = [], []
        self._watch.begin_training(bool(state.is_local_process_zero))

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begins the window ``epoch``."""
        self._watch.begin("epoch", number=len(self._ends))

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begins the window ``step``."""
        self._watch.begin("step", number=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``step``; an evaluation or a checkpoint that was decided on begins."""
        self._watch.end("step")
        self._follow(control, state, [])
        if self._watch.is_spent():
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``epoch``, after the evaluation and the checkpoint that were decided on for it."""
        self._ends.append((float(state.epoch or 0.0), int(state.global_step)))
        self._watch.end_epoch(math.ceil(args.num_train_epochs) - len(self._ends))
        self._follow(control, state, ["epoch"])

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``eval``; a checkpoint that was decided on begins."""
        self._watch.end("eval")
        # With save_strategy="best" it is the evaluation that decides.
        if control.should_save and "save" not in self._waiting:
            self._waiting.insert(0, "save")
        self._next(state)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``save``."""
        self._watch.end("save")
        self._next(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Closes the recording and logs the figures."""
        self._watch.end_training()
        found = self._watch.energies
        if not found:
            return
        for (epoch, step), figures in zip(self._ends, of_epochs(found), strict=False):
            state.log_history.append({**figures, "epoch": epoch, "step": step})
        last = of_training(found)
        if self._log is not None:
            self._log(last)
        else:
            state.log_history.append({**last, "epoch": state.epoch, "step": state.global_step})

    def _follow(self, control: Any, state: Any, after: list[str]) -> None:
        # The trainer says when an evaluation and a checkpoint have ended, and not when they begin: the first
        # of them right after this, the other right after the first.
        decided = [("eval", control.should_evaluate), ("save", control.should_save)]
        self._waiting = [name for name, is_due in decided if is_due] + after
        self._next(state)

    def _next(self, state: Any) -> None:
        name = self._waiting.pop(0) if self._waiting else ""
        if name == "epoch":
            self._watch.end("epoch")
        elif name:
            self._watch.begin(name, step=state.global_step)
