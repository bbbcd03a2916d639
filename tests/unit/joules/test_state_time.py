"""For how long states lasted, in blocks of any length."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.profiling import state_time
from microjoule.joules.profiling.state_time import lasted_ns, occupied_s, shortest_ns, stretches

# State 0 from 10 to 20 and from 20 to 25, 1 from 25 to 30, a pause, 0 from 40 to 50, 2 from 50 to 60.
PIECES = np.array([[0, 10, 20], [0, 20, 25], [1, 25, 30], [0, 40, 50], [2, 50, 60]], np.int64)
CHOICES = [[0], [0, 1], [2], [1, 2]]
BLOCKS = [1, 2, 3, 5]


def states(block: int) -> Any:
    def blocks() -> Any:
        for at in range(0, len(PIECES), block):
            state, t0_ns, t1_ns = PIECES[at : at + block].T
            yield SimpleNamespace(state=state, t0_ns=t0_ns, t1_ns=t1_ns)

    return SimpleNamespace(states=["a", "b", "c"], blocks=blocks)


@pytest.mark.parametrize("block", BLOCKS)
def test_what_touches_is_one_stretch_of_a_choice_and_a_pause_ends_it(block: int) -> None:
    found = [row for each in stretches(states(block), CHOICES, 12, 55) for row in zip(*each, strict=True)]
    expected = [(0, 12, 25), (0, 40, 50), (1, 12, 30), (1, 40, 50), (2, 50, 55), (3, 25, 30), (3, 50, 55)]
    assert sorted(found) == expected


@pytest.mark.parametrize("block", BLOCKS)
def test_the_shortest_stretch_is_no_cut_one_unless_all_are(block: int) -> None:
    never = np.iinfo(np.int64).max
    assert shortest_ns(states(block), [*CHOICES, []], 12, 55) == [10, 10, 5, 5, never]
    assert lasted_ns(states(block), 12, 55) == [23, 5, 5]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("late_ns", [0, 4])
def test_between_updates_columns_have_the_seconds_of_their_states(
    block: int, late_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over where the updates may have been: 2 ns sooner or later."""
    edges_ns = np.array([0, 18, 27, 45, 52, 80], np.int64)
    monkeypatch.setattr(state_time, "places_ns", lambda _: [edges_ns - 2, edges_ns + 2])
    updates: Any = SimpleNamespace(edges_ns=edges_ns)
    found = occupied_s(states(block), [[0], [1, 2]], updates, late_ns)
    each = np.arange(-10, 100)
    state = np.full(len(each), -1)
    for number, t0_ns, t1_ns in PIECES:
        state[(each >= t0_ns) & (each < t1_ns)] = number
    expected = [
        [
            sum(
                np.isin(state[(each >= begin + by) & (each < end + by)], column).sum()
                for by in (-2 - late_ns, 2 - late_ns)
            )
            / 2e9
            for column in ([0], [1, 2])
        ]
        for begin, end in pairwise(edges_ns)
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-15)
