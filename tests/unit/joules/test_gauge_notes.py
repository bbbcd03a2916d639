"""What is said of a gauge: only what its trace shows and its channel does not say."""

from dataclasses import replace

import gauges
import numpy as np
import pytest

from microjoule.channel import Timing
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.gauge_notes import averaging
from microjoule.joules.gauges.stamps import Stamped
from microjoule.units import short_time

LOAD = gauges.steps(0.8, 9.0, 1)
_PAIRS = np.array([gauges.T0, gauges.T0 + 100 * gauges.S])
CLOCK = (_PAIRS, _PAIRS + gauges.REALTIME_NS)
EACH = gauges.Sensor(timing=gauges.SENSORS["100 of 100 ms"].timing)
PART = gauges.SENSORS["25 of 100 ms"]
IN_STEP = (
    "gpu-0/power measures 25 ms of each 100 ms: it misses a load in step with it (every 100 ms or 200 ms), "
    "however steady its readings are. It reads pulses and pauses shorter than 25 ms that repeat about every "
    "100 ms as longer ones: ± excludes both"
)
CHARGED = (
    "gpu-0/power follows the power late, as a capacitor does: a load in step with its updates, every 15 ms, "
    "reads up to 15 W too high or too low, however steady its readings are"
)
REFUTED = "gpu-0/power is updated every 50 ms in this trace, not every 100 ms"
ANY_PART = (
    "gpu-0/power is updated every 100 ms, and its driver does not say which part of that it averages: a load "
    "in step with it may read as steady power. ± excludes such loads"
)
OF_CALLS = "the time stamps of gpu-0/power are the times of the calls; its updates are taken from its changes"
CASES = {
    "as declared": (EACH, "", []),
    "a tenth slower": (replace(EACH, update_s=0.11), "", []),
    "twice as often": (replace(EACH, update_s=0.05, window_s=0.05), "", [REFUTED]),
    "not declared": (replace(EACH, timing=Timing()), "", [ANY_PART]),
    "a part of the time": (PART, "", [IN_STEP]),
    "a mean of several updates": (gauges.SENSORS["mean of 1 s"], "", []),
    "a capacitor": (gauges.SENSORS["capacitor of 50 ms"], "", [CHARGED]),
    "momentary": (replace(EACH, window_s=0.0, timing=Timing(update_ns=10**8)), "", [ANY_PART]),
    "stamps of its updates": (EACH, "update", []),
    "stamps of calls": (EACH, "call", [OF_CALLS]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gauge_that_is_as_declared_needs_no_sentence_and_any_other_has_its_own(name):
    sensor, stamps, expected = CASES[name]
    found = gauges.gauge(LOAD, sensor, gauges.Poll(stamps=stamps), 1).notes
    assert [each for each in found if "swing as those" not in each] == expected  # that one is of the load


def test_reads_rarer_than_updates_are_not_called_a_slow_sensor():
    """ "Updated every 500 ms, not every 100 ms" was said of what had been read so seldom."""
    load = gauges.steps(0.8, 60.0, 1)
    found = gauges.gauge(load, EACH, gauges.Poll(rate_hz=2.0), 1).notes
    (said,) = [each for each in found if each.startswith("gpu-0/power was read every 502 ms and is updated ")]
    assert "every 100 ms: what it shows between two reads is not known" in said
    assert "± includes that, but no loads in step with its updates, or quicker ones" in said
    assert not any("in this trace" in each for each in found)


@pytest.mark.parametrize(
    ("n", "timing", "says"),
    [
        (0, Timing(), "gpu-0/power did not change in"),
        (1, Timing(), "gpu-0/power changed once in"),
        (7, Timing(), "gpu-0/power changed 7 times in"),
        (8, Timing(), ""),
        (1, Timing(update_ns=10**9, update_max_ns=2 * 10**9), ""),
        (0, Timing(update_max_ns=10**8), ""),  # an amdgpu: ± has what a window may hide in 0.1 s, and no more
    ],
)
def test_a_gauge_of_which_neither_driver_nor_changes_tell_anything_is_said_to_be_so(n, timing, says):
    """An ACPI meter's mean of the last second: 145 ± 14 J for a second of 21 J, and no word."""
    edges = gauges.REST_S + np.arange(n + 1)
    load = gauges.Load(edges, 100.0 + 10.0 * np.arange(n + 2).clip(1, n + 1))
    sensor = gauges.Sensor(update_s=0.1, window_s=0.0, noise_w=0.0, quantum_w=1.0, timing=timing)
    gauge = gauges.gauge(load, sensor, gauges.Poll(), 1)
    assert np.count_nonzero(np.diff(gauge.readings.watts)) == n
    found = [each for each in gauge.notes if "how often it is updated" in each]
    assert [each.startswith(says) for each in found] == [True] * bool(says)


def test_updates_that_have_stamps_are_known_however_few_values_they_have():
    """A driver's sample buffer of steady power: ± was not wide, and a sentence said that it is."""
    flat = gauges.Load(np.array([gauges.REST_S, gauges.REST_S + 2]), np.array([200.0] * 3))
    timing = Timing(sensor_clock="realtime")
    sensor = gauges.Sensor(update_s=0.02, window_s=0.0, noise_w=0.0, quantum_w=1.0, timing=timing)
    found = gauges.gauge(flat, sensor, gauges.Poll(stamps="update"), 1)
    assert found.readings.stamped is Stamped.UPDATE
    assert len(found.readings) > 200
    assert found.notes == (ANY_PART.replace("100 ms", "20 ms"),)


def test_a_gauge_that_is_read_and_not_updated_is_said():
    """Of one whose stamp never moves no energy is known, and nothing said why."""
    flat = gauges.Load(np.array([gauges.REST_S, gauges.REST_S + 8]), np.array([68.87] * 3))
    timing = Timing(update_ns=10**8, window_ns=10**8, sensor_clock="realtime")
    sensor, poll = gauges.Sensor(timing=timing), gauges.Poll(stamps="update")
    updated = gauges.gauge(flat, sensor, poll, 1)
    shown = gauges.series(flat, sensor, poll, 1)
    stands = Gauge(
        replace(
            shown, raw=shown.raw[:1].repeat(len(shown)), sensor_ns=shown.sensor_ns[:1].repeat(len(shown))
        ),
        updated.channel,
        CLOCK,
    )
    (said,) = stands.notes
    lasted = short_time(int(shown.t_ns[-1] - shown.t_ns[0]))
    assert said.startswith(f"{stands.channel.id} was updated once at most in {lasted}: no energy is known")
    assert not any("once at most" in each for each in updated.notes)


def test_of_a_part_time_sensor_that_stands_still_both_is_said():
    """Power that is steady where it looks may be that of a load in step with it."""
    flat = gauges.Load(np.array([gauges.REST_S, gauges.REST_S + 8]), np.array([68.87] * 3))
    still, in_step = gauges.gauge(flat, replace(PART, noise_w=0.0, quantum_w=0.1), gauges.Poll(), 1).notes
    assert "showed 68.9 W and nothing else for" in still
    assert in_step == IN_STEP


@pytest.mark.parametrize(
    ("kind", "around_w", "is_said"),
    [(", frozen at idle", 60, False), (", frozen at idle", 330, True), ("", 330, False)],
)
def test_idle_power_that_matters_and_that_no_reading_shows_is_said(kind, around_w, is_said):
    """Means that stand still at idle hid an idle part of each 0.8 s, and nothing said why ± was wide."""
    load = gauges.uneven(0.8, 20.0, 0.3, 0.02)
    load = replace(load, watts=np.concatenate(([around_w], load.watts[1:-1], [around_w])))
    sensor = gauges.SENSORS[f"mean of 1 s{kind}"]
    notes = gauges.gauge(load, sensor, gauges.Poll()).notes
    assert any("stands still while its machine is idle" in each for each in notes) is is_said


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


LEVEL = gauges.Load(np.array([gauges.REST_S, 80.0]), np.array([60.0, 200.0, 60.0]))


def said(sensor, *lengths_s, load=LEVEL):
    """What is said of windows of so many seconds."""
    of = gauges.gauge(load, gauges.SENSORS[sensor], gauges.Poll(), 1)
    t0 = gauges.T0 + round(10 * gauges.S) * np.ones(len(lengths_s), np.int64)
    return averaging(of, t0, t0 + np.rint(np.array(lengths_s) * gauges.S).astype(np.int64))


def test_of_windows_shorter_than_ten_means_it_is_said_what_a_load_in_step_with_the_mean_would_do():
    """At 200 of 400 W, half of the time: 100 W times the time that is averaged, and all of 30 ms at most."""
    expected = (
        "gpu-0/power averages {}: a load that repeats a whole number of times in it reads as steady power. "
        "± excludes such loads: one can move the shortest window ({}) by {} J, and {} shorter than {}"
    )
    one, two = "1 window is", "2 windows are"
    assert said("100 of 100 ms", 0.99, 60) == [expected.format("100 ms", "990 ms", "10", one, "1 s")]
    assert said("mean of 1 s", 9.9, 9.8) == [expected.format("1 s", "9.8 s", "100", two, "10 s")]
    assert said("mean of 1 s", 0.03, 60) == [expected.format("1 s", "30 ms", "6", one, "10 s")]
    assert said("100 of 100 ms", 1.01) == said("mean of 1 s", 10.1) == said("mean of 1 s") == []
    assert said("25 of 100 ms", 0.03) == said("capacitor of 50 ms", 0.03) == []  # they always say theirs
    assert said("100 of 100 ms, not declared", 0.03) == []


def moved(sensor, period_s, length_s):
    """By how much a load in step with a mean moves windows at most, as a share of what is said."""
    load = gauges.uneven(period_s, 30.0, 0.4, 0.0, 5)
    (sentence,) = said(sensor, length_s, load=load)
    most_j = float(sentence.split(") by ")[1].split(" J")[0])
    of = gauges.gauge(load, gauges.SENSORS[sensor], gauges.Poll(), 1)
    t0, t1 = gauges.windows(load, length_s, 200, 2, margin_s=-2.0)
    return np.abs(of.values(t0, t1)[0] - gauges.truth_j(load, t0, t1)).max() / most_j


@pytest.mark.parametrize("period_s", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("sensor", ["100 of 100 ms", "mean of 1 s"])
@pytest.mark.parametrize("length_s", [0.033, 0.13])
def test_no_load_in_step_with_a_mean_moves_a_window_by_more_than_is_said(sensor, period_s, length_s):
    assert moved(sensor, period_s, length_s) < 1.0


def test_one_that_is_as_long_as_the_mean_and_swings_by_two_thirds_of_the_limit_moves_it_by_half_as_much():
    assert moved("100 of 100 ms", 0.1, 0.13) > 0.5


@pytest.mark.parametrize("phase", range(4))
def test_no_load_in_step_with_a_capacitor_s_updates_reads_further_off_than_is_said(phase):
    load = gauges.uneven(0.015, 20.0, 0.5, 0.0, phase)
    one = replace(gauges.SENSORS["capacitor of 50 ms"], jitter=0.0)
    of = gauges.gauge(load, one, gauges.Poll(), phase)
    (sentence,) = (note for note in of.notes if "capacitor" in note)
    most_w = float(sentence.split("up to ")[1].split(" W")[0])
    t0, t1 = gauges.windows(load, 3.0, 20, 2, margin_s=-2.0)
    off_w = (of.values(t0, t1)[0] - gauges.truth_j(load, t0, t1)) / 3.0
    assert np.abs(off_w).max() < most_w
