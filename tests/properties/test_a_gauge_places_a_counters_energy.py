"""A counter says how much and a finer gauge of its device when: errors shrink, intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from gauges import POLLS, SENSORS, Poll, Sensor, gauge, loads, truth_j, windows
from gpu_counter import GpuCounter, trace
from ideal import MS
from scipy.stats import binomtest

from microjoule.channel import Timing
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.energy_trace import load
from microjoule.joules.lags.lag_beside_gauge import lag_beside_gauge
from microjoule.joules.long_traces.streamed import StreamedTrace, stream
from microjoule.joules.marks.fused_edges import finer, fused
from microjoule.joules.summary import summary

SECONDLY = GpuCounter(update_s=1.0, timing=Timing(update_max_ns=2000 * MS, lag_ns=100 * MS))
PAIRS = {  # counter, gauge, and by how much the rms error shrinks at least
    "100 ms beside 20 ms": (GpuCounter(update_s=0.1, lag_s=0.02), "10 of 20 ms", 0.8),
    "100 ms beside 15 ms": (GpuCounter(update_s=0.1, lag_s=0.1), "capacitor of 50 ms", 0.5),
    "1 s beside 100 ms": (SECONDLY, "100 of 100 ms", 0.5),
    "100 ms beside a buffer": (GpuCounter(update_s=0.1, lag_s=0.1), "buffer of 5 ms", 0.5),
    "100 ms beside a slow buffer": (GpuCounter(update_s=0.1, lag_s=0.1), "buffer of 20 ms", 0.9),
}
UNKNOWN = Timing(sensor_clock="realtime")  # of a driver's buffer of samples nothing is known but its stamps
BUFFERS = {
    f"buffer of {1000 * update_s:g} ms": Sensor(update_s=update_s, window_s=update_s, timing=UNKNOWN)
    for update_s in (0.005, 0.02)
}


def beside_it(used, name, seed):
    if name in BUFFERS:
        return gauge(used, BUFFERS[name], POLLS["10 ms, stamps of updates"], seed)
    return gauge(used, SENSORS[name], Poll(), seed)


def names_of(one):
    return {each.name for each in one.components}


@pytest.mark.parametrize("name", ["steps", "bursts", "far: 3.7 T", "near: 0.9 T", "wandering"])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_counter_says_how_much_and_the_gauge_when(pair, name):
    of, sensor, _ = PAIRS[pair]
    held, asked = 0, 0
    for seed in range(2):
        used = loads(of.update_s, 40.0, seed)[name]
        counter, beside = of.counter(used, Poll(), seed), beside_it(used, sensor, seed)
        counter = counter.with_timing(lag_beside_gauge(counter, record_of(counter), [beside]))
        for length_s in (0.1, 1.0):
            t0, t1 = windows(used, length_s, 40, seed)
            truth = truth_j(used, t0, t1)
            own = counter.estimates(counter.energies(t0, t1))
            shown = finer(counter, [beside])
            found = own if shown is None else fused(counter, shown, own, t0, t1)
            agreed = (
                each for each in zip(found, own, strict=True) if "disagreement" not in names_of(each[0])
            )
            assert all(one.U <= plain.U for one, plain in agreed)
            assert all(one.low <= one.value <= one.high for one in found)
            assert [(one.low, one.high) for one in found] == [(one.low, one.high) for one in own]
            held += sum(abs(one.value - t) <= one.U + 1e-6 for one, t in zip(found, truth, strict=True))
            asked += len(truth)
    assert binomtest(held, asked).proportion_ci(0.999).high >= 0.93


@pytest.mark.parametrize("pair", PAIRS)
def test_errors_shrink_where_the_power_changes_between_updates(pair):
    of, sensor, share = PAIRS[pair]
    used = loads(of.update_s, 60.0, 7)["far: 3.7 T"]
    counter, beside = of.counter(used, Poll(), 7), beside_it(used, sensor, 7)
    counter = counter.with_timing(lag_beside_gauge(counter, record_of(counter), [beside]))
    assert finer(counter, [beside]).gauge is beside
    t0, t1 = windows(used, 0.7, 200, 7)
    truth, own = truth_j(used, t0, t1), counter.estimates(counter.energies(t0, t1))
    found = fused(counter, finer(counter, [beside]), own, t0, t1)
    off = [[(one.value - t) ** 2 for one, t in zip(each, truth, strict=True)] for each in (own, found)]
    before, after = np.mean(off, axis=1)
    assert after < share**2 * before


def test_a_gauge_that_is_no_finer_places_nothing():
    used = loads(0.1, 40.0, 1)["steps"]
    plain = GpuCounter(update_s=0.1).counter(used, Poll(), 1)
    quick, slow = (gauge(used, SENSORS[name], Poll(), 1) for name in ("10 of 20 ms", "100 of 100 ms"))
    assert finer(plain, [slow]) is None
    assert finer(plain, [slow, quick]).gauge is quick


def test_a_trace_takes_it_whole_and_in_parts_with_marks_and_without(tmp_path):
    used = loads(0.1, 20.0, 3)["steps"]
    t_ns = windows(used, 2.0, 6, 3)[0]
    t_ns = np.sort(t_ns)[::2].tolist()
    marks = [(t, "@begin", n, "step") for n, t in enumerate(t_ns)]
    marks += [(t + 500 * MS, "@end", n, "") for n, t in enumerate(t_ns)]
    for seed, some in ((3, marks), (4, [])):
        path = trace(
            tmp_path, used, PAIRS["100 ms beside 15 ms"][0], SENSORS["capacitor of 50 ms"], seed, some
        )
        whole, parts = load(path), stream(path)
        assert isinstance(parts, StreamedTrace)
        assert whole.mark_fits.finer("gpu-0/energy") is not None
        assert summary(parts) == summary(whole)
