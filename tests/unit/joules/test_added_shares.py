"""Shares over several counters: of each figure the sum, and of each property what holds of all of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from batching import Batching
from hypothesis import given
from hypothesis import strategies as st
from ideal import S

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import updates
from microjoule.joules.serving.added_shares import AddedShares, added_shares
from microjoule.joules.serving.request_shares import shares
from microjoule.joules.serving.requests import STATES, Requests

SCENE = Batching(clients=3, n=40, seed=7, pieces=True)
FIT = ("regression", "alignment", "work times", "prompt rate", "lack of fit", "saturation")


@pytest.fixture(scope="module")
def one():
    of = Counter(SCENE.ideal.series, SCENE.ideal.channel)
    return shares(of, updates(of, *of.span_ns), SCENE.log)


def test_their_span_is_about_all_spans_and_whole_is_what_lies_in_each(one):
    whole = one.is_whole.copy()
    whole[:2] = True, False
    other = replace(one, t0_ns=one.t0_ns - 5, t1_ns=one.t1_ns - 9, is_whole=whole)
    found = AddedShares((one, other))
    assert (found.t0_ns, found.t1_ns) == (one.t0_ns - 5, one.t1_ns)
    assert found.is_whole.tolist() == (one.is_whole & whole).tolist()
    assert found.rows == 2 * one.fit.rows
    assert (found.requests, found.schedule) == (one.requests, one.schedule)


def test_saturation_is_a_mean_by_what_requests_took_and_none_where_they_took_nothing(one):
    some, none = (
        replace(one, bend=0.4),
        replace(one, bend=0.7, amounts=0 * one.amounts, moved_j=0 * one.moved_j),
    )
    thrice = replace(one, bend=0.1, amounts=3 * one.amounts, moved_j=3 * one.moved_j)
    assert AddedShares((some, thrice, none)).bend == pytest.approx((0.4 + 3 * 0.1) / 4, rel=1e-12)
    assert AddedShares((none,)).bend == 0.0


groups = st.lists(st.sets(st.sampled_from(STATES), min_size=2), max_size=3)


@given(of_parts=st.lists(groups, min_size=1, max_size=4))
def test_states_that_some_part_cannot_separate_are_in_one_group_and_groups_that_touch_are_one(one, of_parts):
    """Two states are together where a chain of groups, of whichever parts, leads from one to the other."""
    parts = [replace(one, states=STATES, inseparable=tuple(map(tuple, of))) for of in of_parts]
    reach = {state: {state} for state in STATES}
    for _ in STATES:
        for each in (group for of in of_parts for group in of):
            joined = set.union(*(reach[state] for state in each))
            for state in joined:
                reach[state] = joined | reach[state]
    found = AddedShares(tuple(parts)).inseparable
    assert {frozenset(group) for group in found} == {frozenset(of) for of in reach.values() if len(of) > 1}
    assert all(list(group) == sorted(group, key=STATES.index) for group in found)


def test_what_two_counters_have_in_common_adds_up_and_their_edges_do_not(one):
    """Each cause of the fit is one for both counters; of one counter its parts add up in squares."""
    channel = replace(one.counter.channel, id="gpu-1/energy")
    other = replace(one, counter=Counter(SCENE.ideal.series, channel))
    found, alone = AddedShares((one, other)).share(20), one.share(20)
    assert found.value == pytest.approx(2 * alone.value, rel=1e-12)
    for name in FIT:
        mine = [each for each in found.components if each.name == name]
        assert len({each.group for each in mine}) <= 1
        u = math.hypot(*(each.u for each in alone.components if each.name == name))
        assert sum(abs(each.u) for each in mine) == pytest.approx(2 * u, rel=1e-12)
    sensors = {each.group for each in found.components if each.name not in FIT}
    assert len(sensors) == 2 * len([each for each in alone.components if each.name not in FIT])
    assert AddedShares((one,)).share(20) == alone


def test_figures_of_a_state_are_of_the_counters_that_have_it(one):
    amounts, moved_j = one.amounts[:, 1:], one.moved_j[:, 1:]
    without = replace(one, states=one.states[1:], totals=2 * one.totals[1:], amounts=amounts, moved_j=moved_j)
    both, (first, second, *_) = AddedShares((one, without)), one.states
    assert both.states == one.states
    assert both.total(first) == float(one.totals[0])
    assert both.total(second) == pytest.approx(1.5 * float(one.totals[1]), rel=1e-12)
    assert both.coefficient(first) == one.coefficient(first)


def test_counters_have_one_schedule_and_idle_is_known_of_all_or_of_none():
    of = Counter(SCENE.ideal.series, SCENE.ideal.channel)
    first, last = of.span_ns
    start, nothing = np.array([first + S]), np.array([0])  # until the end: only from before is idle time seen
    log = Requests(
        ("one",), start, start, np.array([last + S]), nothing, nothing, np.array([1]), np.array([-1]),
        (np.empty(0, np.int64),),
    )  # fmt: skip
    of_spans = [(of, updates(of, begin, last)) for begin in (first, first + 2 * S)]
    assert [added_shares([each], log).is_idle_known for each in of_spans] == [True, False]
    found = added_shares(of_spans, log)
    assert not found.is_idle_known
    assert "idle" not in found.states
    one, other = (each.schedule for each in found.parts)
    assert (one.in_turn, one.rate) == (other.in_turn, other.rate)
    whole = found.of_state(found.states).value + found.unexplained.value
    assert whole == pytest.approx(found.measured.value, rel=1e-12)
