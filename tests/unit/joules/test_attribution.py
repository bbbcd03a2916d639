"""The power of each state of a span, and how well it is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.joules.attribution import Watts


def test_the_power_of_a_state_is_its_energy_over_its_time_and_no_worse_known_than_the_mean():
    """Along two directions 3 and 4 J are not known, and along a third nothing is: as much as there was.

    Of 5 J (the root of 0.6² 3² + 0.8² 4²) a state of 8 s has that part in watts. What only the third one
    tells is as uncertain as its mean power allows.
    """
    directions = np.array([[0.6, 0.8, 0.0], [0.8, -0.6, 0.0], [0.0, 0.0, 1.0]])
    fit = SimpleNamespace(
        u_j=np.array([3.0, 4.0, np.inf]), directions=directions, energy_j=np.array([80.0, 4.0, 30.0])
    )
    span = SimpleNamespace(
        fit=fit,
        mean_w=10.0,
        seen_s=11.0,
        time_s=np.array([8.0, 0.5, 2.5]),
        columns=[[0], [3], [1, 4]],
        occupancy=SimpleNamespace(states=[None] * 5),
    )
    found = Watts.of(span)
    assert found.watts.tolist() == [10.0, 12.0, 10.0, 8.0, 12.0]
    first = np.sqrt((0.6 * 3) ** 2 + (0.8 * 4) ** 2) / 8.0
    second = np.sqrt((0.8 * 3) ** 2 + (0.6 * 4) ** 2) / 0.5
    assert found.spread_w == pytest.approx([first, 10.0, 10.0, second, 10.0])


def test_all_that_there_was_over_a_long_time_is_less_than_the_mean_power():
    """Of two states nobody can tell apart, each has 20 J at most: of 100 s in all, at 0.2 W on the mean."""
    half = np.sqrt(0.5)
    fit = SimpleNamespace(
        u_j=np.array([0.0, np.inf]), directions=np.array([[half, half], [half, -half]]), energy_j=np.ones(2)
    )
    span = SimpleNamespace(
        fit=fit,
        mean_w=0.2,
        seen_s=100.0,
        time_s=np.array([90.0, 10.0]),
        columns=[[0], [1]],
        occupancy=SimpleNamespace(states=[None] * 2),
    )
    assert Watts.of(span).spread_w == pytest.approx([20 * half / 90, 0.2])
