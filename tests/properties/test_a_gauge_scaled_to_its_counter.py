"""A finer gauge, scaled to its counter over the recording, tells of short windows though the lag is open."""

from __future__ import annotations

from dataclasses import replace

import gauges
import numpy as np
import pytest
from gauges import SENSORS, Load, Poll, loads, square, truth_j, windows
from gpu_counter import GpuCounter
from scipy.stats import binomtest

from microjoule.joules.counters.counter import Counter
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.marks.fused_edges import finer, fused
from microjoule.joules.marks.scaled_gauge import scale

QUICK = "10 of 20 ms"
COUNTER = GpuCounter(update_s=0.1, lag_s=0.1)


def both(used: Load, shown: Load | None = None, seed: int = 0, every: slice = slice(None)):
    """A counter whose lag nobody knows, and a gauge that shows some of its readings, or another load."""
    series = gauges.series(shown or used, SENSORS[QUICK], Poll(), seed)
    n = len(series.t_ns)
    kept = np.ones(n, bool)
    kept[every] = every == slice(None)
    columns = (series.t_ns[kept], series.read_ns[kept], series.raw[kept], series.status[kept])
    return COUNTER.counter(used, Poll(), seed), Gauge(
        type(series)(*columns), gauges.channel(SENSORS[QUICK].timing)
    )


def found_of(counter: Counter, gauge: Gauge, t0, t1):
    own = counter.estimates(counter.energies(t0, t1))
    of = finer(counter, [gauge])
    return own, own if of is None else fused(counter, of, own, t0, t1)


def held(found, truth) -> tuple[int, int]:
    return sum(abs(one.value - t) <= one.U for one, t in zip(found, truth, strict=True)), len(truth)


@pytest.mark.parametrize("length_s", [0.03, 0.1])
def test_short_windows_of_a_load_that_looks_alike_a_period_later_are_told_better(length_s):
    wide, asked, inside = [], 0, 0
    for seed in range(3):
        used = loads(0.1, 100.0, seed)["near: 0.97 T"]
        counter, gauge = both(used, seed=seed)
        t0, t1 = windows(used, length_s, 60, seed)
        own, found = found_of(counter, gauge, t0, t1)
        assert [(one.low, one.high) for one in found] == [(one.low, one.high) for one in own]
        assert all(
            one.low <= one.value <= one.high and one.U <= plain.U
            for one, plain in zip(found, own, strict=True)
        )
        wide.append(np.median([one.U for one in found]) / np.median([one.U for one in own]))
        inside, asked = np.add((inside, asked), held(found, truth_j(used, t0, t1)))
    assert max(wide) < 0.7
    assert binomtest(int(inside), int(asked)).proportion_ci(0.999).high >= 0.93


def apart(used: Load, gain: float, offset_w: float, of_high: float = 1.0) -> Load:
    """What a sensor shows that has a gain, an offset, and another gain of high power."""
    watts = np.where(used.watts > used.watts.mean(), of_high, 1.0) * gain * used.watts + offset_w
    return Load(used.edges_s, watts)


@pytest.mark.parametrize(
    "differs", [(1.1, 0.0, 1.0), (0.8, 0.0, 1.0), (1.0, 15.0, 1.0), (1.0, -15.0, 1.0), (1.0, 0.0, 0.9)]
)
@pytest.mark.parametrize("period_s", [0.097, 40.0])
def test_windows_are_held_however_the_gauge_differs_from_its_counter(differs, period_s):
    """By a gain, an offset, or a gain of high power alone, under levels shorter and longer than parts."""
    inside = asked = 0
    for seed in range(3):
        used = square(period_s, 200.0, seed)
        counter, gauge = both(used, apart(used, *differs), seed)
        for length_s in (0.03, 0.1, 1.0):
            t0, t1 = windows(used, length_s, 60, seed)
            now = held(found_of(counter, gauge, t0, t1)[1], truth_j(used, t0, t1))
            inside, asked = inside + now[0], asked + now[1]
    assert binomtest(inside, asked).proportion_ci(0.999).high >= 0.93


def test_reads_in_step_with_the_gauge_leave_all_of_it_as_late_as_they_do():
    """Read once an update by chance all its values are as old: 90 % of windows were covered."""
    inside = asked = 0
    for seed in range(71000, 71006):
        used = loads(0.1, 60.0, seed)["far: 3.7 T"]
        poll = Poll(rate_hz=50.0, jitter=0.0, phase=np.random.default_rng(seed).uniform())
        gauge = Gauge(gauges.series(used, SENSORS[QUICK], poll, seed), gauges.channel(SENSORS[QUICK].timing))
        t0, t1 = windows(used, 0.1, 60, seed)
        now = held(found_of(COUNTER.counter(used, poll, seed), gauge, t0, t1)[1], truth_j(used, t0, t1))
        inside, asked = inside + now[0], asked + now[1]
    assert inside >= 0.95 * asked


def test_a_gauge_in_another_unit_or_of_another_device_scales_nothing():
    used = square(0.097, 60.0, 0)
    for by in (1000.0, 0.001, 3.0, 0.3):
        counter, gauge = both(used, apart(used, by, 0.0))
        assert scale(counter, gauge) is None


def test_where_the_gauge_is_missing_the_counter_tells_and_elsewhere_the_gauge_does():
    used = square(0.097, 100.0, 1)
    counter, gauge = both(used, seed=1, every=slice(2000, 4000))
    t0, t1 = windows(used, 0.1, 200, 1)
    own, found = found_of(counter, gauge, t0, t1)
    after = np.flatnonzero(np.diff(gauge.readings.t_ns) > gauges.S)[0]
    first, last = gauge.readings.t_ns[after : after + 2]
    is_missing = (t0 < last) & (t1 > first)
    assert [one for one, missing in zip(found, is_missing, strict=True) if missing] == [
        one for one, missing in zip(own, is_missing, strict=True) if missing
    ]
    narrower = [a.U / b.U for a, b, missing in zip(found, own, is_missing, strict=True) if not missing]
    assert np.median(narrower) < 0.7
    assert held(found, truth_j(used, t0, t1))[0] >= 0.93 * len(t0)


def test_of_a_short_recording_more_is_open_of_how_the_two_compare():
    wide = [scale(*both(square(0.097, length_s, 2), seed=2)).by.U for length_s in (5.0, 20.0, 200.0)]
    assert wide[0] > 1.5 * wide[1] > 3.0 * wide[2]


def test_a_model_of_power_is_no_counter_to_scale_to():
    used = square(0.097, 60.0, 0)
    counter, gauge = both(used)
    trust = replace(counter.channel.trust, model=object())
    counter.channel = replace(counter.channel, trust=trust)
    assert scale(counter, gauge) is None


@pytest.mark.parametrize("gain", [0.9, 1.1])
def test_short_windows_are_held_where_gain_and_offset_cancel_over_the_recording(gain):
    """The energy of all of it is right then, and that of no window of another power."""
    inside = asked = 0
    for seed in range(3):
        used = square(0.97, 60.0, seed)
        mean_w = float(truth_j(used, *windows(used, 50.0, 1, seed))[0]) / 50.0
        counter, gauge = both(used, apart(used, gain, (1.0 - gain) * mean_w), seed)
        t0, t1 = windows(used, 0.03, 60, seed)
        _, found = found_of(counter, gauge, t0, t1)
        inside, asked = np.add((inside, asked), held(found, truth_j(used, t0, t1)))
    assert binomtest(int(inside), int(asked)).proportion_ci(0.999).high >= 0.93
