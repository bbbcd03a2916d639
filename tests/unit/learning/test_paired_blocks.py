"""Blocks in turns, and what their pairs come to."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reached import reached

from microjoule.host.sampling_cost import Mean
from microjoule.learning import paired_blocks as blocks
from microjoule.learning.paired_blocks import (
    PAIRS_MIN,
    added,
    difference,
    in_turns,
    lateness,
    lost,
    mean,
    median,
)


def turns(for_s=0.0):
    """The order of the blocks, and the pairs."""
    order = []

    def take(side):
        def taken(n):
            order.extend([side] * n)
            return list(range(len(order) - n, len(order)))

        return taken

    pairs = in_turns(take("on"), take("off"), for_s)
    return order, pairs


def test_blocks_come_in_turns_of_two_and_pairs_are_neighbours():
    order, pairs = turns()
    assert len(pairs) >= PAIRS_MIN
    assert order[:5] == ["on", "off", "off", "on", "on"]
    assert order.count("on") == order.count("off") == len(pairs)
    for with_it, without in pairs:
        assert (order[with_it], order[without]) == ("on", "off")
        assert abs(with_it - without) == 1


def test_a_linear_drift_drops_out_of_an_even_number_of_pairs():
    _, pairs = turns()
    pairs = pairs[: len(pairs) // 2 * 2]
    assert sum(with_it - without for with_it, without in pairs) == 0


def test_it_ends_however_long_it_may_take(monkeypatch):
    monkeypatch.setattr(blocks, "PAIRS_MAX", 7)
    assert len(turns(3600.0)[1]) == 7


def test_a_mean_has_the_interval_of_students_t():
    found = mean([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert pytest.approx(3.1824 * statistics.stdev([1, 2, 3, 4]) / 2, rel=1e-4) == found.U
    assert mean([1.0]) is None


def test_a_loss_is_the_share_of_the_work_that_did_not_get_done():
    found = lost([(100.0, 99.0)] * 5)
    assert found.value == pytest.approx(0.01)
    assert pytest.approx(0.0, abs=1e-12) == found.U
    assert lost([(1.0, 1.0)]) is None


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=30))
def test_a_disturbance_on_either_side_by_chance_is_no_loss(slower):
    """However large it is: the mean of the shares themselves would be below nothing by far."""
    pairs = [pair for each in slower for pair in ((1.0, 1.0 + each), (1.0 + each, 1.0))]
    found = lost(pairs)
    assert found.value == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=200))
def test_a_median_lies_inside_its_interval_and_that_inside_the_values(values):
    found = median(values)
    assert found.value == statistics.median(values)
    assert 0 <= found.U <= max(values) - min(values)


def test_a_few_interrupted_blocks_do_not_move_a_median():
    assert median([1.0] * 95 + [1e6] * 6) == Mean(value=1.0, U=0.0, n=101)


def test_a_difference_is_as_unsure_as_both():
    found = difference(Mean(value=5.0, U=3.0, n=8), Mean(value=1.0, U=4.0, n=6))
    assert found == Mean(value=4.0, U=5.0, n=6)
    assert difference(None, found) is None
    assert difference(found, None) is None


sizes = st.sampled_from([1, 2, 50, 99, 100, 500, 999, 1000, 3000])


@pytest.mark.reaches(**{"p0.5": 20, "p0.99": 10, "p0.999": 3})
@given(sizes.flatmap(lambda n: st.lists(st.integers(0, 10**7), min_size=n, max_size=n)))
def test_percentiles_bound_their_share_of_the_ticks(late_ns):
    histogram = added([[(t, t + 1, 1)] for t in late_ns])
    found = lateness(histogram)
    for value, share, least in (
        (found.p50_ns, 0.5, 2),
        (found.p99_ns, 0.99, 100),
        (found.p999_ns, 0.999, 1000),
    ):
        assert (value is None) == (len(late_ns) < least)
        if reached(f"p{share}", value is not None):
            assert sum(t <= value for t in late_ns) >= math.ceil(share * len(late_ns) - 1e-9)
            assert value in late_ns


def test_no_tick_has_no_lateness():
    assert lateness([]) is None
