"""By how much readings of a gauge trail windows that hold their work: when it is believed, and what moves."""

from dataclasses import replace

import gauges
import numpy as np
import pytest
from gauge_windows import WAITED, both, program
from gauges import SENSORS, Poll, Timing
from ideal import MS
from marked import columns

from microjoule.joules.gauges.gauge_bound import guaranteed
from microjoule.joules.gauges.gauge_notes import lag_of
from microjoule.joules.lags.lag_of_gauge import _left, placed

SENSOR = SENSORS["100 of 100 ms"]


def test_six_windows_are_enough_and_five_are_not():
    of = program(12, 1)
    some = [of._replace(begins_s=of.begins_s[:n], ends_s=of.ends_s[:n]) for n in (6, 5)]
    six, five = (both(each, SENSOR, 0.06, 1)[1].channel.timing.likely_lag_ns for each in some)
    assert six is not None
    assert five is None


@pytest.mark.parametrize(
    ("kind", "told", "is_told"), [("gpu", "", False), ("gpu", WAITED, True), ("cpu", "", True)]
)
def test_windows_of_a_gpu_tell_only_if_they_waited_and_those_of_others_always(kind, told, is_told):
    of = program(12, 2)
    shown = gauges.series(of.load, replace(SENSOR, lag_s=0.06), Poll(), 2)
    channel = replace(gauges.channel(SENSOR.timing), hw_type=kind)
    assert (
        placed(shown, channel, (), "", of.windows(told)).channel.timing.likely_lag_ns is not None
    ) == is_told


def test_readings_move_by_the_lag_and_the_report_says_so():
    plain, learnt = both(program(12, 3), SENSOR, 0.06, 3)
    timing = learnt.channel.timing
    assert np.array_equal(learnt.readings.t_ns, plain.readings.t_ns - timing.middle_lag_ns)
    assert learnt.lag_s == timing.half_lag_ns / 1e9
    (assumed,) = lag_of(plain)
    assert "assumes that its readings are at most 2 ms late (not measured)" in assumed
    (line,) = lag_of(learnt)
    assert line.startswith("gpu-0/power: lag ")
    assert line.endswith(" ms, measured at the windows of this trace")


def test_a_lag_that_was_calibrated_is_used_without_windows():
    of = program(12, 4)
    timing: Timing = SENSOR.timing.with_likely_lag(50 * MS, 70 * MS, "measured by uj probe --calibrate")
    shown = gauges.series(of.load, replace(SENSOR, lag_s=0.06), Poll(), 4)
    found = placed(shown, gauges.channel(timing), (), "", columns([]))
    assert found.readings.moved_ns == 60 * MS
    assert found.lag_s == 0.01


def test_what_a_lag_leaves_is_what_the_best_powers_leave():
    """Least squares of the power around and of one in each window, at each lag."""
    chance = np.random.default_rng(5)
    t = np.arange(31) * 100 * MS
    spans = np.array([400, 1500]) * MS, np.array([900, 2300]) * MS
    gained, shifts = chance.normal(100, 20, 30), np.array([-30, 0, 40]) * MS
    found = _left(t[:-1], t[1:], gained, spans, shifts)
    for left, shift in zip(found, shifts.tolist(), strict=True):
        lasted = [np.diff(np.clip(t - shift, begin, end)) for begin, end in zip(*spans, strict=True)]
        rows = np.stack([np.diff(t), *lasted], 1) / MS
        best = np.linalg.lstsq(rows, gained, rcond=None)[0]
        assert left == pytest.approx(float(((gained - rows @ best) ** 2).sum()), rel=1e-6)


def test_a_lag_that_windows_show_moves_no_guaranteed_interval_and_a_longer_one_widens_it():
    """Allowed for is half an update of 100 ms; readings stay where they were shown."""
    of = program(12, 6)
    plain, _ = both(of, SENSOR, 0.0, 6)

    def interval(least_ms, most_ms):
        gauge = plain
        if most_ms is not None:
            timing = SENSOR.timing.with_likely_lag(least_ms * MS, most_ms * MS, "")
            gauge = plain.with_timing(timing)
        return guaranteed(gauge.readings, gauge.channel, *of.edges_ns())

    low, high = interval(None, None)
    for least, most in ((20, 40), (0, 50)):
        assert np.array_equal(interval(least, most), (low, high))
    for least, most in ((20, 90), (-60, 0)):
        wider_low, wider_high = interval(least, most)
        assert (wider_low <= low).all()
        assert (wider_high >= high).all()
        assert (wider_low < low).any()


@pytest.mark.parametrize("part", [[0.4, 0.6], [0.45, 0.55]])
def test_a_load_that_is_about_in_step_with_marks_tells_no_lag(part):
    """Of a load of 0.98 times the time between windows they leave more than a fifth at any lag."""
    begins = 4.0 + np.arange(10) * 1.0
    edges = 2.8 + np.arange(26) * 0.98 / 2
    load = gauges.Load(edges, np.where(np.arange(27) % 2, 330.0, 60.0))
    of = program(12, 7)._replace(load=load, begins_s=begins, ends_s=begins + np.tile(part, 5))
    assert both(of, SENSOR, 0.0, 7)[1].channel.timing.likely_lag_ns is None


def told_ms(of, sensor, lag_s, seed=8):
    """The lag and its half-width that windows tell, or that was known; None: neither."""
    timing = both(of, sensor, lag_s, seed)[1].channel.timing
    return None if timing.likely_lag_ns is None else (timing.middle_lag_ns / MS, timing.half_lag_ns / MS)


@pytest.mark.parametrize("lag_ms", [30, 60, 250])
@pytest.mark.parametrize("sensor", ["100 of 100 ms", "25 of 100 ms", "mean of 1 s", "capacitor of 50 ms"])
def test_steps_at_windows_tell_a_lag_to_a_few_milliseconds(sensor, lag_ms):
    """And no better than the 2 ms by which power may step off a window's edge."""
    middle, half = told_ms(program(20, 8), SENSORS[sensor], lag_ms / 1000)
    assert abs(middle - lag_ms) <= half
    assert 2 < half < 7


def test_a_lag_of_nothing_is_what_is_taken_for_known():
    """Of a sensor that declares what it averages: 2 ms either way, which windows tell no better."""
    for seed in (8, 9, 10):
        assert told_ms(program(20, seed), SENSOR, 0.0, seed) is None
        assert (
            told_ms(program(20, seed), SENSOR, 0.005, seed) is not None
        )  # outside, and nearly as well known


@pytest.mark.parametrize(("before_ms", "after_ms"), [(30, 0), (0, 30), (30, 30)])
def test_windows_that_are_longer_than_their_work_leave_the_lag_between_ends_and_beginnings(
    before_ms, after_ms
):
    for seed in (8, 9, 10):
        of = program(20, seed).wider(before_ms / 1000, after_ms / 1000)
        middle, half = told_ms(of, SENSOR, 0.06, seed)
        assert middle == pytest.approx(60 + (before_ms - after_ms) / 2, abs=3)
        assert (before_ms + after_ms) / 2 <= half < (before_ms + after_ms) / 2 + 6


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [(50, 70, (60, 4)), (58, 62, (60, 2)), (98, 102, (100, 2)), (90, 130, (110, 20)), (10, 20, (60, 4))],
)
def test_a_calibrated_lag_gives_way_to_one_that_is_known_better_or_is_longer(least, most, told):
    """And not to a shorter one: work may begin later than its window, and no sensor leads."""
    timing = SENSOR.timing.with_likely_lag(least * MS, most * MS, "measured by uj probe --calibrate")
    middle, half = told_ms(program(20, 8), replace(SENSOR, timing=timing), 0.06)
    assert middle == pytest.approx(told[0], abs=2)
    assert half == pytest.approx(told[1], abs=1)
