"""Power that saturates, from batches of known load: exact energies give what a token takes and the bend."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from ideal import MS, T0

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.serving.requests import DECODE, IDLE, Work
from microjoule.joules.serving.saturation import Saturation, _bent_by, _ratio, _Rows, saturation

PARTS = 16  # of an update, 10 ms each: requests begin and end with one, so that the load is even in each
ROWS, REQUESTS = 150, 120
IDLE_W, TOKEN_J = 60.0, 2.0
STATES = (IDLE, DECODE)


class Scene(NamedTuple):
    """What a server did: tokens a second of each request in each part, and the work that this is."""

    rate: np.ndarray
    works: dict[str, Work]
    edges_ns: np.ndarray

    @property
    def load_w(self) -> np.ndarray:
        return TOKEN_J * self.rate.sum(axis=0)

    def energy_j(self, kappa: float, p: float) -> np.ndarray:
        """Of each update: idle power and g(L) = L / (1 + (kappa L)^p)^(1/p) over each part."""
        above_w = self.load_w / (1 + (kappa * self.load_w) ** p) ** (1 / p)
        return ((IDLE_W + above_w) * 0.01).reshape(-1, PARTS).sum(axis=1)

    def of_requests(self, kappa: float, p: float) -> np.ndarray:
        """Of each request its part of the load at each instant."""
        by_load = 1 / (1 + (kappa * self.load_w) ** p) ** (1 / p)
        return (TOKEN_J * self.rate * by_load * 0.01).sum(axis=1)


def scene(seed: int = 1) -> Scene:
    chance = np.random.default_rng(seed)
    n = ROWS * PARTS
    begin = chance.integers(0, n - 60, REQUESTS)
    begin[: REQUESTS // 2] = chance.integers(0, n // 5, REQUESTS // 2)  # many at once, and later few
    end = begin + chance.integers(20, 60, REQUESTS)
    tokens = chance.integers(20, 60, REQUESTS).astype(float)
    at = np.arange(n)
    is_in = (at >= begin[:, None]) & (at < end[:, None])
    rate = is_in * (tokens / ((end - begin) * 0.01))[:, None]
    begin_ns, end_ns = (T0 + each * 10 * MS for each in (begin, end))
    span = np.array([T0]), np.array([T0 + n * 10 * MS])
    works = {
        IDLE: Work(*span, np.array([n * 0.01]), np.array([-1])),
        DECODE: Work(begin_ns, end_ns, tokens, np.arange(REQUESTS)),
    }
    return Scene(rate, works, T0 + np.arange(ROWS + 1) * PARTS * 10 * MS)


def updates(of: Scene, energy_j: np.ndarray) -> Updates:
    return Updates(of.edges_ns, energy_j, np.ones(ROWS, bool), np.zeros(ROWS + 1), 1e-6)


def found(of: Scene, energy_j: np.ndarray) -> Saturation:
    return saturation(updates(of, energy_j), STATES, of.works)


def rows(of: Scene, energy_j: np.ndarray) -> _Rows:
    design = np.stack((np.full(ROWS * PARTS, 0.01), of.rate.sum(axis=0) * 0.01), axis=1)
    t_s = np.full((ROWS, PARTS), 0.01)
    return _Rows(design.reshape(ROWS, PARTS, 2), t_s, energy_j, 1 / energy_j, np.array([True, False]))


def test_the_ratio_is_that_of_power_to_load() -> None:
    assert _ratio(np.array([0.0, 1.0, 3.0]), 1.0).tolist() == [1.0, 0.5, 0.25]
    assert _ratio(np.array([0.0, 1.0, 0.75]), 2.0) == pytest.approx([1.0, 0.5**0.5, 0.8])


@pytest.mark.parametrize(("kappa", "p"), [(0.0, 1.0), (0.002, 1.0), (0.002, 2.0)])
def test_with_the_true_bend_a_fit_finds_what_units_take_whatever_it_starts_from(
    kappa: float, p: float
) -> None:
    of = scene()
    for start in ([IDLE_W, TOKEN_J], [50.0, 1.0]):
        squares, units = _bent_by(kappa, p, rows(of, of.energy_j(kappa, p)), np.array(start))
        assert units == pytest.approx([IDLE_W, TOKEN_J], rel=1e-3)
        assert squares < 1e-4


def test_squares_are_of_errors_as_parts_of_each_energy() -> None:
    of = scene()
    errors = 0.01 * (-1.0) ** np.arange(ROWS)
    energy_j = of.energy_j(0.002, 1.0) * (1 + errors)
    squares, _ = _bent_by(0.002, 1.0, rows(of, energy_j), np.array([IDLE_W, TOKEN_J]))
    assert squares == pytest.approx(float((errors**2).sum()), rel=0.05)


@pytest.mark.parametrize("p", [1.0, 2.0])
@pytest.mark.parametrize("kappa", [0.0015, 0.003])
def test_clear_saturation_gives_each_request_its_part_of_the_power_at_each_instant(
    kappa: float, p: float
) -> None:
    of = scene()
    energy_j = of.energy_j(kappa, p)
    fits = found(of, energy_j)
    assert fits.is_clear
    each = fits.best.of_each(of.works, STATES, REQUESTS)
    assert each.shape == (REQUESTS + 1, 2)
    assert each[:-1, 1] == pytest.approx(of.of_requests(kappa, p), rel=0.05)
    assert each[:-1, 0].tolist() == [0.0] * REQUESTS
    assert each[-1].tolist() == pytest.approx([fits.best.per_unit_j[0] * ROWS * 0.16, 0.0], rel=1e-9)
    assert fits.best.per_unit_j[0] == pytest.approx(IDLE_W, rel=0.02)
    assert each.sum() == pytest.approx(energy_j.sum(), rel=0.01)
    # The form that made them explains them better than the other one, and no stronger bend is left open.
    assert fits.best.ratio == pytest.approx(_ratio(kappa * of.load_w, p), abs=0.02)
    assert fits.best.bend <= fits.strongest.bend < 1.2 * fits.best.bend + 0.01
    assert np.abs(fits.other.ratio - fits.best.ratio).max() > 0.02


def test_a_straight_line_is_not_refuted_by_scatter() -> None:
    of = scene()
    noise = np.random.default_rng(3).normal(0, 0.02, ROWS)
    fits = found(of, of.energy_j(0.0, 1.0) * (1 + noise))
    assert not fits.is_clear
    assert fits.best.bend < 0.1
    assert fits.best.bend <= fits.strongest.bend
    line = found(of, of.energy_j(0.0, 1.0))
    assert not line.is_clear
    assert line.best.bend == 0.0
    assert line.best.per_unit_j == pytest.approx([IDLE_W, TOKEN_J])


def test_updates_that_are_unknown_count_for_nothing() -> None:
    of = scene()
    energy_j = of.energy_j(0.002, 1.0)
    is_ok = np.arange(ROWS) % 7 != 3
    wrong = np.where(is_ok, energy_j, 1e4)
    fits = saturation(updates(of, wrong)._replace(is_ok=is_ok), STATES, of.works)
    assert fits.best.per_unit_j == pytest.approx([IDLE_W, TOKEN_J], rel=0.05)
