"""Readings that are kept, by number."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from microjoule.joules.counters.kept_rows import READINGS, Rows, joined_rows, ranges, recent


@given(st.integers(0, 30), st.lists(st.tuples(st.integers(-5, 35), st.integers(-3, 12)), max_size=5))
def test_a_number_is_kept_that_lies_in_some_range_or_at_its_end(n, of) -> None:
    """Ranges may reach beyond both ends, and one that ends before it begins holds nothing."""
    low, high = (np.array([each[0] for each in of], np.int64), np.array([a + b for a, b in of], np.int64))
    expected = [any(a <= number <= a + b for a, b in of) for number in range(n)]
    assert ranges(low, high, n).tolist() == expected


@given(st.sets(st.integers(1, 19)), st.integers(1, 20))
def test_the_last_readings_and_those_around_changes_are_recent(changes, n) -> None:
    changes = sorted(each for each in changes if each < n)
    found = recent(np.array(changes, np.int64), n).tolist()
    last = [max(n - 1 - back, 0) for back in range(READINGS)]
    assert found == sorted({*changes, *(each - 1 for each in changes), *last})


def test_rows_are_taken_and_joined_column_by_column() -> None:
    rows = Rows(*(np.arange(5) * 10**k for k in range(4)), np.arange(5) % 2 == 1)
    parts = [rows.taken(np.array([0, 1])), rows.taken(np.array([4]))]
    assert parts[1].total.tolist() == [4000]
    assert [each.tolist() for each in joined_rows(parts)] == [each[[0, 1, 4]].tolist() for each in rows]
