"""One truth through counters of any width gives one energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, wild

from microjoule.joules.counters.counter import Counter


@given(wild(), st.sampled_from([1 << 24, 1 << 32, 1 << 48, 1 << 64, 10**8 + 7, 262143 << 32]))
def test_width_is_without_effect(ideal: Ideal, modulus: int) -> None:
    """While no gap is long enough for two wraps, only the width of the counter differs."""
    wide = replace(ideal, modulus=1 << 64, start=(1 << 64) - 99)
    narrow = replace(ideal, modulus=modulus, start=modulus - 99)
    one, other = Counter(wide.series, wide.channel), Counter(narrow.series, narrow.channel)
    assert np.array_equal(one.steps.total, other.steps.total)
    assert not len(other.steps.ambiguous)
    assert not len(other.steps.reset)
