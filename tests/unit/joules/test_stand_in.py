"""A counter that falls silent in the middle of a recording: its gauge has the energy from then on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import gauges
import numpy as np
import pytest
from gauges import SENSORS, Poll, loads, truth_j
from gpu_counter import GpuCounter
from ideal import MS, T0, S, rows, write

from microjoule.joules.energy_trace import load
from microjoule.joules.long_traces.streamed import StreamedTrace, stream
from microjoule.joules.sensor_notes import of_totals
from microjoule.joules.summary import summary

SILENT_S = 20.0  # since when the counter fails
FAILED = 15


def recorded(folder, seed=1, silent_s=SILENT_S, *, are_rows_there=True, with_gauge=True, marks=()):
    """A recording of a counter that fails since some time, beside a gauge of its device."""
    load_, of, poll = loads(0.1, 40.0, seed)["steps"], GpuCounter(update_s=0.1), Poll()
    counted = of.series(load_, poll, seed)
    has_failed = counted.t_ns > T0 + round(silent_s * S)
    if are_rows_there:
        counted = replace(
            counted, valid=~has_failed, status=np.where(has_failed, FAILED, 0).astype(np.uint16)
        )
    else:
        kept = ~has_failed
        counted = replace(
            counted,
            **{name: getattr(counted, name)[kept] for name in ("t_ns", "read_ns", "raw", "status")},
        )
    sensor = SENSORS["100 of 100 ms"]
    inside = gauges.channel(sensor.timing)
    inside = replace(inside, trust=replace(inside.trust, parents=("gpu-0/energy",)))
    both = [SimpleNamespace(channel=of.channel, series=counted)]
    if with_gauge:
        both.append(SimpleNamespace(channel=inside, series=gauges.series(load_, sensor, poll, seed)))
    return write(folder / f"silent-{seed}.arrows", rows(both, marks)), load_


def at_ns(seconds):
    return T0 + round(seconds * S)


MARKS = [
    (at_ns(8.0), "@begin", 0, "early"),
    (at_ns(12.0), "@end", 0, ""),
    (at_ns(17.0), "@begin", 1, "across"),
    (at_ns(25.0), "@end", 1, ""),
    (at_ns(28.0), "@begin", 2, "late"),
    (at_ns(32.0), "@end", 2, ""),
]


@pytest.mark.parametrize("are_rows_there", [True, False])
def test_the_total_of_a_window_after_that_is_the_gauge_s(tmp_path, are_rows_there):
    path, power = recorded(tmp_path, are_rows_there=are_rows_there, marks=MARKS)
    trace = load(path)
    for window in trace.windows:
        t0_ns, t1_ns = (np.array([t]) for t in (window.t0_ns, window.t1_ns))
        truth, total = truth_j(power, t0_ns, t1_ns)[0], trace.energy(window).total
        assert abs(total.value - truth) <= total.U
        assert total.low <= truth <= total.high
        own = trace.counter("gpu-0/energy").energy(window.t0_ns, window.t1_ns)
        assert (own.value is None) == (window.name != "early")
    whole = trace.energy()
    assert trace.span.duration_ns > 35 * S
    assert whole.total.channels == ("gpu-0/energy",)
    truth = truth_j(power, np.array([trace.span.t0_ns]), np.array([trace.span.t1_ns]))[0]
    assert abs(whole.total.value - truth) <= whole.total.U


def test_the_report_says_so_once_and_has_a_figure_for_each_window(tmp_path):
    path, _ = recorded(tmp_path, marks=MARKS)
    trace, parts = load(path), stream(path)
    assert isinstance(parts, StreamedTrace)
    found = summary(trace)
    assert summary(parts) == found
    (sentence,) = (each for each in found["sensors"] if "told nothing" in each)
    assert sentence.startswith("gpu-0/energy told nothing in the last 2")
    assert sentence.endswith("windows that end there have the energy of gpu-0/power")
    assert all(window["total"]["energy_j"] for window in found["windows"])
    assert all(row["energy_j"] for row in found["by_name"])
    assert found["whole"]["total"]["energy_j"] > 0
    late = next(each for each in found["windows"] if each["name"] == "late")
    assert late["channels"][0]["peak_w"] is None  # the counter has none there


def test_without_a_gauge_the_trace_ends_with_the_counter(tmp_path):
    path, _ = recorded(tmp_path, with_gauge=False, marks=MARKS)
    trace = load(path)
    assert trace.energy("late").total.value is None
    assert trace.span.t1_ns <= at_ns(SILENT_S)
    assert not [each for each in of_totals(trace) if "told nothing" in each]


def test_a_counter_that_lasts_to_the_end_or_nearly_has_no_stand_in(tmp_path):
    path, _ = recorded(tmp_path, silent_s=45.5, marks=MARKS)
    trace = load(path)
    assert trace.mark_fits.stand_in("gpu-0/energy") is None
    assert trace.energy("late").total.value is not None
    assert trace.span.t1_ns - at_ns(45.5) < 500 * MS
