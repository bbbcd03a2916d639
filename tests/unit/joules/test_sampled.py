"""The time that samples stand for, and how threads, pauses and recursion share it."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, T0, Ideal, constant
from known_stacks import in_blocks

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import Updates, thinned
from microjoule.joules.profiling.sample_cells import Moments, _cells, cells
from microjoule.joules.profiling.sampled import _Chain, _Counted, around, shares
from microjoule.joules.profiling.stack_energy import frames

IDEAL = Ideal(constant(50.0), n=2000, limit_w=100.0)
COUNTER = Counter(IDEAL.series, IDEAL.channel)
SPAN = (T0 + 100 * MS, T0 + 1100 * MS)


def sampled(t_ms, thread, what, node=None, u_ns=1000.0, block=1 << 15):
    order = np.argsort(t_ms, kind="stable")
    node = np.array(what) + 1 if node is None else node
    t, thread, what, node = (np.array(each)[order] for each in (t_ms, thread, what, node))
    t_ns = T0 + (t * MS).astype(np.int64)
    return in_blocks(
        Moments(t_ns, *(each.astype(np.int32) for each in (thread, what, node))), 10 * MS, u_ns, block
    )


def found(of):
    whole = COUNTER.energy(*SPAN).value
    return shares(around(COUNTER, *SPAN), of, whole, SPAN)


def test_two_threads_at_once_share_each_moment():
    t = np.arange(105, 1100, 10.0)
    one = found(sampled(t, 0 * t, 0 * t))
    two = sampled(np.tile(t, 2), np.repeat([0, 1], len(t)), np.repeat([0, 1], len(t)))
    threads = np.concatenate([block.threads[block.own] for block in cells(two)])
    assert threads == pytest.approx(np.full(2 * len(t), 2.0))
    two = found(two)
    assert one.sums.time_s.sum() == pytest.approx(1.0)
    assert two.sums.time_s.sum() == pytest.approx(1.0)
    of = frames([-1, 0, 0], two.sums, two)
    # One of them may have used all of what they used together.
    assert of.energy_j[1] == pytest.approx(of.energy_j[2], rel=0.01)
    assert of.threads_j[1] > 0.1 * of.energy_j[1]
    assert of.threads_j[0] == 0


@pytest.mark.parametrize("block", [1 << 15, 7, 1])
def test_pauses_are_idle_and_the_ends_are_not_sampled(block):
    """A pause is idle wherever blocks end: in it, before it, or after it."""
    t = np.concatenate((np.arange(205, 400, 10.0), np.arange(605, 900, 10.0)))
    of = found(sampled(t, 0 * t, 0 * t, block=block))
    assert of.idle_s == pytest.approx(0.2, abs=0.001)
    assert of.idle_j == pytest.approx(10.0, abs=0.2)
    assert of.outside_s == pytest.approx(0.3, abs=0.001)
    assert of.outside_j == pytest.approx(15.0, abs=0.2)
    assert of.sums.energy_j.sum() + of.idle_j + of.outside_j == pytest.approx(50.0, abs=0.2)
    assert of.sums.energy_j.sum() / of.sums.time_s.sum() == pytest.approx(50.0, rel=0.01)


def test_a_late_sample_stands_for_no_time_twice():
    t = np.arange(105, 1100, 10.0)
    t[50] += 9.0
    of = found(sampled(t, 0 * t, 0 * t))
    assert of.sums.time_s.sum() + of.idle_s == pytest.approx(1.0)
    assert of.idle_s < 0.01


def test_a_frame_has_all_that_it_calls_and_the_root_has_everything():
    t = np.arange(105, 1100, 10.0)
    node = np.where(np.arange(len(t)) % 10 < 5, 3, 2).astype(np.int32)
    whole = found(sampled(t, 0 * t, node, node))
    of = frames([-1, 0, 1, 2], whole.sums, whole)
    assert of.energy_j[0] == pytest.approx(of.own_j.sum())
    assert of.energy_j[2] == pytest.approx(of.own_j[2] + of.own_j[3])
    assert of.samples.tolist() == [len(t), len(t), len(t), len(t) // 2]
    # Nothing is beside the frames around everything: their energy is what was measured.
    assert of.is_separate[:3].all()
    assert of.sampling_j[3] > 0


def test_a_long_profile_has_all_updates_and_a_fit_as_many_as_it_can_take():
    """At 50,000 updates every second one was left out, and functions then shared the power of longer ones."""
    ideal = Ideal(constant(50.0), n=60_000, poll_ns=MS, limit_w=100.0)
    counter = Counter(ideal.series, ideal.channel)
    every = around(counter, T0, T0 + 60_000 * MS)
    assert len(every.energy_j) > 55_000
    some = thinned(every, 1000)
    assert 500 < len(some.energy_j) <= 1000
    assert some.energy_j.sum() == pytest.approx(every.energy_j.sum())
    assert (some.edges_ns[0], some.edges_ns[-1]) == (every.edges_ns[0], every.edges_ns[-1])
    at = np.searchsorted(every.edges_ns, some.edges_ns)
    sums = np.concatenate(([0.0], np.cumsum(every.energy_j)))
    assert some.energy_j == pytest.approx(np.diff(sums[at]), abs=1e-6)
    assert thinned(some, 1000) is some


def test_sums_of_other_nodes_are_those_of_their_samples():
    t = np.arange(105, 1100, 10.0)
    node = np.arange(len(t)) % 3
    fine, coarse = (found(sampled(t, 0 * t, node, each)) for each in (node + 1, node // 2 + 1))
    mapped = fine.sums.of(np.array([0, 1, 1, 2]), 3)
    for one, other in zip(mapped, coarse.sums, strict=True):
        assert one == pytest.approx(other)


def test_the_clock_that_may_be_late_is_in_the_figure():
    t = np.arange(105, 1100, 10.0)
    steps = np.where((np.arange(0, 2.2, 0.2) / 0.2).astype(int) % 2, 80.0, 20.0)
    bounds = np.arange(0, 2.4, 0.2)
    sums = np.concatenate(([0.0], np.cumsum(steps * 0.2)))
    wave = replace(constant(1.0), peak_w=80.0, energy=lambda s: np.interp(s, bounds, sums))
    ideal = replace(IDEAL, wave=wave)
    counter = Counter(ideal.series, ideal.channel)
    whole = counter.energy(*SPAN).value
    of = [
        shares(around(counter, *SPAN), sampled(t, 0 * t, (t // 200) % 2, u_ns=u), whole, SPAN)
        for u in (0.0, 5.0 * MS)
    ]
    exact, doubtful = (frames([-1, 0, 0], each.sums, each) for each in of)
    assert np.abs(exact.alignment_j[1:]).max() == pytest.approx(0, abs=1e-9)
    assert np.abs(doubtful.alignment_j[1:]).max() > 0.1


def test_a_sample_stands_for_the_time_up_to_halfway_to_its_neighbours():
    """Half a period on a side where its thread did not run, and one of another thread changes nothing."""
    t_ns, thread = np.array([0, 60, 210, 500, 70]), np.array([0, 0, 0, 0, 1], np.int32)
    cells_ns, following, is_next = _cells(Moments(t_ns, thread, thread, thread), 100)
    assert cells_ns.tolist() == [[-50, 30], [30, 135], [135, 260], [450, 550], [20, 120]]
    assert following[:2].tolist() == [1, 2]
    assert is_next.tolist() == [True, True, False, False, False]


def test_of_less_than_a_joule_no_more_is_shared_than_there_was():
    weak = Ideal(constant(0.5), n=2000, limit_w=100.0)
    counter = Counter(weak.series, weak.channel)
    whole, t = counter.energy(*SPAN).value, np.arange(205, 900, 10.0)
    of = shares(around(counter, *SPAN), sampled(t, 0 * t, 0 * t), whole, SPAN)
    assert of.sums.energy_j.sum() == pytest.approx(0.35, abs=0.01)
    assert of.sums.energy_j.sum() + of.idle_j + of.outside_j == pytest.approx(whole)


def test_an_instant_has_the_power_between_the_updates_that_it_lies_between():
    of = _Counted(
        Updates(np.array([0, 10, 30]) * MS, np.array([1.0, 4.0]), np.ones(2, bool), np.zeros(3), 0.0)
    )
    assert of.watts(np.array([-5, 0, 9, 10, 29, 30, 90]) * MS).tolist() == [100.0] * 3 + [200.0] * 4


def test_a_change_moves_back_a_sixth_of_an_update_and_no_more_than_half_of_a_sample():
    """Five samples at 100 W and five at 40 W, of 10 ms each."""
    t = np.arange(105, 200, 10.0)
    (block,) = cells(sampled(t, 0 * t, np.repeat([0, 1], 5)))
    watts = np.repeat([100.0, 40.0], 5)
    time_s = np.full(10, 0.01)
    for update_s, moved_j in ((0.006, 60.0 * 0.001), (1.0, 60.0 * 0.005)):
        off_j = _Chain(block).unmixed(watts * time_s, time_s, update_s) - watts * time_s
        assert off_j == pytest.approx([0, 0, 0, 0, moved_j, -moved_j, 0, 0, 0, 0], abs=1e-12)
