"""What is said of a gauge: only what its trace shows and its channel does not say."""

from dataclasses import replace

import gauges
import numpy as np
import pytest

from microjoule.channel import Timing

LOAD = gauges.steps(0.8, 9.0, 1)
EACH = gauges.Sensor(timing=gauges.SENSORS["100 of 100 ms"].timing)
PART = gauges.SENSORS["25 of 100 ms"]
IN_STEP = "gpu-0/power looks at 25 ms of each 100 ms: a load in step with it escapes it, steady as it reads"
REFUTED = "gpu-0/power is updated every 50 ms in this trace, not every 100 ms"
OF_CALLS = "the time stamps of gpu-0/power are the times of the calls; its updates are taken from its changes"
CASES = {
    "as declared": (EACH, "", []),
    "a tenth slower": (replace(EACH, update_s=0.11), "", []),
    "twice as often": (replace(EACH, update_s=0.05, window_s=0.05), "", [REFUTED]),
    "not declared": (replace(EACH, timing=Timing()), "", []),
    "a part of the time": (PART, "", [IN_STEP]),
    "a mean of several updates": (gauges.SENSORS["mean of 1 s"], "", []),
    "momentary": (replace(EACH, window_s=0.0, timing=Timing(update_ns=10**8)), "", []),
    "stamps of its updates": (EACH, "update", []),
    "stamps of calls": (EACH, "call", [OF_CALLS]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gauge_that_is_as_declared_needs_no_sentence_and_any_other_has_its_own(name):
    sensor, stamps, expected = CASES[name]
    found = gauges.gauge(LOAD, sensor, gauges.Poll(stamps=stamps), 1).notes
    assert [each for each in found if "swing as those" not in each] == expected  # that one is of the load


def test_of_a_part_time_sensor_that_stands_still_both_is_said():
    """Power that is steady where it looks may be that of a load in step with it."""
    flat = gauges.Load(np.array([gauges.REST_S, gauges.REST_S + 8]), np.array([68.87] * 3))
    still, in_step = gauges.gauge(flat, replace(PART, noise_w=0.0, quantum_w=0.1), gauges.Poll(), 1).notes
    assert "showed 68.9 W and nothing else for" in still
    assert in_step == IN_STEP


@pytest.mark.parametrize(
    ("update_s", "length_s", "is_said"),
    [(0.1, 9.0, False), (0.1, 10.6, True), (1.0, 15.0, False), (1.0, 24.0, True), (None, 10.6, True)],
)
def test_a_value_that_stands_still_is_said_from_10_s_and_20_updates_on(update_s, length_s, is_said):
    rest_s = length_s - 2 * gauges.REST_S
    flat = gauges.Load(np.array([gauges.REST_S, gauges.REST_S + rest_s]), np.array([68.87] * 3))
    timing = Timing() if update_s is None else Timing(update_ns=round(update_s * 10**9))
    sensor = gauges.Sensor(update_s=update_s or 0.1, window_s=0.0, noise_w=0.0, quantum_w=0.1, timing=timing)
    found = gauges.gauge(flat, sensor, gauges.Poll(), 1).notes
    assert any("showed 68.9 W and nothing else for" in each for each in found) is is_said
