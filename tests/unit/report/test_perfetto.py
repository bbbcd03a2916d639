"""A trace as Perfetto and chrome://tracing read it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, T0, Ideal, rows, square
from reached import reached
from trace_events import checked, counters, ns

from microjoule.channel import Kind, Scale
from microjoule.joules.energy_trace import Trace
from microjoule.joules.summary import summary
from microjoule.joules.tracks import tracks
from microjoule.report.perfetto import nested, render
from microjoule.trace import schema

STEADY = Ideal(square(20, 100, 0.02), n=300)
MARKS = [
    (T0 + 20 * MS + 1, "@begin", 1, 'epoch\t{"number": 3, "note": "µ \\u0007"}'),
    (T0 + 30 * MS, "@begin", 2, "step"),
    (T0 + 60 * MS, "@end", 2, ""),
    (T0 + 70 * MS, "@begin", 3, "crosses"),
    (T0 + 100 * MS, "@end", 1, ""),
    (T0 + 120 * MS, "@end", 3, ""),
    (T0 + 130 * MS, "@begin", 4, "left open"),
]


def written(table):
    trace = Trace(table)
    return trace, checked("".join(render(summary(trace), tracks(trace))))


def test_the_area_under_a_counter_is_the_energy():
    trace, events = written(rows([STEADY]))
    points = counters(events)["package-0"]
    times = np.array([t for t, _, _ in points])
    watts = np.array([value for _, value, _ in points])
    assert (np.diff(times) > 0).all()
    assert {unit for _, _, unit in points} == {"W"}
    span = trace.meter("package-0").span_ns
    area = float(watts @ np.diff(np.append(times, span[1])) / 1e9)
    assert area == pytest.approx(trace.energy().total.value, rel=1e-6)
    assert len(points) >= len(trace.counter("package-0").changes) - 3


def test_windows_are_slices_with_their_attributes_and_energies():
    trace, events = written(rows([STEADY, replace(STEADY, id="package-0/dram", seed=4)], MARKS))
    slices = {event["name"]: event for event in events["X"] if event["cat"] == "window"}
    assert set(slices) == {"epoch", "step", "crosses", "left open"}
    epoch = slices["epoch"]
    assert ns(epoch["ts"]) == T0 + 20 * MS + 1
    assert ns(epoch["dur"]) == 80 * MS - 1
    assert epoch["args"]["attributes"] == {"number": 3, "note": "µ \x07"}
    figure = epoch["args"]["energy"]["package-0"]
    estimate = trace.energy("epoch")["package-0"]
    assert float(figure["energy_j"]) == pytest.approx(estimate.value)
    assert float(figure["U_j"]) == pytest.approx(estimate.U)
    assert figure["energy"].endswith("J")
    assert " ± " in figure["energy"]
    assert "total: package-0 + package-0/dram" in epoch["args"]["energy"]
    assert slices["left open"]["args"]["never ended"] is True
    assert epoch["tid"] == slices["step"]["tid"] != slices["crosses"]["tid"]


def test_a_figure_that_is_missing_is_null_with_its_interval():
    table = rows([STEADY], [(T0 - 900 * MS, "@begin", 1, "early"), (T0 + 50 * MS, "@end", 1, "")])
    _, events = written(table)
    (early,) = (event for event in events["X"] if event["cat"] == "window")
    figure = early["args"]["energy"]["package-0"]
    assert figure["energy_j"] is None
    assert figure["status"] == "incomplete"
    assert figure["energy"].startswith("incomplete: ")


def test_a_gap_has_no_counter_event_and_a_slice_that_says_so():
    """A reset in the middle: nothing is known between the readings around it."""
    table = rows([replace(STEADY, modulus=1 << 64)])
    raw = table.column("raw").to_numpy().copy()
    raw[150:] -= raw[150] - 3
    table = table.set_column(3, schema.COLUMNS[3], [raw])
    _, events = written(table)
    gaps = [event for event in events["X"] if event["cat"] == "gap"]
    assert "no figure: reset" in {gap["name"] for gap in gaps}
    points = counters(events)["package-0"]
    for gap in gaps:
        start = ns(gap["ts"])
        assert not any(start <= t < start + ns(gap["dur"]) for t, _, _ in points)
    assert all(value > 0 for _, value, _ in points)


def test_a_counter_that_died_has_no_figure_from_then_on():
    short = replace(STEADY, id="gpu-0/energy", n=100)
    trace, events = written(rows([STEADY, short]))
    last = max(t for t, _, _ in counters(events)["gpu-0/energy"])
    (gap,) = (event for event in events["X"] if event["cat"] == "gap" and event["tid"] == 2)
    assert gap["name"] == "no figure: incomplete"
    assert ns(gap["ts"]) > last
    assert ns(gap["ts"]) + ns(gap["dur"]) == trace.last_ns


@pytest.mark.parametrize(("quantity", "unit"), [("W", "W"), ("°C", "°C")])
def test_gauges_are_counters_in_their_own_unit(quantity, unit):
    table = rows([STEADY])
    channels, facts = schema.opening(table.schema, "x")
    gauge = replace(
        channels[0],
        kind=Kind.GAUGE,
        scale=Scale(quantity=quantity, unit=channels[0].scale.unit, unit_source="assumed"),
    )
    table = table.cast(schema.schema([gauge], facts))
    _, events = written(table)
    points = counters(events)["package-0"]
    assert {each for _, _, each in points} == {unit}
    assert len(points) >= 299


def test_a_estimated_counter_says_so():
    table = rows([STEADY])
    channels, facts = schema.opening(table.schema, "x")
    plain = channels[0].to_json()
    plain["scale"]["quantity"] = "s"
    plain["trust"]["model"] = {"value_w": 5.0, "low_w": 1.0, "high_w": 9.0, "source": "a table"}
    table = table.cast(schema.schema([type(channels[0]).from_json(plain)], facts))
    _, events = written(table)
    assert set(counters(events)) == {"package-0 (estimated)"}


def test_a_trace_without_a_reading_is_a_file_all_the_same():
    table = rows([STEADY]).slice(0, 0)
    _, events = written(table)
    assert not events["C"]
    assert not events["X"]


@pytest.mark.reaches(inside=20)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), max_size=12))
def test_windows_of_one_track_never_cross_and_none_is_lost(spans):
    windows = [{"t0_ns": a, "t1_ns": b} for a, b in spans]
    found = nested(windows)
    assert sorted(map(id, windows)) == sorted(id(window) for window, _ in found)
    for one, track in found:
        for other, of_other in found:
            if reached("inside", track == of_other and one["t0_ns"] < other["t0_ns"] < one["t1_ns"]):
                assert other["t1_ns"] <= one["t1_ns"]
