"""How well a lag is known: by its blocks, and by what else is possible."""

import numpy as np
import pytest

from microjoule.channel import Timing
from microjoule.joules.estimates.lag_search import (
    half_width_ns,
    is_possible,
    of_least,
    with_seen,
    without_one,
)


@pytest.mark.parametrize("n", [4, 16])
def test_of_means_that_leave_one_out_the_jackknife_is_the_standard_error_of_the_mean(n):
    each = np.random.default_rng(1).normal(0, 5e6, n)
    left_out = (each.sum() - each) / (n - 1)
    expected = 3.0 * each.std(ddof=1) / np.sqrt(n)
    assert half_width_ns(each.mean(), 3.0, left_out, np.array([0])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("possible", "expected"), [([6, 10, 12], 4), ([9, 10, 17], 7), ([7], 3)])
def test_every_lag_that_is_possible_is_in_the_interval(possible, expected):
    assert half_width_ns(10.0, 3.0, np.full(8, 10.0), np.array(possible)) == expected


def test_lags_that_leave_little_more_and_valleys_are_possible():
    """Of 80 updates a tenth more; a valley at less than twice the least, and no slope."""
    squares = np.array([30.0, 10.9, 10.0, 11.1, 25.0, 19.9, 25.0, 20.1, 25.0])
    found = is_possible(squares, 80)
    assert found.tolist() == [False, True, True, False, False, True, False, False, False]
    assert is_possible(np.array([10.0, 15.0, 30.0, 15.0]), 80).tolist() == [True, False, False, False]


def test_the_lag_that_leaves_least_lies_at_the_vertex_of_a_parabola_and_at_no_end():
    shifts = np.arange(-20, 21, 4)
    assert of_least((shifts - 5.5) ** 2 + 3.0, shifts) == pytest.approx(5.5)
    assert of_least((shifts - 30.0) ** 2, shifts) is None


def test_each_block_is_left_out_once_and_one_without_which_nothing_is_known_leaves_nothing():
    whole = np.array([2.0, 4.0, 9.0])
    assert without_one(lambda weights: float(weights @ whole), 3).tolist() == [13.0, 11.0, 6.0]
    assert without_one(lambda weights: None if weights[1] == 0 else 1.0, 3) is None


DECLARED = Timing(lag_ns=100, lag_min_ns=0)


@pytest.mark.parametrize(
    ("lag_ns", "half_ns", "likely_ns", "longest_ns"),
    [(40, 10, (30, 50), 100), (97, 10, (87, 107), 107), (105, 10, (90, 110), 115), (-5, 10, (-10, 10), 100)],
)
def test_a_lag_that_is_seen_is_likely_where_it_may_be_and_makes_the_longest_one_longer(
    lag_ns, half_ns, likely_ns, longest_ns
):
    found = with_seen(DECLARED, lag_ns, half_ns, "seen")
    expected = DECLARED.with_longest_lag(longest_ns).with_likely_lag(*likely_ns, "seen")
    assert found == expected


@pytest.mark.parametrize(("lag_ns", "half_ns"), [(50, 50), (115, 10), (-15, 10)])
def test_a_lag_that_tells_less_than_was_declared_or_contradicts_it_changes_nothing(lag_ns, half_ns):
    assert with_seen(DECLARED, lag_ns, half_ns, "seen") is DECLARED
