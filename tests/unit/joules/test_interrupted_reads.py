"""A read that was interrupted took its value at its beginning, at its end, or in between: nobody knows."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, Ideal, constant
from scipy.stats import binomtest

from microjoule.channel import Timing
from microjoule.joules.counters.counter import Counter
from microjoule.trace.series import Series

RAPL = Timing(update_ns=MS, update_max_ns=10 * MS, lag_ns=MS)
POWER_W, SPAN_NS = 40.0, 2_000 * MS


def interrupted(seed: int, when: str) -> Series:
    """Readings at 1 kHz, of which one in thirty takes up to 30 ms, and the value so late in it."""
    rng = np.random.default_rng([seed, 77])
    t, read = [], []
    now = 0
    while now < SPAN_NS:
        took = int(rng.integers(5 * MS, 30 * MS)) if rng.random() < 0.03 else int(rng.integers(5_000, 20_000))
        t.append(now)
        read.append(took)
        now = max(now + took + 10_000, now - now % MS + MS + int(rng.integers(0, 60_000)))
    t_ns, read_ns = np.array(t), np.array(read)
    share = {"begins": 0.0, "ends": 1.0, "either": rng.integers(0, 2, len(t)), "between": rng.random(len(t))}
    taken = t_ns + (share[when] * read_ns).astype(np.int64)
    period = 976_562.5
    updated = np.floor((taken - 300_000) / period) * period
    raw = np.maximum(updated * 1e-9 * POWER_W * 2**14, 0).astype(np.uint64) + np.uint64(1000)
    return Series(t_ns, read_ns.astype(np.uint32), raw, np.zeros(len(t), np.uint16))


@pytest.mark.parametrize("when", ["begins", "ends", "either", "between"])
def test_windows_around_interrupted_reads_hold_their_truth(when):
    inside = []
    for seed in range(12):
        channel = replace(Ideal(constant(POWER_W), n=10, limit_w=100.0).channel, timing=RAPL)
        counter = Counter(interrupted(seed, when), channel)
        t0 = np.random.default_rng(seed).integers(100 * MS, SPAN_NS - 400 * MS, 80)
        found = counter.estimates(counter.energies(t0, t0 + 100 * MS))
        truth = POWER_W * 0.1
        assert all(each.low - 1e-9 <= truth <= each.high + 1e-9 for each in found)
        inside += [abs(each.value - truth) <= each.U for each in found]
    assert binomtest(int(np.sum(inside)), len(inside)).proportion_ci(0.999).high >= 0.93
