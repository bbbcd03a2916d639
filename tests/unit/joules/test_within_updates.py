"""What is said of windows that end within an update of their meter."""

from __future__ import annotations

from types import SimpleNamespace

import gauges
import numpy as np
import pytest
from gauges import REST_S, SENSORS, T0, Load, Poll, S
from gpu_counter import GpuCounter, trace
from ideal import MS, rows, write

import microjoule as uj
from microjoule.joules.marks.within_updates import n_within, sentences
from microjoule.joules.summary import summary
from microjoule.report import as_text

N = 40
GAUGE = SENSORS["100 of 100 ms"]


def marks(begins_s, lasts_s):
    """Of windows of one name."""
    t_ns = T0 + np.rint(np.stack((begins_s, begins_s + lasts_s), axis=1) * S).astype(np.int64)
    return [
        mark
        for n, (t0, t1) in enumerate(t_ns.tolist())
        for mark in ((t0, "@begin", n, "step"), (t1, "@end", n, None))
    ]


def recorded(folder, lasts_s, apart_s=0.25, sensor=GAUGE):
    """A counter of 100 ms and a gauge under bursts, with a window about each."""
    begins_s = REST_S + apart_s * np.arange(N)
    edges_s = np.stack((begins_s, begins_s + lasts_s), axis=1).ravel()
    load = Load(edges_s, np.concatenate(([60.0], np.tile([300.0, 60.0], N))))
    of = GpuCounter(update_s=0.1, poll=Poll())
    return uj.load(trace(folder, load, of, sensor, 1, marks(begins_s, lasts_s)))


def test_windows_shorter_than_the_updates_of_a_counter_are_counted_and_named_with_the_remedy(tmp_path):
    short = recorded(tmp_path, 0.03)
    (said,) = sentences(short)
    assert said.startswith(f"{N} windows are shorter than the update interval of gpu-0/energy (100 ms)")
    assert "± assumes that power changes at their marks" in said
    assert said.endswith("or begin each 100 ms earlier and end it 100 ms later")
    assert said in summary(short)["sensors"]
    assert f"warning: {N} windows are shorter" in as_text.render(summary(short), 100)


@pytest.mark.parametrize(
    ("lasts_s", "apart_s"),
    [(0.15, 0.25), (0.0299, 0.03)],
    ids=["an update and a half", "one after another"],
)
def test_what_updates_show_is_not_said(tmp_path, lasts_s, apart_s):
    assert sentences(recorded(tmp_path, lasts_s, apart_s)) == []


def test_where_a_gauge_places_a_counters_energy_its_updates_are_those_that_count(tmp_path):
    """Windows of 30 ms outlast its 20 ms, and those of 15 ms do not."""
    finer = SENSORS["10 of 20 ms"]
    assert sentences(recorded(tmp_path, 0.03, sensor=finer)) == []
    (said,) = sentences(recorded(tmp_path, 0.015, sensor=finer))
    assert "update interval of gpu-0/power (20 ms)" in said


def test_intervals_of_a_gauge_include_it(tmp_path):
    """In the total of a machine whose counter is not in the trace."""
    begins_s = REST_S + 0.25 * np.arange(N)
    load = gauges.square(0.25, 10.0)
    of = gauges.channel(GAUGE.timing)
    series = gauges.series(load, GAUGE, Poll(), 1)
    path = write(
        tmp_path / "g.arrows", rows([SimpleNamespace(channel=of, series=series)], marks(begins_s, 0.03))
    )
    (said,) = sentences(uj.load(path))
    assert "± includes that it may have been used beside them" in said


def test_windows_close_to_one_another_are_one_stretch_of_time():
    begins = np.arange(10) * 20 * MS
    assert n_within(begins, begins + 15 * MS, 100 * MS) == 0  # 195 ms together
    assert n_within(begins, begins + 5 * MS, 100 * MS) == 10  # 15 ms between
    assert n_within(begins[::-1], begins[::-1] + 5 * MS, 100 * MS) == 10
    assert n_within(begins[:2], begins[:2] + 15 * MS, 100 * MS) == 2  # 35 ms together
    assert n_within(begins[:0], begins[:0], 100 * MS) == 0
