"""The fit behind energies by name."""

from fractions import Fraction

import numpy as np

from microjoule.joules.regression import _solved


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
