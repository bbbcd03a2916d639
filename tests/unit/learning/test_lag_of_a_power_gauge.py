"""The lag of a power gauge, as a calibration learns it from its own load."""

from dataclasses import replace

import gauges
import numpy as np
import pytest
from gauges import SENSORS, T0, Load, Poll, S

from microjoule.learning.lag import UNEVEN_NS, UnevenLoad, gauge_lag, gauge_lags
from microjoule.trace.window import Window

SENSOR = SENSORS["100 of 100 ms"]


def worked(n):
    """The windows of a load of so many turns, and what it draws."""
    at_s, windows, edges = 4.0, [], []
    for k in range(n):
        long_s, rest_s = (UNEVEN_NS[(k + more) % len(UNEVEN_NS)] / S for more in (0, 2))
        edges += [at_s, at_s + long_s]
        windows.append(Window("load", *(T0 + round(each * S) for each in edges[-2:])))
        at_s += long_s + rest_s
    return windows, Load(np.array(edges), np.array([60.0] + [85.0, 60.0] * n))


@pytest.mark.parametrize("lag_ms", [20, 40, 110])
def test_the_lag_lies_between_what_is_kept(lag_ms):
    windows, load = worked(7)
    series = gauges.series(load, replace(SENSOR, lag_s=lag_ms / 1000), Poll(rate_hz=200.0), 3)
    least_ns, most_ns = gauge_lag(series, gauges.channel(SENSOR.timing), windows)
    assert least_ns <= lag_ms * 1e6 <= most_ns
    assert most_ns - least_ns < 20e6


def test_a_gauge_that_does_not_see_the_load_keeps_no_lag():
    windows, load = worked(7)
    idle = Load(load.edges_s, np.full(len(load.watts), 60.0))
    assert gauge_lag(gauges.series(idle, SENSOR, Poll(), 3), gauges.channel(SENSOR.timing), windows) is None


def test_a_lane_without_a_gauge_that_the_load_reaches_is_not_read():
    """Of a GPU's gauge nothing is opened: its access is no reader's."""
    channel = replace(gauges.channel(SENSOR.timing), hw_type="gpu")
    assert gauge_lags([channel], 5.0) == [None]


def test_a_load_says_when_it_worked():
    load = UnevenLoad()
    for _ in range(2):
        load(0.0)
    first, second = load.windows
    assert first.duration_ns >= UNEVEN_NS[0]
    assert second.t0_ns >= first.t1_ns + UNEVEN_NS[2]
