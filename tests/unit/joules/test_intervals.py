"""Intervals and units of products and quotients."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.joules.estimates.intervals import product_unit, quotient_unit, quotients, reach

ends = st.integers(-20, 20)
intervals = st.tuples(ends, ends).map(lambda both: (min(both), max(both)))


@given(intervals, st.tuples(st.integers(1, 20), st.integers(1, 20)), st.sampled_from((1, -1)))
def test_quotients_are_bounded_by_those_of_the_ends(over, under, sign):
    """A quotient is monotonic in both, so that its extremes are at ends."""
    low, high = sorted(sign * each for each in under)
    exact = [Fraction(a, b) for a, b in product(over, (low, high))]
    found = quotients(tuple(map(float, over)), (float(low), float(high)))
    assert found == pytest.approx((float(min(exact)), float(max(exact))), rel=1e-15)


@given(intervals, st.integers(-20, 0), st.integers(0, 20))
def test_nothing_bounds_a_quotient_whose_divisor_may_be_nothing(over, low, high):
    """Save from below, where nothing negative is divided by nothing negative: by the largest divisor."""
    is_positive = over[0] >= 0 and low == 0 < high
    least = over[0] / (high or 1) if is_positive else -math.inf
    assert quotients(tuple(map(float, over)), (float(low), float(high))) == (least, math.inf)


@given(st.floats(0, 1e9), st.sampled_from((0.0, 1.0, 2.5, math.inf)))
def test_nothing_times_anything_is_nothing(one, other):
    wanted = 0.0 if not one or not other else one * other
    assert (reach(one, other), reach(other, one)) == (wanted, wanted)


@pytest.mark.parametrize(
    ("one", "other", "unit"),
    [("W", "s", "J"), ("s", "W", "J"), ("1", "J", "J"), ("J", "1", "J"), ("1", "1", "1"), ("J", "s", "J·s")],
)
def test_a_product_has_the_unit_of_its_factors(one, other, unit):
    assert product_unit(one, other) == unit


@pytest.mark.parametrize(
    ("one", "other", "unit"),
    [("J", "s", "W"), ("J", "W", "s"), ("J", "J", "1"), ("1", "1", "1"), ("J", "1", "J"), ("1", "J", "1/J")],
)
def test_a_quotient_has_the_unit_of_its_terms(one, other, unit):
    assert quotient_unit(one, other) == unit
