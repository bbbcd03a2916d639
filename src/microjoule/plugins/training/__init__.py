"""Callbacks for training loops: Hugging Face's ``Trainer``, Lightning and Keras.

    from microjoule.plugins.training import HuggingFaceCallback, LightningCallback, KerasCallback

    Trainer(..., callbacks=[HuggingFaceCallback()])
    lightning.Trainer(callbacks=[LightningCallback()])
    model.fit(..., callbacks=[KerasCallback()])

Each makes windows of the training, its epochs and its evaluations, of its steps too where ``windows`` names
them; waits for CUDA at their edges; and writes their energies into the framework's own log. Under ``uj run``,
and in a program that records already, windows are all that it makes, and the report has the figures. Else it
records by itself, from the training's first instant to its last.

A recording is read when it is whole, so figures come at the end of the training: nothing is waited for on
the way. They are ``energy_train_j``, with its half interval at 95 % as ``energy_train_U_j``, and the same of
``epoch`` and ``eval``; ``energy_train_estimated_j`` where it was estimated from CPU time;
``energy_train_low_j`` and ``energy_train_high_j`` where a status forbids a figure.

Distributed: counters are a node's, so on each node the process of local rank 0 records and makes windows, and
the others do nothing; its figures hold the work of all of them. Give each node's recorder a path of its own.

Training that ends by an exception: Lightning says so and the recording is closed; the other two do not say
it, so a callback is a context manager as well (``with KerasCallback() as energy: model.fit(...)``). Without
that, the next training closes it, or the end of the program.

``watch`` is what all three do, ``figures`` what they log; the libraries are imported when their class is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...late import lazy

if TYPE_CHECKING:
    from .hugging_face import HuggingFaceCallback as HuggingFaceCallback
    from .keras import KerasCallback as KerasCallback
    from .lightning import LightningCallback as LightningCallback

_HOMES = {
    "HuggingFaceCallback": "hugging_face",
    "KerasCallback": "keras",
    "LightningCallback": "lightning",
}
__all__ = list(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
