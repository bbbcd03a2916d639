"""Windows of a GPU counter at the steps of power: each is held, and so is the sum of those of a name.

The errors of such windows have one sign. So a sum of a hundred shows what single windows do not: a bias that
their uncertainty takes for chance.
"""

from __future__ import annotations

import numpy as np
import pytest
from gauges import REST_S, SENSORS, Load, Poll, square, truth_j
from gpu_counter import GpuCounter, trace
from ideal import T0, S

import microjoule as uj
from microjoule.joules.estimates.estimate import summed

WINDOWS = 60
IDLE_W, BUSY_W = 60.0, 300.0
HELD = 0.9  # of single windows; the benchmark has the exact share


def bursts(seed, apart_s=0.05):
    """A load that comes and goes, for about as long as updates are apart; and when."""
    chance = np.random.default_rng([seed, 5])
    on_s, off_s = chance.uniform(0.08, 0.6, WINDOWS), chance.uniform(0, 0.45, WINDOWS) + apart_s
    edges_s = REST_S + np.concatenate(([0], np.cumsum(np.column_stack((on_s, off_s)).ravel())))[:-1]
    return Load(edges_s, np.append(IDLE_W, np.tile([BUSY_W, IDLE_W], WINDOWS))), edges_s


def at_ns(t_s):
    return T0 + np.rint(t_s * S).astype(np.int64)


def check(counter, load, t0_s, t1_s, held=HELD):
    t0, t1 = at_ns(t0_s), at_ns(t1_s)
    found, truth = counter.estimates(counter.energies(t0, t1)), truth_j(load, t0, t1)
    assert np.mean([abs(each.value - true) <= each.U for each, true in zip(found, truth, strict=True)]) > held
    whole = summed(found)
    assert abs(float(whole) - truth.sum()) <= whole.U


@pytest.mark.parametrize("update_s", [0.02, 0.1])
@pytest.mark.parametrize("lag_s", [0.0, 0.1])
def test_of_bursts_alone_and_of_the_idle_time_between_them(update_s, lag_s):
    """The lag is at an end of what is declared: nothing tells it."""
    load, edges_s = bursts(7_310_000)
    counter = GpuCounter(update_s=update_s, lag_s=lag_s).counter(load, Poll(), 7_310_000)
    check(counter, load, edges_s[0::2], edges_s[1::2])
    check(counter, load, edges_s[1::2][:-1], edges_s[2::2])


@pytest.mark.parametrize("seed", range(7_320_000, 7_320_003))
def test_of_bursts_whose_lag_is_known(seed):
    """Of windows of an update or two the bursts around say how much they lack, and not of which sign."""
    load, edges_s = bursts(seed)
    counter = GpuCounter(update_s=0.1).counter(load, Poll(), seed)
    timing = counter.channel.timing.with_likely_lag(-5_000_000, 5_000_000, "known")
    check(counter.with_timing(timing), load, edges_s[0::2], edges_s[1::2])


@pytest.mark.parametrize("lag_s", [0.0, 0.1])
def test_at_one_phase_of_a_load_that_hides_between_updates(lag_s):
    """Two updates see one period of 203 ms, so that each shows half of it or nearly so.

    That all are at the tips of what the load swings costs single ones some coverage: no reading tells.
    """
    load = square(0.203, 60.0, 7_330_000)
    t0_s = load.edges_s[40] + 1.015 * np.arange(50)
    counter = GpuCounter(update_s=0.1, lag_s=lag_s).counter(load, Poll(), 7_330_000)
    check(counter, load, t0_s, t0_s + 0.1, held=0.7)


def test_of_windows_that_hold_idle_time_before_and_after_their_work(tmp_path):
    """The fit to marks puts steps at the marks: what it leaves open there is of one sign in all of them."""
    load, edges_s = bursts(7_340_000, apart_s=0.15)
    t0, t1 = at_ns(edges_s[0::2] - 0.04), at_ns(edges_s[1::2] + 0.06)
    begins = [(int(t_ns), "@begin", k, "step") for k, t_ns in enumerate(t0)]
    marks = begins + [(int(t_ns), "@end", k, "") for k, t_ns in enumerate(t1)]
    of = uj.load(trace(tmp_path, load, GpuCounter(update_s=0.1), SENSORS["25 of 100 ms"], 7_340_000, marks))
    truth = truth_j(load, t0, t1)
    found = of.estimates("gpu-0/energy", t0, t1)
    assert np.mean([abs(each.value - true) <= each.U for each, true in zip(found, truth, strict=True)]) > HELD
    whole = of.energy("step")["gpu-0/energy"]
    assert abs(float(whole) - truth.sum()) <= whole.U
