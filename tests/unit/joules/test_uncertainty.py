"""Components: how they combine, and what drops out."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reached import reached

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import (
    ALIASED,
    RECTANGULAR,
    TRIANGULAR,
    Component,
    gathered,
    student,
)
from microjoule.joules.estimates.uncertainty import combined as combined_of

finite = st.floats(-1e3, 1e3)
components = st.lists(
    st.builds(
        Component,
        name=st.sampled_from(["edges", "gain", "repeatability"]),
        u=finite,
        kind=st.sampled_from("AB"),
        form=st.sampled_from(["normal", RECTANGULAR, TRIANGULAR]),
        dof=st.sampled_from([3.0, 9.0, math.inf]),
        group=st.sampled_from(["", "a", "b"]),
    ),
    max_size=6,
)


def combined(parts):
    return combined_of(gathered(parts))


def figure(value, *parts, **rest):
    return Estimate(value=value, low=value * 0.9, high=value * 1.1, components=parts, **rest)


@pytest.mark.parametrize(("dof", "t"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (9, 2.2622), (30, 2.0423)])
def test_student_is_the_published_quantile(dof, t):
    """Two-sided 95 %, as in every table of t."""
    assert student(dof) == pytest.approx(t, abs=6e-5)


def test_independent_components_add_in_squares_and_a_group_adds_with_its_signs():
    assert combined([Component("a", 3.0), Component("b", 4.0)]).u == pytest.approx(5.0)
    assert combined([Component("a", 3.0, group="g"), Component("b", 4.0, group="g")]).u == pytest.approx(7.0)
    assert combined([Component("a", 3.0, group="g"), Component("b", -3.0, group="g")]).u == 0.0


def test_few_readings_widen_k_by_welch_and_satterthwaite():
    """JCGM 100:2008 G.4: a type A part of 9 degrees of freedom beside an exact one of the same size."""
    result = combined([Component("r", 1.0, "A", "t", 9), Component("x", 1.0)])
    assert result.dof == pytest.approx(36.0)
    assert result.k == pytest.approx(student(36.0))
    assert combined([Component("r", 1.0, "A", "t", 9)]).k == pytest.approx(2.2622, abs=1e-4)


def test_one_bounded_component_has_the_k_of_its_form_and_two_that_of_a_triangle():
    assert combined([Component("g", 1.0, form=RECTANGULAR)]).k == 1.65
    assert combined([Component("g", 1.0, form=TRIANGULAR)]).k == 1.90
    assert combined([Component("g", 1.0, form=RECTANGULAR), Component("h", 1.0, form=RECTANGULAR)]).k == 1.90
    assert combined([Component("g", 1.0, form=RECTANGULAR)] * 9).k == 2.0


@given(components, finite)
def test_a_component_more_never_reduces_u(parts, more):
    """Invariant 15: u of a sum of independent parts only grows."""
    assert combined([*parts, Component("more", more)]).u >= combined(parts).u * (1 - 1e-12)


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.floats(0.01, 0.3), st.floats(0.5, 2.0))
def test_gain_drops_out_of_ratios_and_stays_in_figures(a, b, gain, factor):
    """Invariant 17: all readings of one device times any gain leave a ratio and its u as they were."""

    def of(value, edge):
        return figure(value, Component("gain", value * gain, group="gain:x"), Component("edges", edge))

    ratio, scaled = of(a, 0.01) / of(b, 0.01), of(a * factor, 0.01 * factor) / of(b * factor, 0.01 * factor)
    without = figure(a, Component("edges", 0.01)) / figure(b, Component("edges", 0.01))
    assert ratio.u == pytest.approx(without.u, rel=1e-6, abs=1e-9 * ratio.value)
    assert scaled.value == pytest.approx(ratio.value)
    assert scaled.u == pytest.approx(ratio.u, rel=1e-6, abs=1e-9 * ratio.value)
    assert of(a, 0.0).u == pytest.approx(a * gain)
    assert (of(a, 0.0) + of(b, 0.0)).u == pytest.approx((a + b) * gain)


def test_a_baseline_that_windows_share_does_not_average():
    windows = [
        figure(10.0, Component("baseline", 0.5, group="idle"), Component("repeatability", 0.5, "A"))
        for _ in range(100)
    ]
    mean = sum(windows[1:], windows[0]) / 100
    assert mean.u == pytest.approx(math.hypot(0.5, 0.05))


def test_adjoining_windows_are_as_good_as_one():
    first = figure(1.0, Component("edges", -0.3, group="e@0"), Component("edges", 0.4, group="e@1"))
    second = figure(1.0, Component("edges", -0.4, group="e@1"), Component("edges", 0.3, group="e@2"))
    assert (first + second).u == pytest.approx(math.hypot(0.3, 0.3))


def test_units_and_intervals_follow_the_arithmetic():
    energy, time = figure(12.0), Estimate(value=3.0, low=3.0, high=3.0, unit="s")
    power = energy / time
    assert (power.value, power.unit) == (4.0, "W")
    assert power.low == pytest.approx(3.6)
    assert (power * time).unit == "J"
    assert (energy / energy).unit == "1"
    assert (energy - energy).low == pytest.approx(-2.4)
    assert (energy / Fraction(2)).value == 6.0
    with pytest.raises(ValueError, match="in W cannot be added to one in J"):
        energy + power
    with pytest.raises(ZeroDivisionError):
        energy / replace(energy, value=0.0)


def test_bounds_of_signed_figures_reach_every_corner():
    """Total minus idle may be below zero, and so may what is made of it."""
    signed = Estimate(value=1.0, low=-4.0, high=3.0)
    plain = Estimate(value=2.0, low=1.0, high=4.0)
    assert ((signed * plain).low, (signed * plain).high) == (-16.0, 12.0)
    assert ((signed / plain).low, (signed / plain).high) == (-4.0, 3.0)
    assert ((plain / signed).low, (plain / signed).high) == (-math.inf, math.inf)
    assert (plain / Estimate(value=1.0, low=0.0, high=2.0)).low == 0.5


def test_a_sensor_s_accuracy_is_kept_by_a_sum_and_by_nothing_else():
    one, other = (figure(v, accuracy=0.05) for v in (100.0, 95.0))
    assert (one + other).accuracy == pytest.approx(0.05)
    assert (one - other).accuracy is None
    assert (one / other).accuracy is None


def test_a_tiny_member_of_a_group_does_not_decide_its_degrees_of_freedom():
    large = Component("baseline", 1.0, "A", "t", 100, "idle")
    tiny = Component("baseline", 1e-9, "A", "t", 2, "idle")
    assert combined([large, tiny]).dof == pytest.approx(100)


def test_a_figure_without_a_value_has_none_after_arithmetic_either():
    lost = Estimate(value=None, low=1.0, high=math.inf, status="incomplete")
    for result in (figure(2.0) + lost, lost - figure(2.0), figure(2.0) / lost, lost * figure(2.0)):
        assert result.value is None
        assert result.status == "incomplete"
        assert result.components == ()


@pytest.mark.reaches(u=20)
@given(components)
def test_the_budget_accounts_for_all_of_u(parts):
    of = figure(1.0, *parts)
    assert math.hypot(*(row["u"] for row in of.budget())) == pytest.approx(of.u)
    if reached("u", of.u):
        assert math.fsum(row["share"] for row in of.budget()) == pytest.approx(1.0)


def test_two_aliased_components_may_both_be_at_their_ends():
    """Each is ± a = √3 u: together they are off by 2 a at most, and often enough."""
    two = [Component("one", 1.0, form=ALIASED), Component("other", 1.0, form=ALIASED)]
    assert pytest.approx(2 * math.sqrt(3.0)) == combined_of(two).U
    beside = [*two, Component("third", 2.0)]
    assert pytest.approx(math.hypot(2 * math.sqrt(3.0), 4.0)) == combined_of(beside).U


def test_an_exact_figure_has_no_uncertainty():
    assert combined_of([]) == (0.0, math.inf, 2.0, 0.0)
