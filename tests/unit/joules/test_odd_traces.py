"""Traces that tell little, or whose clock stepped: figures are right, wide or missing, and never wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, Ideal, S, constant, rows, write

from microjoule.channel import Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.energy_trace import Trace
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import summary
from microjoule.report import REPORTERS
from microjoule.trace import schema
from microjoule.trace.series import Series

SLOW = Ideal(constant(40.0), n=900, update_ns=600 * MS, jitter=0.0, limit_w=100.0, declared_max=1.1)


def every_form(trace: Trace) -> None:
    """Every report can be made of it."""
    for form in REPORTERS.values():
        assert isinstance(form(summary(trace) | {"facts": {}}), str)


@pytest.mark.parametrize("seed", range(12))
def test_one_update_bounds_the_energy_and_a_figure_lies_inside(seed: int) -> None:
    ideal = replace(SLOW, seed=seed)
    counter = Counter(ideal.series, ideal.channel)
    assert 1 <= len(counter.changes) <= 2
    for a, b in (ideal.inside(0.0, 1.0), ideal.inside(0.1, 0.5), ideal.inside(0.4, 0.6)):
        estimate = counter.energy(a, b)
        assert estimate.low - 1e-9 <= ideal.truth(a, b) <= estimate.high + 1e-9
        assert estimate.value is None or estimate.low <= estimate.value <= estimate.high


def test_a_trace_without_an_update_has_no_figure_of_a_package(tmp_path) -> None:
    still = Ideal(constant(0.0), n=900, limit_w=100.0)
    trace = Trace(rows([still]))
    assert trace.energy()["package-0"].status == "failed"
    assert summary(trace)["engine"]["stuck"] == ["package-0"]
    every_form(trace)
    streamed = stream(write(tmp_path / "t.arrows", rows([still])))
    assert summary(streamed)["windows"] == summary(trace)["windows"]


def test_a_trace_of_one_reading_or_none_has_no_figure() -> None:
    for n in (0, 1):
        trace = Trace(rows([Ideal(constant(40.0), n=900, limit_w=100.0)]).slice(0, n))
        found = summary(trace)
        assert all(window["total"]["energy_j"] is None for window in found["windows"])
        every_form(trace)


@pytest.mark.parametrize("step_ns", [3600 * S, -3600 * S])
def test_a_clock_of_the_readings_that_steps_spoils_what_it_touches_alone(step_ns: int) -> None:
    """No kernel steps CLOCK_MONOTONIC; a file that somebody joined may."""
    ideal = Ideal(constant(40.0), n=1000, limit_w=100.0)
    series = ideal.series
    t_ns = series.t_ns + np.where(np.arange(1000) < 500, 0, step_ns)
    order = np.argsort(t_ns, kind="stable")
    moved = replace(series, t_ns=t_ns[order], raw=series.raw[order], read_ns=series.read_ns[order])
    counter = Counter(moved, ideal.channel)
    for part in ((0.1, 0.4), (0.6, 0.9)):
        a, b = (t + (step_ns if part[0] > 0.5 else 0) for t in ideal.inside(*part))
        estimate = counter.energy(a, b)
        truth = 40.0 * (b - a) / S
        assert (
            estimate.value is None
            or estimate.low - 1e-9 <= truth <= estimate.high + 1e-9
            or step_ns == -20 * MS
        )
        assert estimate.value is not None or step_ns != 3600 * S


def test_a_wall_clock_that_steps_changes_no_energy() -> None:
    ideal = Ideal(constant(40.0), n=600, limit_w=100.0)
    table = rows([ideal])
    trace = Trace(table)
    clock = next(name for name in schema.CLOCKS if "realtime" in name)
    pairs = {clock: (np.array([0, 10**9]), np.array([10**18, 10**18 - 3600 * S]))}
    stepped = Trace(table)
    stepped.__dict__["clock_pairs"] = pairs
    assert str(stepped.energy()["package-0"]) == str(trace.energy()["package-0"])
    assert summary(stepped)["windows"] == summary(trace)["windows"]


def test_what_is_up_to_date_at_every_read_was_not_late_where_it_stood_still() -> None:
    """CPU time: a second without any is no update that came late, and each reading brackets what follows."""
    ideal = Ideal(constant(40.0), n=200, poll_ns=10 * MS, limit_w=100.0)
    channel = replace(ideal.channel, timing=Timing())
    t_ns = ideal.series.t_ns
    spent = np.where(t_ns < t_ns[50], 0, 400_000) + np.where(t_ns < t_ns[150], 0, 300_000)
    series = Series(t_ns, ideal.series.read_ns, spent.astype(np.uint64), np.zeros(len(t_ns), np.uint16))
    counter = Counter(series, channel)
    assert counter.longest_ns == 0
    unit = float(channel.scale.unit)
    still = counter.energy(int(t_ns[60]), int(t_ns[140]))
    assert (still.status, still.low) == ("ok", 0.0)
    assert still.high < 3 * unit
    assert counter.energy(int(t_ns[1]), int(t_ns[-2])).low == pytest.approx(699_999 * unit, rel=1e-5)
