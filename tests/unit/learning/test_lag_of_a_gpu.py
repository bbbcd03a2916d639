"""The lag of a GPU's counter, as a calibration learns it from the gauge beside it while something runs."""

from dataclasses import replace

import gauges
import numpy as np
import pytest
from gauges import SENSORS, T0, Load, Poll
from gpu_counter import GpuCounter
from ideal import MS

from microjoule.host.calibration import Calibration, Learnt, applied
from microjoule.host.files import HostKey
from microjoule.joules.counters.counter import Counter
from microjoule.learning.lag import beside_gauges


def lane(load, of, seed, inside="gpu-0/energy"):
    gauge = SENSORS["10 of 20 ms"]
    channel = gauges.channel(gauge.timing, "gpu-0/power")
    channel = replace(channel, place=of.channel.place, trust=replace(channel.trust, parents=(inside,)))
    read = of.series(load, Poll(), seed), gauges.series(load, gauge, Poll(), seed)
    return of.channel, [of.channel, channel], read


@pytest.mark.parametrize("lag_ms", [0, 20, 100])
def test_the_lag_lies_between_what_is_kept(lag_ms):
    of = GpuCounter(update_s=0.02, lag_s=lag_ms / 1000)
    least_ns, most_ns = beside_gauges(*lane(gauges.steps(0.16, 5.0, 3), of, 3))
    assert least_ns <= lag_ms * MS <= most_ns
    assert most_ns - least_ns < 40 * MS  # declared: 0 to 100


def test_where_nothing_runs_or_the_gauge_is_of_something_else_nothing_is_kept():
    of = GpuCounter(update_s=0.02, lag_s=0.05)
    idle = gauges.square(100.0, 5.0, low_w=60.0, high_w=60.0)
    assert beside_gauges(*lane(idle, of, 3)) is None
    assert beside_gauges(*lane(gauges.steps(0.16, 5.0, 3), of, 3, "gpu-1/energy")) is None


def test_guaranteed_intervals_allow_for_a_lag_beyond_the_declared_one():
    """A burst at a window's end, shown 110 ms late where 100 ms are declared: it lay outside of 1 in 8."""
    of = GpuCounter(update_s=0.02, lag_s=0.11)
    kept = beside_gauges(*lane(gauges.steps(0.16, 5.0, 3), of, 3))
    learnt = Learnt(channel=of.channel.physical_id, source=of.channel.source, likely_lag_ns=kept)
    host = HostKey(hostname="a", cpu="", kernel="")
    calibration = Calibration(host=host, taken_realtime_ns=1, channels=(learnt,))
    (channel,) = applied([of.channel], calibration)
    burst = Load(np.array([3.0, 3.192, 3.2, 4.0]), np.array([5.0, 5.0, 400.0, 5.0, 5.0]))
    t0_ns, t1_ns = np.array([T0 + 3170 * MS]), np.array([T0 + 3200 * MS])
    (true_j,) = gauges.truth_j(burst, t0_ns, t1_ns)
    for seed in range(40):
        found = Counter(of.series(burst, Poll(), seed), channel).energies(t0_ns, t1_ns)
        assert found.low[0] <= true_j <= found.high[0]
