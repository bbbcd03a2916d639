"""What readings that alternate say of loads of about two updates (:mod:`microjoule.joules.alternating`)."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.alternating import ABOUT_TWO, rectangles

N, INSIDE = 400, slice(80, 320)
MIDDLE_W, MOST_W = 200.0, 30.0


def _of(shown: np.ndarray, phi: float, half_w: float = 25.0) -> tuple[np.ndarray, np.ndarray]:
    """Of readings that go from -1 to 1 about their middle, by up to 30 W."""
    levels = np.full(N, MIDDLE_W), np.full(N, MOST_W), np.full(N, MOST_W)
    least, strays = rectangles(MIDDLE_W + MOST_W * shown, levels, np.full(N, phi), np.full(N, half_w))
    return least[INSIDE], strays[INSIDE]


# Of a load that is high for half of the time; among 65 readings each of as many phases once.
TRIANGLE = 4 * np.abs(29 / 65 * np.arange(N) % 1.0 - 0.5) - 1
MOSTLY_AT_ENDS = np.where(np.arange(N) % 2, 1.0, -1.0) * np.where(np.arange(N) % 4 < 2, 1.0, 0.68)


@pytest.mark.parametrize("phi", [0.46, 0.48, 0.5])
def test_a_load_that_is_high_for_half_of_the_time_swings_by_what_a_triangle_shows(phi):
    """Means of an update show φ / (1 - φ) of rectangles of 1 - φ cycles."""
    least, strays = _of(TRIANGLE, phi, 1000.0)
    assert least == pytest.approx(MOST_W * (1 - phi) / phi)
    assert strays == pytest.approx(MOST_W * (1 - phi) / phi, rel=0.03)
    assert _of(TRIANGLE, phi, 25.0)[0] == pytest.approx(25.0)  # where as a sine it needs less


def test_what_is_mostly_at_its_ends_strays_by_more():
    """They have 0.73 of the mean square of their ends, and a triangle a third: 1 + 2 (0.73 - 1 / 3) times."""
    assert np.mean(MOSTLY_AT_ENDS**2) == pytest.approx(0.73, abs=0.002)
    assert _of(MOSTLY_AT_ENDS, 0.5)[1] == pytest.approx(MOST_W * (1 + 2 * (0.73 - 1 / 3)), rel=0.02)
    ends = np.where(np.arange(N) % 2, 1.0, -1.0)
    assert _of(ends, 0.5)[1] == pytest.approx(MOST_W * 2)  # and no more than twice


def test_slower_loads_are_left_as_they_are():
    for phi in (0.2, ABOUT_TWO):
        for found in _of(TRIANGLE, phi, 25.0):
            assert (found == 25.0).all()


def test_readings_that_show_nothing_have_no_load():
    levels = np.full(N, MIDDLE_W), np.zeros(N), np.zeros(N)
    for found in rectangles(np.full(N, MIDDLE_W), levels, np.full(N, 0.5), np.zeros(N)):
        assert not found.any()
