import math
from dataclasses import replace

import pytest

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component, student
from microjoule.measuring.baseline import between, mean_power
from microjoule.measuring.measurement import achieved
from microjoule.measuring.repeats import averaged, line, outliers, stratified


def energy(value, *parts, unit="J"):
    return Estimate(value=value, low=0.9 * value, high=1.1 * value, unit=unit, components=parts)


def test_without_edges_the_mean_is_s_over_root_m_with_students_factor():
    found = averaged([energy(v) for v in (1.0, 2.0, 3.0, 4.0)])
    assert found.value == 2.5
    assert found.u == pytest.approx(math.sqrt(5 / 3 / 4))
    assert found.k == pytest.approx(student(3))


def test_scatter_that_edges_explain_is_not_counted_twice():
    values = (1.0, 2.0, 3.0, 4.0)
    half = averaged([energy(v, Component("edges", 0.9)) for v in values])
    assert half.u == pytest.approx(math.sqrt(5 / 3 / 4))
    assert half.dof == pytest.approx(3)
    whole = averaged([energy(v, Component("edges", 5.0)) for v in values])
    assert whole.u == pytest.approx(5 / 2)


def test_strata_take_a_slope_of_phase_out_and_leave_the_scatter_within_them():
    """A sawtooth of phase leaves its one break; what windows know of themselves makes way, gain stays."""
    phases = [0.5, 0.0, 0.75, 0.25, 0.875, 0.125, 0.625, 0.375]
    each = [
        energy(10 + phase, Component("edges", 3.0), Component("gain", 0.5, group="gain:x"))
        for phase in phases
    ]
    found = stratified(each, phases)
    assert found.value == pytest.approx(10 + sum(phases) / 8)
    budget = {row["name"]: row for row in found.budget()}
    assert set(budget) == {"gain", "repeatability"}
    assert budget["gain"]["u"] == pytest.approx(0.5)
    assert budget["repeatability"]["u"] == pytest.approx(math.sqrt(2 * 1.0 / 6) / 8)
    assert averaged(each).u > 2 * budget["repeatability"]["u"]


def test_a_few_windows_or_a_missing_one_are_no_strata():
    few = [energy(v, Component("edges", 1.0)) for v in (1.0, 2.0, 3.0)]
    assert stratified(few, [0, 1, 2]) == averaged(few)
    lost = [*few, *few, replace(few[0], value=None, status="failed")]
    assert stratified(lost, range(7)).value is None


def test_the_gain_is_the_mean_s_and_does_not_average_away():
    parts = [energy(v, Component("gain", 0.05 * v, group="gain:x")) for v in (1.0, 2.0, 3.0)]
    gain = next(row for row in averaged(parts).budget() if row["name"] == "gain")
    assert gain["u"] == pytest.approx(0.1)
    assert achieved(averaged(parts)) == pytest.approx(student(2) * math.sqrt(1 / 3) / 2)


def test_a_baseline_does_not_average_away_either():
    idle = between(energy(10.0, Component("edges", 0.3), unit="W"), energy(10.0, unit="W"), 0.5, "total")
    second = energy(1.0, unit="s")
    parts = [energy(50.0) - idle * second for _ in range(100)]
    assert averaged(parts).u == pytest.approx(idle.u)


def test_a_slope_is_free_of_what_each_window_costs_once():
    counts = [1, 2, 3, 4, 1, 2, 3, 4]
    found = line(counts, [energy(2.0 * n + 0.5) for n in counts])
    assert found.slope.value == pytest.approx(2.0)
    assert found.intercept == pytest.approx(0.5)
    assert found.slope.u == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match="different sizes"):
        line([2, 2], [energy(1.0), energy(1.0)])


def test_power_does_not_scatter_where_time_explains_the_energy():
    times = [1.0, 1.5, 0.7, 1.1]
    found = mean_power([energy(40 * t) for t in times], times)
    assert (found.value, found.unit) == (pytest.approx(40.0), "W")
    assert found.u == pytest.approx(0.0, abs=1e-6)


def test_outliers_are_named_and_never_dropped():
    values = [10.0, 10.1, 9.9, 10.05, 9.95, 10.4, 14.0]
    found = outliers(values)
    assert [(one.window, one.kind) for one in found] == [(6, "severe")]
    assert averaged([energy(v) for v in values]).value == pytest.approx(sum(values) / len(values))
    assert outliers([1.0, 1.0, 1.0, 1.0, 1.0]) == ()
    assert outliers([1.0, 9.0]) == ()
