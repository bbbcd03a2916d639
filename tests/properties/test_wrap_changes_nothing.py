"""Any constant added to a counter, modulo its modulus, changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import Ideal, constant, wild, windows

from microjoule.joules.counters.counter import Counter


@given(wild(), st.integers(0, (1 << 64) - 1), windows)
@example(Ideal(constant(100.0), modulus=1 << 32, start=0), (1 << 32) - 7, [0.1, 0.9]).via(
    "one unit is lost if the modulus is max"
)
@example(Ideal(constant(100.0), modulus=1 << 64, start=0), (1 << 63) - 7, [0.1, 0.9]).via(
    "the sign of 64 bits"
)
def test_wrap_changes_nothing(ideal: Ideal, more: int, at: list[float]) -> None:
    """Where the counter starts is without effect on any figure."""
    moved = replace(ideal, start=(ideal.start + more) % ideal.modulus)
    a, b = ideal.inside(*at)
    one, other = Counter(ideal.series, ideal.channel), Counter(moved.series, moved.channel)
    assert np.array_equal(one.steps.total, other.steps.total)
    assert one.energy(a, b) == other.energy(a, b)


@given(wild(), st.integers(0, (1 << 32) - 1))
def test_bits_above_the_modulus_are_passed_over(ideal: Ideal, junk: int) -> None:
    """A 64-bit register of which only 32 bits count may hold anything in the others."""
    narrow = replace(ideal, modulus=1 << 32)
    series = narrow.series
    noisy = replace(series, raw=series.raw | np.uint64(junk << 32))
    one, other = Counter(series, narrow.channel), Counter(noisy, narrow.channel)
    assert np.array_equal(one.steps.total, other.steps.total)
    assert np.array_equal(one.steps.code, other.steps.code)
