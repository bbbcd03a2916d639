"""Callbacks for training loops: Hugging Face's ``Trainer``, Lightning and Keras.

    from microjoule.plugins.training import HuggingFaceCallback, LightningCallback, KerasCallback

    Trainer(..., callbacks=[HuggingFaceCallback()])
    lightning.Trainer(callbacks=[LightningCallback()])
    model.fit(..., callbacks=[KerasCallback()])

Each makes windows of the training, its epochs and its evaluations, of its steps too where ``windows`` names
them; waits for CUDA at their edges; and writes their energies into the framework's own log. Under ``uj run``,
and in a program that records already, windows are all that it makes, and the report has the figures. Else it
records by itself, from the training's first instant to its last.

An epoch is the same in all of them: it lasts until the next one begins, so that it holds the evaluation and
the checkpoint after its last step. ``epoch_alone`` and ``train_alone`` are without evaluations (``eval``) and
checkpoints (``save``).

A recording is read when it is whole, so figures come at the end of the training: nothing is waited for on
the way. They are ``energy_train_j``, with its half interval at 95 % as ``energy_train_U_j``, and the same of
``train_alone``, ``epoch``, ``epoch_alone``, ``eval`` and ``save``; ``energy_train_estimated_j`` where it was
estimated from CPU time; ``energy_train_low_j`` and ``energy_train_high_j`` where a status forbids a figure.

Distributed: counters are a node's, so on each node the process of local rank 0 records and makes windows, and
the others do nothing; its figures hold the work of all of them. Give each node's recorder a path of its own.

A second training with one callback is a second trace: of ``uj.record("run.arrows")`` it is ``run-2.arrows``.

``budget=Budget(budget_j=3.6e6)``, or ``Budget(budget_g=200, zone="DE")``, warns where the training has used
that, and as soon as the epochs to come will not fit; ``action="stop"`` ends it. ``callback.remaining`` is
then what the epochs to come will use, with its interval.

Training that ends by an exception: Lightning says so and the recording is closed; the other two do not say
it, so a callback is a context manager as well (``with KerasCallback() as energy: model.fit(...)``). Without
that, an exception that nobody catches closes it, in a notebook's cell, at a prompt or in a script; and else
the next training, or the end of the program.

``watch`` is what all three do, ``figures`` what they log; the libraries are imported when their class is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...late import lazy

if TYPE_CHECKING:
    from .budget import Budget as Budget
    from .hugging_face import HuggingFaceCallback as HuggingFaceCallback
    from .keras import KerasCallback as KerasCallback
    from .lightning import LightningCallback as LightningCallback

_HOMES = {
    "Budget": "budget",
    "HuggingFaceCallback": "hugging_face",
    "KerasCallback": "keras",
    "LightningCallback": "lightning",
}
__all__ = list(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
