"""The parts of a meter's fit, each held against numpy, a closed form or loops."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.reference.reference_fit import Cumulative, _Beside, _sandwich, fit
from microjoule.units import NS_PER_S

T_S = np.arange(0, 120, 1e-3)


def beside(power_w: np.ndarray, t_s: np.ndarray, y: np.ndarray, spread_s: float = 0.0) -> _Beside:
    """Readings beside a power that is constant over each millisecond."""
    joules = np.concatenate(([0.0], np.cumsum(power_w[:-1]) * 1e-3))
    return _Beside(Cumulative(T_S, joules), t_s, y, np.full(len(y), spread_s))


def test_the_line_is_that_of_weighted_least_squares() -> None:
    chance = np.random.default_rng(1)
    t_s = np.sort(chance.uniform(10, 110, 60))
    of = beside(100 + 50 * np.sign(np.sin(T_S)), t_s, chance.normal(100, 20, 60))
    of.weight = chance.uniform(0.2, 2.0, 60)
    at = np.array([0.3, 0.5])
    x = of.x(at)
    assert np.ptp(x) > 90
    slope, intercept = np.polyfit(x, of.y, 1, w=np.sqrt(of.weight))
    offset, gain, squares = of.line(at)
    assert (offset, gain) == pytest.approx((intercept, slope))
    assert squares == pytest.approx(float(of.weight @ (of.y - intercept - slope * x) ** 2))


def test_a_reading_at_an_uncertain_time_is_the_mean_over_all_that_this_may_be() -> None:
    """Of power t³ over a rectangle of half width √3 s around t: t³ + 3 t s²; its window is short."""
    t_s, spread_s = np.array([20.0, 50.0, 80.0]), 4.0
    of = beside(T_S**3, t_s, np.zeros(3), spread_s)
    assert of.x(np.array([0.0, 1e-3])) == pytest.approx(t_s**3 + 3 * t_s * spread_s**2, rel=1e-3)
    assert of.x(np.array([5.0, 1e-3])) == pytest.approx(
        (t_s - 5) ** 3 + 3 * (t_s - 5) * spread_s**2, rel=1e-3
    )
    assert of.x(np.array([0.0, 1e-3]), 2.0) == pytest.approx(
        (t_s + 2) ** 3 + 3 * (t_s + 2) * spread_s**2, rel=1e-3
    )
    # The mean over a window, too: of t³ from 20 s to 30 s.
    plain = beside(T_S**3, np.array([30.0]), np.zeros(1))
    assert plain.x(np.array([0.0, 10.0])) == pytest.approx([(30**4 - 20**4) / 4 / 10], rel=1e-3)


def test_a_reading_near_steps_of_power_weighs_less_by_what_its_time_leaves_open() -> None:
    """Steady power for a minute, and then 40 W a second more: 0.1 s are 4 W there, and noise is 0.74 W."""
    power_w = 100 + 40 * np.maximum(T_S - 60, 0.0)
    t_s = np.concatenate((np.linspace(10, 55, 40), np.linspace(65, 115, 40)))
    of = beside(power_w, t_s, np.zeros(80), 0.1)
    at = np.array([0.0, 1e-3])
    of.y = of.x(at) + 0.5 * (-1.0) ** np.arange(80)
    assert of.open_w(at) == pytest.approx(np.repeat([0.0, 4.0], 40), abs=0.01)
    of.weigh(at)
    noise_w = 0.5 / 0.6745
    assert of.weight.mean() == pytest.approx(1.0)
    assert of.weight[:40] / of.weight[40:] == pytest.approx(
        np.full(40, (noise_w**2 + 16) / noise_w**2), rel=0.02
    )


def test_the_covariance_is_the_sandwich_of_hc3_scores_with_newey_and_west_s_weights() -> None:
    chance = np.random.default_rng(2)
    n = 30
    jacobian = np.stack((np.ones(n), chance.normal(size=n), 1e4 * chance.normal(size=n)), axis=1)
    jacobian[4, 1] = 8.0  # pulls the line towards itself
    rest = chance.normal(size=n) * np.linspace(0.5, 2.0, n)
    bread = np.linalg.inv(jacobian.T @ jacobian)
    scores = [row * e / max(1 - row @ bread @ row, 0.05) for row, e in zip(jacobian, rest, strict=True)]
    reach = round(n ** (1 / 3))
    meat = np.zeros((3, 3))
    for i in range(n):
        for j in range(n):
            if abs(i - j) <= reach:
                meat += (1 - abs(i - j) / (reach + 1)) * np.outer(scores[i], scores[j])
    assert _sandwich(jacobian, rest) == pytest.approx(bread @ meat @ bread, rel=1e-6)
    units = np.array([1e-6, 1.0, 1e6])  # whatever the figures' units are
    expected = bread @ meat @ bread / np.outer(units, units)
    assert _sandwich(jacobian * units, rest) == pytest.approx(expected, rel=1e-6)


def test_a_display_s_step_is_in_gain_and_offset_by_how_far_powers_are_apart() -> None:
    """Half the time 60 W and half 160 W: 110 W in the mean, 50 W of standard deviation; exact readings."""
    power_w = np.where(T_S % 7 < 3.5, 60.0, 160.0)
    joules = np.concatenate(([0.0], np.cumsum(power_w[:-1]) * 1e-3))
    t_s = np.arange(0.72, 125.0, 0.25)
    of = Cumulative(T_S, joules)
    y = 3.0 + 1.1 * of.mean_w(t_s - 0.2, 0.5)
    y[t_s - 0.2 > T_S[-1]] = 1e4  # what was read when the counter was not
    at_ns = [np.rint(each * NS_PER_S).astype(np.int64) for each in (t_s, T_S)]
    found = fit(at_ns[0], y, np.zeros(len(y)), at_ns[1], joules, step_w=2.0, reach_s=6.0)
    assert (found.gain.value, found.offset_w.value) == pytest.approx((1.1, 3.0), rel=0.01)
    assert (found.lag_s.value, found.window_s.value) == pytest.approx((0.2, 0.5), abs=0.01)
    inside = (t_s > 0.2 + 1.1 * 0.5) & (t_s < T_S[-1] + 0.2 - 0.05)  # the lag, the window and a tenth of it
    x = of.mean_w(t_s[inside] - 0.2, 0.5)
    step_u_w = 2.0 / 12**0.5
    assert found.n == int(inside.sum())
    assert found.gain.u == pytest.approx(step_u_w / x.std(), rel=0.01)
    assert found.offset_w.u == pytest.approx(step_u_w * np.hypot(1.0, x.mean() / x.std()), rel=0.01)
    assert found.at_mean_w.u == pytest.approx(step_u_w, rel=0.01)
    assert found.at_mean_w.value == pytest.approx(3.0 + 1.1 * x.mean(), rel=0.001)
    assert found.explained == pytest.approx(1.0, abs=1e-4)
    assert found.residual_w < 0.5
