"""A device whose counter is updated seldom draws no more than twice its limit, however short a window is."""

from __future__ import annotations

import numpy as np
import pytest
from gauges import LIMIT_W, Poll, square, truth_j
from gpu_counter import GpuCounter
from ideal import MS, T0, S

LOAD = square(0.5, 20.0, 1)


@pytest.mark.parametrize("update_s", [0.02, 0.1])
@pytest.mark.parametrize("length_ns", [0, 11_300, 34 * MS, 300 * MS])
def test_no_window_has_more_than_twice_the_limit_of_its_device(update_s, length_ns):
    counter = GpuCounter(update_s=update_s, lag_s=0.05).counter(LOAD, Poll(), 1)
    t0 = T0 + 5 * S + np.arange(100) * 70 * MS
    found, truth = counter.energies(t0, t0 + length_ns), truth_j(LOAD, t0, t0 + length_ns)
    assert (found.high <= 2 * LIMIT_W * length_ns / S + 1e-12).all()
    assert (found.high >= truth).all()
    assert (found.high >= found.value).all()
    assert counter.bounds(t0, t0 + length_ns).high == pytest.approx(found.high)
