"""Windows of several nodes as one: the instants in any of them, and whose each edge is."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from microjoule.joules.jobs.joint_windows import clipped, lasted_ns, merged, united
from microjoule.joules.jobs.nodes import Piece

windows = st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda of: (of[0], sum(of)))
nodes = st.lists(st.lists(windows, max_size=5), max_size=4)


def edges(of):
    return np.array(of, np.int64).reshape(-1, 2)


def covered(of):
    return {t for begin, end in of for t in range(begin, end)}


@given(nodes)
@example([])
@example([[], [(3, 5)], [(5, 6), (9, 12)]])
def test_an_instant_is_in_it_where_it_is_in_the_window_of_any_node(of):
    found = united([(edges(each), at) for at, each in enumerate(of)])
    every = [each for node in of for each in node]
    assert covered(zip(found.begin_ns, found.end_ns, strict=True)) == covered(every)
    assert bool((found.begin_ns[1:] > found.end_ns[:-1]).all())  # those that touch are one
    assert lasted_ns(found) == len(covered(every))
    for begin, end, first, last in zip(*found, strict=True):
        assert any(begin == each[0] for each in of[first])
        assert any(end == each[1] for each in of[last])


@given(st.lists(windows, max_size=6).map(sorted), windows)
def test_times_that_overlap_are_merged_and_cut_to_a_piece(of, piece):
    begin, end = merged(*edges(of).T)
    assert covered(zip(begin, end, strict=True)) == covered(of)
    inside = list(zip(*clipped(begin, end, Piece(*piece, ())), strict=True))
    assert covered(inside) == covered(of) & covered([piece])
    assert all(begin < end for begin, end in inside)
