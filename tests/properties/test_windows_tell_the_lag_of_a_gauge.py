"""Whatever the lag of a gauge alone is, windows that hold their work tell it, and figures move by it."""

import re

import numpy as np
import pytest
from gauge_windows import both, program
from gauges import SENSORS, T0, Poll, S

from microjoule.joules.gauges.gauge_notes import lag_of


def held(gauge, of):
    """bool[n] and float64[n]: which windows hold at 95 %, and errors; all guaranteed intervals hold."""
    t0, t1 = of.edges_ns()
    truth = of.load.energy_j((t1 - T0) / S) - of.load.energy_j((t0 - T0) / S)
    found = gauge.estimates(gauge.energies(t0, t1))
    assert all(e.low - 1e-6 <= t <= e.high + 1e-6 for e, t in zip(found, truth, strict=True))
    errors = np.array([e.value for e in found]) - truth
    return np.abs(errors) <= np.array([e.U for e in found]), errors


@pytest.mark.parametrize("lag_ms", [30, 60, 130])
@pytest.mark.parametrize("name", ["100 of 100 ms", "25 of 100 ms", "mean of 1 s", "capacitor of 50 ms"])
def test_a_lag_is_found_and_figures_are_of_the_right_time(name, lag_ms):
    holds, errors, uncentred = [], [], []
    for seed in range(3):
        of = program(12, seed)
        plain, learnt = both(of, SENSORS[name], lag_ms / 1000, seed)
        timing = learnt.channel.timing
        assert abs(timing.middle_lag_ns / 1e6 - lag_ms) <= timing.half_lag_ns / 1e6 < 20
        for to, each in zip((holds, errors), held(learnt, of), strict=True):
            to.append(each)
        uncentred.append(held(plain, of)[1])
    assert np.mean(holds) > 0.85
    assert np.median(np.abs(errors)) < 0.8 * np.median(np.abs(uncentred))


@pytest.mark.parametrize("name", ["100 of 100 ms", "25 of 100 ms"])
@pytest.mark.parametrize("phase", [0.12, 0.88])
def test_a_lag_is_said_with_what_reads_in_step_with_updates_leave_open(name, phase):
    """All are off by the same: where that was 4 to 5 ms, what was said held no lag."""
    for seed, lag_ms in enumerate((30, 60, 130)):
        of = program(24, seed)
        learnt = both(of, SENSORS[name], lag_ms / 1000, seed, poll=Poll(jitter=0.02, phase=phase))[1]
        (said,) = lag_of(learnt)
        low, high = map(float, re.search(r"lag ([-\d.]+) to ([-\d.]+) ms", said).groups())
        assert low <= lag_ms <= high
        assert high - low < 15


@pytest.mark.parametrize("name", ["100 of 100 ms", "25 of 100 ms", "mean of 1 s", "capacitor of 50 ms"])
def test_marks_that_power_does_not_follow_tell_no_lag(name):
    for seed in range(4):
        of, other = program(20, seed), program(20, seed + 100)
        plain, learnt = both(
            of._replace(begins_s=other.begins_s, ends_s=other.ends_s), SENSORS[name], 0.0, seed
        )
        assert learnt.channel.timing.likely_lag_ns is None
        assert np.array_equal(learnt.readings.t_ns, plain.readings.t_ns)


def others(of, seed):
    """Windows that are not those of the program: 60 of 0.1 to 2 s."""
    chance = np.random.default_rng([seed, 92])
    begins = chance.uniform(of.begins_s[0], of.ends_s[-1], 60)
    return of._replace(begins_s=begins, ends_s=begins + np.exp(chance.uniform(np.log(0.1), np.log(2), 60)))


@pytest.mark.parametrize(("before_s", "after_s"), [(0.0, 0.03), (0.0, 0.08), (0.08, 0.0), (0.03, 0.03)])
def test_windows_that_are_longer_than_their_work_tell_no_wrong_lag(before_s, after_s):
    holds = []
    for seed in range(8_100_000, 8_100_003):
        of = program(24, seed).wider(before_s, after_s)
        learnt = both(of, SENSORS["100 of 100 ms"], 0.0, seed)[1]
        assert abs(learnt.channel.timing.middle_lag_ns) <= learnt.lag_s * 1e9
        holds.append(held(learnt, others(of, seed))[0])
    assert np.mean(holds) >= 0.93


@pytest.mark.parametrize(("before_s", "after_s"), [(0.0, 0.03), (0.08, 0.0), (0.03, 0.03)])
def test_the_lag_lies_between_what_beginnings_and_ends_tell(before_s, after_s):
    for seed in range(8_100_000, 8_100_003):
        timing = both(program(24, seed).wider(before_s, after_s), SENSORS["100 of 100 ms"], 0.06, seed)[
            1
        ].channel.timing
        assert (
            abs(timing.middle_lag_ns / 1e6 - 60) <= timing.half_lag_ns / 1e6 < 20 + 500 * (before_s + after_s)
        )


def test_no_gauge_is_told_to_lead():
    for seed in range(3):
        assert (
            both(program(12, seed), SENSORS["100 of 100 ms"], -0.06, seed)[1].channel.timing.likely_lag_ns
            is None
        )


def test_windows_that_are_much_longer_than_their_work_tell_no_lag():
    for seed in range(8_100_000, 8_100_003):
        of = program(12, seed).wider(0.25, 0.0)
        assert both(of, SENSORS["100 of 100 ms"], 0.06, seed)[1].channel.timing.likely_lag_ns is None
