"""How well a lag is known: by its blocks, and by what else is possible."""

import numpy as np
import pytest

from microjoule.joules.lag_beside_gauge import half_width_ns


@pytest.mark.parametrize("n", [4, 16])
def test_of_means_that_leave_one_out_the_jackknife_is_the_standard_error_of_the_mean(n):
    each = np.random.default_rng(1).normal(0, 5e6, n)
    left_out = (each.sum() - each) / (n - 1)
    expected = 3.0 * each.std(ddof=1) / np.sqrt(n)
    assert half_width_ns(each.mean(), 3.0, left_out, np.array([0])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("possible", "expected"), [([6, 10, 12], 4), ([9, 10, 17], 7), ([7], 3)])
def test_every_lag_that_is_possible_is_in_the_interval(possible, expected):
    assert half_width_ns(10.0, 3.0, np.full(8, 10.0), np.array(possible)) == expected
