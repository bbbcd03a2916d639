"""Real trainings in each framework, on a scripted machine of 45 W; skipped where a framework is missing."""

import os

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj

torch = pytest.importorskip("torch", reason="torch is not installed")
# The frameworks' own warnings are not this project's affair.
pytestmark = pytest.mark.filterwarnings("ignore")

TOTAL_W = PACKAGE_W + DRAM_W
EPOCHS, ROWS, BATCH = 2, 32, 8


@pytest.fixture
def recorder(tmp_path):
    return uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path / "root")))


def rows():
    x = torch.linspace(-1, 1, ROWS).reshape(ROWS, 1)
    return x, 3 * x


def check(callback):
    """Windows lie in each other, and each has the machine's 45 W; the figures logged are those."""
    trace = callback.trace
    spans = {
        name: [w for w in trace.windows if w.name == name] for name in ("train", "epoch", "eval", "step")
    }
    (whole,) = spans["train"]
    assert [len(spans[name]) for name in ("epoch", "eval", "step")] == [
        EPOCHS,
        EPOCHS,
        EPOCHS * ROWS // BATCH,
    ]
    assert [w.attributes["number"] for w in spans["epoch"]] == list(range(EPOCHS))
    for window in trace.windows:
        assert whole.t0_ns <= window.t0_ns <= window.t1_ns <= whole.t1_ns
        total = trace.energy(window).total
        assert total.low <= TOTAL_W * window.duration_ns / 1e9 <= total.high
    assert not any(w.is_open for w in trace.windows)
    assert callback.energies["train"][0].value == trace.energy(whole).total.value


ALL = ("train", "epoch", "eval", "step")


def trainer_of(tmp_path, callback, **options):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(1, 1)

        def forward(self, x, labels):
            return {"loss": ((self.line(x) - labels) ** 2).mean()}

    x, y = rows()
    data = [{"x": a, "labels": b} for a, b in zip(x, y, strict=True)]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"), num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH,
        report_to=[], use_cpu=True, disable_tqdm=True,
        **({"eval_strategy": "epoch", "save_strategy": "no"} | options),
    )  # fmt: skip
    return transformers.Trainer(
        Model(), arguments, train_dataset=data, eval_dataset=data, callbacks=[callback]
    )


def test_hugging_face_s_trainer_logs_each_epoch_and_the_whole(tmp_path, recorder):
    pytest.importorskip("transformers", reason="transformers is not installed")
    from microjoule.plugins.training import HuggingFaceCallback

    callback = HuggingFaceCallback(recorder, windows=ALL)
    trainer = trainer_of(tmp_path, callback)
    trainer.train()
    check(callback)
    history = trainer.state.log_history
    epochs = [entry for entry in history if "energy_epoch_j" in entry]
    assert [(entry["epoch"], entry["step"]) for entry in epochs] == [(1.0, 4), (2.0, 8)]
    assert [entry["energy_epoch_j"] for entry in epochs] == [e.value for e in callback.energies["epoch"]]
    assert history[-1]["energy_train_j"] == callback.energies["train"][0].value
    assert 0 < history[-1]["energy_eval_j"] < history[-1]["energy_train_j"]


@pytest.mark.parametrize("when", ["epoch", "steps"])
def test_an_epoch_holds_its_evaluation_and_its_checkpoint_whoever_decides_on_them(tmp_path, recorder, when):
    pytest.importorskip("transformers", reason="transformers is not installed")
    from microjoule.plugins.training import HuggingFaceCallback

    callback = HuggingFaceCallback(recorder)
    steps = {"eval_steps": ROWS // BATCH, "save_steps": ROWS // BATCH} if when == "steps" else {}
    trainer_of(tmp_path, callback, eval_strategy=when, save_strategy=when, **steps).train()
    assert_epochs_hold(callback, evals=EPOCHS, saves=EPOCHS)


def assert_epochs_hold(callback, evals, saves):
    """Each evaluation and checkpoint lies in an epoch, which is given with them and without."""
    spans = {
        name: [w for w in callback.trace.windows if w.name == name] for name in ("epoch", "eval", "save")
    }
    assert (len(spans["epoch"]), len(spans["eval"]), len(spans["save"])) == (EPOCHS, evals, saves)
    for inner in (*spans["eval"], *spans["save"]):
        assert any(e.t0_ns <= inner.t0_ns and inner.t1_ns <= e.t1_ns for e in spans["epoch"])
    for whole, alone in zip(callback.energies["epoch"], callback.energies["epoch_alone"], strict=True):
        assert 0 < alone.value < whole.value


def test_hugging_face_s_own_log_takes_the_last_entry(tmp_path, recorder):
    pytest.importorskip("transformers", reason="transformers is not installed")
    from microjoule.plugins.training import HuggingFaceCallback

    sent = []
    trainer = trainer_of(tmp_path, HuggingFaceCallback(recorder, log=sent.append))
    trainer.train()
    (entry,) = sent
    assert entry["energy_train_j"] > 0
    assert not any("energy_train_j" in each for each in trainer.state.log_history)


def test_a_hugging_face_training_that_fails_is_closed_by_with(tmp_path, recorder):
    pytest.importorskip("transformers", reason="transformers is not installed")
    from microjoule.plugins.training import HuggingFaceCallback

    with HuggingFaceCallback(recorder, windows=ALL) as callback:
        trainer = trainer_of(tmp_path, callback)
        trainer.model.forward = fails
        with pytest.raises(KeyboardInterrupt):
            trainer.train()
    assert {w.name for w in callback.trace.windows} == {"train", "epoch", "step"}
    assert not callback.trace.is_truncated


def fails(*_, **__):
    raise KeyboardInterrupt


def lightning_trainer(tmp_path, callback):
    lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    from lightning.pytorch.loggers import CSVLogger

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(1, 1)

        def training_step(self, batch, _):
            return ((self.line(batch[0]) - batch[1]) ** 2).mean()

        def validation_step(self, batch, _):
            self.log("val_loss", self.training_step(batch, _))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*rows()), BATCH)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, callbacks=[callback], logger=CSVLogger(tmp_path, name="log"), accelerator="cpu",
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        log_every_n_steps=1,
    )  # fmt: skip
    return trainer, Model(), loader


def test_lightning_s_loggers_and_metrics_have_the_figures(tmp_path, recorder):
    pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    from microjoule.plugins.training import LightningCallback

    callback = LightningCallback(recorder, windows=ALL)
    trainer, model, loader = lightning_trainer(tmp_path, callback)
    trainer.fit(model, loader, loader)
    check(callback)
    written = (tmp_path / "log" / "version_0" / "metrics.csv").read_text()
    assert "energy_epoch_j" in written
    assert "energy_train_j" in written
    energy = callback.energies["train"][0].value
    assert float(trainer.callback_metrics["energy_train_j"]) == pytest.approx(energy, rel=1e-6)


def test_a_lightning_epoch_holds_its_checkpoint(tmp_path, recorder):
    pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    from lightning.pytorch.callbacks import ModelCheckpoint

    from microjoule.plugins.training import LightningCallback

    callback = LightningCallback(recorder)
    trainer, model, loader = lightning_trainer(tmp_path, callback)
    own = trainer.save_checkpoint
    trainer.callbacks.append(ModelCheckpoint(tmp_path / "kept", every_n_epochs=1))
    trainer.fit(model, loader, loader)
    assert_epochs_hold(callback, evals=EPOCHS, saves=EPOCHS)
    assert trainer.save_checkpoint == own


def test_a_lightning_training_that_fails_closes_its_recording(tmp_path, recorder):
    pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    from microjoule.plugins.training import LightningCallback

    callback = LightningCallback(recorder)
    trainer, model, loader = lightning_trainer(tmp_path, callback)
    model.training_step = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        trainer.fit(model, loader)
    assert {w.name for w in callback.trace.windows} == {"train", "epoch"}
    assert not callback.trace.is_truncated


def keras_model():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="keras is not installed")
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    return keras, model


def test_keras_s_history_has_a_figure_an_epoch(recorder):
    _, model = keras_model()
    from microjoule.plugins.training import KerasCallback

    callback = KerasCallback(recorder, windows=ALL)
    x, y = (each.numpy() for each in rows())
    history = model.fit(
        x, y, epochs=EPOCHS, batch_size=BATCH, verbose=0, validation_data=(x, y), callbacks=[callback]
    ).history
    check(callback)
    assert history["energy_epoch_j"] == [e.value for e in callback.energies["epoch"]]
    assert history["energy_train_j"] == [callback.energies["train"][0].value]
    assert len(history["energy_eval_j"]) == 1
    assert len(history["loss"]) == EPOCHS


def test_what_keras_saves_is_a_window_and_not_in_the_epoch_alone(recorder, tmp_path):
    keras, model = keras_model()
    from microjoule.plugins.training import KerasCallback

    callback = KerasCallback(recorder)
    x, y = (each.numpy() for each in rows())
    keeps = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))
    own = type(model).save
    model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, verbose=0, callbacks=[callback, keeps])
    saves = [window for window in callback.trace.windows if window.name == "save"]
    assert len(saves) == EPOCHS
    for epoch, alone in zip(callback.energies["epoch"], callback.energies["epoch_alone"], strict=True):
        assert alone.value < epoch.value
    assert model.save.__func__ is own
    keras.models.load_model(tmp_path / "1.keras")


def test_a_keras_training_that_fails_is_closed_by_with(recorder):
    keras, model = keras_model()
    from microjoule.plugins.training import KerasCallback

    class Stops(keras.callbacks.Callback):
        def on_epoch_begin(self, *_):
            raise KeyboardInterrupt

    x, y = (each.numpy() for each in rows())
    with pytest.raises(KeyboardInterrupt), KerasCallback(recorder) as callback:
        model.fit(x, y, verbose=0, callbacks=[callback, Stops()])
    assert {w.name for w in callback.trace.windows} == {"train", "epoch"}
