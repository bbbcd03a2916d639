"""Training spread over its uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reached import reached

from microjoule.errors import BadAmortisation, BadAmount
from microjoule.footprint.amortise import amortise
from microjoule.footprint.equivalents import Bounded

sizes = st.floats(1e-3, 1e15)


def test_bloom_spent_most_of_its_energy_before_anyone_asked_it():
    """433,196 kWh of training; 914 kWh for 230,768 requests (Luccioni et al. 2022)."""
    found = amortise(Bounded(433_196.0), Bounded(914.0).divided(230_768), 230_768)
    assert found.training_share == pytest.approx(0.998, abs=1e-3)
    assert found.break_even_uses == pytest.approx(433_196 / 914 * 230_768)


@given(sizes, sizes, st.floats(1, 1e12))
def test_at_break_even_half_is_training(training, use, uses):
    found = amortise(Bounded(training), Bounded(use), uses)
    assert found.total_j.value == pytest.approx(uses * (found.training_j_per_use.value + use))
    at = amortise(Bounded(training), Bounded(use), found.break_even_uses)
    assert at.training_share == pytest.approx(0.5)


@pytest.mark.reaches(pays=20)
@given(sizes, sizes, sizes)
def test_from_where_it_pays_both_cost_the_same(training, use, saved):
    other = use + saved
    found = amortise(Bounded(training), Bounded(use), 1, Bounded(other))
    assert (found.pays_after_uses is None) == (other <= use)
    if reached("pays", found.pays_after_uses is not None):
        n = found.pays_after_uses
        assert training + n * use == pytest.approx(n * other, rel=1e-6)


def test_it_never_pays_where_a_use_saves_nothing():
    assert amortise(Bounded(1.0), Bounded(2.0), 1, Bounded(2.0)).pays_after_uses is None
    assert amortise(Bounded(1.0), Bounded(2.0), 1, Bounded(1.0)).pays_after_uses is None
    assert amortise(Bounded(1.0), Bounded(0.0), 1).break_even_uses is None


def test_intervals_add():
    found = amortise(Bounded(100.0, 90.0, 120.0), Bounded(2.0, 1.0, 3.0), 10)
    assert found.total_j == Bounded(120.0, 100.0, 150.0)
    assert found.training_j_per_use == Bounded(10.0, 9.0, 12.0)


@pytest.mark.parametrize("uses", [0, -1, float("nan"), float("inf")])
def test_no_uses_is_refused(uses):
    with pytest.raises(BadAmortisation):
        amortise(Bounded(1.0), Bounded(1.0), uses)
    with pytest.raises(BadAmount):
        Bounded(1.0).divided(uses)


def test_nothing_at_all_is_refused():
    with pytest.raises(BadAmortisation, match="has any energy"):
        amortise(Bounded(0.0), Bounded(0.0), 1)
