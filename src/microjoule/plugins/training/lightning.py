"""For Lightning, as ``lightning`` or as ``pytorch_lightning``: the one that the program has imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...late import extra
from .log_values import of_epochs, of_training
from .training_run import WINDOWS, TrainingRun, Watch

if TYPE_CHECKING:
    from ...measuring.own_recorder import Recorder
    from .budget import Budget


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
        windows: Some of ``train``, ``epoch``, ``eval``, ``save``, ``step``; ``train`` is always there.
        sync: ``torch``: wait for CUDA at each edge; None: for nothing.
        budget: What the training may use, from ``microjoule.plugins.training.Budget``; None: anything.

    Attributes:
        trace: The recording, once the training has ended; None under ``uj run``, and on other ranks.
        energies: By window name the energies, in the order in which the windows began.

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
        budget: Budget | None = None,
    ) -> None:
        super().__init__()
        self._watch = Watch(recorder, windows, sync, budget)
        self._ends: list[int] = []  # step at each epoch's end
        self._save: Callable[..., Any] | None = None  # the trainer's own, while ours is in its place

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Opens the recording on local rank 0; the check of the validation before it is not in it."""
        self._ends = []
        self._watch.begin_training(trainer.local_rank == 0)
        self._mark_saving(trainer)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins the window ``epoch``."""
        self._watch.begin("epoch", number=trainer.current_epoch)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Begins the window ``step``."""
        self._watch.begin("step", number=trainer.global_step)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Ends the window ``step``."""
        self._watch.end("step")
        if self._watch.is_spent():
            trainer.should_stop = True

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins the window ``eval``; it lies inside the epoch."""
        self._watch.begin("eval", step=trainer.global_step)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Ends the window ``eval``."""
        self._watch.end("eval")

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Notes the end of an epoch; its window ends with the next one's beginning, after its checkpoint."""
        self._ends.append(int(trainer.global_step))
        if trainer.max_epochs and trainer.max_epochs > 0:
            self._watch.end_epoch(trainer.max_epochs - trainer.current_epoch - 1)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Closes the recording and logs the figures."""
        self._unmark_saving(trainer)
        self._watch.end_training()
        found = self._watch.energies
        if not found:
            return
        for step, figures in zip(self._ends, of_epochs(found), strict=False):
            self._send(trainer, figures, step)
        last = of_training(found)
        self._send(trainer, last, int(trainer.global_step))
        tensor = extra("torch").tensor
        trainer.callback_metrics.update({name: tensor(value) for name, value in last.items()})

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Closes the recording; what was recorded is kept."""
        self._unmark_saving(trainer)
        self._watch.close()

    def _mark_saving(self, trainer: Any) -> None:
        # Lightning says that a checkpoint is about to be written, and not when it was.
        self._unmark_saving(trainer)
        own = self._save = trainer.save_checkpoint

        def save_checkpoint(*args: Any, **options: Any) -> Any:
            self._watch.begin("save", step=trainer.global_step)
            try:
                return own(*args, **options)
            finally:
                self._watch.end("save")

        trainer.save_checkpoint = save_checkpoint

    def _unmark_saving(self, trainer: Any) -> None:
        if self._save is not None:
            trainer.save_checkpoint, self._save = self._save, None

    def _send(self, trainer: Any, figures: dict[str, float], step: int) -> None:
        for logger in trainer.loggers:
            if figures:
                logger.log_metrics(figures, step=step)
                logger.save()
