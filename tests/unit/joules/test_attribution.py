"""The power of each state of a span, and how well it is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.joules.profiling.attribution import Item, Span, Watts


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


def test_a_bracketed_state_has_what_was_counted_less_the_others_part():
    """34 J over the two updates that it touches; the other has 8 W for half a second of them: 30 J.

    Were all events late, the other would have 12 W for 3/4 s, and it 5 J less. Of the four edges of updates
    the first and the third are its ends: 3 and 4 J.
    """
    fit = SimpleNamespace(
        energy_j=np.array([60.0, 12.0]),
        shift_j=np.array([3.0, 6.0]),
        edge_u_j=np.array([3.0, 9.0, 4.0, 9.0]),
        is_open=lambda *_: False,
    )
    asked = {}

    def regression(chosen):
        asked["chosen"] = chosen.tolist()
        return []

    def beside(value, time_ns, moved_j):
        asked.update(value=value, moved_j=moved_j, time_ns=time_ns)
        return []

    span = SimpleNamespace(
        columns=[[0], [1]],
        _design=np.array([[2.5, 0.0], [0.5, 0.5], [0.0, 1.0]]),
        _late=np.array([[2.5, 0.0], [0.25, 0.75], [0.0, 1.0]]),
        time_s=np.array([3.0, 1.5]),
        fit=fit,
        of=SimpleNamespace(energy_j=np.array([20.0, 14.0, 8.0]), is_ok=np.array([True, True, False])),
        time_ns=lambda *_: 15,
        _estimate=lambda *found: found,
        _regression=regression,
        _beside=beside,
    )
    value, states, (edges,) = Span.bracketed(span, [0])
    assert states == [0]
    assert value == pytest.approx(30.0)
    assert edges.u == pytest.approx(5.0)
    assert asked.pop("chosen") == pytest.approx([0.0, -1 / 3])
    assert asked == pytest.approx({"value": 30.0, "moved_j": -5.0, "time_ns": 15})
    assert Span.bracketed(span, [1])[0] is None  # it touches an update of which nothing is known


@pytest.mark.parametrize(
    ("value", "guaranteed", "low", "high"),
    [
        (100.0, (0.0, 300.0), 0.0, 80.0),  # 2 s of 20 W twice over, of a limit of 20 W
        (400.0, (0.0, 300.0), 76.0, 80.0),  # the others' 8 s hold 320 J at most, of 400 J less U
        (100.0, (5.0, 30.0), 5.0, 30.0),
        (None, (5.0, 30.0), 0.0, 30.0),
    ],
)
def test_a_part_of_what_cannot_be_told_apart_is_bounded_by_what_all_can_draw(value, guaranteed, low, high):
    """2 of 10 s: a fifth of the energy, and whatever the others leave of it."""
    timing = SimpleNamespace(power_limit_w=20.0)
    span = SimpleNamespace(
        time_ns=lambda *_: 2 * 10**9,
        _bounded=lambda *_: (*guaranteed, 0.0),
        counter=SimpleNamespace(channel=SimpleNamespace(trust=timing)),
    )
    whole = Estimate(value=value, low=0.0, high=1e4, components=(Component("regression", 2.0),))
    found = Span.part(span, Item("a", (0,)), 10 * 10**9, whole)
    own = None if value is None else value / 5
    assert (found.name, found.time_ns, found.energy.value) == ("a", 2 * 10**9, own)
    assert (found.energy.low, found.energy.high) == (pytest.approx(low), pytest.approx(high))
    farther = [] if own is None else [max(own - found.energy.low, found.energy.high - own) / np.sqrt(3)]
    assert [each.u for each in found.energy.components] == pytest.approx(farther)


@pytest.mark.parametrize(
    ("update_ms", "apart_ms", "piece_ms", "is_long"),
    [(10, 5, 48, True), (10, 5, 47, False), (5, 12, 48, True), (5, 12, 47, False)],
)
def test_a_state_is_bracketed_whose_pieces_last_four_updates(
    monkeypatch, update_ms, apart_ms, piece_ms, is_long
):
    """Of 10 ms and 2 of lag, or as far as updates are apart, whichever is longer."""
    monkeypatch.setattr("microjoule.joules.profiling.attribution.shortest_ns", lambda *_: [piece_ms * 10**6])
    timing = SimpleNamespace(update_ns=None, update_max_ns=update_ms * 10**6, lag_ns=2 * 10**6)
    span = SimpleNamespace(
        counter=SimpleNamespace(channel=SimpleNamespace(timing=timing)),
        of=SimpleNamespace(edges_ns=np.arange(9) * apart_ms * 10**6),
        columns=[[0], [1, 2]],
        occupancy=None,
        t0_ns=0,
        t1_ns=1,
    )
    assert Span.are_bracketed(span, [Item("a", (0,))]) == {"a": is_long}
    assert Span.are_bracketed(span, [Item("a", (2,))]) == {"a": False}  # it shares a column
