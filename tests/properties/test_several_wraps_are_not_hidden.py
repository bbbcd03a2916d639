"""A step that may have passed the modulus more than once is ambiguous, and no other step is.

A counter of 400 W at most may draw twice its limit between two readings. The oracle counts, in exact
fractions, how many cumulative counts explain a step: d, d + M, d + 2 M, ... up to
P_max (dt + 2 T_u + lag) / unit + quantum. One candidate: the step is certain. More: it is ambiguous.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import T0, Ideal, S, constant
from reached import reached

from microjoule.channel import Timing, Trust
from microjoule.joules.counters.counter import Counter
from microjoule.trace.series import Series

LIMIT_W = 400
UNIT = Fraction(1, 1 << 14)
UPDATE_NS = S // 10
RAPL = Timing(update_ns=S // 1000, update_max_ns=S // 100, lag_ns=S // 1000)  # as declared


def counter_of(gap_s: int, watts: float, modulus: int, seed: int = 0, start: int = 0) -> Ideal:
    return Ideal(
        constant(watts),
        seed=seed,
        n=6,
        poll_ns=gap_s * S,
        update_ns=UPDATE_NS,
        unit=UNIT,
        modulus=modulus,
        start=start % modulus,
        limit_w=float(LIMIT_W),
    )


def candidates(ideal: Ideal) -> list[int]:
    """How many cumulative counts explain each step between two readings."""
    begun, took = ideal.begun
    slack_ns = 2 * ideal.channel.timing.update_max_ns + ideal.lag_ns
    found = []
    for i in range(1, ideal.n):
        gap_ns = int(begun[i] - begun[i - 1]) + int(took[i]) + slack_ns
        most = Fraction(2 * LIMIT_W * gap_ns, S) / UNIT + ideal.quantum
        step = (ideal.counts[i] - ideal.counts[i - 1]) % ideal.modulus
        found.append(int((most - step) // ideal.modulus) + 1)
    return found


@pytest.mark.reaches(unique=5, two=2, several=5)
@given(
    gap_s=st.integers(20, 400),
    watts=st.floats(1.0, float(LIMIT_W)),
    ratio=st.one_of(st.floats(0.4, 0.8), st.floats(1.3, 1.6), st.floats(3.0, 5.0)),
    seed=st.integers(0, 1 << 20),
    start=st.integers(0, (1 << 32) - 1),
    is_binary=st.booleans(),
)
# Readings 20 s apart: how unevenly the updates came was squared in int64 nanoseconds, which overflowed.
@example(gap_s=20, watts=1.0, ratio=0.4, seed=0, start=0, is_binary=False)
def test_several_wraps_are_not_hidden(
    gap_s: int, watts: float, ratio: float, seed: int, start: int, is_binary: bool
) -> None:
    """An ambiguous window gives no value, and its interval holds the truth."""
    modulus = int(2 * LIMIT_W * gap_s / UNIT / Fraction(ratio))  # the largest plausible step / ratio
    modulus = 1 << (modulus.bit_length() - 1) if is_binary else modulus
    ideal = counter_of(gap_s, watts, modulus, seed, start)
    counter = Counter(ideal.series, ideal.channel)
    a, b = T0 + int(1.5 * gap_s * S), T0 + int(3.7 * gap_s * S)
    estimate, truth = counter.energy(a, b), ideal.truth(a, b)
    assert estimate.low <= truth <= estimate.high
    assert (estimate.value is None) == (estimate.status != "ok")
    found = candidates(ideal)
    assert counter.steps.ambiguous.tolist() == [i + 1 for i, n in enumerate(found) if n > 1]
    assert [extra // modulus for extra in counter.steps.extra.tolist()] == [n - 1 for n in found if n > 1]
    assert not len(counter.steps.reset)
    inside, touched = found[:3], found[:4]  # the last of these by the reading that shows its end, perhaps
    if reached("unique", max(touched) == 1):
        assert estimate.status == "ok"
    if reached("two", max(inside) == max(touched) == 2):
        assert estimate.status == "ambiguous"
    if reached("several", max(inside) > 2):
        assert estimate.status == "ambiguous"


@pytest.mark.parametrize(("modulus_j", "n", "status"), [(60_000, 1, "ok"), (35_000, 2, "ambiguous")])
def test_one_candidate_is_certain_and_two_are_not(modulus_j: int, n: int, status: str) -> None:
    """25 W over a minute: steps of 1.5 kJ where 41 to 56 kJ are plausible."""
    ideal = counter_of(60, 25.0, int(modulus_j / UNIT))
    a, b = T0 + 90 * S, T0 + 222 * S
    estimate = Counter(ideal.series, ideal.channel).energy(a, b)
    assert candidates(ideal) == [n] * 5
    assert estimate.status == status
    assert estimate.low <= 3300.0 <= estimate.high


@pytest.mark.parametrize("watts", [500, 1030, 1100, 2060, 3000])
@pytest.mark.parametrize("limit_w", [None, 1500.0])
def test_wraps_between_two_updates_are_not_hidden(watts, limit_w):
    """A counter of 1 024 J that is updated once a second: 1 030 W show as 6 W, with no step too large."""
    unit, modulus = Fraction(1, 1 << 22), 1 << 32
    t = np.arange(0, 12_000, dtype=np.int64) * 1_000_000
    used = t // S * watts
    raw = (used * (1 << 22) % modulus).astype(np.uint64)
    series = Series(t, np.full(len(t), 3000, np.uint32), raw, np.zeros(len(t), np.uint16))
    channel = Ideal(constant(1.0), n=10, unit=unit, modulus=modulus).channel
    channel = replace(channel, trust=Trust(power_limit_w=limit_w), timing=RAPL)
    estimate = Counter(series, channel).energy(2 * S, 10 * S)
    assert estimate.status == "ambiguous"
    assert estimate.value is None
    assert estimate.low <= 8 * watts <= estimate.high


def test_a_counter_that_rests_for_long_is_not_ambiguous():
    """An idle part shows the same for a minute, and is updated each millisecond all the same."""
    t = np.arange(0, 62_000, dtype=np.int64) * 1_000_000
    busy = (t < S) | (t > 61 * S)
    raw = np.cumsum(busy * 1000).astype(np.uint64)
    series = Series(t, np.full(len(t), 3000, np.uint32), raw, np.zeros(len(t), np.uint16))
    channel = Ideal(constant(1.0), n=10, unit=Fraction(1, 1 << 22), modulus=1 << 32).channel
    channel = replace(channel, trust=Trust(power_limit_w=200.0), timing=RAPL)
    estimate = Counter(series, channel).energy(S // 2, 61 * S + S // 2)
    assert estimate.status == "ok"


@pytest.mark.parametrize("at", [500, 1023, 1024, 1025, 2047, 5500])
def test_one_long_stillness_among_thousands_of_updates_is_found(at):
    """A counter of 1 024 J is updated each millisecond but for one second: 1 100 J pass and 76 J show."""
    n, still, unit, modulus = 7000, 1000, Fraction(1, 1 << 22), 1 << 32
    t = np.arange(n, dtype=np.int64) * 1_000_000
    ended = np.arange(n) >= at + still
    used_dj = np.minimum(np.arange(n), at) + ended * (11_000 + np.arange(n) - at - still)
    raw = (used_dj * (1 << 22) // 10 % modulus).astype(np.uint64)
    series = Series(t, np.full(n, 3000, np.uint32), raw, np.zeros(n, np.uint16))
    channel = Ideal(constant(1.0), n=10, unit=unit, modulus=modulus).channel
    counter = Counter(series, replace(channel, trust=Trust(), timing=RAPL))
    assert counter.steps.ambiguous.tolist() == [1, at + still]  # nobody saw the update before the first
    estimate = counter.energy(int(t[at - 400]), int(t[at + still + 400]))
    assert estimate.value is None
    assert estimate.low <= 40 + 1100 + 40 <= estimate.high
