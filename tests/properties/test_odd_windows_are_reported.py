"""Windows as no program should make them: each is bounded, has figures that hold, and is reported."""

import os
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from ideal import T0, Ideal, constant, rows, write
from scripted import machine

import microjoule as uj
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.profiling.reserved_names import OTHER_NAMES
from microjoule.joules.profiling.window_groups import NAMES
from microjoule.joules.summary import summary
from microjoule.report import as_long_text, as_text

POWER_W = 100.0
IDEAL = Ideal(constant(POWER_W), n=3000, limit_w=150.0)


@pytest.fixture
def recorder(tmp_path):
    return uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=machine(tmp_path / "root")))


def trace_of(folder, windows):
    """A trace with windows (name, begin, end), in nanoseconds of the counter's own time."""
    marks = []
    for number, (name, t0, t1) in enumerate(windows):
        marks += [(T0 + t0, "@begin", number, name), (T0 + t1, "@end", number, "")]
    return write(folder / "odd.arrows", rows([IDEAL], marks))


def test_a_window_of_a_thread_that_dies_is_open_until_the_recording_ends(recorder):
    def dies():
        uj.window("orphan").__enter__()
        # and ends, without ending its window

    with recorder:
        time.sleep(0.05)
        thread = threading.Thread(target=dies)
        thread.start()
        thread.join()
        with uj.window("after"):
            time.sleep(0.05)
    windows = {window.name: window for window in recorder.trace.windows}
    assert windows["orphan"].is_open
    assert not windows["after"].is_open
    assert recorder.trace.energy("after").total.value > 0
    text = as_long_text.render(summary(recorder.trace))
    assert "never ended" in text


def test_ten_thousand_names_are_bounded_and_reported(tmp_path):
    at = np.linspace(0.1e9, 2.8e9, 10_001).astype(int).tolist()
    path = trace_of(tmp_path, [(f"n{i}", a, b) for i, (a, b) in enumerate(pairwise(at))])
    trace = stream(path)
    found = summary(trace)
    named = [row for row in trace.by_name() if row.count]
    assert len(named) <= NAMES
    assert sum(row.count for row in named) == 10_000
    assert any(OTHER_NAMES in row.names for row in named)
    assert found["n_windows"] == 10_000
    assert len(found["windows"]) <= 1000 + NAMES
    assert len(as_text.render(found).splitlines()) < 40
    whole = float(trace.energy().total)
    assert sum(row.energy.value for row in named if row.energy.value is not None) <= 1.01 * whole


def test_a_name_that_is_always_active_takes_in_the_others_and_separates_nothing(tmp_path):
    steps = [("step", t, t + 5_000_000) for t in range(200_000_000, 2_600_000_000, 40_000_000)]
    trace = uj.load(trace_of(tmp_path, [("server", 0, 3_000_000_000), *steps]))
    rows_of = {row.name: row for row in trace.by_name()}
    step = next(row for name, row in rows_of.items() if "step" in name)
    truth = POWER_W * sum(t1 - t0 for _, t0, t1 in steps) / 1e9
    assert step.energy.low <= truth <= step.energy.high
    assert abs(float(step.energy) - truth) <= 2 * step.energy.U + 1e-6


def test_windows_shorter_than_a_microsecond_hold_nothing_and_break_nothing(tmp_path):
    short = [("tick", t, t + 300) for t in range(200_000_000, 2_600_000_000, 1_000_000)]
    trace = uj.load(trace_of(tmp_path, [*short, ("long", 500_000_000, 1_500_000_000)]))
    truth = POWER_W * 300e-9
    for energies in trace.energies([w for w in trace.windows if w.name == "tick"][:200]):
        total = energies.total
        assert total.low <= truth <= total.high
        assert 0 <= total.value <= total.high
    row = next(row for row in trace.by_name() if "tick" in row.names)
    assert row.energy.low <= truth * len(short) <= row.energy.high
    assert float(trace.energy("long").total) == pytest.approx(POWER_W, rel=0.01)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_window_across_a_fork_ends_once(recorder):
    with recorder:
        time.sleep(0.05)
        with uj.window("around"):
            child = os.fork()
            if not child:
                with uj.window("in the child"):
                    time.sleep(0.01)
                os._exit(0)
            os.waitpid(child, 0)
        time.sleep(0.05)
    names = [window.name for window in recorder.trace.windows]
    assert names.count("around") == 1
    assert names.count("in the child") <= 1
    (around,) = recorder.trace.named("around")
    assert not around.is_open
    assert recorder.trace.energy(around).total.is_ok
