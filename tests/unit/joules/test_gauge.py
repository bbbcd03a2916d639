"""The energy of power gauges: what each kind of reading can say, and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from gauges import nvml_power as channel

from microjoule.channel import UNPLACED, Channel, Kind, Scale, SensorError, Timing, Trust
from microjoule.errors import Overlap
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.total import covered, tells_energy
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.readings import Readings, Shape, shape
from microjoule.joules.gauges.step_loss import OF_BOUND
from microjoule.joules.power import peaks, power
from microjoule.joules.summary import summary
from microjoule.trace import schema
from microjoule.trace.series import NO_TIME, Series

MS = 1_000_000
S = 1000 * MS
T0 = 9_000 * S
POINT = Timing()
QUARTER = Timing(update_ns=100 * MS, update_max_ns=200 * MS, window_ns=25 * MS, sensor_clock="realtime")
FULL = replace(QUARTER, window_ns=100 * MS)
SECOND = replace(QUARTER, window_ns=S)


def series(
    t_ns: list[int], watts: list[float], sensor: list[int] | None = None, failed: tuple = ()
) -> Series:
    n = len(t_ns)
    valid = np.ones(n, bool)
    valid[list(failed)] = False
    return Series(
        np.array(t_ns, np.int64),
        np.zeros(n, np.uint32),
        np.round(np.array(watts) * 1000).astype(np.int64).view(np.uint64),
        np.where(valid, 0, 10015).astype(np.uint16),
        None if valid.all() else valid,
        None if sensor is None else np.array(sensor, np.int64),
    )


def every(ms: int, n: int, start: int = T0) -> list[int]:
    return [start + i * ms * MS for i in range(n)]


def later(t_ns: list[int]) -> list[int]:
    """When updates are read: not at their very moments, which would be those of calls."""
    return [each + 5 * MS for each in t_ns]


def budget(estimate: object) -> dict[str, float]:
    return {row["name"]: row["u"] for row in estimate.budget()}  # type: ignore[attr-defined]


def test_the_declared_timing_says_what_a_reading_is() -> None:
    """Nothing declared is a point; a part of a period is held; more than a period is a boxcar."""
    assert [shape(t) for t in (POINT, QUARTER, FULL, SECOND)] == [
        Shape.POINT, Shape.HOLD, Shape.HOLD, Shape.BOXCAR,
    ]  # fmt: skip


def test_each_of_values_read_seldom_is_as_old_as_an_update_at_most() -> None:
    """Updated each 5 ms and read each 20: half an update old, give or take 5/√12 ms."""
    timing = Timing(update_ns=5 * MS, update_max_ns=10 * MS)
    found = Readings(series(every(20, 9), [100.0 + i for i in range(9)]), channel(timing))
    assert found.t_ns.tolist() == [t_ns - 5 * MS // 2 for t_ns in every(20, 9)]
    assert found.spread_s == pytest.approx(0.005 / np.sqrt(12))
    assert found.period_ns == 20 * MS


def test_the_first_of_values_that_stay_was_there_when_it_was_read() -> None:
    """When it was updated nobody saw."""
    watts = [100.0 + i // 10 for i in range(100)]
    found = Readings(series(every(1, 100), watts), channel(Timing(update_ns=10 * MS, update_max_ns=20 * MS)))
    assert found.watts.tolist() == [100.0 + i for i in range(10)]
    assert found.t_ns[0] == T0
    assert np.abs(found.t_ns[1:] - every(10, 10)[1:]).max() <= MS


@pytest.mark.parametrize("changes", [(), (0,), (0, 41, 83)])
def test_power_of_which_no_period_is_known_is_known_until_the_last_read(changes: tuple[int, ...]) -> None:
    """Of a value that stays, readings that are not quite regular were taken to end up to a read before."""
    t_ns = [at + i % 3 * MS for i, at in enumerate(every(10, 100))]
    watts = [100.0 + sum(i > at for at in changes) for i in range(100)]
    gauge = Gauge(series(t_ns, watts), channel(POINT))
    assert gauge.span_ns == (t_ns[0], t_ns[-1])
    found = gauge.energy(t_ns[2], t_ns[-1] - 1)
    assert found.status == "ok"
    assert gauge.energy(t_ns[2], t_ns[-1] + 1).status == "incomplete"


def test_points_are_joined_by_trapezoids_with_ends_between_readings() -> None:
    """A ramp from 100 to 200 W over a second, asked for from 0.25 to 0.75 s: 75 J."""
    gauge = Gauge(series(every(100, 11), [100 + 10 * i for i in range(11)]), channel())
    found = gauge.energy(T0 + 250 * MS, T0 + 750 * MS)
    assert found.value == pytest.approx(75.0, rel=1e-12)
    assert found.status == "ok"
    assert (found.provenance, found.unit) == ("measured", "J")


def test_nothing_but_the_power_limit_guarantees_anything() -> None:
    """Between two readings a GPU may have drawn nothing, or twice its limit."""
    readings = series(every(100, 11), [100.0] * 11)
    limited = Gauge(readings, channel(power_limit_w=300.0)).energy(T0, T0 + S)
    assert (limited.low, limited.high) == (0.0, 600.0)
    assert Gauge(readings, channel()).energy(T0, T0 + S).high == np.inf


def test_a_part_time_sensor_has_an_aliasing_component_and_a_whole_time_one_has_none() -> None:
    """Alternating readings: three quarters of the time may have looked otherwise."""
    t, watts = every(100, 41), [100.0, 300.0] * 20 + [100.0]
    stamps = [at + 10**18 for at in t]
    clock = (np.array([T0]), np.array([T0 + 10**18]))
    quarter = Gauge(series(t, watts, stamps), channel(QUARTER), clock).energy(t[1], t[-1] - 100 * MS)
    full = Gauge(series(t, watts, stamps), channel(FULL), clock).energy(t[1], t[-1] - 100 * MS)
    assert quarter.value == pytest.approx(3.8 * 200.0)
    assert full.value == pytest.approx(3.8 * 200.0)
    # Readings that alternate err against each other: of 38 gaps less is left than of one by itself.
    assert 0 < budget(quarter)["aliasing"] < 200 * 0.1 * 0.75
    assert "aliasing" not in budget(full)


def test_aliasing_says_how_far_a_part_time_sensor_is_off() -> None:
    """Power of random levels of 30 ms, looked at for 25 of 100 ms: u is the error's spread, about."""
    rng = np.random.default_rng(3)
    errors, stated = [], []
    for _ in range(200):
        levels = rng.uniform(100, 500, 2000)
        energy_j = np.concatenate(([0.0], np.cumsum(levels * 0.03)))

        def at(t_s: np.ndarray, energy_j: np.ndarray = energy_j) -> np.ndarray:
            return np.interp(t_s, np.arange(len(energy_j)) * 0.03, energy_j)

        ends_s = np.arange(0.1, 10.1, 0.1)
        watts = (at(ends_s) - at(ends_s - 0.025)) / 0.025
        t = [T0 + round(end * S) for end in ends_s]
        clock = (np.array([T0]), np.array([T0]))
        found = Gauge(series(later(t), list(watts), t), channel(QUARTER), clock).energy(t[1], t[-1])
        assert found.value is not None
        errors.append(found.value - float(at(ends_s[-1:])[0] - at(ends_s[1:2])[0]))
        stated.append(budget(found)["aliasing"])
    assert 0.6 < np.std(errors) / np.mean(stated) < 1.4


def test_readings_of_one_update_are_one_reading_and_equal_values_are_not() -> None:
    """A tenfold poll of one update moves nothing; a sensor that repeats a value said it again."""
    edges = every(100, 11)
    watts = [100.0, 100.0, 300.0, 300.0, 300.0, 100.0, 100.0, 300.0, 100.0, 100.0, 100.0]
    clock = (np.array([T0]), np.array([T0 + 7 * S]))
    polled = [at + k * 10 * MS for at in edges for k in range(10)]
    ten = Gauge(
        series(polled, np.repeat(watts, 10).tolist(), [at + 7 * S for at in edges for _ in range(10)]),
        channel(FULL),
        clock,
    )
    one = Gauge(series(later(edges), watts, [at + 7 * S for at in edges]), channel(FULL), clock)
    assert len(ten.readings) == len(one.readings) == 11
    assert ten.energy(edges[1], edges[-1]).value == one.energy(edges[1], edges[-1]).value


def test_a_gauge_of_which_nothing_is_known_may_trail_by_an_update() -> None:
    """Nobody knows of which part of the time a reading speaks: the drift over the window, for an update.

    Where each read shows another value they are up to an update old, half of one in the mean.
    """
    gauge = Gauge(series(every(10, 101), [100 + i for i in range(101)]), channel(POINT))
    found = gauge.energy(T0 + 100 * MS, T0 + 900 * MS)
    assert budget(found)["lag"] == pytest.approx(80 * 0.015 * OF_BOUND, rel=1e-3)


def test_a_gauge_that_is_asked_too_often_has_one_reading_for_each_change() -> None:
    """Of ten reads of an update the first is its time; the energy is that of readings at the updates."""
    edges, watts = every(100, 31), [100.0 + 7 * (i % 5) for i in range(31)]
    polled = [at + k * 10 * MS for at in edges for k in range(10)]
    gauge = Gauge(series(polled, np.repeat(watts, 10).tolist()), channel(FULL))
    assert len(gauge.readings) == 31
    assert gauge.readings.period_ns == pytest.approx(100 * MS, rel=1e-3)
    # An update is somewhere between two reads: half the time between them is where it is put.
    assert np.abs(gauge.readings.t_ns[1:] - np.array(edges[1:])).max() <= 10 * MS


def test_a_declared_period_that_the_trace_refutes_is_not_used() -> None:
    """A table says 100 ms, the sensor is updated each 20: the readings decide."""
    rng = np.random.default_rng(2)
    edges = every(20, 200)
    polled = [at + k * 2 * MS for at in edges for k in range(10)]
    watts = np.repeat(rng.uniform(100, 300, 200), 10).tolist()
    assert Gauge(series(polled, watts), channel(FULL)).readings.period_ns == pytest.approx(20 * MS, rel=0.01)


def test_a_value_that_was_read_again_and_again_was_the_sensors_answer_each_time() -> None:
    """Steady power repeats itself: between two changes ten periods apart there are ten updates."""
    edges = every(100, 60)
    watts = [100.0 + (i % 3) for i in range(20)] + [150.0] * 20 + [100.0 + (i % 3) for i in range(20)]
    polled = [at + k * 10 * MS for at in edges for k in range(10)]
    gauge = Gauge(series(polled, np.repeat(watts, 10).tolist()), channel(FULL))
    assert len(gauge.readings) == 60
    assert gauge.energy(edges[19], edges[39]).value == pytest.approx(2 * 150.0, rel=0.005)


def test_stamps_on_another_clock_than_the_declared_one_are_found_out() -> None:
    """A driver that stamps with CLOCK_BOOTTIME, or with this very clock, where the table says realtime."""
    edges = every(100, 40)
    watts = [100.0 + i for i in range(40)]
    realtime = (np.array([T0]), np.array([T0 + 10**18]))
    boottime = (np.array([T0]), np.array([T0 + 3600 * S]))
    for ahead in (3600 * S, 0):
        late = [at + 37 * MS for at in edges]
        gauge = Gauge(series(late, watts, [at + ahead for at in edges]), channel(FULL), realtime, boottime)
        assert gauge.readings.t_ns.tolist() == edges


def test_stamps_from_the_future_are_not_believed() -> None:
    """No reading is newer than its read."""
    edges = every(100, 40)
    clock = (np.array([T0]), np.array([T0]))
    ahead = [at + 30 * S for at in edges]
    gauge = Gauge(series(edges, [100.0 + i for i in range(40)], ahead), channel(FULL), clock)
    assert gauge.readings.t_ns[-1] <= edges[-1]


def test_the_time_of_the_call_is_no_time_of_an_update() -> None:
    """Ten reads of one value, each with a stamp of its own: one update."""
    edges = every(100, 31)
    polled = [at + k * 10 * MS for at in edges for k in range(10)]
    watts = np.repeat([100.0 + 7 * (i % 5) for i in range(31)], 10).tolist()
    clock = (np.array([T0]), np.array([T0]))
    assert len(Gauge(series(polled, watts, polled), channel(FULL), clock).readings) == 31


def test_a_stamp_that_is_rubbish_is_not_believed() -> None:
    """A sensor's time hours away from its read, or none at all, leaves the time of the read."""
    t = every(100, 5)
    clock = (np.array([T0]), np.array([T0]))
    gauge = Gauge(series(later(t), [1.0] * 5, [5, NO_TIME, t[2], t[3], t[4]]), channel(FULL), clock)
    assert gauge.readings.t_ns.tolist() == [*later(t[:2]), *t[2:]]


def test_the_second_mean_tells_of_every_instant_up_to_its_last_update() -> None:
    """A window that ended as the recording did has a figure, and U of it holds as of one that did not."""
    rng = np.random.default_rng(8)
    t = every(100, 61)
    level = np.repeat(rng.uniform(100, 300, 7), 10)
    mean = np.convolve(np.concatenate((np.full(10, level[0]), level)), np.full(10, 0.1), "valid")[: len(t)]
    gauge = Gauge(series(later(t), mean.tolist(), t), channel(SECOND), (np.array([T0]), np.array([T0])))
    assert gauge.span_ns == (T0 + 5 * MS, t[-1])
    for first, last in ((20, 25), (55, 60)):
        found = gauge.energy(t[first], t[last])
        assert found.status == "ok"
        assert found.value == pytest.approx(0.1 * level[first + 1 : last + 1].sum(), abs=found.U)
    assert gauge.energy(t[50], t[-1] + MS).status == "incomplete"


def test_unsteady_power_around_a_boxcar_window_is_an_edges_component() -> None:
    """Half a second of a load that never rests is not well known, and the budget says so."""
    rng = np.random.default_rng(1)
    t = every(100, 60)
    gauge = Gauge(
        series(t, rng.uniform(100, 400, 60).tolist(), t), channel(SECOND), (np.array([T0]), np.array([T0]))
    )
    assert budget(gauge.energy(T0 + 2 * S, T0 + 2 * S + 500 * MS))["edges"] > 10


def test_a_lost_gpu_is_failed_and_a_hole_is_incomplete() -> None:
    """No status but ok has a number."""
    t = every(100, 60)
    lost = Gauge(series(t, [100.0] * 60, failed=tuple(range(30, 60))), channel())
    found = lost.energy(T0 + 2 * S, T0 + 4 * S)
    assert (found.value, found.status) == (None, "failed")
    hole = Gauge(series(t, [100.0] * 60, failed=tuple(range(20, 30))), channel())
    assert hole.energy(T0 + S, T0 + 4 * S).status == "incomplete"
    assert hole.energy(T0 + 4 * S, T0 + 5 * S).status == "ok"
    none = Gauge(series([], []), channel())
    assert none.energy(T0, T0 + S).status == "incomplete"
    assert none.energy(T0, T0).value == 0.0


def test_gain_and_offset_cancel_between_two_windows_of_one_gauge() -> None:
    """A ratio of two windows drops the gain; an absolute figure has it."""
    t = every(100, 151)  # readings go on for long enough to say that the power was steady
    trust = {"sensor": SensorError(gain=0.1, offset_w=15.0)}
    gauge = Gauge(series(t, [200.001] * 151), channel(POINT, **trust))
    one, two = gauge.energy(T0, T0 + S), gauge.energy(T0 + S, T0 + 2 * S)
    assert budget(one)["gain"] == pytest.approx(20.0001 / np.sqrt(3))
    assert budget(one)["offset"] == pytest.approx(15 / np.sqrt(3))
    assert (one / two).u < 1e-4


def test_windows_in_one_call_are_as_one_by_one() -> None:
    """Arrays in, the same figures out, and adjoining windows add up."""
    rng = np.random.default_rng(5)
    t = every(100, 100)
    for timing in (POINT, QUARTER, SECOND):
        gauge = Gauge(
            series(t, rng.uniform(90, 400, 100).tolist(), t),
            channel(timing),
            (np.array([T0]), np.array([T0])),
        )
        edges = np.sort(rng.integers(T0 + S, T0 + 8 * S, 20))
        many = gauge.energies(edges[:-1], edges[1:]).value
        each = [
            gauge.energy(a, b).value for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        ]
        assert many.tolist() == each
        whole = gauge.energy(int(edges[0]), int(edges[-1])).value
        assert many.sum() == pytest.approx(whole)


def test_power_series_and_peak_of_a_gauge() -> None:
    """Bins between readings hold the energy; the peak is over 50 ms or a reading's own time."""
    t = every(100, 31)
    watts = [100.0] * 15 + [400.0] + [100.0] * 15
    gauge = Gauge(series(t, watts, t), channel(FULL), (np.array([T0]), np.array([T0])))
    found = power(gauge, T0 + S, T0 + 2 * S)
    assert found.energy_j.sum() == pytest.approx(130.0)
    assert peaks(gauge, T0 + S, T0 + 2 * S)[0][0] == pytest.approx(400.0)


# ---- which gauges are energy ----------------------------------------------------------------------


def counter(name: str, **trust: object) -> Channel:
    return replace(
        channel(name=name, **trust),
        kind=Kind.COUNTER,
        scale=Scale(quantity="J", unit=Fraction(1, 1000), unit_source="interface"),
    )


def table(*channels: Channel) -> dict[str, Channel]:
    return {one.id: one for one in channels}


def test_a_gauge_inside_a_counted_energy_is_no_second_energy() -> None:
    """Of a GPU with a counter the gauges explain; of one without, the first of them is the figure."""
    power_ = channel(name="gpu-0/power", parents=("gpu-0/energy",))
    mean = channel(name="gpu-0/power_average", parents=("gpu-0/energy",))
    assert tells_energy(table(counter("gpu-0/energy"), power_, mean)) == ("gpu-0/energy",)
    alone = table(channel(name="gpu-0/power"), replace(mean, trust=Trust(parents=("gpu-0/power",))))
    assert tells_energy(alone) == ("gpu-0/power", "gpu-0/power_average")
    assert covered(alone) == ("gpu-0/power",)


def test_grace_is_counted_once_and_a_module_only_by_itself() -> None:
    """Module contains grace contains cpu; with a GPU beside it the module holds that too."""
    grace = channel(name="grace-0/power", parents=("module-0/power",))
    cpu = channel(name="grace-0/cpu_power", parents=("grace-0/power",))
    module = channel(name="module-0/power")
    assert covered(table(module, grace, cpu)) == ("grace-0/power",)
    assert covered(table(module)) == ("module-0/power",)
    whole = table(module, grace, cpu, counter("gpu-0/energy"))
    assert covered(whole) == ("grace-0/power", "gpu-0/energy")


def trace_of(*channels: Channel) -> Trace:
    n = 40
    t = every(100, n)
    ids = [one.id for one in channels]
    stamp = pa.array(np.repeat(t, len(ids)))
    rows = {
        "t_ns": stamp,
        "read_ns": pa.array([0] * n * len(ids), pa.uint32()),
        "channel": pa.array(ids * n).dictionary_encode().cast(pa.dictionary(pa.uint16(), pa.utf8())),
        "raw": pa.array([50_000] * n * len(ids), pa.uint64()),
        "sensor_ns": pa.nulls(n * len(ids), pa.int64()),
        "status": pa.array([0] * n * len(ids), pa.uint16()),
        "label": pa.nulls(n * len(ids), pa.utf8()),
    }
    return Trace(pa.table(rows, schema=schema.schema(channels, {})))


def test_a_trace_of_a_gauge_answers_in_joules_and_has_a_report() -> None:
    """50 W over the whole trace, with its total, its power and its summary."""
    trace = trace_of(channel(name="amdgpu-0/power", power_limit_w=100.0))
    found = trace.energy()
    assert found["amdgpu-0/power"].value == pytest.approx(50 * 3.9)
    assert found.total.channels == ("amdgpu-0/power",)
    assert trace.power("amdgpu-0/power").watts.tolist() == pytest.approx([50.0] * 39)
    (window,) = summary(trace)["windows"]
    assert window["channels"][0]["mean_w"] == pytest.approx(50.0)
    assert window["channels"][0]["peak_w"] == pytest.approx(50.0)
    assert window["total"]["energy_j"] == pytest.approx(50 * 3.9)


def test_a_rail_that_nobody_can_place_is_shown_and_enters_no_total() -> None:
    """It may be inside the other, so it is added to nothing."""
    rail = channel(name="ina3221-0/vdd_in", parents=(UNPLACED,))
    found = trace_of(channel(name="amdgpu-0/power"), rail).energy()
    assert set(found) == {"amdgpu-0/power", "ina3221-0/vdd_in"}
    assert found.total.channels == ("amdgpu-0/power",)
    with pytest.raises(Overlap):
        found.add("amdgpu-0/power", "ina3221-0/vdd_in")
