"""Which steps may hide a turn of the counter: an oracle in exact fractions counts how many each may hide."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, constant
from reached import reached

from microjoule.channel import Channel, Timing, Trust
from microjoule.joules.counters.doubtful_counts import (
    UNKNOWN_W,
    is_noise,
    may_wrap_between_updates,
    with_wraps_between_updates,
)
from microjoule.joules.counters.unwrap import Steps

UNIT = Fraction(1, 1 << 10)
SIZE = 1 << 16  # 64 J
MS = 1_000_000
NOTHING = np.empty(0, np.int64)


def channel_of(limit_w: float | None, quantum: int = 3, lag_ns: int = 2 * MS) -> Channel:
    channel = Ideal(constant(1.0), n=10, unit=UNIT, modulus=SIZE, quantum=quantum).channel
    timing = Timing(update_ns=MS, update_max_ns=2 * MS, lag_ns=lag_ns)
    return replace(channel, trust=Trust(power_limit_w=limit_w), timing=timing)


def most_w(limit_w: float | None) -> int:
    """Twice the stated limit, and 10 kW where none is stated, in watts."""
    return 2 * int(limit_w) if limit_w else 10_000


@pytest.mark.reaches(hidden=20, certain=20)
@given(
    gaps=st.lists(st.tuples(st.integers(1, 400), st.integers(0, 6000)), min_size=1, max_size=12),
    limit_w=st.sampled_from([None, 100.0, 350.0]),
    read_us=st.integers(1, 900),
    longest_ms=st.integers(3, 400),
    quantum=st.sampled_from([3, 1 << 15]),
)
def test_a_step_is_ambiguous_by_all_the_turns_that_the_time_since_the_update_before_allows(
    gaps, limit_w, read_us, longest_ms, quantum
):
    """Each gap is so many readings without a change, a millisecond apart, and the step that ends it."""
    channel, longest_ns = channel_of(limit_w, quantum), longest_ms * MS
    at = np.cumsum([n for n, _ in gaps])
    n = int(at[-1]) + 2
    t_ns = 10**9 + np.arange(n, dtype=np.int64) * MS
    read_ns = np.full(n, read_us * 1000, np.uint32)
    step = np.zeros(n, np.int64)
    step[at] = [size for _, size in gaps]
    steps = Steps(np.cumsum(step), at, NOTHING, NOTHING, NOTHING, NOTHING)
    found = with_wraps_between_updates(steps, t_ns, read_ns, channel, longest_ns)
    expected = {}
    since_ns = int(t_ns[0]) - round(1.25 * longest_ns)
    for index, (_, size) in zip(at.tolist(), gaps, strict=True):
        held_ns = int(t_ns[index]) + read_us * 1000 - since_ns + 2 * MS
        most = Fraction(most_w(limit_w) * held_ns, 10**9) / UNIT + quantum
        more = (most - size) // SIZE
        if reached("hidden", more >= 1):
            expected[index] = int(more) * SIZE
        reached("certain", more < 1)
        since_ns = int(t_ns[index - 1])
    assert dict(zip(found.ambiguous.tolist(), found.extra.tolist(), strict=True)) == expected


def test_a_step_that_was_ambiguous_keeps_the_larger_doubt_and_a_wrapped_one_becomes_ambiguous():
    t_ns = np.arange(400, dtype=np.int64) * MS
    at = np.array([100, 101, 300])
    total = np.cumsum(np.isin(np.arange(400), at) * 10)
    known = Steps(total, at, np.array([101, 300]), np.array([100]), np.array([9 * SIZE]), NOTHING)
    found = with_wraps_between_updates(known, t_ns, np.zeros(400, np.uint32), channel_of(None), 200 * MS)
    assert found.ambiguous.tolist() == [100, 300]
    # 10 kW for 200 ms and the lag are 2 020 J, of which 31 turns of 64 J.
    assert found.extra.tolist() == [54 * SIZE, 31 * SIZE]
    assert found.wrapped.tolist() == [101]


@pytest.mark.parametrize(("limit_w", "watts"), [(None, UNKNOWN_W), (100.0, 200.0)])
def test_a_counter_may_turn_in_exactly_the_time_that_its_largest_power_takes_for_it(limit_w, watts):
    channel = channel_of(limit_w, quantum=1 << 13)
    # With the quantum of 8 J: 56 J at the largest power, a quarter more of time than was seen.
    just_ns = round((SIZE - (1 << 13)) * float(UNIT) / watts / 1.25 * 1e9)
    assert may_wrap_between_updates(channel, just_ns + 1000)
    assert not may_wrap_between_updates(channel, just_ns - 1000)


def test_a_counter_that_is_updated_as_often_as_declared_hides_no_turn():
    channel = replace(channel_of(None), timing=Timing(update_ns=10**10, update_max_ns=2 * 10**10))
    assert not may_wrap_between_updates(channel, 2 * 10**10)
    assert may_wrap_between_updates(channel, 2 * 10**10 + 1)


@pytest.mark.parametrize(
    ("resets", "dropped", "changes", "answer"),
    [(2, 100, 0, False), (3, 0, 57, False), (3, 0, 56, True), (3, 2, 95, False), (3, 2, 94, True)],
)
def test_readings_are_noise_from_three_resets_and_a_twentieth_on(resets, dropped, changes, answer):
    assert is_noise(resets, dropped, changes) is answer
