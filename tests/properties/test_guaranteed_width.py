"""Guaranteed intervals are as narrow as readings allow that tell nothing of power (docs/accuracy.md)."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, US, Ideal, constant

from microjoule.channel import Timing
from microjoule.joules.counters.counter import Counter

UPDATE_NS, POWER_W = 976_562, 100.0


@pytest.mark.parametrize("lag_ns", [0, MS])
@pytest.mark.parametrize("poll_us", [250, 500, 667, 1000, 2000, 5000])
def test_half_the_width_is_the_time_between_the_updates_around_an_edge_and_one_count(poll_us, lag_ns):
    """An update and the time between two readings, or twice that where it is longer; within 5 %."""
    halves = []
    for seed in range(8):
        ideal = Ideal(
            constant(POWER_W), n=1500, update_ns=UPDATE_NS, poll_ns=poll_us * US, read_ns=0, seed=seed
        )
        channel = replace(ideal.channel, timing=Timing(update_ns=MS, update_max_ns=10 * MS, lag_ns=lag_ns))
        counter = Counter(ideal.series, channel)
        first, last = (int(t_ns) for t_ns in counter.t_ns[[20, -20]])
        t0, t1 = np.sort(np.random.default_rng(seed).integers(first, last, (2, 400)), axis=0)
        found = counter.bounds(t0, t1)
        halves.append((found.high - found.low) / 2)
    poll_ns = poll_us * US
    apart_ns = UPDATE_NS + poll_ns if poll_ns <= UPDATE_NS else 2 * poll_ns
    least_j = POWER_W * (apart_ns + lag_ns) / 1e9 + float(ideal.unit * ideal.quantum)
    assert np.mean(halves) == pytest.approx(least_j, rel=0.05)
