"""Steps: plausible, wrapped, ambiguous, reset, in blocks of any kind."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from ideal import MS, Ideal, S, constant

from microjoule.joules.counters import unwrap as module
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.unwrap import Step, largest_rate, unwrap
from microjoule.trace.series import Series

CHANNEL = Ideal(constant(100.0), limit_w=100.0).channel


def steps(raw: np.ndarray, gap_ns: int = MS, channel: object = CHANNEL) -> module.Steps:
    t_ns = np.arange(len(raw), dtype=np.int64) * gap_ns
    return unwrap(raw.astype(np.uint64), t_ns, np.zeros(len(raw), np.uint32), channel)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [0, 1, 2, module.BLOCK, module.BLOCK + 1, 3 * module.BLOCK + 5])
def test_length_is_without_effect(n: int) -> None:
    """Blocks join without a seam, and nothing is asked of a counter that was never read."""
    found = steps((np.arange(n) * 1000 + (1 << 32) - 5_000_000) % (1 << 32))
    assert found.total.tolist() == (np.arange(n) * 1000).tolist()
    assert len(found.wrapped) == (n > 5000)
    assert len(found.code) == max(n - 1, 0)


def test_a_wrap_in_a_later_block_has_its_own_number() -> None:
    """The first reading behind it."""
    n = module.BLOCK + 200
    found = steps((np.arange(n) * 1000 + (1 << 32) - 1000 * (n - 100) + 500) % (1 << 32))
    assert found.wrapped.tolist() == [n - 100]


def test_kilohertz_reads_of_a_slightly_slower_counter_are_no_resets() -> None:
    """1 kHz reads of a 1.024 kHz counter see two updates in one gap dozens of times a second."""
    ideal = Ideal(
        constant(100.0), n=20_000, update_ns=976_562, jitter=0.3, limit_w=100.0, declared_max=1.5, missed=0.02
    )
    series = ideal.series
    found = unwrap(series.raw, series.t_ns, series.read_ns, ideal.channel)
    assert not found.code.any()


def test_plausible_is_up_to_twice_the_limit_over_the_gap_and_two_updates() -> None:
    """P_max (dt + 2 T_u) / unit + quantum, and one count more is a reset."""
    most = int(200.0 * (0.001 + 2 * 1.3e-3) * (1 << 14)) + 1
    assert steps(np.array([0, 1, 1 + most])).code.tolist() == [Step.OK, Step.OK]
    assert steps(np.array([0, 1, 2 + most])).code.tolist() == [Step.OK, Step.RESET]
    assert steps(np.array([0, 1, 2 + most])).total.tolist() == [0, 1, 1]


def test_a_counter_that_is_updated_once_a_second_is_read_whole() -> None:
    """Of what a step holds it is asked that the time since the step before can hold it, and no more."""
    slow = np.arange(5000) // 1000 * (100 << 14)
    assert not steps(slow).code.any()
    assert steps(slow).total[-1] == 4 * (100 << 14)
    faster = np.where(np.arange(5000) < 3000, slow, slow + (110 << 14))
    assert np.flatnonzero(steps(faster).code).tolist() == [2999]


def test_how_long_a_counter_stood_still_before_its_first_reading_is_not_known() -> None:
    assert steps(np.array([0, 0, 1999 << 14])).code.tolist() == [Step.OK, Step.OK]
    assert steps(np.array([0, 0, 2010 << 14])).code.tolist() == [Step.OK, Step.RESET]


@pytest.mark.parametrize("cut", [1, 999, 1000, 1001, 2500])
def test_a_rare_update_is_judged_alike_in_pieces(cut: int) -> None:
    raw = (np.arange(3000) // 1000 * (100 << 14)).astype(np.uint64)
    t_ns, read_ns = np.arange(3000) * MS, np.zeros(3000, np.uint32)
    first = unwrap(raw[:cut], t_ns[:cut], read_ns[:cut], CHANNEL)
    rest = slice(cut - 1, None)
    since = module.unchanged_ns(first, t_ns[:cut])
    then = unwrap(raw[rest], t_ns[rest], read_ns[rest], CHANNEL, since)
    assert first.total[-1] + then.total[-1] == 2 * (100 << 14)
    assert module.unchanged_ns(then, t_ns[rest], since) == t_ns[1999]


def test_step_codes_name_what_happened() -> None:
    """A plain step, a wrap, a step back, and a plain one again."""
    raw = np.array([(1 << 32) - 200, (1 << 32) - 100, 50, 1000, 10, 100])
    assert steps(raw).code.tolist() == [Step.OK, Step.WRAPPED, Step.OK, Step.RESET, Step.OK]


def test_ambiguous_step_carries_how_much_more_it_may_be() -> None:
    """200 W over 100 s may be 78 wraps of 2**22 counts beside the remainder."""
    channel = replace(CHANNEL, scale=replace(CHANNEL.scale, modulus=1 << 22))
    found = steps(np.array([0, 7]), 100 * S, channel)
    most = int((200.0 * (100 + 2.6e-3) * (1 << 14) + 1 - 7) // (1 << 22))
    assert most == 78
    assert (found.ambiguous.tolist(), found.extra.tolist()) == ([1], [most << 22])
    assert found.total.tolist() == [0, 7]


def test_channel_without_a_limit_is_believed_a_stated_default() -> None:
    """A kilowatt for energy; for busy seconds the CPUs of the largest machines."""
    unlimited = replace(CHANNEL, trust=replace(CHANNEL.trust, power_limit_w=None))
    assert largest_rate(unlimited) == 1000.0 * (1 << 14)
    busy = replace(unlimited, scale=replace(CHANNEL.scale, quantity="s", unit=Fraction(1, 10**9)))
    assert largest_rate(busy) == pytest.approx(1024e9)
    assert largest_rate(CHANNEL) == 200.0 * (1 << 14)


def test_full_64_bits_count_through_zero() -> None:
    """A 64-bit counter wraps like any other."""
    channel = replace(CHANNEL, scale=replace(CHANNEL.scale, modulus=None))
    raw = np.array([(1 << 64) - 30, (1 << 64) - 10, 10, 30], np.uint64)
    found = steps(raw, MS, channel)
    assert found.total.tolist() == [0, 20, 40, 60]
    assert found.wrapped.tolist() == [2]


def test_a_64_bit_count_below_zero_is_the_framework_pmu_after_a_wrap() -> None:
    """The kernel adds (new - previous) * 262143 in 64 bits, so that a wrap goes below zero."""
    modulus = 262143 << 32
    channel = Ideal(constant(100.0), modulus=modulus, unit=Fraction(1, 1 << 32), quantum=262143).channel
    register = [4_294_967_000, 4_294_967_200, 100, 300, 500]  # 32 bits, wrapping once
    shown, count = [], 0
    for before, after in itertools.pairwise([register[0], *register]):
        count += (after - before) * 262143
        shown.append(count % (1 << 64))
    t_ns = np.arange(5, dtype=np.int64) * MS
    steps = unwrap(np.array(shown, np.uint64), t_ns, np.ones(5, np.uint32), channel)
    true = [(each - register[0]) % (1 << 32) * 262143 for each in register]
    assert steps.total.tolist() == true
    assert len(steps.reset) == 0


def test_a_sum_beyond_64_bits_is_broken_off_and_never_shown() -> None:
    """2.1 GJ in counts of 2^-32 J: psys of a kilowatt after 25 days."""
    channel = Ideal(constant(1000.0), modulus=1 << 64, unit=Fraction(1, 1 << 32), quantum=1 << 32).channel
    day = 86_400 * 1000 << 32
    raw = np.array([each * day % (1 << 64) for each in range(40)], np.uint64)
    t_ns = np.arange(40, dtype=np.int64) * 86_400 * 10**9
    counter = Counter(Series(t_ns, np.ones(40, np.uint32), raw, np.zeros(40, np.uint16)), channel)
    whole = counter.energy(int(t_ns[1]), int(t_ns[-3]))
    assert counter.steps.reset[0] == (1 << 62) // day + 1, "the first reading that 62 bits do not hold"
    assert whole.status == "reset"
    assert whole.value is None
    assert whole.low <= 36 * 86.4e6 <= whole.high
    assert counter.energy(int(t_ns[1]), int(t_ns[5])).status == "ok"


def test_a_read_of_which_nobody_knows_the_end_bounds_nothing() -> None:
    """read_ns is 32 bits: a read that took longer than it can say is left out, as a failed one is."""
    ideal = Ideal(constant(100.0))
    series = ideal.series
    read_ns = series.read_ns.copy()
    read_ns[100] = np.iinfo(np.uint32).max
    counter = Counter(replace(series, read_ns=read_ns), ideal.channel)
    assert len(counter) == len(series) - 1
