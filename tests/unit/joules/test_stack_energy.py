"""Frames' energies and their uncertainties, worked out from what samples sum up to, node by node."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.profiling.sample_sums import Sums
from microjoule.joules.profiling.sampled import FIT, POINTS
from microjoule.joules.profiling.stack_energy import Frames, frames

# What calls what: 0 calls 1 and 4, 1 calls 2 and 3, and 3 calls 5. Stacks end in 2, 5, 3 or 4.
PARENT = [-1, 0, 1, 1, 0, 3]
INSIDE = {0: {0, 1, 2, 3, 4, 5}, 1: {1, 2, 3, 5}, 2: {2}, 3: {3, 5}, 4: {4}, 5: {5}}
PAIRS = [  # first, second, how many, half the squares of both, and of their differences
    (2, 2, 30.0, 1.8, 1.9, 0.02),
    (2, 5, 4.0, 0.3, 0.2, 0.05),
    (5, 2, 3.0, 0.25, 0.2, 0.04),
    (5, 5, 20.0, 1.1, 1.2, 0.03),
    (5, 3, 2.0, 0.1, 0.12, 0.01),
    (3, 4, 2.0, 0.15, 0.1, 0.06),
    (4, 4, 25.0, 0.9, 0.8, 0.04),
    (4, 2, 1.0, 0.05, 0.07, 0.02),
]
OWN = {
    "n": (0.0, 0.0, 37.0, 5.0, 27.0, 22.0),
    "energy_j": (0.0, 0.0, 4.0, 0.4, 1.5, 2.1),
    "late_j": (0.0, 0.0, 3.9, 0.5, 1.6, 2.0),
    "time_s": (0.0, 0.0, 0.37, 0.05, 0.27, 0.22),
    "shared_j": (0.0, 0.0, 1.0, 0.1, 0.2, 0.9),
    "open_s": (0.0, 0.0, 0.0, 0.04, 0.0, 0.0),
    "ends_j2": (0.0, 0.0, 0.01, 0.0, 0.02, 0.03),
}


def sums(**changed: Any) -> Sums:
    pairs = np.array(PAIRS).T
    none = np.zeros(0)
    columns = {name: np.array(of) for name, of in OWN.items()} | {
        "before": pairs[0].astype(int), "after": pairs[1].astype(int), "pairs": pairs[2],
        "before_j2": pairs[3], "after_j2": pairs[4], "step_j2": pairs[5],
        "fit_node": none.astype(int), "fit_column": none.astype(int), "fit_s": none,
    }  # fmt: skip
    return Sums(**(columns | changed))


def common(update_s: float = 0.001, way: str = POINTS, fit: Any = None) -> Any:
    return SimpleNamespace(way=way, update_s=update_s, period_s=0.01, fit=fit)


def whole(name: str, node: int, of: Any = None) -> float:
    """A figure of a node, with all that it calls."""
    return sum((of or OWN)[name][each] for each in INSIDE[node])


@pytest.fixture
def found() -> Frames:
    return frames(PARENT, sums(), common())


@pytest.mark.parametrize("node", range(6))
def test_a_frame_has_the_samples_of_all_that_it_calls(found: Frames, node: int) -> None:
    energy_j = whole("energy_j", node)
    assert found.energy_j[node] == pytest.approx(energy_j)
    assert found.own_j[node] == OWN["energy_j"][node]
    assert found.time_s[node] == pytest.approx(whole("time_s", node))
    assert found.samples[node] == whole("n", node)
    assert found.alignment_j[node] == pytest.approx(whole("late_j", node) - energy_j)
    # Threads at once may have used nothing of what is shared, or all: a rectangle.
    most = min(whole("shared_j", node), whole("energy_j", 0) - energy_j)
    assert found.threads_j[node] == pytest.approx(most / math.sqrt(3))


def ways(node: int) -> tuple[float, float, float]:
    """How often samples change into a frame or out of it, half the squares there, and those inside."""
    changes, changing, staying = 0.0, whole("ends_j2", node), 0.0
    for before, after, n, before_j2, after_j2, step_j2 in PAIRS:
        is_in = before in INSIDE[node], after in INSIDE[node]
        if is_in[0] != is_in[1]:
            changes += n
            changing += before_j2 if is_in[0] else after_j2
        if all(is_in):
            staying += step_j2
    return changes, changing, staying


def equal_distances(r: float) -> float:
    """phi of the module's head, of changes as a share of those of independent samples."""
    if r <= 0:
        return 1 / 6
    a = -math.log(1 - min(r, 1 - 1e-12))
    return (1 / math.tanh(a / 2) - 2 / a) / (1 - math.exp(-a))


def chance(node: int) -> tuple[float, float]:
    """Changes of independent samples, and the share of them that there are."""
    share = whole("n", node) / whole("n", 0)
    independent = 2 * sum(n for _, _, n, *_ in PAIRS) * share * (1 - share)
    return independent, ways(node)[0] / independent if independent > 1e-6 else 0.0


@pytest.mark.parametrize("node", range(6))
def test_samples_err_by_their_differences_where_they_change_and_where_they_stay(
    found: Frames, node: int
) -> None:
    _, changing, staying = ways(node)
    part = whole("energy_j", node) / whole("energy_j", 0)
    rest = ways(0)[2] - staying
    variance = equal_distances(chance(node)[1]) * changing
    variance += (1 - part) ** 2 * staying + part**2 * rest
    assert found.sampling_j[node] == pytest.approx(math.sqrt(variance), rel=1e-4)


def kept(a: float) -> float:
    """Of what runs, how much of its difference from the mean an update keeps."""
    return 2 * (a - 1 + math.exp(-a)) / a**2


@pytest.mark.parametrize("update_s", [0.001, 0.004, 0.03])
@pytest.mark.parametrize("way", [POINTS, FIT])
@pytest.mark.parametrize("node", [2, 4, 5])
def test_an_update_mixes_what_changes_inside_it(node: int, way: str, update_s: float) -> None:
    """Most of it was moved back between points; a fit sees it with the error of its samples."""
    found = frames(PARENT, sums(), common(update_s, way))
    energy_j, all_j = whole("energy_j", node), whole("energy_j", 0)
    changes = ways(node)[0]
    r = (changes + 2 * math.sqrt(changes + 1)) / chance(node)[0]  # of few their share is hardly known
    a, of_period = -math.log(1 - r), update_s / 0.01
    if way == POINTS:
        part, left = kept(a * of_period), 0.5
    else:
        true = kept(a * max(of_period, 1.0))
        part, left = true / (true + (1 / math.tanh(a / 2) - 2 / a) / of_period), 1.0
    is_separate = r < 0.8 and part > 0.8
    off_j = abs(energy_j - all_j / whole("time_s", 0) * whole("time_s", node)) * (1 / part - 1) * left
    bound_j = min(energy_j, all_j - energy_j)
    expected = min(off_j, bound_j) if is_separate else bound_j
    assert found.separability_j[node] == pytest.approx(expected / math.sqrt(3))
    assert found.is_separate[node] == is_separate


def test_a_frame_whose_power_a_fit_leaves_open_most_of_its_time_is_not_separate() -> None:
    open_s = np.array([0.0, 0.0, 0.0, 0.05, 0.14, 0.0])
    found = frames(PARENT, sums(open_s=open_s), common())
    assert found.is_separate.tolist() == [True, True, True, True, False, True]
    assert frames(PARENT, sums(), common()).is_separate.tolist() == [True] * 6


def test_what_a_fit_does_not_know_counts_by_the_time_that_a_frame_had_of_each_power() -> None:
    """Directions that are open for ever are no figure: what they touch is not separate."""
    fit = SimpleNamespace(
        time_s=np.array([0.4, 0.2, 0.31]),
        fit=SimpleNamespace(
            u_j=np.array([0.3, math.inf, 0.1]),
            directions=np.array([[0.6, 0.0, 0.8], [0.8, 0.0, -0.6], [0.0, 1.0, 0.0]]),
        ),
    )
    node, column = np.array([2, 3, 5, 4]), np.array([0, 1, 1, 2])
    fit_s = np.array([0.3, 0.05, 0.1, 0.31])
    found = frames(PARENT, sums(fit_node=node, fit_column=column, fit_s=fit_s), common(fit=fit))
    parts = {0: (0.75, 0.75), 1: (0.75, 0.75), 2: (0.75, 0.0), 3: (0.0, 0.75), 4: (0.0, 0.0), 5: (0.0, 0.5)}
    for at, (one, other) in parts.items():
        along = 0.3 * (0.6 * one + 0.8 * other), 0.1 * (0.8 * one - 0.6 * other)
        assert found.regression_j[at] == pytest.approx(math.hypot(*along))
    assert not frames(PARENT, sums(), common()).regression_j.any()
