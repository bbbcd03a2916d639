"""Windows by name: which are whole, what the ends of the readings cut, and which names share a row."""

from __future__ import annotations

import numpy as np
import pytest
from marked import columns

from microjoule.joules.profiling.reserved_names import CUT_WINDOWS as CUT
from microjoule.joules.profiling.reserved_names import OTHER_NAMES as OTHERS
from microjoule.joules.profiling.window_groups import NAMES, occupied, window_groups
from microjoule.trace.window import Window


def listed(groups):
    return {name: group.tolist() for name, group in groups.items()}


def test_windows_that_the_span_cuts_are_apart_and_those_that_end_with_it_are_whole():
    windows = columns(
        [
            ("c", 5, 40),
            ("b", 9, 12),
            ("b", 10, 14),
            ("a", 14, 30),
            ("b", 20, 21),
            ("a", 29, 31),
            ("a", 30, 30),
        ]
    )
    found = window_groups(windows, Window("span", 10, 30))
    assert listed(found.every) == {"c": [0], "b": [1, 2, 4], "a": [3, 5, 6]}
    assert listed(found.whole) == {"b": [2, 4], "a": [3, 6], CUT: [0, 1, 5]}
    assert found.length_ns == {"b": 5, "a": 16, CUT: 35 + 3 + 2}


def test_where_nothing_is_cut_there_is_no_row_of_cut_windows():
    found = window_groups(columns([("a", 10, 14), ("b", 12, 20)]), Window("span", 10, 20))
    assert listed(found.whole) == listed(found.every) == {"a": [0], "b": [1]}
    nothing = window_groups(columns([]), Window("span", 10, 20))
    assert (listed(nothing.whole), nothing.length_ns) == ({}, {})


@pytest.mark.parametrize("more", [0, 1, 5])
def test_of_too_many_names_those_with_the_least_time_share_a_row(more):
    """So that there are ``NAMES`` rows in all; the names that stay keep their order."""
    n = NAMES + more
    length = np.random.default_rng(more).permutation(n) + 1
    windows = columns([(f"n{number}", 0, int(each)) for number, each in enumerate(length)])
    found = window_groups(windows, Window("span", 0, n))
    assert len(found.every) == NAMES
    least = np.flatnonzero(length <= more + 1).tolist() if more else []
    alone = [f"n{number}" for number in range(n) if number not in least]
    assert list(found.every) == [*alone, *([OTHERS] if more else [])]
    assert found.every.get(OTHERS, np.empty(0)).tolist() == least
    assert sum(found.length_ns.values()) == int(length.sum())


def test_what_counts_of_a_name_is_the_time_of_all_its_windows():
    names = [f"n{number}" for number in range(NAMES)]
    windows = columns([*((name, 0, 10) for name in names), *[("short", 0, 6)] * 2])
    found = window_groups(windows, Window("span", 0, 10))
    assert found.every["short"].tolist() == [NAMES, NAMES + 1]
    assert sorted(found.every[OTHERS].tolist()) == [NAMES - 2, NAMES - 1]


def test_a_state_is_the_names_whose_windows_are_open():
    windows = columns([("a", 0, 10), ("b", 4, 6), ("a", 20, 24), ("b", 22, 30)])
    groups = window_groups(windows, Window("span", 2, 28)).every
    found = occupied(windows, groups, Window("span", 2, 28))
    named = {
        frozenset("ab"[name] for name in state): pieces.tolist()
        for state, pieces in zip(found.states, found.pieces, strict=True)
    }
    assert named == {
        frozenset(): [[10, 20]],
        frozenset("a"): [[2, 4], [6, 10], [20, 22]],
        frozenset("ab"): [[4, 6], [22, 24]],
        frozenset("b"): [[24, 28]],
    }
    empty = occupied(columns([]), {}, Window("span", 2, 28))
    assert [each.tolist() for each in empty.pieces] == [[[2, 28]]]
