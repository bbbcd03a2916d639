"""For Lightning, as ``lightning`` or as ``pytorch_lightning``: the one that the program has imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ...late import extra
from .log_values import logged, summed
from .training_run import WINDOWS, TrainingRun, Watch

if TYPE_CHECKING:
    from ...measuring.record import Recorder


def _callback() -> Any:
    is_old = "pytorch_lightning" in sys.modules and "lightning" not in sys.modules
    return extra("pytorch_lightning" if is_old else "lightning.pytorch").Callback


_Callback: Any = _callback()


class LightningCallback(TrainingRun, _Callback):  # type: ignore[misc]
    """The energy of a Lightning training, its epochs and its validations.

    ``Trainer(callbacks=[LightningCallback()])``. Lightning takes no ``self.log`` once a training has ended,
    and a recording is read when it is whole: so the figures go to the trainer's loggers directly, an epoch's
    at the step at which it ended, and into ``trainer.callback_metrics``.

    Args:
        recorder: From ``uj.record(path, ...)``, not yet open, for a trace to keep; None: a temporary one.
        windows: Some of ``train``, ``epoch``, ``eval``, ``step``; ``train`` is always there.
        sync: ``torch``: wait for CUDA at each edge; None: for nothing.

    Attributes:
        trace: The recording, once the training has ended; None under ``uj run``, and on other ranks.
        energies: By window name the totals, in the order in which the windows began.

    Raises:
        MissingExtra: lightning is not installed.
        BadWindow: There is no window of such a name.
    """

    def __init__(
        self,
        recorder: Recorder | None = None,
        *,
        windows: tuple[str, ...] = WINDOWS,
        sync: str | None = "torch",
    ) -> None:
        super().__init__()
        self._watch = Watch(recorder, windows, sync)
        self._ends: list[int] = []  # step at each epoch's end

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Opens the recording on local rank 0; the check of the validation before it is not in it."""
        self._ends = []
        self._watch.begin_training(trainer.local_rank == 0)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins the window ``epoch``."""
        self._watch.begin("epoch", number=trainer.current_epoch)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Begins the window ``step``."""
        self._watch.begin("step", number=trainer.global_step)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Ends the window ``step``."""
        self._watch.end("step")

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins the window ``eval``; it lies inside the epoch."""
        self._watch.begin("eval", step=trainer.global_step)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Ends the window ``eval``."""
        self._watch.end("eval")

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Ends the window ``epoch``."""
        self._watch.end("epoch")
        self._ends.append(int(trainer.global_step))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Closes the recording and logs the figures."""
        self._watch.end_training()
        found = self._watch.energies
        if not found:
            return
        for step, energy in zip(self._ends, found["epoch"], strict=False):
            self._send(trainer, logged("epoch", energy), step)
        last = {**logged("train", found["train"][-1]), **summed("eval", found["eval"])}
        self._send(trainer, last, int(trainer.global_step))
        tensor = extra("torch").tensor
        trainer.callback_metrics.update({name: tensor(value) for name, value in last.items()})

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Closes the recording; what was recorded is kept."""
        self._watch.close()

    def _send(self, trainer: Any, figures: dict[str, float], step: int) -> None:
        for logger in trainer.loggers:
            if figures:
                logger.log_metrics(figures, step=step)
                logger.save()
