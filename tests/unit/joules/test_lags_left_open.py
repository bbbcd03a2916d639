"""Lags that are left open, and how far they move a figure."""

import numpy as np
import pytest

from microjoule.joules.counters.lags_left_open import farthest, tried_ns


@pytest.mark.parametrize(
    ("half", "update", "n"), [(50, 20, 5), (50, 24, 5), (14, 20, 2), (50, 100, 1), (50, 1, 16), (50, 0, 16)]
)
def test_lags_are_tried_by_half_an_update_up_to_half_of_what_is_open(half, update, n):
    found = tried_ns(half, update)
    assert len(found) == n
    assert found[-1] == half
    assert np.diff(found, prepend=0) == pytest.approx(half / n)


def test_a_window_moves_by_the_lag_that_moves_it_most():
    """Half a period off by 7, and at both ends, a period off, by 1 and 2; each window has its own worst."""
    begin, end = np.array([[4.0, 9.0, 3.0], [5.0, 5.0, 5.0]]), np.array([[5.0, 2.0, 5.0], [5.0, 6.0, 5.5]])
    assert farthest(begin, end).tolist() == [-7.0, 1.0]
