"""A project's total: all runs, the failed ones too."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from ideal import Ideal, constant, rows

from microjoule.errors import BadTarget
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.project import Target, Trial, project, trial, unreadable
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.estimates.uncertainty import Component
from microjoule.report.project_table import lines
from microjoule.trace.label import label
from microjoule.units import J_PER_KWH

IDEAL = Ideal(constant(100.0), n=600, limit_w=150.0)
TERMS = terms(FactorOptions(intensity="500 g/kWh", pue="1", price="0.1 USD/kWh"))
ACCURACY = Target.of("accuracy>=0.8")


def trace(*windows):
    marks = []
    for number, (start, end, attributes) in enumerate(windows):
        a, b = IDEAL.inside(start, end)
        marks += [(a, "@begin", number, label("epoch", attributes)), (b, "@end", number, "")]
    return Trace(rows([IDEAL, replace(IDEAL, id="package-0/dram", seed=3)], marks))


def spent(name, joules, best=None):
    energy = Estimate(value=joules, low=joules, high=joules)
    return Trial(name=name, energy=energy, hours=1.0, metrics=[] if best is None else [(best, energy, 1.0)])


@pytest.mark.parametrize(
    ("text", "figure", "is_reached"),
    [
        ("accuracy>=0.9", 0.9, True),
        ("accuracy >= 0.9", 0.89, False),
        ("loss<=0.3", 0.2, True),
        ("eval loss < 0.3", 0.4, False),
    ],
)
def test_a_target_is_a_metric_and_a_figure(text, figure, is_reached):
    assert Target.of(text).is_reached(figure) == is_reached


@pytest.mark.parametrize("text", ["", "accuracy", "accuracy=0.9", ">=0.9", "accuracy>=high", "accuracy>=nan"])
def test_a_target_that_is_none_is_a_sentence(text):
    with pytest.raises(BadTarget, match=r"accuracy>=0\.9"):
        Target.of(text)


def test_a_run_is_all_of_its_trace_and_not_only_its_windows():
    of = trace((0.3, 0.4, {}))
    found = trial("a", of, None)
    assert found.energy.value == of.energy().total.value
    assert found.energy.value > 2 * of.energy("epoch").total.value


def test_energy_to_a_target_is_what_was_spent_until_the_window_that_reached_it():
    of = trace((0.1, 0.3, {"accuracy": 0.7}), (0.3, 0.5, {"accuracy": 0.85}), (0.5, 0.9, {"accuracy": 0.9}))
    found = trial("a", of, ACCURACY)
    energy, hours = found.until(ACCURACY)
    until = replace(of.span, t1_ns=of.windows[1].t1_ns)
    assert energy.value == of.energy(until).total.value
    assert hours == pytest.approx(until.duration_ns / 3.6e12)
    assert found.until(Target.of("accuracy>=0.99")) is None


def test_a_metric_that_is_no_number_is_none():
    found = trial("a", trace((0.1, 0.3, {"accuracy": "high"}), (0.3, 0.5, {"accuracy": True})), ACCURACY)
    assert found.metrics == ()


def test_joules_by_operation_are_of_the_windows_that_say_how_many():
    of = trace((0.1, 0.3, {"flops": 1e9}), (0.3, 0.5, {"flops": 3e9}), (0.5, 0.7, {}))
    found = project([trial("a", of, None)], TERMS, None, 1)["runs"][0]["j_per_flop"]
    energies = [of.energy(window).total.value for window in of.windows[:2]]
    assert found == pytest.approx(sum(energies) / 4e9)


def test_the_total_is_the_sum_of_all_runs():
    found = project([spent("a", J_PER_KWH), spent("b", 2 * J_PER_KWH)], TERMS, None, 3)
    assert found["total"]["energy"]["energy_j"] == 3 * J_PER_KWH
    assert found["total"]["footprint"]["co2e_location"]["value"] == pytest.approx(1500)
    assert found["total"]["footprint"]["cost_electricity"]["value"] == pytest.approx(0.3)
    assert found["per_model"]["co2e_location"]["value"] == pytest.approx(500)
    assert found["hours"] == 2.0
    assert len(found["data"]) == 12
    json.dumps(found, allow_nan=False)


def test_a_run_that_cannot_be_read_makes_the_total_an_at_least():
    found = project([spent("a", J_PER_KWH), unreadable("b", "no trace")], TERMS, None, 1)
    assert found["n_unreadable"] == 1
    assert found["total"]["energy"]["energy_j"] is None
    assert found["total"]["energy"]["guaranteed_j"] == [J_PER_KWH, None]
    assert found["total"]["footprint"]["co2e_location"]["guaranteed"] == [pytest.approx(500), None]
    assert found["runs"][1]["remark"] == "no trace"
    json.dumps(found, allow_nan=False)


def test_a_trace_without_readings_is_a_run_of_unknown_energy():
    empty = Trace(rows([IDEAL]).slice(0, 0))
    found = trial("a", empty, None)
    assert found.energy.status == "failed"
    assert math.isinf(found.energy.high)


def test_the_front_is_what_no_other_run_beats():
    runs = [spent("cheap", 1.0, 0.6), spent("good", 5.0, 0.9), spent("worse", 6.0, 0.8), spent("none", 0.5)]
    found = project(runs, TERMS, ACCURACY, 1)["runs"]
    assert {run["run"] for run in found if run["is_pareto"]} == {"cheap", "good"}
    falling = project(runs, TERMS, Target.of("loss<=0.1"), 1)["runs"]
    assert {run["run"] for run in falling if run["is_pareto"]} == {"cheap"}


@pytest.mark.parametrize(("runs", "models"), [([], 1), ([spent("a", 1.0)], 0)])
def test_a_project_that_is_none_is_a_sentence(runs, models):
    with pytest.raises(BadTarget):
        project(runs, TERMS, None, models)


def test_a_run_of_the_command_is_its_window_and_not_the_recorder_s_time_around_it():
    of = replace_name(trace((0.2, 0.5, {}), (0.3, 0.4, {})), "run")
    assert whole(of) == of.windows[0]
    assert trial("a", of, None).energy.value == of.energy("run").total.value


def test_a_window_that_only_calls_itself_run_is_not_the_whole():
    of = replace_name(trace((0.2, 0.3, {}), (0.4, 0.5, {})), "run")
    assert whole(of) == of.span


def test_measured_and_estimated_runs_have_each_a_sum_of_their_own():
    estimated = spent("b", 2 * J_PER_KWH)
    estimated = replace(estimated, energy=replace(estimated.energy, provenance="estimated"))
    found = project([spent("a", J_PER_KWH), estimated, spent("c", J_PER_KWH)], TERMS, None, 2)
    assert [(each["provenance"], each["n_runs"]) for each in found["sums"]] == [
        ("measured", 2),
        ("estimated", 1),
    ]
    assert [each["energy"]["energy_j"] for each in found["sums"]] == [2 * J_PER_KWH, 2 * J_PER_KWH]
    text = "\n".join(lines(found))
    assert "total of 2 measured runs" in text
    assert "total of 1 estimated run" in text
    assert "total of 3" not in text


@pytest.mark.parametrize(
    ("half_j", "words"),
    [(0.12, "299.8 J ± 0.2 J"), (360.0, "at most 660 J")],
)
def test_a_run_s_row_has_the_figure_of_its_own_report(half_j, words):
    """A figure that is less than its uncertainty is a bound there, and had no ± in the list of runs."""
    parts = (Component("edges", half_j / 2),)
    energy = Estimate(value=299.76, low=299.0, high=659.76, components=parts)
    found = project([replace(spent("a", 1.0), energy=energy)], TERMS, None, 1)
    assert found["runs"][0]["energy"]["U_j"] == energy.U
    (row,) = [line for line in lines(found) if line.startswith("a ")]
    assert f"  {words}  " in row


def replace_name(of, name):
    """The same windows, the first of them called so."""
    columns = of.window_columns
    columns.names, columns.name = (name, *columns.names), columns.name + 1
    columns.name[0] = 0
    return of
