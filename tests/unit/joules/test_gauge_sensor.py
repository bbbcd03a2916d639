"""What a gauge's own sensor does to all figures, whatever it reads."""

from dataclasses import replace

import gauges
import numpy as np
import pytest

from microjoule.channel import SensorError
from microjoule.joules.estimates.uncertainty import SENSOR
from microjoule.joules.gauges.gauge import Gauge

FLAT = gauges.Load(np.array([gauges.REST_S, gauges.REST_S + 40]), np.array([60.0] * 3))
ONE = replace(gauges.SENSORS["100 of 100 ms"], noise_w=0.0, quantum_w=1.0)
MW = 1000


@pytest.mark.parametrize("above_w", [-0.45, 0.45, 0.9])
def test_readings_in_whole_steps_may_be_rounded_or_cut_off(above_w):
    """A reading of 60 W of a sensor that cuts off is of 60.9 W, too: 10 s of idle were held in 7 %."""
    shown = gauges.series(FLAT, ONE, gauges.Poll(), 1)
    assert set(shown.raw.tolist()) == {60 * MW}
    gauge = Gauge(shown, gauges.channel(ONE.timing))
    t0 = np.array([gauges.T0 + 10 * gauges.S])
    (found,) = gauge.estimates(gauge.energies(t0, t0 + 10 * gauges.S))
    assert abs(found.value - 10 * (60 + above_w)) <= found.U


def test_each_error_of_a_sensor_counts_as_the_sensors_own():
    """A share of a device's energy has them once, and what readings leave open beside them."""
    off = SensorError(gain=0.03, code=0.02, offset_w=2.0, linearity=0.02)
    gauge = Gauge(gauges.series(FLAT, ONE, gauges.Poll(), 1), gauges.channel(ONE.timing, sensor=off))
    t0 = np.array([gauges.T0 + 10 * gauges.S])
    (found,) = gauge.estimates(gauge.energies(t0, t0 + 10 * gauges.S))
    assert {each.name for each in found.components} & SENSOR == {"gain", "code", "offset", "linearity"}
