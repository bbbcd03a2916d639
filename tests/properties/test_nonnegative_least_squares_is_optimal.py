"""The answer is nowhere negative, and no step from it makes the squares less (Kuhn and Tucker)."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from microjoule.joules.estimates.nnls import nnls


@given(st.integers(0, 1 << 30), st.integers(1, 12), st.integers(1, 6), st.floats(0, 6))
@example(0, 3, 5, 0.0)  # more unknowns than equations
def test_the_gradient_is_zero_where_free_and_uphill_where_held(seed, n, m, spread):
    rng = np.random.default_rng(seed)
    design = rng.standard_normal((n, m)) * 10.0 ** rng.uniform(-spread, spread, m)
    target = rng.standard_normal(n)
    x = nnls(design, target)
    assert (x >= 0).all()
    scale = np.linalg.norm(design, axis=0)
    gradient = design.T @ (target - design @ x) / scale
    assert gradient.max() <= 1e-7
    assert np.abs(gradient[x > 0]).max(initial=0.0) <= 1e-7


@given(st.integers(0, 1 << 30), st.integers(1, 5))
def test_columns_that_are_one_another_share_what_one_would_have_had(seed, m):
    rng = np.random.default_rng(seed)
    design, target = rng.random((9, m)), rng.random(9)
    doubled = nnls(np.column_stack((design, design)), target)
    single = nnls(design, target)
    np.testing.assert_allclose(design @ (doubled[:m] + doubled[m:]), design @ single, atol=1e-8)


def test_nothing_is_nothing():
    assert nnls(np.zeros((4, 2)), np.ones(4)).tolist() == [0.0, 0.0]
    assert nnls(np.ones((3, 1)), -np.ones(3)).tolist() == [0.0]
