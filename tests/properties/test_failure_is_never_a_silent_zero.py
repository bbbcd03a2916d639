"""A counter that could not be read has no energy rather than none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ideal import Ideal, tame, windows
from reached import reached

from microjoule.joules.counters.counter import Counter


@pytest.mark.reaches(none=1, no_value=10)
@given(tame(100), st.sets(st.integers(0, 99)) | st.just(set(range(100))), windows)
def test_failure_is_never_a_silent_zero(ideal: Ideal, failed: set[int], at: list[float]) -> None:
    """Any set of failed reads widens the bound or ends the value; it never lowers the energy to 0."""
    series = ideal.series
    valid = np.array([i not in failed for i in range(100)])
    broken = replace(
        series,
        valid=valid,
        raw=np.where(valid, series.raw, np.uint64(0)),
        status=np.where(valid, 0, 5).astype(np.uint16),
    )
    a, b = ideal.inside(*at)
    assume(a < b)
    estimate = Counter(broken, ideal.channel).energy(a, b)
    assert estimate.low - 1e-9 <= ideal.truth(a, b) <= estimate.high + 1e-9
    if reached("none", not valid.any()):
        assert estimate.status == "failed"
    if reached("no_value", estimate.status != "ok"):
        assert estimate.value is None


@given(tame(100), st.integers(10, 60))
def test_counter_that_vanishes_is_failed_after_it_did(ideal: Ideal, at: int) -> None:
    """EIO from some reading on: what ends before it is known, what ends after it has failed."""
    ideal = replace(ideal, wave=replace(ideal.wave, energy=lambda t: 50 * t, peak_w=50.0), modulus=1 << 32)
    series = ideal.series
    broken = Counter(replace(series, valid=np.arange(100) < at), ideal.channel)
    a = int(series.t_ns[1])
    assert broken.energy(a, int(series.t_ns[90])).status == "failed"
    full = Counter(series, ideal.channel).energy(a, a + 1)
    assert full.status == "ok"
