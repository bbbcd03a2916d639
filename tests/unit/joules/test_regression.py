"""The fit behind energies by name."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm, t

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.profiling.regression import Fit, _edge_u_j, _Noise, _powers_squared, _solved, _triangle

EDGES = np.arange(5, dtype=np.int64) * 1_000_000_000
SPREAD_S = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
UPDATES = Updates(EDGES, np.ones(4), np.ones(4, bool), SPREAD_S, 6.0)


def test_of_few_degrees_of_freedom_students_quantile_is_in_the_uncertainty():
    """k = 2 of a normal figure stands for as much of Student's distribution; what is open is no component."""
    turned = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    u_j = np.array([3.0, 4.0, math.inf])
    for dof, wider in ((10.0, t.ppf(0.975, 10) / 2), (math.inf, 1.0)):
        fit = Fit(np.ones(3), turned, u_j, dof, np.zeros(3), np.zeros(5), 4, 0.0, 0.0)
        found = fit.components(np.array([1.0, 2.0, 1.0]), "f")
        assert [each.u for each in found] == pytest.approx([2.2 * 3 * wider, 0.4 * 4 * wider], rel=1e-3)
        assert [each.group for each in found] == ["f/0", "f/1"]
    assert norm.cdf(2.0) > 0.975 > norm.cdf(1.9)


def test_an_update_is_as_unsure_as_the_larger_power_beside_it():
    """1, 3, 5 and 2 W: at the ends there is one power; a quantum of 6 J is √3 J in addition."""
    power = np.array([1.0, 3.0, 5.0, 5.0, 2.0])
    found = _edge_u_j(UPDATES, np.array([1.0, 3.0, 5.0, 2.0]))
    assert found == pytest.approx(np.sqrt((power * SPREAD_S) ** 2 + 3.0))


def test_the_mean_square_of_the_power_is_that_of_the_time_in_each_state():
    """1 s at 2 W and 3 s at 4 W: 52/4; where nobody was, a hundredth of the mean power."""
    found = _powers_squared(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([2.0, 4.0]), 10.0)
    assert found == pytest.approx([13.0, 0.01])


def test_a_time_that_rounding_left_below_zero_has_the_mean_square_of_its_state() -> None:
    """Its row sums to less than nothing: it was divided by the least number there is, which overflowed."""
    found = _powers_squared(np.array([[-1e-17, 0.0], [1e-17, -1e-17]]), np.array([50.0, 10.0]), 30.0)
    assert found == pytest.approx([50.0**2, (50.0**2 + 10.0**2) / 2])


def test_neighbouring_updates_share_the_error_of_the_edge_between_them():
    """Rows 0 and 1 do; row 3 stands alone. Each edge has (P s)² + 6²/12, of the mean of both its sides."""
    watts = np.array([1.0, 3.0, 2.0])
    found = _Noise(UPDATES, np.array([0, 1, 3]), np.ones(3)).at(watts)
    left = [(1 * 0.1) ** 2 + 3, (3 * 0.2) ** 2 + 3, (2 * 0.4) ** 2 + 3]
    right = [(1 * 0.2) ** 2 + 3, (3 * 0.3) ** 2 + 3, (2 * 0.5) ** 2 + 3]
    shared = (right[0] + left[1]) / 2
    assert found.diagonal == pytest.approx([left[0] + shared, shared + right[1], left[2] + right[2]])
    assert found.beside == pytest.approx([-shared, 0.0, 0.0])


@pytest.mark.parametrize("unit", [0.0, 1e-6])
def test_an_update_that_rounding_left_shorter_than_nothing_whitens_to_numbers(unit: float) -> None:
    """Without power, quantum or length nothing is known to scatter."""
    noise = _Noise(UPDATES._replace(quantum_j=0.0), np.arange(3), np.array([1e-3, -1e-19, 1e-3]))
    noise = noise.at(np.zeros(3))
    noise.unit = unit
    whitened, log_size = noise.whitened(np.ones((3, 1)), 0.5)
    assert np.isfinite(whitened).all()
    assert math.isfinite(log_size)


def test_a_recurrence_solved_at_once_is_that_of_one_row_after_another():
    rng = np.random.default_rng(5)
    for n in (1, 2, 3, 4, 5, 64, 65, 300):
        steps = np.append(0.0, rng.uniform(-1.0, 1.0, n - 1))
        columns = rng.normal(size=(n, 2))
        exact = [[Fraction(value) for value in row] for row in columns.tolist()]
        for i in range(1, n):
            exact[i] = [
                own + Fraction(steps[i]) * before for own, before in zip(exact[i], exact[i - 1], strict=True)
            ]
            exact[i] = [value.limit_denominator(10**18) for value in exact[i]]
        found = _solved(steps, columns)
        assert np.allclose(found, np.array(exact, float), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("n", "width"), [(0, 3), (5, 12), (256, 4), (257, 4), (1000, 65), (5000, 37)])
def test_the_triangle_of_many_rows_is_that_of_all_at_once(n, width):
    rows = np.random.default_rng(1).normal(size=(n, width))
    found = _triangle(rows)
    np.testing.assert_allclose(np.abs(found), np.abs(np.linalg.qr(rows, mode="r")), atol=1e-9)
    np.testing.assert_allclose(found.T @ found, rows.T @ rows, atol=1e-9)
