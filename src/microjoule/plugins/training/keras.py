"""For Keras 3, on any of its backends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from ...late import extra
from ...recording.gpu_wait import FRAMEWORKS
from .log_values import of_epochs, of_training
from .training_run import WINDOWS, TrainingRun, Watch

if TYPE_CHECKING:
    from ...measuring.own_recorder import Recorder
    from .budget import Budget

_keras: Any = extra("keras")
_SAVING = ("save", "save_weights")  # what of a model ModelCheckpoint calls


class KerasCallback(TrainingRun, _keras.callbacks.Callback):  # type: ignore[misc]
    """The energy of ``model.fit``, its epochs and its validations.

    ``history = model.fit(..., callbacks=[KerasCallback()])``. Then ``history.history["energy_epoch_j"]`` has
    a figure an epoch, beside its ``energy_epoch_U_j``, ``energy_train_j`` and ``energy_eval_j`` one each;
    these two are in the ``logs`` of ``on_train_end`` as well, for the callbacks that come after this one.

    What writes the model during the training, ``ModelCheckpoint`` or another callback, is a window ``save``.

    At each edge the device of the backend is waited for, torch's or jax's. Keras does not say which process
    of a node this is: it is asked of ``torch.distributed`` where that is in use; with another backend, add
    the callback in one process of each node only.

    Args:
        recorder: From ``uj.record(path, ...)``, not yet open, for a trace to keep; None: a temporary one.
        windows: Some of ``train``, ``epoch``, ``eval``, ``save``, ``step``; ``train`` is always there.
        budget: What the training may use, from ``microjoule.plugins.training.Budget``; None: anything.

    Attributes:
        trace: The recording, once the training has ended; None under ``uj run``, and on other ranks.
        energies: By window name the energies, in the order in which the windows began.

    Raises:
        MissingExtra: keras is not installed.
        BadWindow: There is no window of such a name.
    """

    def __init__(
        self,
        recorder: Recorder | None = None,
        *,
        windows: tuple[str, ...] = WINDOWS,
        budget: Budget | None = None,
    ) -> None:
        super().__init__()
        backend = _keras.backend.backend()
        self._watch = Watch(recorder, windows, backend if backend in FRAMEWORKS else None, budget)
        self._saved: Any = None  # the model whose methods are marked

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the recording."""
        self._unmark_saving()
        self._watch.begin_training(_local_rank() == 0)
        self._mark_saving()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins the window ``epoch``."""
        self._watch.begin("epoch", number=epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Begins the window ``step``."""
        self._watch.begin("step", number=batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Ends the window ``step``."""
        self._watch.end("step")
        if self._watch.is_spent():
            self.model.stop_training = True

    def on_test_begin(self, logs: Any = None) -> None:
        """Begins the window ``eval``; it lies inside the epoch."""
        self._watch.begin("eval")

    def on_test_end(self, logs: Any = None) -> None:
        """Ends the window ``eval``."""
        self._watch.end("eval")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Notes the end of an epoch; its window ends with the next one's beginning, after its checkpoint."""
        self._watch.end_epoch(int(self.params.get("epochs", 0)) - epoch - 1)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the recording and adds the figures to the history."""
        self._unmark_saving()
        self._watch.end_training()
        found = self._watch.energies
        if not found:
            return
        history = self.model.history.history
        for figures in of_epochs(found):
            for name, value in figures.items():
                history.setdefault(name, []).append(value)
        last = of_training(found)
        history.update({name: [value] for name, value in last.items()})
        if logs is not None:
            logs.update(last)

    def close(self) -> None:
        """Ends a recording that a failed training left open. Harmless when repeated."""
        self._unmark_saving()
        super().close()

    def _mark_saving(self) -> None:
        # Keras does not say when a checkpoint is written: its callbacks call these methods of the model.
        self._saved = self.model
        for name in _SAVING:
            setattr(self.model, name, self._marked(getattr(self.model, name)))

    def _marked(self, write: Callable[..., object]) -> Callable[..., object]:
        @wraps(write)
        def save(*args: object, **options: object) -> object:
            self._watch.begin("save")
            try:
                return write(*args, **options)
            finally:
                self._watch.end("save")

        return save

    def _unmark_saving(self) -> None:
        if self._saved is not None:
            for name in _SAVING:
                delattr(self._saved, name)  # the class's own method is behind it
            self._saved = None


def _local_rank() -> int:
    """The rank on this node; 0 where nobody tells."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0
    return int(distributed.get_node_local_rank(fallback_rank=0))
