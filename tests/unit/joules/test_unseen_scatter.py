"""How much powers of pieces scatter that no update sees alone, from what made-up fits leave."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.joules.unseen_scatter import unseen_scatter

S = 10**9
WATTS = (50.0, 200.0)  # of what updates do not see alone, and of what they see
QUANTUM_J = 1e-3
PIECE_S = 0.02  # the mean length of a piece of the first


def scatter(design, left_j, spread_s=0.0, is_ok=True, is_seen=(False, True)):
    """Of a fit with so much time of each in each update, and so much energy left there."""
    design = np.asarray(design, float)
    n = len(design)
    of = SimpleNamespace(
        spread_s=np.broadcast_to(np.asarray(spread_s, float), n + 1),
        quantum_j=QUANTUM_J,
        is_ok=np.broadcast_to(np.asarray(is_ok), n),
    )
    time_s = design.sum(axis=0)
    span = SimpleNamespace(
        of=of,
        occupancy=SimpleNamespace(states=(frozenset(), frozenset({0}), frozenset({1}))),
        columns=[[1], [2]],
        fit=SimpleNamespace(energy_j=np.array(WATTS) * time_s),
        time_s=time_s,
        left=lambda: (design, np.asarray(left_j, float)),
    )
    state = np.array([1, 2, 1, 1, 2])
    length_ns = np.array([0.5, 1.0, 1.5, 1.0, 7.0]) * PIECE_S * S
    return unseen_scatter(span, state, length_ns.astype(np.int64), np.array([True, *is_seen]))


def edges_j2(design, spread_s=0.0):
    """What the instants of two updates and their cut-off counts leave open."""
    design = np.asarray(design)
    spread2 = np.broadcast_to(np.asarray(spread_s, float), len(design) + 1) ** 2
    mean_w = design @ np.array(WATTS) / design.sum(axis=1)
    return mean_w**2 * (spread2[:-1] + spread2[1:]) + QUANTUM_J**2 / 6


def unit_j2(time_s):
    """One piece that is cut counts by the square of its part; several whole ones by that of each."""
    one = min(time_s, PIECE_S)
    return max(time_s / PIECE_S, 1.0) * (WATTS[0] * one) ** 2


RNG = np.random.default_rng(1)
TIMES = np.concatenate((RNG.uniform(0.1, 0.9, 30), [2.0, 3.0, 5.0] * 5, np.zeros(40))) * PIECE_S
DESIGN = np.stack((TIMES, RNG.uniform(0.01, 0.03, len(TIMES))), axis=1)
UNITS = np.array([unit_j2(each) for each in TIMES])


@pytest.mark.parametrize("spread_s", [0.0, 1e-4, np.linspace(0, 3e-4, len(TIMES) + 1)])
@pytest.mark.parametrize("other_j2_s", [0.0, 0.5])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
def test_where_each_piece_is_off_by_one_share_that_is_found(share, other_j2_s, spread_s):
    """E[e²] = edges² + b T + r² Σ (P t)², and b is seen where there are no such pieces."""
    square = edges_j2(DESIGN, spread_s) + other_j2_s * DESIGN.sum(axis=1) + share**2 * UNITS
    found = scatter(DESIGN, np.sqrt(square), spread_s)
    assert found == pytest.approx(share, rel=1e-6, abs=1e-6)


def test_less_than_edges_explain_is_no_scatter_and_more_than_all_is_all():
    assert scatter(DESIGN, 0 * TIMES, 1e-4) == 0.0
    assert scatter(DESIGN, np.sqrt(9 * UNITS + edges_j2(DESIGN))) == 1.0
    # What is left where there are no such pieces is less than edges explain: nothing is taken off for it.
    left_j = np.sqrt(np.where(TIMES > 0, edges_j2(DESIGN, 1e-4) + 0.04 * UNITS, 0.0))
    assert scatter(DESIGN, left_j, 1e-4) == pytest.approx(0.2, rel=1e-6)


def test_each_update_is_weighed_by_the_variance_that_is_expected_of_it():
    """Squares of what is left are as uncertain as they are large: weights go by the square of that."""
    spread_s = np.where(np.arange(len(TIMES) + 1) % 2, 2e-3, 1e-5)
    off = np.random.default_rng(2).chisquare(1, len(TIMES))
    edges = edges_j2(DESIGN, spread_s)
    square = (edges + 0.09 * UNITS) * off
    rows = TIMES > 0
    others = ~rows
    other = max((square - edges)[others].sum() / DESIGN[others].sum(), 0.0) * DESIGN.sum(axis=1)
    u, e, b = UNITS[rows], (edges + other)[rows], (square - edges - other)[rows]
    found = 0.0
    for _ in range(3):
        weight = [1 / (one + found * unit) ** 2 for one, unit in zip(e, u, strict=True)]
        found = sum(w * x * y for w, x, y in zip(weight, u, b, strict=True)) / sum(
            w * x**2 for w, x in zip(weight, u, strict=True)
        )
        found = min(max(found, 0.0), 1.0)
    assert 0.1 < found**0.5 < 0.9
    assert scatter(DESIGN, np.sqrt(square), spread_s) == pytest.approx(found**0.5)


@pytest.mark.parametrize(("n", "is_told"), [(20, True), (19, False)])
def test_of_less_than_twenty_updates_with_such_pieces_nothing_is_told(n, is_told):
    left_j = np.sqrt(edges_j2(DESIGN) + 0.04 * UNITS)
    is_ok = (np.cumsum(TIMES > 0) <= n) | (TIMES == 0)
    wrong_j = np.where(is_ok, left_j, 1e3)
    found = scatter(DESIGN, wrong_j, is_ok=is_ok)
    assert found == (pytest.approx(0.2, rel=1e-6) if is_told else None)


def test_of_less_than_twenty_updates_without_such_pieces_other_power_is_none():
    few = np.concatenate((np.flatnonzero(TIMES > 0), np.flatnonzero(TIMES == 0)[:19]))
    other_j2 = 0.5 * DESIGN.sum(axis=1)
    left_j = np.sqrt(edges_j2(DESIGN) + np.where(TIMES > 0, 0.04 * UNITS, other_j2))
    assert scatter(DESIGN[few], left_j[few]) == pytest.approx(0.2, rel=1e-6)


def test_where_updates_see_all_pieces_there_is_nothing_unseen():
    assert scatter(DESIGN, np.sqrt(edges_j2(DESIGN)), is_seen=(True, True)) is None
