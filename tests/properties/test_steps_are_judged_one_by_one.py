"""Blocks are judged at once for speed only: each step is what exact fractions make of it alone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ideal import Ideal, constant
from reached import reached

from microjoule.channel import Channel, Encoding
from microjoule.joules.counters import unwrap as module
from microjoule.joules.counters.unwrap import Step, quantum, unwrap

PLAIN = Ideal(constant(100.0), limit_w=100.0).channel
GAPS_NS = [10_000, 1_000_000, 30_000_000, 2_000_000_000]
MODULI = [1 << 16, 1 << 22, 1 << 32, 10**6 + 3, 262143 << 32, 1 << 64]


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Blocks of eight steps, so that a few readings fill several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 8)
        yield


def limit(channel: Channel, time_ns: int) -> Fraction:
    """The largest plausible count of a time: at twice the channel's limit of 100 W, and a quantum."""
    return Fraction(200 * time_ns, 10**9) / channel.scale.unit + quantum(channel)


def judged(channel: Channel, start: int, steps: list[int], gaps_ns: list[int], read_ns: list[int]):
    """What happened at each step, the cumulative counts, and what ambiguous steps may have more."""
    modulus = module.modulus(channel)
    slack_ns = 2 * channel.timing.update_max_ns + channel.timing.lag_ns
    codes, totals, extras = [], [0], []
    last, now_ns, since_ns = start, 0, -module.START_NS
    for step, gap_ns, took_ns in zip(steps, gaps_ns, read_ns, strict=True):
        most = limit(channel, gap_ns + took_ns + slack_ns)
        assume(abs(most - step) > 1e-3)
        if step > most:  # it may hold all that was drawn since the reading before the last change
            most = max(most, limit(channel, now_ns + gap_ns + took_ns - since_ns + channel.timing.lag_ns))
        since_ns = now_ns if step else since_ns
        now_ns += gap_ns
        more = (most - step) / modulus
        assume(abs(more - round(more)) > 1e-9 or modulus > 1 << 40)  # floats decide at the limit itself
        assume(abs(most - step) > 1e-3)
        now = (last + step) % modulus
        is_reset = step > most
        codes.append(
            Step.RESET
            if is_reset
            else Step.AMBIGUOUS
            if more >= 1
            else Step.WRAPPED
            if now < last
            else Step.OK
        )
        totals.append(totals[-1] + (0 if is_reset else step))
        extras += [int(more) * modulus] if codes[-1] is Step.AMBIGUOUS else []
        last = now
    return codes, totals, extras


@pytest.mark.reaches(reset=100, ambiguous=100, wrapped=10, ok=100)
@settings(max_examples=200)
@given(st.data(), st.sampled_from(MODULI), st.integers(2, 40))
def test_steps_are_judged_one_by_one(data: st.DataObject, modulus: int, n: int) -> None:
    """Whatever their neighbours are, in the first block and in later ones."""
    channel = replace(PLAIN, scale=replace(PLAIN.scale, modulus=modulus))
    size = st.one_of(st.just(0), st.integers(0, 2000), st.integers(0, 1 << 20), st.integers(0, modulus - 1))
    steps = [each % modulus for each in data.draw(st.lists(size, min_size=n, max_size=n))]
    gaps_ns = data.draw(st.lists(st.sampled_from(GAPS_NS), min_size=n, max_size=n))
    read_ns = data.draw(st.lists(st.sampled_from([0, 1000, 5_000_000]), min_size=n, max_size=n))
    start = modulus - data.draw(st.integers(1, 10_000))
    codes, totals, extras = judged(channel, start, steps, gaps_ns, read_ns)
    raw = np.array([(start + sum(steps[:i])) % modulus for i in range(n + 1)], np.uint64)
    t_ns = np.cumsum([5_000_000_000, *gaps_ns])
    found = unwrap(raw, t_ns, np.array([0, *read_ns], np.uint32), channel)
    assert [Step(each) for each in found.code] == codes
    assert found.total.tolist() == totals
    assert found.extra.tolist() == extras
    assert found.changes.tolist() == [i for i in range(1, n + 1) if totals[i] != totals[i - 1]]
    for kind in Step:
        for code in codes:
            reached(kind.name.lower(), code is kind)


def test_a_count_that_is_the_modulus_is_zero() -> None:
    """Where it is no power of two, counts are reduced first."""
    channel = replace(PLAIN, scale=replace(PLAIN.scale, modulus=10**6 + 3))
    raw = np.array([10**6 - 7, 10**6 + 3, 5], np.uint64)
    found = unwrap(raw, np.arange(3) * 10_000, np.zeros(3, np.uint32), channel)
    assert found.total.tolist() == [0, 10, 15]
    assert found.wrapped.tolist() == [1]


@pytest.mark.parametrize(("unit_nj", "expected"), [(15_258, 1), (1000, 1), (954, 2), (59, 17)])
def test_microjoules_coarser_than_a_count_hide_as_many_counts(unit_nj: int, expected: int) -> None:
    """Powercap shows whole microjoules."""
    scale = replace(PLAIN.scale, unit=Fraction(unit_nj, 10**9), shown_nj=unit_nj, quantum=1)
    assert quantum(replace(PLAIN, encoding=Encoding.POWERCAP, scale=scale)) == expected
