"""Overlapping events as states that follow one another."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from stacked_calls import innermost

from microjoule.joules.profiling.occupancy import Events, joined, merged, together, until

spans = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 15), st.integers(0, 1)), max_size=10
)
END = 45


def events(rows):
    name, start, length, track = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True))
        if rows
        else (np.empty(0, np.int64),) * 4
    )
    return Events(("x", "y", "z"), name, start, start + length, track)


@given(spans)
def test_at_each_instant_the_state_is_who_is_under_way(rows):
    found = together(events(rows), 3, END)
    assert found.states[0] == frozenset()
    for t in range(3, END):
        here = {name for name, start, length, _ in rows if start <= t < start + length}
        (state,) = (n for n, pieces in enumerate(found.pieces) if any(a <= t < b for a, b in pieces))
        assert found.states[state] == here


@given(spans, st.integers(3, END))
def test_few_names_and_many_have_the_same_states(rows, until_ns):
    """Of many names one event is taken after another; of few all are taken at once."""
    few = events(rows)
    many = few._replace(names=tuple(map(str, range(100))))
    found, expected = together(few, 3, until_ns), together(many, 3, until_ns)
    assert found.states == expected.states
    for one, other in zip(found.pieces, expected.pieces, strict=True):
        assert one.tolist() == other.tolist()


@given(spans, st.data())
def test_states_looked_through_as_one_last_as_long_as_each_of_them(rows, data):
    found = together(events(rows), 3, END)
    some = data.draw(st.sets(st.sampled_from(range(len(found.states)))))
    instants = np.arange(END + 3)
    each = sum((found.until(state, instants) for state in some), np.zeros(END + 3, np.int64))
    assert until(merged(found, sorted(some)), instants).tolist() == each.tolist()


@given(spans, st.integers(3, END))
def test_times_of_states_add_up_to_the_span(rows, until):
    found = together(events(rows), 3, END)
    states = range(len(found.states))
    assert sum(int(found.until(state, np.array([until]))[0]) for state in states) == until - 3
    assert sum(found.time_ns(state) for state in states) == END - 3
    assert merged(found, states).tolist() == [[3, END]]


@st.composite
def calls(draw, start=0, end=40, depth=3):
    """Calls of one thread, one in the other."""
    found, at = [], start
    while at < end and draw(st.booleans()):
        a = draw(st.integers(at, end))
        b = draw(st.integers(a, end))
        found.append((draw(st.integers(0, 2)), a, b - a, 0))
        if depth:
            found += draw(calls(a, b, depth - 1))
        at = b + 1
    return found


@given(calls(), calls())
def test_of_calls_the_innermost_counts_on_each_thread(one, other):
    other = [(name, start, length, 1) for name, start, length, _ in other]
    found = innermost(events(one + other), 0, 41)
    for t in range(41):
        here = set()
        for rows in (one, other):
            # The one begun last; of several the shortest, and of these the last.
            under_way = [
                (start, -length, n, name)
                for n, (name, start, length, _) in enumerate(rows)
                if start <= t < start + length
            ]
            if under_way:
                here.add(max(under_way)[3])
        (state,) = (n for n, pieces in enumerate(found.pieces) if any(a <= t < b for a, b in pieces))
        assert found.states[state] == here


def test_pieces_that_touch_are_one():
    first, second = np.array([[0, 5], [9, 12]]), np.array([[5, 7]])
    assert joined([first, second]).tolist() == [[0, 7], [9, 12]]
    assert joined([]).shape == (0, 2)
