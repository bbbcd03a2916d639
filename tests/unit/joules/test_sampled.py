"""The time that samples stand for, and how threads, pauses and recursion share it."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, T0, Ideal, constant

from microjoule.joules.counter import Counter
from microjoule.joules.sampled import Moments, around, shares
from microjoule.joules.stack_energy import frames

IDEAL = Ideal(constant(50.0), n=2000, limit_w=100.0)
COUNTER = Counter(IDEAL.series, IDEAL.channel)
SPAN = (T0 + 100 * MS, T0 + 1100 * MS)


def moments(t_ms, thread, what):
    order = np.argsort(t_ms, kind="stable")
    t, thread, what = (np.array(each)[order] for each in (t_ms, thread, what))
    t_ns = T0 + (t * MS).astype(np.int64)
    return Moments(t_ns, thread.astype(np.int32), what.astype(np.int32), 10 * MS, 1000.0)


def found(of):
    whole = COUNTER.energy(*SPAN).value
    return shares(COUNTER, around(COUNTER, *SPAN), of, whole, SPAN)


def test_two_threads_at_once_share_each_moment():
    t = np.arange(105, 1100, 10.0)
    one = found(moments(t, 0 * t, 0 * t))
    two = found(moments(np.tile(t, 2), np.repeat([0, 1], len(t)), np.repeat([0, 1], len(t))))
    assert one.time_s.sum() == pytest.approx(1.0)
    assert two.time_s.sum() == pytest.approx(1.0)
    assert two.threads == pytest.approx(np.full(len(two.threads), 2.0))
    of = frames([-1, 0, 0], np.array([1, 2] * len(t), np.int32), moments(t, 0 * t, 0 * t), two)
    # One of them may have used all of what they used together.
    assert of.energy_j[1] == pytest.approx(of.energy_j[2], rel=0.01)
    assert of.threads_j[1] > 0.1 * of.energy_j[1]
    assert of.threads_j[0] == 0


def test_pauses_are_idle_and_the_ends_are_not_sampled():
    t = np.concatenate((np.arange(205, 400, 10.0), np.arange(605, 900, 10.0)))
    of = found(moments(t, 0 * t, 0 * t))
    assert of.idle_s == pytest.approx(0.2, abs=0.001)
    assert of.idle_j == pytest.approx(10.0, abs=0.2)
    assert of.outside_s == pytest.approx(0.3, abs=0.001)
    assert of.outside_j == pytest.approx(15.0, abs=0.2)
    assert of.energy_j.sum() + of.idle_j + of.outside_j == pytest.approx(50.0, abs=0.2)
    assert np.mean(of.energy_j / of.time_s) == pytest.approx(50.0, rel=0.1)


def test_a_late_sample_stands_for_no_time_twice():
    t = np.arange(105, 1100, 10.0)
    t[50] += 9.0
    of = found(moments(t, 0 * t, 0 * t))
    assert of.time_s.sum() + of.idle_s == pytest.approx(1.0)
    assert of.idle_s < 0.01


def test_a_frame_has_all_that_it_calls_and_the_root_has_everything():
    t = np.arange(105, 1100, 10.0)
    node = np.where(np.arange(len(t)) % 10 < 5, 3, 2).astype(np.int32)
    at = moments(t, 0 * t, node)
    of = frames([-1, 0, 1, 2], node, at, found(at))
    assert of.energy_j[0] == pytest.approx(of.own_j.sum())
    assert of.energy_j[2] == pytest.approx(of.own_j[2] + of.own_j[3])
    assert of.samples.tolist() == [len(t), len(t), len(t), len(t) // 2]
    # Nothing is beside the frames around everything: their energy is what was measured.
    assert of.is_separate[:3].all()
    assert of.sampling_j[3] > 0


def test_the_clock_that_may_be_late_is_in_the_figure():
    t = np.arange(105, 1100, 10.0)
    at = moments(t, 0 * t, (t // 200) % 2)
    steps = np.where((np.arange(0, 2.2, 0.2) / 0.2).astype(int) % 2, 80.0, 20.0)
    bounds = np.arange(0, 2.4, 0.2)
    sums = np.concatenate(([0.0], np.cumsum(steps * 0.2)))
    wave = replace(constant(1.0), peak_w=80.0, energy=lambda s: np.interp(s, bounds, sums))
    ideal = replace(IDEAL, wave=wave)
    counter = Counter(ideal.series, ideal.channel)
    of = [
        shares(counter, around(counter, *SPAN), at._replace(u_ns=u), counter.energy(*SPAN).value, SPAN)
        for u in (0.0, 5.0 * MS)
    ]
    node = (at.what + 1).astype(np.int32)
    exact, doubtful = (frames([-1, 0, 0], node, at, each) for each in of)
    assert np.abs(exact.alignment_j[1:]).max() == pytest.approx(0, abs=1e-9)
    assert np.abs(doubtful.alignment_j[1:]).max() > 0.1
