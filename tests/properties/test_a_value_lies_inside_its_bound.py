"""One law for every type of sensor: the value lies inside its guaranteed interval, and no energy is negative.

Gauges that hold, look at a part of the time, average a second, stand still at idle, charge a capacitor, or of
which nothing is known; counters of GPUs with any lag; RAPL's; estimated CPU time. Under any load, for
windows of any length, at its edges and across them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from gauges import POLLS, SENSORS, gauge, loads, windows
from gpu_counter import GpuCounter, trace
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ideal import MS, T0, US, Ideal, S, pulses

from microjoule.channel import PowerModel, Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.energy_trace import load
from microjoule.joules.lags.lag_beside_gauge import lag_beside_gauge

COUNTERS = {
    "GPU, 20 ms, no lag": GpuCounter(),
    "GPU, 100 ms, lag of 100 ms": GpuCounter(update_s=0.1, lag_s=0.1),
    "GPU, a lag longer than declared": GpuCounter(lag_s=0.2),
    "updates of a second": GpuCounter(update_s=1.0, timing=Timing(update_ns=10**9, update_max_ns=2 * 10**9)),
}
MODEL = PowerModel(value_w=4.0, low_w=2.0, high_w=8.0, source="a table")
POLL = POLLS["10 ms"]
LOADS = tuple(loads(0.1, 1.0, 0))


def meters(kind, name, seed):
    """A sensor under a load, and the load."""
    if kind in SENSORS:
        under = loads(SENSORS[kind].update_s, 12.0, seed)[name]
        return under, gauge(under, SENSORS[kind], POLL, seed)
    under = loads(0.1, 12.0, seed)[name]
    if kind == "CPU time":
        of = GpuCounter()
        seconds = replace(of.channel.scale, quantity="s", unit=Fraction(1, 1000))
        channel = replace(of.channel, scale=seconds, trust=replace(of.channel.trust, model=MODEL))
        return under, Counter(of.series(under, POLL, seed), channel)
    counter = COUNTERS[kind].counter(under, POLL, seed)
    beside = gauge(under, SENSORS["100 of 100 ms"], POLL, seed)
    return under, counter.with_timing(lag_beside_gauge(counter, record_of(counter), [beside]))


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([*SENSORS, *COUNTERS, "CPU time"]),
    name=st.sampled_from(LOADS),
    length_s=st.floats(0.001, 10.0),
    seed=st.integers(0, 1 << 20),
)
@example(kind="mean of 1 s", name="bursts", length_s=0.03, seed=1)  # it was -174 J, guaranteed 0 to 21 J
@example(kind="mean of 1 s, frozen at idle", name="bursts", length_s=0.1, seed=2)
@example(kind="GPU, 20 ms, no lag", name="bursts", length_s=0.03, seed=3)
@example(kind="GPU, a lag longer than declared", name="steps", length_s=0.1, seed=4)
def test_the_value_of_any_sensor_lies_inside_its_guaranteed_interval(kind, name, length_s, seed):
    under, meter = meters(kind, name, seed)
    t0, t1 = windows(under, length_s, 40, seed, margin_s=1.0)
    found = meter.energies(t0, t1)
    known = found.status == 0
    assert known.any()
    assert (found.low[known] <= found.value[known]).all()
    assert (found.value[known] <= found.high[known]).all()
    assert (found.value[known] >= 0.0).all()
    assert (found.low >= 0.0).all()
    for estimate in meter.estimates(found):
        assert estimate.value is None or estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("seed", [5, 34, 44])
def test_behind_the_last_update_no_more_is_guessed_than_a_later_reading_leaves_open(seed):
    """Power that came in pulses would have counted on; a reading after the window shows that it did not."""
    n_known = 0
    ideal = Ideal(
        pulses(200.0, 0.001, 0.02), n=12, poll_ns=5 * MS, jitter=0.33, read_ns=80 * US, lag_ns=900 * US,
        declared_max=1.6, failed=0.2, limit_w=300.0, seed=seed,
    )  # fmt: skip
    counter = Counter(ideal.series, ideal.channel)
    t1 = np.arange(int(counter.t_ns[0]), int(counter.t_ns[-1]), 100 * US)
    for t0 in counter.t_ns[:-1].tolist():
        found = counter.energies(np.full(np.count_nonzero(t1 > t0), t0), t1[t1 > t0])
        known = found.status == 0
        assert (found.low[known] <= found.value[known]).all()
        assert (found.value[known] <= found.high[known]).all()
        n_known += np.count_nonzero(known)
    assert n_known


def test_in_a_trace_it_does_so_too_and_in_its_totals(tmp_path):
    """Where marks move edges, and where figures of channels are added."""
    under = loads(0.1, 20.0, 5)["bursts"]
    edges_ns = (T0 + np.rint(under.edges_s * S).astype(np.int64)).tolist()
    kinds = (("@begin", "burst"), ("@end", ""))
    marks = [(t, kinds[n % 2][0], n // 2, kinds[n % 2][1]) for n, t in enumerate(edges_ns)]
    path = trace(tmp_path, under, GpuCounter(lag_s=0.02), SENSORS["25 of 100 ms"], 5, marks)
    found = load(path)
    assert len(found.windows) > 20
    for energies in found.energies(found.windows):
        for estimate in (*energies.values(), energies.total):
            assert estimate.value is None or 0.0 <= estimate.low <= estimate.value <= estimate.high
    assert found.energy(found.windows[0]).total.value is not None
