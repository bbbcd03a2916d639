"""What laws of power leave open: against ordinary fits of the same models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from microjoule.joules.sharing.share_laws import Laws, Rows

IDLE_W, PER_S = 12.0, np.array([20.0, 9.0])


def rows_of(seed: int, n: int = 80) -> Rows:
    """Looks at two programs that are busy for a part of each."""
    chance = np.random.default_rng([seed, 57])
    length_s = chance.uniform(0.05, 0.15, n)
    return Rows(length_s, chance.choice([0.0, 0.2, 0.5, 1.0, 1.6], (n, 2)) * length_s[:, None], 2)


def laws_of(rows: Rows, energy_j: np.ndarray, wider: float = 1.0) -> Laws:
    return Laws(rows, energy_j, np.ones(len(energy_j), bool), lambda _: wider)


def fitted(columns: np.ndarray, energy_j: np.ndarray, length_s: np.ndarray) -> np.ndarray:
    """Coefficients of columns, each row weighed by its length."""
    weight = 1 / np.sqrt(length_s)
    return np.linalg.lstsq(columns * weight[:, None], energy_j * weight, rcond=None)[0]


@pytest.mark.parametrize("seed", range(3))
def test_the_strength_of_a_law_moves_energies_by_its_own_uncertainty(seed: int) -> None:
    """That of a fit of all coefficients at once; the energies are fitted anew at each end of it."""
    rows = rows_of(seed)
    first = np.minimum(1.0, rows.length_s / np.maximum(rows.busy_s.sum(axis=1), 1e-9))
    noise = np.random.default_rng(seed).normal(0.0, 0.02, len(first))

    def columns(strength: float) -> np.ndarray:
        return np.column_stack((rows.length_s, rows.busy_s * (1 + strength * first)[:, None]))

    energy_j = columns(0.6) @ [IDLE_W, *PER_S] + noise

    def model(_: np.ndarray, strength: float, *watts: float) -> np.ndarray:
        return columns(strength) @ watts

    start = (0.6, IDLE_W, *PER_S)
    best, covariance = curve_fit(model, first, energy_j, start, sigma=np.sqrt(rows.length_s))
    u = np.sqrt(covariance[0, 0])

    def energies(strength: float) -> np.ndarray:
        return fitted(columns(strength), energy_j, rows.length_s) * columns(strength).sum(axis=0)

    found = laws_of(rows, energy_j).tried[2]  # the linear one, of load, of the first core
    assert found.energy_j == pytest.approx(energies(best[0]), rel=0.01)
    moved_j = np.abs(energies(best[0] + u) - energies(best[0] - u)) / 2
    assert found.moved_j == pytest.approx(moved_j, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_a_step_moves_energies_by_its_own_uncertainty(seed: int) -> None:
    """With the step held at each end of it, the other coefficients are fitted anew."""
    rows, at = rows_of(seed), 30 + seed
    later_s = rows.length_s * (np.arange(len(rows.length_s)) >= at)
    linear = np.column_stack((rows.length_s, rows.busy_s))
    noise = np.random.default_rng(seed).normal(0.0, 0.02, len(later_s))
    energy_j = linear @ [IDLE_W, *PER_S] + 4.0 * later_s + noise
    found = laws_of(rows, energy_j).tried[-1]
    assert found.design[at:, 0] == pytest.approx(rows.length_s[at:] * found.design[at, 0] / rows.length_s[at])
    watts = fitted(np.column_stack((linear, later_s)), energy_j, rows.length_s)
    assert found.step_w == pytest.approx(watts[-1], rel=1e-6)
    left = (energy_j - np.column_stack((linear, later_s)) @ watts) / np.sqrt(rows.length_s)
    x = np.column_stack((linear, later_s)) / np.sqrt(rows.length_s)[:, None]
    spare = len(left) - 4 - 1  # its place was searched for too
    u = np.sqrt(np.linalg.inv(x.T @ x)[-1, -1] * (left @ left) / spare)

    def energies(step_w: float) -> np.ndarray:
        of_each = fitted(linear, energy_j - step_w * later_s, rows.length_s) * linear.sum(axis=0)
        return of_each + np.array([step_w * later_s.sum(), 0.0, 0.0])

    assert found.energy_j == pytest.approx(energies(watts[-1]), rel=1e-6)
    moved_j = np.abs(energies(watts[-1] + u) - energies(watts[-1] - u)) / 2
    assert found.moved_j == pytest.approx(moved_j, rel=1e-5)


def test_the_idle_machine_draws_its_mean_power_on_the_whole_and_more_behind_a_step() -> None:
    """From 12 to 16 W: a third more, and over all time as much as its energy says."""
    rows = rows_of(1)
    later_s = rows.length_s * (np.arange(len(rows.length_s)) >= 37)
    noise = np.random.default_rng(1).normal(0.0, 0.001, len(later_s))
    energy_j = np.column_stack((rows.length_s, rows.busy_s)) @ [IDLE_W, *PER_S] + 4.0 * later_s + noise
    times = laws_of(rows, energy_j).idle_times
    assert times @ rows.length_s == pytest.approx(rows.length_s.sum())
    assert times[37:] / times[0] == pytest.approx(4 / 3, rel=1e-3)
    assert times[:37] == pytest.approx(times[0], rel=1e-3)


@pytest.mark.parametrize("wider", [1.0, 2.0])
def test_a_law_is_as_likely_as_what_it_leaves_and_each_strength_costs(wider: float) -> None:
    """By Schwarz's criterion: of independent rows -n/2 ln S - k/2 ln n, flattened by four."""
    rows = rows_of(2)
    noise = np.random.default_rng(2).normal(0.0, 0.3, len(rows.length_s))
    found = laws_of(rows, np.column_stack((rows.length_s, rows.busy_s)) @ [IDLE_W, *PER_S] + noise, wider)
    n = len(noise)
    squares = np.array([each.left @ each.left for each in found.tried])
    terms = np.array([each.terms for each in found.tried])
    assert terms[0] == 0
    odds = squares ** (-n / wider**2 / 8) * n ** (-terms / 8)
    assert found.odds == pytest.approx(odds / odds.sum())
