"""What a fit of shares says of windows, of columns that it cannot tell apart, and of residuals that go on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.estimates.uncertainty import RECTANGULAR, student
from microjoule.joules.profiling.regression import Fit
from microjoule.joules.sharing.share_fit import BINS_MAX, ShareFit, _not_nothing, _wider, looks

MS, S = 1_000_000, 1_000_000_000
EDGES_NS = np.array([10, 20, 40]) * S


def fit(step_w: float = 6.0, wider: float = 1.5, u_j: tuple[float, ...] = (30.0, 2.0)) -> ShareFit:
    """30 s of an idle machine of 200 J and one other of 100 J in 20 s; the two may be told apart to 30 J."""
    directions = np.array([[1.0, 0.5], [-1.0, 0.5]]) / np.sqrt([2.0, 0.5])
    energy_j = np.array([200.0, 100.0])
    found = Fit(energy_j, directions, np.array(u_j), 5.0, np.zeros(2), np.zeros(3), 2, 0.0, 0.0)
    return ShareFit(
        found, np.array([30.0, 20.0]), wider, np.array([-10.0, 10.0]), np.array([3.0, -3.0]), 300.0, 0.0, "f",
        step_w, EDGES_NS, np.array([2.0, 0.5]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("t0_s", "t1_s", "times"), [(10, 20, 20.0), (15, 30, 15.0), (0, 10, 20.0), (40, 44, 2.0), (5, 50, 45.0)]
)
def test_an_idle_machines_seconds_are_as_many_times_its_mean_power(
    t0_s: int, t1_s: int, times: float
) -> None:
    """2 times for 10 s and half for 20; before and after as at the ends."""
    assert fit().idle_s(t0_s * S, t1_s * S) == pytest.approx(times)
    assert fit(step_w=0.0).idle_s(t0_s * S, t1_s * S) == t1_s - t0_s


def test_a_window_has_its_part_of_each_direction_of_the_law_and_of_a_step() -> None:
    of = fit()
    used_s = np.array([6.0, 5.0])  # a fifth of the idle time, a quarter of the other's
    assert of.energy_j(used_s) == pytest.approx(6.0 * 190 / 30 + 5.0 * 110 / 20)
    along = np.array([0.2, 0.25]) @ of.of.directions
    wider = 1.5 * student(5.0) / 2.0
    first, second, law, step = of.components(used_s)
    assert [first.u, second.u] == pytest.approx([along[0] * 30.0 * wider, along[1] * 2.0 * wider])
    assert law.u == pytest.approx(0.2 * 3.0 - 0.25 * 3.0)
    assert step.u == pytest.approx(6.0 / 2 * 6.0 * (1 - 0.2) / math.sqrt(3.0))
    assert step.form == RECTANGULAR
    assert [each.name for each in fit(step_w=0.0).components(used_s)] == ["regression", "regression", "law"]


def test_columns_are_one_group_where_a_quarter_of_all_may_move_between_them() -> None:
    """Two standard uncertainties, times by how much residuals widen them: 64 and 127 J, of 75 J."""
    assert fit().groups() == []
    assert fit(u_j=(60.0, 2.0)).groups() == [frozenset({0, 1})]
    assert fit(u_j=(math.inf, 2.0)).groups() == [frozenset({0, 1})]
    assert fit(u_j=(60.0, 2.0)).groups(np.array([[1.0, 1.0]])) == []


def test_no_more_looks_are_taken_than_a_fit_can_have() -> None:
    n = 2 * BINS_MAX + 1
    edges = np.arange(n, dtype=np.int64) * MS
    found = looks(Updates(edges, np.full(n - 1, 0.25), np.ones(n - 1, bool), np.zeros(n), 0.0), edges)
    assert BINS_MAX / 2 < len(found.edges_ns) <= BINS_MAX
    assert found.energy_j == pytest.approx(np.diff(found.edges_ns) / MS * 0.25)


def test_residuals_that_go_on_widen_by_how_their_sums_scatter() -> None:
    """Each one four times in a row: the mean square of sums of four is 16, where independent ones have 4."""
    rng = np.random.default_rng(2)
    each = rng.choice([-1.0, 1.0], 4096)
    assert _wider(each) == pytest.approx(1.0, abs=0.3)
    assert _wider(np.repeat(each, 4)) >= 2.0
    assert _wider(3.0 * np.repeat(each, 4)) == pytest.approx(_wider(np.repeat(each, 4)))
    assert _wider(np.zeros(64)) == 1.0


def test_amounts_of_nothing_count_as_one() -> None:
    assert _not_nothing(np.array([0.0, 0.5, 3.0])).tolist() == [1.0, 0.5, 3.0]
