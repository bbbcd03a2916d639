"""Which parties have a figure of their own in a fit."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.profiling.regression import LEAST
from microjoule.joules.sharing.device_fit import Columns, own_columns

S = 1_000_000_000


def own(
    busy_s: list[float], rows: int, first: tuple[int, ...] = (), pooled: tuple[int, ...] = ()
) -> list[set[int]]:
    of = {i: (lambda t_ns, i=i: t_ns * i) for i in range(len(busy_s))}
    return [set(each) for each in own_columns(of, dict(enumerate(busy_s)), first, pooled, rows)]


def test_columns_hold_what_their_parties_used_between_instants_and_in_a_window() -> None:
    """Parties of 1, 2 and 4 s a second: the first alone, the others together, all in a common column."""
    used = {i: (lambda t_ns, i=i: t_ns * float(1 << i)) for i in range(3)}
    of = Columns([{0: used[0]}, {1: used[1], 2: used[2]}], [used], 3)
    assert of.between(np.array([0, S, 3 * S])).tolist() == [[1.0, 6.0, 7.0], [2.0, 12.0, 14.0]]
    assert of.between(np.zeros(0, np.int64)).shape == (0, 3)
    assert of.amounts([0, 2], S, 3 * S).tolist() == [0.0, 2.0, 8.0, 10.0]
    assert of.amounts([3, 1], S, 3 * S).tolist() == [2.0, 0.0, 4.0, 4.0]
    assert [of.column_of(i) for i in range(3)] == [1, 2, 2]
    assert of.shares_a_column(1, [1])
    assert not of.shares_a_column(1, [1, 2])


@pytest.mark.parametrize("looks", [0, 3, 4, 11, 12, 15, 16, 19, 20, 27, 28, 100])
def test_each_column_needs_four_looks_and_so_do_the_idle_machine_and_the_rest(looks: int) -> None:
    """One party has its column in any case, and no more than six ever have."""
    wanted = max(min(looks // 4 - 2, 6), 1)
    found = own([1.0] * 9, LEAST + looks)
    assert found == [*({i} for i in range(wanted)), set(range(wanted, 9))]


def test_the_busiest_come_first_and_before_them_who_is_asked_for() -> None:
    busy_s = [0.2, 0.9, 0.5, 0.3]
    assert own(busy_s, LEAST + 16) == [{1}, {2}, {0, 3}]
    assert own(busy_s, LEAST + 16, first=(0,)) == [{0}, {1}, {2, 3}]
    assert own(busy_s, LEAST + 16, pooled=(1,)) == [{2}, {3}, {0, 1}]


def test_who_used_less_than_a_twentieth_or_a_millisecond_has_no_column_alone() -> None:
    assert own([0.95, 0.05], 99) == [{0}, {1}]
    assert own([0.96, 0.04], 99) == [{0}, {1}]
    assert own([0.90, 0.04, 0.06], 99) == [{0}, {2}, {1}]
    assert own([0.0009, 0.0001], 99) == [{0, 1}]
    assert own([0.001, 0.0001], 99) == [{0}, {1}]
