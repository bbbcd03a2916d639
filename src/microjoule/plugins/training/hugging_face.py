"""For Hugging Face's ``Trainer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...late import extra
from .log_values import logged, summed
from .training_run import WINDOWS, TrainingRun, Watch

if TYPE_CHECKING:
    from ...measuring.record import Recorder

_Callback: Any = extra("transformers").TrainerCallback


class HuggingFaceCallback(TrainingRun, _Callback):  # type: ignore[misc]
    """The energy of a ``transformers.Trainer``'s training, its epochs and its evaluations.

    ``Trainer(..., callbacks=[HuggingFaceCallback()])``. After ``trainer.train()`` the entries stand in
    ``trainer.state.log_history``: ``energy_epoch_j`` an epoch, and ``energy_train_j`` with ``energy_eval_j``
    at the end, each with its ``_U_j``. For TensorBoard and others, ``trainer.add_callback(
    HuggingFaceCallback(log=trainer.log))`` sends the last entry through the trainer's own ``log``.

    Args:
        recorder: From ``uj.record(path, ...)``, not yet open, for a trace to keep; None: a temporary one.
        windows: Some of ``train``, ``epoch``, ``eval``, ``step``; ``train`` is always there.
        sync: ``torch``: wait for CUDA at each edge; None: for nothing.
        log: What the entry at the end goes to; None: the trainer's ``state.log_history``.

    Attributes:
        trace: The recording, once the training has ended; None under ``uj run``, and on other ranks.
        energies: By window name the totals, in the order in which the windows began.

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
    ) -> None:
        self._watch = Watch(recorder, windows, sync)
        self._log = log
        self._ends: list[tuple[float, int]] = []  # epoch and step at each epoch's end

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Opens the recording on local rank 0."""
        self._ends = []
        self._watch.begin_training(bool(state.is_local_process_zero))

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begins the window ``epoch``."""
        self._watch.begin("epoch", number=len(self._ends))

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begins the window ``step``."""
        self._watch.begin("step", number=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``step``; an evaluation that was decided on begins."""
        self._watch.end("step")
        self._evaluate(control, state)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``epoch``; an evaluation that was decided on begins."""
        self._watch.end("epoch")
        self._ends.append((float(state.epoch or 0.0), int(state.global_step)))
        self._evaluate(control, state)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the window ``eval``."""
        self._watch.end("eval")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Closes the recording and logs the figures."""
        self._watch.end_training()
        found = self._watch.energies
        if not found:
            return
        for (epoch, step), energy in zip(self._ends, found["epoch"], strict=False):
            state.log_history.append({**logged("epoch", energy), "epoch": epoch, "step": step})
        last = {**logged("train", found["train"][-1]), **summed("eval", found["eval"])}
        if self._log is not None:
            self._log(last)
        else:
            state.log_history.append({**last, "epoch": state.epoch, "step": state.global_step})

    def _evaluate(self, control: Any, state: Any) -> None:
        # The trainer says when an evaluation has ended, and not when it begins: that is right after this.
        if control.should_evaluate:
            self._watch.begin("eval", step=state.global_step)
