"""The bootstrap's 95 % interval of a mean: right for normal figures, nearer than t for skewed ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microjoule.joules.estimates.uncertainty import student
from microjoule.measuring.scatter import FIGURES_LEAST, ratio_of_means, resampled, scatter

TRIALS = 600


def shares(draw, truth, m):
    """How often the bootstrap's and Student's intervals hold the truth."""
    held = np.zeros((TRIALS, 2), bool)
    for seed in range(TRIALS):
        values = draw(np.random.default_rng([seed, 21]), m)
        low, high = scatter(values.tolist()).interval
        reach = student(m - 1) * values.std(ddof=1) / math.sqrt(m)
        held[seed] = low <= truth <= high, abs(values.mean() - truth) <= reach
    return held.mean(axis=0)


@pytest.mark.parametrize("m", [20, 60])
def test_normal_figures(m):
    by_bootstrap, _ = shares(lambda rng, n: rng.normal(10, 1, n), 10.0, m)
    print("normal", m, by_bootstrap)
    assert 0.93 <= by_bootstrap <= 0.975


@pytest.mark.parametrize(
    ("draw", "truth", "gain"),
    [
        (lambda rng, n: 1 + rng.exponential(1, n), 2.0, -0.01),
        (lambda rng, n: rng.lognormal(0, 0.8, n), math.exp(0.32), -0.01),
        (
            lambda rng, n: 10 + (rng.random(n) < 0.15) * rng.exponential(2, n),
            10.3,
            0.05,
        ),  # now and then, more
    ],
    ids=["exponential", "lognormal", "now and then"],
)
def test_figures_to_which_something_only_ever_adds(draw, truth, gain):
    by_bootstrap, by_t = shares(draw, truth, 40)
    print("skewed", by_bootstrap, by_t)
    assert by_t + gain <= by_bootstrap <= 0.975
    assert by_bootstrap >= 0.88


def test_a_ratio_of_pairs_that_drift_together():
    held = []
    for seed in range(TRIALS):
        rng = np.random.default_rng([seed, 22])
        both = 1 + 0.1 * rng.random((30, 1))
        pairs = both * np.array([1.02, 1.0]) * (1 + 0.01 * rng.standard_normal((30, 2)))
        low, high = resampled(pairs, ratio_of_means)
        held.append(low <= 1.02 <= high)
    print("ratio", np.mean(held))
    assert 0.93 <= np.mean(held) <= 0.975


@settings(max_examples=60)
@given(st.lists(st.floats(0.5, 100), min_size=FIGURES_LEAST, max_size=40), st.integers(-3, 3))
def test_a_unit_scales_it_all_and_the_interval_lies_within_the_figures(values, doublings):
    k = 2.0**doublings  # exactly, so that ties stay ties
    found, larger = scatter(values), scatter([k * v for v in values])
    assert larger.median == pytest.approx(k * found.median)
    assert larger.mad == pytest.approx(k * found.mad, abs=1e-9)
    assert larger.interval == pytest.approx([k * end for end in found.interval])
    low, high = found.interval
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_few_figures_or_a_missing_one_have_no_interval():
    assert scatter([1.0]) is None
    assert scatter([1.0, 2.0, 4.0]) == (3, 2.0, 1.0, None)
    assert resampled(np.array([[1.0]] * 30 + [[math.nan]]), lambda rows: rows[..., 0].mean(-1)) is None
    assert scatter([3.0] * 30).interval == (3.0, 3.0)
