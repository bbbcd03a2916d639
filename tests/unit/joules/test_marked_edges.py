"""Windows between marks: what may be wrong of many marks enters a figure by a matrix of causes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from ideal import MS, Ideal, constant, rows

from microjoule.joules.energy_trace import Trace
from microjoule.joules.marks.marked_edges import Cause, MarkedEdges

IDEAL = Ideal(constant(60.0), n=2000, limit_w=150.0)
UNIT_J = float(IDEAL.unit)
MARKS = 12
U = {
    "update": np.arange(1, MARKS + 1) * 3.0,
    "later": np.arange(MARKS, 0, -1) * -2.0,
    "mark": np.full(MARKS, 4.0),
}
NUMBER = np.array([0, 0, 1, 1, 1, 2, 3, 3, 4, 5, 5, 6])
SHARED = np.stack((np.linspace(1, 5, MARKS), np.linspace(-3, 9, MARKS) ** 2), axis=1)
LAG = np.stack((np.linspace(0, 7, MARKS), np.linspace(2, -20, MARKS)), axis=1)


@cache
def counter():
    return Trace(rows([IDEAL])).counter(IDEAL.id)


def marks(lag=LAG, is_known=True):
    """Marks 20 ms apart, of which each counts ten more than the readings say."""
    of = counter()
    instants = int(of.t_ns[0]) + 100 * MS + 20 * MS * np.arange(MARKS)
    single = (each.astype(np.float32) for each in U.values())
    update, later, mark = single
    causes = (
        Cause("edges", "update", update, NUMBER.astype(np.int32)),
        Cause("edges", "update", later, NUMBER.astype(np.int32), further=1),
        Cause("quantisation", "pair", mark, together=2),
    )
    position = of.position(instants) + (10 << of.bits) * np.arange(MARKS)
    known = np.full(MARKS, is_known)
    span = int(of.t_ns[0]), int(of.t_ns[-1])
    return MarkedEdges(
        instants, position, known, causes, SHARED.astype(np.float32), lag.astype(np.float32), span
    )


def causes_of(weight):
    """By how much each cause moves a sum of signed counts at marks: of updates, and of pairs of marks."""
    updates, pairs = np.zeros(9), np.zeros(MARKS)
    for at, each in enumerate(weight):
        updates[NUMBER[at]] += each * U["update"][at]
        updates[NUMBER[at] + 1] += each * U["later"][at]
        pairs[at // 2] += each * U["mark"][at]
    return updates, pairs


def variances(estimate):
    """Of each name in counts², what has one group added up before it is squared."""
    groups = {}
    for at, each in enumerate(estimate.components):
        key = (each.name, each.group or at)
        groups[key] = groups.get(key, 0.0) + each.u / UNIT_J
    found = {}
    for (name, _), u in groups.items():
        found[name] = found.get(name, 0.0) + u**2
    return found


def wanted(weight):
    updates, pairs = causes_of(weight)
    moved, lag = weight @ SHARED, weight @ LAG
    return {
        "edges": updates @ updates,
        "quantisation": pairs @ pairs,
        "power": moved @ moved,
        "lag": np.abs(lag).max() ** 2 / 3,
    }


@pytest.mark.parametrize(("begin", "end"), [(0, 1), (2, 3), (4, 9), (1, 11), (5, 6)])
def test_a_window_between_marks_moves_with_the_difference_of_what_a_cause_does_to_them(begin, end):
    of = marks()
    spans = of.instants_ns[[begin]], of.instants_ns[[end]]
    (found,) = of.estimates(counter(), *spans)
    weight = np.zeros(MARKS)
    weight[[begin, end]] = -1.0, 1.0
    has_lag = {name: each for name, each in variances(found).items() if each}
    assert has_lag == pytest.approx({name: each for name, each in wanted(weight).items() if each}, rel=1e-5)
    plain = counter().energy(int(spans[0][0]), int(spans[1][0]))
    assert found.value == pytest.approx(plain.value + 10 * (end - begin) * UNIT_J)
    assert (found.low, found.high) == (plain.low, plain.high)
    updates, pairs = causes_of(weight)
    assert of.noise_j2(counter(), *spans) == pytest.approx((updates @ updates + pairs @ pairs) * UNIT_J**2)


def test_a_sum_of_windows_moves_as_all_its_marks_together_do():
    of = marks()
    t0, t1 = of.instants_ns[[0, 3, 5]], of.instants_ns[[2, 4, 9]]
    weight = np.zeros(MARKS)
    weight[[0, 3, 5]] = -1.0
    weight[[2, 4, 9]] = 1.0
    found = of.together(counter(), t0, t1)
    assert variances(found) == pytest.approx(wanted(weight), rel=1e-5)
    each = of.estimates(counter(), t0, t1)
    assert found.value == pytest.approx(math.fsum(one.value for one in each))
    assert found.low == pytest.approx(math.fsum(one.low for one in each))
    assert found.high == pytest.approx(math.fsum(one.high for one in each))
    assert found.value == pytest.approx(math.fsum(of.values(counter(), t0, t1)))
    assert "lag" not in variances(marks(lag=0 * LAG).together(counter(), t0, t1))


def test_of_an_edge_that_is_no_mark_the_readings_say_what_is_known():
    """The end is a mark, and the beginning is not: its own components stay, and the mark's are its causes."""
    of = marks()
    begin, end = int(of.instants_ns[3]) - 7 * MS, int(of.instants_ns[5])
    (found,) = of.estimates(counter(), np.array([begin]), np.array([end]))
    plain = counter().energy(begin, end)
    mine = {each.group: each.u for each in found.components}
    kept = [each for each in plain.components if str(begin) in each.group]
    assert kept
    assert all(mine[each.group] == each.u for each in kept)
    assert not [group for group in mine if str(end) in group]
    assert found.value == pytest.approx(plain.value + 50 * UNIT_J)
    updates, _ = causes_of(np.arange(MARKS) == 5)
    assert sum((u / UNIT_J) ** 2 for group, u in mine.items() if group.startswith("update:")) == (
        pytest.approx(updates @ updates)
    )
    assert of.together(counter(), np.array([begin]), np.array([end])) is None
    assert of.noise_j2(counter(), np.array([begin]), np.array([end])) is None


def test_a_mark_without_updates_on_both_sides_and_one_beyond_the_readings_count_for_nothing():
    of, t0, t1 = marks(is_known=False), marks().instants_ns[[2]], marks().instants_ns[[5]]
    plain = counter().energy(int(t0[0]), int(t1[0]))
    assert of.estimates(counter(), t0, t1)[0].value == plain.value
    assert of.together(counter(), t0, t1) is None
    far = marks()._replace(span_ns=(int(t0[0]) + 1, int(t1[0])))
    assert far.estimates(counter(), t0, t1)[0].value == plain.value
    near = marks()._replace(span_ns=(int(t0[0]), int(t1[0])))
    assert near.estimates(counter(), t0, t1)[0].value == pytest.approx(plain.value + 30 * UNIT_J)
