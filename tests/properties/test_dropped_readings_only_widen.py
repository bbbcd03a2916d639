"""Readings that were never taken cost certainty, not energy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, thinned, wild, windows
from reached import reached

from microjoule.joules.counters.counter import Counter


@pytest.mark.reaches(same_start=20, same_end=20)
@given(wild(), windows, st.integers(0, 1 << 30), st.floats(0.05, 1.0))
def test_dropped_readings_only_widen(ideal: Ideal, at: list[float], seed: int, share: float) -> None:
    """Between readings that stay the count is the same; no bound of any window tightens."""
    keep = np.random.default_rng(seed).random(ideal.n) < share
    keep[0] = keep[-1] = True
    full, few = Counter(ideal.series, ideal.channel), Counter(thinned(ideal.series, keep), ideal.channel)
    if reached("same_start", len(full) and len(few) and few.t_ns[0] == full.t_ns[0]):
        stayed = np.isin(full.t_ns, few.t_ns)
        assert np.array_equal(full.steps.total[stayed], few.steps.total)
    window = ideal.inside(*at)
    wide, tight = few.energy(*window), full.energy(*window)
    # Where the last reading failed, whether a later one changes is another question.
    if reached("same_end", len(full) and len(few) and few.t_ns[-1] == full.t_ns[-1]):
        assert wide.low <= tight.low
        assert wide.high >= tight.high
