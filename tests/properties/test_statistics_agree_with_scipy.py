"""Student's t, the incomplete beta, least squares without negative answers, and the bootstrap, against scipy.

The package depends on numpy alone; scipy is the independent implementation, over a grid of arguments.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from microjoule.joules.estimates.nnls import nnls
from microjoule.joules.estimates.uncertainty import LEVEL, _incomplete_beta, student
from microjoule.measuring.scatter import FIGURES_LEAST, RESAMPLES, ratio_of_means, resampled, scatter

SEED = 1987  # of measuring/scatter.py
DOF = [0.3, 0.5, 1, 1.5, 2, 2.7, 3, 5, 8.3, 10, 19, 30, 49.9, 100, 999, 1e4, 1e6]
LEVELS = [0.5, 0.68, 0.9, 0.95, 0.99, 0.9999]


@pytest.mark.parametrize("dof", DOF)
def test_students_quantile(dof: float) -> None:
    """Two-sided, with whole and fractional degrees of freedom."""
    expected = [stats.t.ppf((1 + level) / 2, dof) for level in LEVELS]
    assert [student(dof, level) for level in LEVELS] == pytest.approx(expected, rel=1e-8)


def test_the_regularised_incomplete_beta() -> None:
    """Both sides of the point at which the continued fraction is mirrored, and both ends."""
    x = np.concatenate(([0.0, 1e-12, 1e-6], np.linspace(0.001, 0.999, 201), [1 - 1e-9, 1.0]))
    for a in (0.05, 0.25, 0.5, 1, 2, 5, 20, 100, 1000, 1e5):
        for b in (0.5, 1.0, 3.0):
            found = [_incomplete_beta(a, b, float(each)) for each in x]
            np.testing.assert_allclose(found, special.betainc(a, b, x), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("m", [1, 2, 5, 12])
@pytest.mark.parametrize("n", [12, 40])
@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_least_squares_without_negative_answers(n: int, m: int, spread: float) -> None:
    """Columns of like sizes, and of sizes up to a million apart."""
    held = 0
    for seed in range(20):
        rng = np.random.default_rng([seed, n, m])
        design = rng.standard_normal((n, m)) * 10.0 ** rng.uniform(-spread, spread, m)
        target = rng.standard_normal(n)
        found, (expected, norm) = nnls(design, target), optimize.nnls(design, target)
        held += int((expected == 0).sum())
        assert np.linalg.norm(target - design @ found) == pytest.approx(norm, rel=1e-9)
        scale = np.linalg.norm(design, axis=0)
        np.testing.assert_allclose(found * scale, expected * scale, atol=1e-8)
    assert held >= 5  # the bound decided somewhere


def level_of(m: int) -> float:
    """The level at which normal quantiles are as wide as the widened ones of Student's t."""
    reach = student(m - 1, LEVEL) * math.sqrt(m / (m - 1))
    return float(2 * stats.norm.cdf(reach) - 1)


FIGURES = {
    "normal": lambda rng, m: rng.normal(10.0, 1.0, m),
    "lognormal": lambda rng, m: rng.lognormal(0.0, 1.0, m),
    "ties": lambda rng, m: rng.integers(1, 4, m).astype(float),
    "one outlier": lambda rng, m: np.append(rng.normal(10.0, 0.1, m - 1), 50.0),
    "negative skew": lambda rng, m: -rng.exponential(1.0, m),
}


@pytest.mark.parametrize("figures", FIGURES)
@pytest.mark.parametrize("m", [FIGURES_LEAST, 33, 100])
def test_the_bootstraps_interval_of_a_mean(figures: str, m: int) -> None:
    """Bias-corrected and accelerated, from the same resamples."""
    values = FIGURES[figures](np.random.default_rng(m), m)
    expected = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=level_of(m),
        n_resamples=RESAMPLES,
        batch=RESAMPLES,
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    found = scatter(values.tolist())
    assert found is not None
    assert found.interval == pytest.approx(tuple(expected), rel=1e-9)
    assert found.mad == pytest.approx(stats.median_abs_deviation(values))


@pytest.mark.parametrize("m", [FIGURES_LEAST, 50])
def test_the_bootstraps_interval_of_a_ratio_of_pairs(m: int) -> None:
    """A pair is drawn as one."""
    rng = np.random.default_rng(m)
    pairs = (1 + rng.random((m, 1))) * np.array([1.5, 1.0]) * rng.lognormal(0.0, 0.3, (m, 2))
    expected = stats.bootstrap(
        (pairs[:, 0], pairs[:, 1]),
        lambda one, other, axis: one.mean(axis) / other.mean(axis),
        paired=True,
        vectorized=True,
        confidence_level=level_of(m),
        n_resamples=RESAMPLES,
        batch=RESAMPLES,
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    assert resampled(pairs, ratio_of_means) == pytest.approx(tuple(expected), rel=1e-9)
