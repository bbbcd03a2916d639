"""What a trial shows of the sensors that a measurement reads."""

from types import SimpleNamespace

import gauges
import pytest
from gauges import SENSORS, Poll, Sensor
from ideal import MS

from microjoule.measuring.fitted import Fitted
from microjoule.measuring.window_plan import Ask, Pilot, plan
from microjoule.recording.lane import Cadence

LOAD = gauges.wandering(3.0)


def fitted(sensor: Sensor) -> Fitted:
    """A measurement of a gauge, after a trial of three seconds."""
    gauge = gauges.gauge(LOAD, sensor, Poll(rate_hz=500.0))
    trial = SimpleNamespace(channels={"gpu-0/power": gauge.channel}, meter=lambda _: gauge)
    return Fitted((gauge.channel,), {}, Cadence(rate_hz=500.0)).having_seen(trial)


@pytest.mark.parametrize("update_ms", [20, 50, 100])
def test_a_gauge_of_which_nothing_is_declared_is_shown_all_phases_of_the_load(update_ms):
    """It may look at a part of each period, of which its own updates tell the length."""
    found = fitted(Sensor(update_s=update_ms / 1000, window_s=0.0))
    assert found.is_part_time
    assert found.update_ns == pytest.approx(update_ms * MS, rel=0.1)
    pilot = Pilot(
        call_s=0.007, power_w=200.0, update_s=found.update_s, quantum_j=0.0, is_part_time=found.is_part_time
    )
    planned = plan(pilot, Ask())
    assert planned.is_stratified
    assert max(planned.offsets_s) > 0.8 * found.update_s


def test_what_is_declared_stays():
    """A gauge that looks at all of its period has nothing to be shown, one that looks at a part has."""
    whole, part = fitted(SENSORS["100 of 100 ms"]), fitted(SENSORS["25 of 100 ms"])
    assert not whole.is_part_time
    assert part.is_part_time
    assert whole.update_ns == part.update_ns == 100 * MS


def test_a_trial_too_short_to_tell_a_period_changes_nothing():
    gauge = gauges.gauge(gauges.steady(0.1), Sensor(update_s=1.0, window_s=0.0, noise_w=0.0), Poll())
    trial = SimpleNamespace(channels={"gpu-0/power": gauge.channel}, meter=lambda _: gauge)
    before = Fitted((gauge.channel,), {}, Cadence())
    after = before.having_seen(trial)
    assert not after.is_part_time
    assert after.update_ns == before.update_ns
