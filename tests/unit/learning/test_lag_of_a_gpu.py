"""The lag of a GPU's counter, as a calibration learns it from the gauge beside it while something runs."""

from dataclasses import replace

import gauges
import pytest
from gauges import SENSORS, Poll
from gpu_counter import GpuCounter
from ideal import MS

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
