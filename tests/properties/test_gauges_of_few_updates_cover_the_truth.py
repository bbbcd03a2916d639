"""A gauge that changed a few times may show the power of an earlier time: U of its windows holds that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import IDLE_W, T0, Load, Poll, S, Sensor, bursts, channel, series, square, steps, truth_j
from scipy.stats import binomtest

from microjoule.channel import Timing, Trust
from microjoule.joules.gauges.gauge import Gauge
from microjoule.trace.series import Series

RECORDINGS, WINDOWS = 100, 3
LENGTH_S = 45.0
UNKNOWN = Timing(rate_max_hz=100.0)


def load_of(name, chance, seed):
    """Levels, bursts, or rectangles of 1.7 s, between powers that chance draws."""
    if name == "steps":
        found = steps(chance.uniform(0.3, 5), LENGTH_S, seed)
    elif name == "bursts":
        burst_s = chance.uniform(0.2, 1.5)
        found = bursts(burst_s, burst_s * chance.uniform(2, 6), LENGTH_S, seed)
    else:
        found = square(1.7, LENGTH_S, seed)
    low_w, high_w = chance.uniform(15, 75), chance.uniform(180, 340)
    return Load(found.edges_s, low_w + (found.watts - IDLE_W) / 270 * (high_w - low_w))


def recorded(name, is_declared, trust, seed):
    """1 to 10 s of a sensor of 0.1 to 5 s: the gauge, its load, and windows."""
    chance = np.random.default_rng([seed, 77])
    update_s = float(np.exp(chance.uniform(np.log(0.1), np.log(5))))
    mean_s = update_s if is_declared else chance.uniform(0, update_s)
    ns = round(update_s * S)
    timing = Timing(update_ns=ns, update_max_ns=2 * ns, window_ns=ns) if is_declared else UNKNOWN
    sensor = Sensor(
        update_s=update_s,
        window_s=mean_s,
        noise_w=chance.choice([0.0, 0.3]),
        quantum_w=float(chance.choice([0.001, 0.1, 1.0])),
        timing=timing,
    )
    load, begin_s, length_s = load_of(name, chance, seed), chance.uniform(14, 24), chance.uniform(1, 10)
    every = series(load, sensor, Poll(), seed)
    i, j = np.searchsorted(every.t_ns, T0 + np.rint(np.array([begin_s, begin_s + length_s]) * S))
    some = Series(every.t_ns[i:j], every.read_ns[i:j], every.raw[i:j], every.status[i:j])
    t0, t1 = some.t_ns[[0, -1]].tolist()
    long_ns = np.minimum(chance.choice([0.3, 1.0, 1.0, 3.0], WINDOWS) * S, 0.95 * (t1 - t0)).astype(np.int64)
    begins = t0 + (chance.uniform(0, 1, WINDOWS) * (t1 - t0 - long_ns)).astype(np.int64)
    return Gauge(some, replace(channel(timing), trust=trust)), load, begins, begins + long_ns


@pytest.mark.parametrize("trust", [Trust(power_limit_w=400.0), Trust()], ids=["limit", "no limit"])
@pytest.mark.parametrize("is_declared", [False, True], ids=["nothing declared", "declared"])
@pytest.mark.parametrize("name", ["steps", "bursts", "1.7 s"])
def test_windows_in_short_recordings_are_covered(name, is_declared, trust):
    """Before, 72 to 82 % were where nothing is declared, and 77 to 86 % where update and mean are."""
    held = asked = 0
    for seed in range(RECORDINGS):
        gauge, load, t0, t1 = recorded(name, is_declared, trust, seed)
        found = gauge.energies(t0, t1)
        is_ok, truth = found.status == 0, truth_j(load, t0, t1)
        wide = np.array([each.U or 0.0 for each in gauge.estimates(found)])
        held += int((np.abs(found.value - truth) <= wide + 1e-6)[is_ok].sum())
        asked += int(is_ok.sum())
        assert ((found.low <= truth + 1e-6) & (truth <= found.high + 1e-6)).all()
    assert asked > RECORDINGS
    assert binomtest(held, asked).proportion_ci(0.999, "exact").high >= 0.93


def still(after_s, timing=UNKNOWN, length_s=20.0):
    """U of a second that ended so long before the last reading of one value, 100 W of 400."""
    t_ns = T0 + np.arange(round(100 * length_s)) * 10**7
    n = len(t_ns)
    one = Series(t_ns, np.zeros(n, np.uint32), np.full(n, 100_000, np.uint64), np.zeros(n, np.uint16))
    end = int(t_ns[-1]) - round(after_s * S)
    return Gauge(one, channel(timing)).energy(end - S, end).U


def test_what_stood_still_is_as_sure_as_its_value_was_read_afterwards():
    """By the last reading it may have drawn its 400 W for the whole second; 10 s later it would show."""
    assert still(0.0) > 280
    assert 280 > still(5.0) > 100
    assert still(10.0) < 10


def test_a_longest_interval_that_is_declared_is_all_that_a_value_may_be_late_by():
    """Firmware of AMD's GPUs refreshes its power in 100 ms at most: at rest it may be unsure for as long."""
    assert 40 > still(0.0, Timing(update_max_ns=10**8)) > 20


def test_eight_readings_of_a_declared_interval_are_known_well_enough():
    declared = Timing(update_ns=10**8, update_max_ns=2 * 10**8, window_ns=10**8)
    assert still(0.0, declared, 2.0) < 10
