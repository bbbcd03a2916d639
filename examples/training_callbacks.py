"""One small model trained by Hugging Face's Trainer, by Lightning or by Keras, with the energy of each epoch.

python examples/training_callbacks.py huggingface     # or lightning, or keras
uj run -- python examples/training_callbacks.py keras # windows only: the report has the figures
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from microjoule.joules import Total

EPOCHS, ROWS, BATCH, WIDTH = 3, 20_000, 100, 64


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    """Points in a square, and whether each lies in a ring."""
    import torch

    points = torch.rand(ROWS, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    radius = points.norm(dim=1, keepdim=True)
    return points, ((radius > 0.4) & (radius < 0.8)).float()


def network() -> torch.nn.Module:
    """Two layers."""
    from torch import nn

    return nn.Sequential(nn.Linear(2, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))


def huggingface() -> Mapping[str, Sequence[Total]]:
    """Trains with transformers.Trainer."""
    import torch
    import transformers

    from microjoule.plugins.training import HuggingFaceCallback

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": torch.nn.functional.binary_cross_entropy_with_logits(self.net(x), labels)}

    data = [{"x": x, "labels": y} for x, y in zip(*rows(), strict=True)]
    with tempfile.TemporaryDirectory() as folder, HuggingFaceCallback() as energy:
        arguments = transformers.TrainingArguments(
            folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, report_to=[],
            per_device_eval_batch_size=BATCH, eval_strategy="epoch", save_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        trainer = transformers.Trainer(
            Model(), arguments, train_dataset=data, eval_dataset=data[:1000], callbacks=[energy]
        )
        trainer.train()
    return energy.energies


def lightning() -> Mapping[str, Sequence[Total]]:
    """Trains with Lightning."""
    import lightning.pytorch as pl
    import torch

    from microjoule.plugins.training import LightningCallback

    class Model(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            return torch.nn.functional.binary_cross_entropy_with_logits(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 1e-2)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*rows()), BATCH)
    energy = LightningCallback()
    pl.Trainer(
        max_epochs=EPOCHS, callbacks=[energy], logger=False, enable_checkpointing=False,
        enable_progress_bar=False,
    ).fit(Model(), loader)  # fmt: skip
    return energy.energies


def keras() -> Mapping[str, Sequence[Total]]:
    """Trains with Keras on torch."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras as k

    from microjoule.plugins.training import KerasCallback

    model = k.Sequential([k.layers.Input((2,)), k.layers.Dense(WIDTH, "relu"), k.layers.Dense(1, "sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    x, y = (each.numpy() for each in rows())
    with KerasCallback() as energy:
        model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, verbose=0, callbacks=[energy])
    return energy.energies


FRAMEWORKS: Mapping[str, Callable[[], Mapping[str, Sequence[Total]]]] = {
    "huggingface": huggingface,
    "lightning": lightning,
    "keras": keras,
}


def main() -> None:
    """Trains, and shows what each window used; under ``uj run`` its report does."""
    if len(sys.argv) != 2 or sys.argv[1] not in FRAMEWORKS:
        sys.exit(f"usage: training_callbacks.py {'|'.join(FRAMEWORKS)}")
    for name, energies in FRAMEWORKS[sys.argv[1]]().items():
        for number, energy in enumerate(energies):
            print(f"{name} {number}: {energy}")


if __name__ == "__main__":
    main()
