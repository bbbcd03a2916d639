"""The powers of states by their times in updates, and which of them are open against one another."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.profiling.state_fit import StateFit

S = 10**9


def fitted(is_ok: np.ndarray | None = None) -> tuple[StateFit, np.ndarray]:
    """Three states of 20, 50 and 100 W, of which the second never was, in 40 updates of a second."""
    share = np.random.default_rng(1).uniform(0.1, 0.9, 40)
    design = np.stack((share, 0 * share, 1 - share), axis=1)
    energy_j = design @ [20.0, 50.0, 100.0]
    is_ok = np.ones(40, bool) if is_ok is None else is_ok
    of = Updates(np.arange(41) * S, np.where(is_ok, energy_j, 9e9), is_ok, np.zeros(41), 1e-6)
    return StateFit(of, design, design), design


@pytest.mark.parametrize("is_ok", [None, np.arange(40) % 5 != 2])
def test_states_that_no_update_saw_have_no_column_and_the_others_their_power(is_ok) -> None:
    found, design = fitted(is_ok)
    good = np.ones(40, bool) if is_ok is None else is_ok
    assert found.inside.tolist() == [0, 2]
    assert found.time_s == pytest.approx(design[:, [0, 2]].sum(axis=0))
    assert found.fit.energy_j / found.time_s == pytest.approx([20.0, 100.0])
    assert found.seen_s == pytest.approx(40.0)
    energy_j = design[good] @ [20.0, 50.0, 100.0]
    assert found.mean_w == pytest.approx(energy_j.sum() / good.sum())
    assert found._design.tolist() == design[:, [0, 2]].tolist()
    assert found.groups() == []


def groups(u_j, directions, time_s, is_seen=(True,) * 4) -> list[frozenset[int]]:
    """Of four columns, by directions in columns, where the mean power is 10 W."""
    found = object.__new__(StateFit)
    found.fit = SimpleNamespace(u_j=np.array(u_j), directions=np.array(directions, float).T)
    found.time_s, found.mean_w = np.array(time_s), 10.0
    found._is_seen = np.array(is_seen)
    return found.groups()


def test_columns_are_open_along_a_direction_of_which_nothing_is_known() -> None:
    along = [[0.6, 0.8, 1e-9, 0.0], [0.0, 0.0, 0.6, 0.8]]
    assert groups([math.inf, 0.0], along, [1.0] * 4) == [{0, 1}]
    assert groups([math.inf, math.inf], along, [1.0] * 4) == [{0, 1}, {2, 3}]
    assert groups([math.inf, 0.0], along, [1.0] * 4, (True, False, True, True)) == []  # one alone is none


def test_columns_are_open_whose_powers_move_by_the_mean_within_two_standard_uncertainties() -> None:
    """2 · 0.6 · 5 J over 0.6 s are 10 W, and 2 · 0.8 · 5 J over 0.8 s."""
    along = [[0.6, 0.8, 0.0, 0.0]]
    assert groups([5.0], along, [0.599, 0.799, 1e-12, 1e-12]) == [{0, 1}]
    assert groups([5.0], along, [0.601, 0.799, 1.0, 1.0]) == []
    three = [[0.6, 0.64, 0.48, 0.0]]
    assert groups([5.0], three, [0.59, 0.63, 0.49, 1.0]) == [{0, 1}]
    assert groups([5.0], three, [0.59, 0.63, 0.47, 1.0], (True, True, False, True)) == [{0, 1}]
    # What is rounding moves no power, however short its time.
    assert groups([5.0], [[0.6, 0.8, 1e-9, 0.0]], [0.59, 0.79, 1e-12, 1.0]) == [{0, 1}]
