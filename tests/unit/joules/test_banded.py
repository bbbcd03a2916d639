"""Normal equations by blocks have the answers of the whole matrix, wherever blocks end."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.gauges.banded import Banded


def means(n: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A row for each ``width`` unknowns beside one another, the ends of which it has a part of."""
    chance = np.random.default_rng(seed)
    first = np.arange(max(n - width, 1))
    last = np.minimum(first + width, n - 1)
    design = np.zeros((len(first), n))
    for row, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        design[row, a : b + 1] = 1.0
        design[row, [a, b]] *= chance.uniform(0.1, 1, 2)
    return design / width, first, last


def whole(design: np.ndarray, weight: np.ndarray, own: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """The same matrix without blocks."""
    differences = np.diff(np.eye(design.shape[1]), axis=0)
    return (
        design.T @ (weight[:, None] * design) + np.diag(own) + differences.T @ (alike[:, None] * differences)
    )


@pytest.mark.parametrize("width", [1, 9, 60, 61, 100])
@pytest.mark.parametrize("n", [1, 2, 59, 60, 61, 120, 121, 305])
def test_blocks_have_the_answers_of_the_whole_matrix(n: int, width: int) -> None:
    chance = np.random.default_rng([n, width])
    design, first, last = means(n, width, n)
    weight, own = chance.uniform(0.5, 2, len(design)), chance.uniform(0.5, 2, n)
    alike, target, weights = chance.uniform(0.5, 2, n - 1), chance.normal(size=n), chance.normal(size=(n, 4))
    known = whole(design, weight, own, alike)
    found = Banded(design, first, last).eliminated(weight, own, alike)
    assert found.solve(target) == pytest.approx(np.linalg.solve(known, target), rel=1e-9, abs=1e-12)
    expected = np.einsum("ij,ij->j", weights, np.linalg.solve(known, weights))
    assert found.variances(weights) == pytest.approx(expected, rel=1e-9)


def test_rounding_grows_no_faster_than_the_root_of_the_condition() -> None:
    """Exact readings of 100 bins say next to nothing of power that comes round with them."""
    design, first, last = means(700, 100, 1)
    alike = np.random.default_rng(2).choice([3e-5, 1.0], 699)  # where power stepped, and where it did not
    weight, own = np.full(len(design), 1e8), np.full(700, 1e-10)
    known = whole(design, weight, own, alike)
    assert np.linalg.cond(known) > 1e8
    target = known @ np.random.default_rng(3).normal(0, 100, 700)
    found = Banded(design, first, last).eliminated(weight, own, alike).solve(target)
    # With the inverses of the blocks what is left is 5,000 times that of the whole matrix, and more.
    at_once = np.linalg.solve(known, target)
    assert np.abs(known @ found - target).max() < 500 * np.abs(known @ at_once - target).max()
