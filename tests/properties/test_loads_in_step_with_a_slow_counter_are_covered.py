"""A load nearly in step with a GPU counter's updates hides in them: U holds what it may be."""

from __future__ import annotations

import numpy as np
import pytest
from gauges import Poll, loads, square, truth_j, uneven, windows
from gpu_counter import GpuCounter
from ideal import MS, T0, S
from scipy.stats import binomtest

from microjoule.channel import Timing
from microjoule.joules.counters.slow_updates import in_step
from microjoule.joules.counters.update_times import AROUND

SPAN_S = 150.0


def swung(counter, t_ns, most=np.inf):
    """By how many counts a load in step is taken to swing the count, at instants."""
    return np.concatenate([in_step(counter._between, each, most).size for each in counter.segments(t_ns)])


def instants(load, n, seed):
    chance = np.random.default_rng([seed, 51])
    return T0 + np.rint(np.sort(chance.uniform(load.span_s[0] + 3.0, load.span_s[1] - 3.0, n)) * S).astype(
        np.int64
    )


@pytest.mark.parametrize("lag_s", [0.0, 0.1])
@pytest.mark.parametrize(
    "name", ["near: 0.9 T", "near: 0.97 T", "near: 1.1 T", "near twice: 2.03 T", "far: 0.23 T"]
)
def test_windows_under_a_load_in_step_are_covered(name, lag_s):
    """Before, windows of 0.03 to 10 s under 0.97 T were covered in 12 to 72 % of cases.

    And later U was 3.4 to 4.1 times the error, where it held in all of them.
    """
    of = GpuCounter(update_s=0.1, lag_s=lag_s)
    off, wide = [], []
    for seed in range(2):
        load = loads(0.1, SPAN_S, 900 + seed)[name]
        counter = of.counter(load, Poll(), seed)
        for length_s in (0.03, 0.3, 1.0):
            t0, t1 = windows(load, length_s, 80, seed)
            found = counter.estimates(counter.energies(t0, t1))
            off += (np.array([one.value for one in found]) - truth_j(load, t0, t1)).tolist()
            wide += [one.U for one in found]
    held = int((np.abs(off) <= np.array(wide) + 1e-6).sum())
    assert binomtest(held, len(off)).proportion_ci(0.999).high >= 0.93
    assert np.median(wide) <= 3.2 * np.sqrt(np.mean(np.square(off)))


def test_readings_that_are_silent_at_times_show_a_load_in_step():
    """The first update after a silence was placed in the middle of a period: 88 % of windows were held."""
    of, silent = GpuCounter(update_s=0.1, lag_s=0.1), Poll(silent_every_s=2.0)
    held = asked = 0
    for seed in range(3):
        load = loads(0.1, SPAN_S, 970 + seed)["near: 0.97 T"]
        counter = of.counter(load, silent, seed)
        for length_s in (0.03, 1.0):
            t0, t1 = windows(load, length_s, 80, seed)
            found = counter.estimates(counter.energies(t0, t1))
            off = np.array([one.value for one in found]) - truth_j(load, t0, t1)
            held += int((np.abs(off) <= np.array([one.U for one in found])).sum())
            asked += len(off)
    assert held >= 0.93 * asked


def test_what_power_does_in_a_silence_of_a_few_updates_is_covered():
    """It was taken for a straight line there: of edges under power that wanders 81 to 86 % were held."""
    held = asked = 0
    for seed in range(3):
        load = loads(0.1, SPAN_S, 980 + seed)["wandering"]
        counter = GpuCounter(update_s=0.1).counter(load, Poll(silent_every_s=2.0), seed)
        t_ns = instants(load, 1000, seed)
        is_silent = np.concatenate([each.length_ns > 1.5e8 for each in counter.segments(t_ns)])
        t0_ns = np.full(int(is_silent.sum()), T0 + S * 5 // 2)  # idle
        found = counter.estimates(counter.energies(t0_ns, t_ns[is_silent]))
        off = np.array([one.value for one in found]) - truth_j(load, t0_ns, t_ns[is_silent])
        held += int((np.abs(off) <= np.array([one.U for one in found])).sum())
        asked += len(off)
    assert asked > 200
    assert held >= 0.93 * asked


@pytest.mark.parametrize("update_s", [0.02, 0.1])
@pytest.mark.parametrize("cycles", range(1, 6))
@pytest.mark.parametrize("beside", [0.99, 1.02, 0.96])
def test_windows_under_loads_within_some_percent_of_whole_cycles_an_update_are_covered(
    beside, cycles, update_s
):
    """Their beats are slow and weak, in updates that jitter: beside T / 3 25 to 62 % were covered."""
    held = asked = 0
    for seed in range(2):
        load = square(update_s / cycles * beside, 700 * update_s, 940 + seed)
        counter = GpuCounter(update_s=update_s).counter(load, Poll(), seed)
        for length_s in (0.03, 0.3, 1.0):
            t0, t1 = windows(load, length_s, 40, seed)
            found = counter.estimates(counter.energies(t0, t1))
            off = np.array([one.value for one in found]) - truth_j(load, t0, t1)
            held += int((np.abs(off) <= np.array([one.U for one in found]) + 1e-6).sum())
            asked += len(off)
    assert binomtest(held, asked).proportion_ci(0.999).high >= 0.93


@pytest.mark.parametrize(("name", "period_s"), [("near: 0.9 T", 0.09), ("near: 1.1 T", 0.11)])
def test_windows_of_half_a_period_more_are_covered_to_the_ends_of_the_load(name, period_s):
    """Both ends of such a window are off to one side, and near its ends a load lies among idle updates.

    Before, windows of 3 1/2 and 4 1/2 periods were covered in 76 to 89 % of cases.
    """
    held = asked = 0
    for seed in range(4):
        load = loads(0.1, 15.0, 920 + seed)[name]
        counter = GpuCounter(update_s=0.1).counter(load, Poll(), seed)
        for periods in (3.5, 4.5):
            t0, t1 = windows(load, periods * period_s, 60, seed)
            found = counter.estimates(counter.energies(t0, t1))
            off = np.array([one.value for one in found]) - truth_j(load, t0, t1)
            held += int((np.abs(off) <= np.array([one.U for one in found])).sum())
            asked += len(off)
    assert held >= 0.93 * asked


def test_a_pulse_inside_one_update_is_covered():
    """Before, instants in an update that had more than both neighbours were covered in 60 % of cases."""
    held = asked = 0
    for seed in range(3):
        load = loads(0.1, 60.0, 930 + seed)["bursts"]
        counter = GpuCounter(update_s=0.1, timing=Timing(update_max_ns=200 * MS)).counter(load, Poll(), seed)
        t_ns = instants(load, 400, seed)
        parts = counter.segments(t_ns)
        rate = np.concatenate([each.near.rate[:, AROUND - 1 : AROUND + 2] for each in parts])
        t_ns = t_ns[rate[:, 1] > 1.2 * np.maximum(rate[:, 0], rate[:, 2])]
        t0_ns = np.full(len(t_ns), T0 + S * 5 // 2)  # idle
        found = counter.estimates(counter.energies(t0_ns, t_ns))
        off = np.array([one.value for one in found]) - truth_j(load, t0_ns, t_ns)
        held += int((np.abs(off) <= np.array([one.U for one in found])).sum())
        asked += len(off)
    assert asked > 150
    assert binomtest(held, asked).proportion_ci(0.999).high >= 0.93


@pytest.mark.parametrize("name", ["far: 3.7 T", "far: 17.3 T", "wandering", "steps"])
def test_a_load_that_no_quick_one_explains_widens_nothing(name):
    """A quick load that shows as much would draw less than nothing or more than the device can."""
    load = loads(0.1, SPAN_S, 910)[name]
    counter = GpuCounter(update_s=0.1).counter(load, Poll(), 1)
    some = swung(counter, instants(load, 200, 1))
    assert np.mean(some > 0) < 0.05


def test_the_limit_of_the_device_rules_out_what_would_exceed_it():
    load = loads(0.1, SPAN_S, 911)["near: 0.97 T"]
    counter = GpuCounter(update_s=0.1).counter(load, Poll(), 1)
    t_ns = instants(load, 100, 2)
    free, held = swung(counter, t_ns), swung(counter, t_ns, most=195e-6 * 1.02)  # counts of 1 mJ a nanosecond
    assert np.mean(free > 0) > 0.9
    assert not held.any()


def test_counters_of_a_millisecond_are_left_to_what_judges_them():
    load = loads(0.001, 9.0, 912)["near: 0.97 T"]
    counter = GpuCounter(update_s=0.001).counter(load, Poll(rate_hz=4000.0), 1)
    assert not swung(counter, instants(load, 50, 3)).any()


@pytest.mark.parametrize(("of", "high", "spread"), [(1.3, 0.3, 0.2), (1.1, 0.3, 0.1), (1.2, 0.5, 0.2)])
def test_windows_under_loads_with_irregular_edges_are_covered(of, high, spread):
    """No one sine has most of what they show, but a narrow band has: 79 to 92 % were covered."""
    held = asked = 0
    for seed in range(4):
        load = uneven(of * 0.1, 60.0, high, spread, 950 + seed)
        counter = GpuCounter(update_s=0.1).counter(load, Poll(), seed)
        for length_s in (0.3, 1.0):
            t0, t1 = windows(load, length_s, 100, seed)
            found = counter.estimates(counter.energies(t0, t1))
            off = np.array([one.value for one in found]) - truth_j(load, t0, t1)
            held += int((np.abs(off) <= np.array([one.U for one in found])).sum())
            asked += len(off)
    assert held >= 0.93 * asked
