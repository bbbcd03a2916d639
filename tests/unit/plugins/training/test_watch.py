"""What all callbacks do, without a framework, on a scripted machine of 45 W."""

import math
import re
import sys
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scripted import DRAM_W, PACKAGE_W, machine, steady

import microjoule as uj
from microjoule.errors import BadRequest, BadWindow, MissingExtra
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.plugins.training.budget import Budget, Spending
from microjoule.plugins.training.log_values import logged, of_epochs, of_training, summed
from microjoule.plugins.training.training_run import WINDOWS, Watch
from microjoule.recording.marking import is_recorded

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
    with pytest.warns(UserWarning, match="package-0, package-0/dram gave no reading"):
        watch.end_training()
    assert watch.energies["train"][0].value is None
    assert logged("train", watch.energies["train"][0]) == {}


def test_a_second_training_has_a_second_numbered_trace(tmp_path, recorder):
    watch = Watch(recorder, WINDOWS, None)
    paths = []
    for _ in range(3):
        train(watch, epochs=1)
        paths.append(watch.trace.path)
        assert watch.energies["train"][0].value > 0
    assert paths == [tmp_path / name for name in ("t.arrows", "t-2.arrows", "t-3.arrows")]


def test_an_epoch_is_given_with_its_evaluation_and_checkpoint_and_without(recorder):
    watch = Watch(recorder, WINDOWS, None)
    watch.begin_training(is_local_zero=True)
    watch.begin("epoch", number=0)
    time.sleep(0.03)
    for name in ("eval", "save"):
        watch.begin(name)
        time.sleep(0.02)
        watch.end(name)
    watch.end_training()
    found = {name: each[0] for name, each in watch.energies.items() if each}
    less = found["eval"].value + found["save"].value
    assert found["epoch_alone"].value == pytest.approx(found["epoch"].value - less)
    assert found["train_alone"].value == pytest.approx(found["train"].value - less)
    assert 0 < found["epoch_alone"].value < found["epoch"].value
    (epoch,) = of_epochs(watch.energies)
    for figures, names in (
        (of_training(watch.energies), ("train", "train_alone", "eval", "save")),
        (epoch, ("epoch", "epoch_alone")),
    ):
        assert list(figures) == [f"energy_{name}_{unit}" for name in names for unit in ("j", "U_j")]


def test_a_training_that_raises_at_a_prompt_stops_sampling_and_its_exception_is_shown(recorder, monkeypatch):
    """Python's prompt hands what nobody caught to ``sys.excepthook`` and goes on."""
    shown = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: shown.append(kind))
    own = sys.excepthook
    watch = Watch(recorder, (), None)
    watch.begin_training(is_local_zero=True)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        sys.excepthook(*sys.exc_info())
    assert shown == [ZeroDivisionError]
    assert recorder.is_closed
    assert [window.is_open for window in watch.trace.windows] == [False]
    assert sys.excepthook is own


def test_trainings_that_end_well_leave_no_chain_of_hooks(tmp_path, root, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    for number in range(3):
        meter = uj.Meter(sources=["script"], root=root)
        train(Watch(uj.record(tmp_path / f"{number}.arrows", meter), (), None), epochs=1)
        assert sys.excepthook is sys.__excepthook__


def test_a_training_that_raises_in_a_notebook_stops_sampling(tmp_path, root):
    shell_class = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell
    shell = shell_class.instance()
    try:
        shell.user_ns.update(
            watch=Watch(
                uj.record(tmp_path / "n.arrows", uj.Meter(sources=["script"], root=root)), WINDOWS, None
            )
        )
        shell.run_cell("watch.begin_training(is_local_zero=True); watch.begin('epoch'); 1 / 0")
        watch = shell.user_ns["watch"]
        assert watch.trace is not None
        assert [window.name for window in watch.trace.windows] == ["train", "epoch"]
        assert not is_recorded()
        shell.run_cell("watch.begin_training(is_local_zero=True)")
        assert is_recorded()
        shell.run_cell("watch.close()")
        assert not is_recorded()
    finally:
        shell_class.clear_instance()


def spend(recorder, budget, epochs=4):
    """A training of some epochs that asks after each step whether it is to stop."""
    watch = Watch(recorder, WINDOWS, None, budget)
    watch.begin_training(is_local_zero=True)
    for epoch in range(epochs):
        watch.begin("epoch", number=epoch)
        time.sleep(1.1)  # batches come once a second
        if watch.is_spent():
            break
        watch.end_epoch(epochs - epoch - 1)
    remaining = watch.remaining
    watch.end_training()
    return len(watch.energies["epoch"]), remaining


def test_a_training_that_has_used_its_budget_is_stopped(recorder):
    with pytest.warns(UserWarning, match="more than its budget of 20 J"):
        epochs, _ = spend(recorder, Budget(budget_j=20.0, action="stop"), epochs=9)
    assert epochs < 9


def test_epochs_that_will_not_fit_are_foretold_with_an_interval(recorder):
    watch = Watch(recorder, WINDOWS, None, Budget(budget_j=2000.0))
    watch.begin_training(is_local_zero=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(4):
            time.sleep(1.1)
            watch.end_epoch(1000)
    remaining = watch.remaining
    watch.end_training()
    (sentence,) = [str(each.message) for each in said]
    assert re.search(r"1000 more epochs will use .* J are left of the budget of 2,000 J", sentence)
    assert remaining.U > 0
    assert abs(remaining.value - 1000 * 1.1 * TOTAL_W) < 1.5 * remaining.U + 0.5 * remaining.value


def test_the_prediction_is_that_of_a_normal_sample():
    """Against simulation: nineteen of twenty predictions hold what comes."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(400):
        epochs = rng.normal(100.0, 5.0, 13)
        spending = Spending([])
        spending._ends_j = [0.0, *np.cumsum(epochs[:8]).tolist()]
        found = spending.remaining(5)
        held += abs(found.value - epochs[8:].sum()) <= found.U
    assert 0.92 <= held / 400 <= 0.98


def test_a_budget_without_a_limit_a_grid_or_an_action_is_refused():
    for wrong in ({}, {"budget_j": 0.0}, {"budget_g": 5.0}, {"budget_j": 1.0, "action": "shout"}):
        with pytest.raises(BadRequest):
            Budget(**wrong)
    grams = Budget(budget_g=100.0, zone="FR")
    assert 0 < grams.limit_j < 1e9
    assert Budget(budget_g=200.0, zone="FR").limit_j == pytest.approx(2 * grams.limit_j)
    assert Budget(budget_j=1.0, budget_g=100.0, zone="FR").limit_j == 1.0


def test_a_budget_under_another_recording_is_not_watched_and_says_so(recorder):
    with recorder, pytest.warns(UserWarning, match="the budget is not watched"):
        train(Watch(None, WINDOWS, None, Budget(budget_j=1.0)), epochs=1)


def test_where_nothing_can_be_recorded_training_goes_on_with_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "microjoule._native", None)
    for name in ("recording.native", "recording.recorder", "measuring.record", "measuring.own_recorder"):
        monkeypatch.delitem(sys.modules, f"microjoule.{name}", raising=False)
    watch = Watch(None, WINDOWS, None)
    with pytest.warns(UserWarning, match="the energy of this training is not recorded"):
        watch.begin_training(is_local_zero=True)
    watch.begin("epoch")
    watch.end_training()
    assert watch.energies == {}


def test_a_window_or_a_framework_that_nobody_knows_is_refused():
    with pytest.raises(BadWindow, match=r"no window 'batch'.*train, epoch, eval, save, step"):
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
