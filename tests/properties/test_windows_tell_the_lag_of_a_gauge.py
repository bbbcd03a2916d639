"""Whatever the lag of a gauge alone is, windows that hold their work tell it, and figures move by it."""

import numpy as np
import pytest
from gauge_windows import both, program
from gauges import SENSORS, T0, S


def held(gauge, of):
    """bool[n] and float64[n]: which windows hold at 95 %, and errors; all guaranteed intervals hold."""
    t0, t1 = of.edges_ns()
    truth = of.load.energy_j((t1 - T0) / S) - of.load.energy_j((t0 - T0) / S)
    found = gauge.estimates(gauge.energies(t0, t1))
    assert all(e.low - 1e-6 <= t <= e.high + 1e-6 for e, t in zip(found, truth, strict=True))
    errors = np.array([e.value for e in found]) - truth
    return np.abs(errors) <= np.array([e.U for e in found]), errors


@pytest.mark.parametrize("lag_ms", [-40, 60, 130])
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


@pytest.mark.parametrize("name", ["100 of 100 ms", "25 of 100 ms", "mean of 1 s", "capacitor of 50 ms"])
def test_marks_that_power_does_not_follow_tell_no_lag(name):
    for seed in range(6):
        of, other = program(20, seed), program(20, seed + 100)
        plain, learnt = both(
            of._replace(begins_s=other.begins_s, ends_s=other.ends_s), SENSORS[name], 0.0, seed
        )
        assert learnt.channel.timing.likely_lag_ns is None
        assert np.array_equal(learnt.readings.t_ns, plain.readings.t_ns)
