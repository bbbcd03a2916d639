"""Which windows a report lists: the first ones, and the first few of each name, so that none is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, Ideal, constant, rows

from microjoule.joules.energy_trace import Trace
from microjoule.joules.profiling.listed_windows import listed, listed_windows

IDEAL = Ideal(constant(50.0), n=60, seed=1)
FIRST = IDEAL.inside(0.1)[0]


def trace(names):
    marks = [
        mark
        for at, name in enumerate(names)
        for mark in (
            (FIRST + at * 1000, "@begin", at + 1, name),
            (FIRST + at * 1000 + 10 * MS, "@end", at + 1, ""),
        )
    ]
    return Trace(rows([IDEAL], marks))


@given(names=st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), most=st.integers(0, 13))
def test_the_first_windows_and_the_first_three_of_each_name_are_listed(names, most):
    of = trace(names)
    expected = {at for at, name in enumerate(names) if at < most or names[:at].count(name) < 3}
    assert set(listed(of.window_columns, most).tolist()) == (
        set(range(len(names))) if len(names) <= most else expected
    )
    found, counts = listed_windows(of, most)
    assert [each.t0_ns for each in found] == [FIRST + 1000 * at for at in sorted(expected)]
    assert counts == [names.count(each.name) for each in found]


def test_of_very_many_names_the_first_200_have_theirs_or_as_many_as_the_first_windows_have():
    names = [f"n{at}" for at in range(250)]
    of = trace([*names, *names, "last"])
    first = np.arange(501)
    assert listed(of.window_columns, None).tolist() == first.tolist()
    assert listed(of.window_columns, 250).tolist() == first[:500].tolist()
    assert listed(of.window_columns, 5).tolist() == [*range(200), *range(250, 450)]


def test_a_trace_without_windows_lists_its_span_and_one_without_readings_none():
    assert listed_windows(trace(""), 5) == ([trace("").span], [1])
    assert listed_windows(Trace(rows([IDEAL]).slice(0, 0)), 5) == ([], [])


@pytest.mark.parametrize("most", [3, None])
def test_as_many_as_there_are_is_all(most):
    assert listed(trace("abc").window_columns, most).tolist() == [0, 1, 2]
