"""What all callbacks do, without a framework, on a scripted machine of 45 W."""

import math
import sys
import time
from dataclasses import replace

import pytest
from scripted import DRAM_W, PACKAGE_W, machine, steady

import microjoule as uj
from microjoule.errors import BadWindow, MicrojouleError, MissingExtra
from microjoule.joules.estimate import Estimate
from microjoule.joules.uncertainty import Component
from microjoule.plugins.training.log_values import logged, summed
from microjoule.plugins.training.training_run import WINDOWS, Watch

TOTAL_W = PACKAGE_W + DRAM_W


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


@pytest.fixture
def recorder(tmp_path, root):
    return uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root))


def train(watch, epochs=2):
    watch.begin_training(is_local_zero=True)
    for epoch in range(epochs):
        watch.begin("epoch", number=epoch)
        watch.begin("step")
        time.sleep(0.02)
        watch.end("step")
        watch.end("epoch")
    watch.end_training()


def test_a_training_s_windows_are_recorded_and_have_the_machine_s_power(recorder):
    watch = Watch(recorder, ("epoch", "step"), None)
    train(watch)
    assert [window.name for window in watch.trace.windows] == ["train", "epoch", "step", "epoch", "step"]
    (whole,) = watch.energies["train"]
    seconds = watch.trace.window("train").duration_ns / 1e9
    assert whole.low <= TOTAL_W * seconds <= whole.high
    assert sum(each.value for each in watch.energies["epoch"]) <= whole.value


def test_windows_that_were_not_asked_for_are_not_made(recorder):
    watch = Watch(recorder, (), None)
    train(watch)
    assert [window.name for window in watch.trace.windows] == ["train"]


def test_where_somebody_records_already_it_makes_windows_and_nothing_else(tmp_path, recorder):
    watch = Watch(None, WINDOWS, None)
    with recorder:
        train(watch, epochs=1)
    assert (watch.trace, watch.energies) == (None, {})
    assert [window.name for window in uj.load(tmp_path / "t.arrows").windows] == ["train", "epoch"]


def test_another_rank_of_the_node_does_nothing(tmp_path, recorder):
    watch = Watch(recorder, WINDOWS, None)
    watch.begin_training(is_local_zero=False)
    watch.begin("epoch")
    watch.end("epoch")
    watch.end_training()
    assert (watch.trace, watch.energies) == (None, {})
    assert not (tmp_path / "t.arrows").exists()


def test_what_a_failed_training_left_open_is_ended_and_kept(recorder):
    watch = Watch(recorder, WINDOWS, None)
    watch.begin_training(is_local_zero=True)
    watch.begin("epoch")
    watch.close()
    watch.close()
    assert [window.is_open for window in watch.trace.windows] == [False, False]
    assert not watch.trace.is_truncated


def test_the_zero_of_a_counter_that_never_moved_is_no_figure(tmp_path):
    root = machine(tmp_path / "root")
    for name in ("package.txt", "dram.txt"):
        (root / name).write_text(steady(0, 5))
    watch = Watch(uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root)), WINDOWS, None)
    watch.begin_training(is_local_zero=True)
    time.sleep(0.3)
    with pytest.warns(UserWarning, match="package-0, package-0/dram told nothing"):
        watch.end_training()
    assert watch.energies["train"][0].value is None
    assert logged("train", watch.energies["train"][0]) == {}


def test_a_recorder_that_was_given_records_one_training(recorder):
    watch = Watch(recorder, WINDOWS, None)
    train(watch, epochs=1)
    with pytest.raises(MicrojouleError, match="records once"):
        watch.begin_training(is_local_zero=True)


def test_where_nothing_can_be_recorded_training_goes_on_with_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "microjoule._native", None)
    for name in ("recording.native", "recording.recorder", "measuring.record"):
        monkeypatch.delitem(sys.modules, f"microjoule.{name}", raising=False)
    watch = Watch(None, WINDOWS, None)
    with pytest.warns(UserWarning, match="the energy of this training is not recorded"):
        watch.begin_training(is_local_zero=True)
    watch.begin("epoch")
    watch.end_training()
    assert watch.energies == {}


def test_a_window_or_a_framework_that_nobody_knows_is_refused():
    with pytest.raises(BadWindow, match=r"no window 'batch'.*train, epoch, eval, step"):
        Watch(None, ("batch",), None)
    with pytest.raises(BadWindow, match="no framework 'mxnet'"):
        Watch(None, WINDOWS, "mxnet")


ENERGY = Estimate(value=10.0, low=9.0, high=11.0, components=(Component("edges", 0.5),))


def test_a_figure_is_logged_with_its_uncertainty_and_says_when_it_is_estimated():
    assert logged("train", ENERGY) == {"energy_train_j": 10.0, "energy_train_U_j": ENERGY.U}
    estimated = logged("epoch", replace(ENERGY, provenance="estimated"))
    assert set(estimated) == {"energy_epoch_estimated_j", "energy_epoch_estimated_U_j"}


def test_where_a_status_forbids_a_figure_its_bounds_are_logged_and_never_a_zero():
    lost = replace(ENERGY, value=None, status="incomplete", components=())
    assert logged("train", lost) == {"energy_train_low_j": 9.0, "energy_train_high_j": 11.0}
    assert logged("train", replace(lost, low=0.0, high=math.inf, status="failed")) == {}


def test_several_windows_are_summed():
    assert summed("eval", [ENERGY, ENERGY])["energy_eval_j"] == 20.0
    assert summed("eval", []) == {}


@pytest.mark.parametrize(
    ("name", "library"),
    [("HuggingFaceCallback", "transformers"), ("LightningCallback", "lightning"), ("KerasCallback", "keras")],
)
def test_a_missing_framework_is_named_with_its_extra(name, library, monkeypatch):
    homes = {
        "HuggingFaceCallback": "hugging_face",
        "LightningCallback": "lightning",
        "KerasCallback": "keras",
    }
    monkeypatch.delitem(sys.modules, f"microjoule.plugins.training.{homes[name]}", raising=False)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for each in [each for each in sys.modules if each.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, each)
    from microjoule.plugins import training

    with pytest.raises(MissingExtra, match=rf"{library}.*pip install 'microjoule\[{library}\]'"):
        getattr(training, name)
