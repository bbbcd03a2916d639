"""What a measurement says of itself: the power apart from the times of calls, and what the target takes."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from scripted import machine

import microjoule as uj
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.measuring import measure
from microjoule.measuring.measurement import achieved, advice
from microjoule.measuring.window_figures import _notes, figures
from microjoule.measuring.window_plan import Ask, Pilot, plan
from microjoule.recording.meter import Meter

RAPL = {"power_w": 100.0, "update_s": 1e-3, "quantum_j": 61e-6}


def measured(scatter: float, edge_j: float = 0.01):
    """Ten windows of 100 W whose calls scatter in time alone."""
    ask = Ask(rel=0.01)
    planned = plan(Pilot(call_s=1e-3, **RAPL), ask)
    rng = np.random.default_rng(3)
    times_s = [
        count * 1e-3 * (1 + scatter * z) for count, z in zip(planned.counts, rng.normal(size=10), strict=True)
    ]
    energies = [
        Estimate(value=100 * t, low=0.0, high=200 * t, components=(Component("edges", edge_j / 2),))
        for t in times_s
    ]
    return figures("f", ask, planned, ("package-0",), energies, times_s, None), ask, times_s


def test_times_that_scatter_do_not_hide_a_known_power():
    found, _, times_s = measured(scatter=0.2)
    assert found.power.value == pytest.approx(100.0, rel=1e-6)
    assert achieved(found.power) < 0.002
    assert achieved(found.energy) > 0.1
    typical_s = float(np.median(times_s)) / found.plan.counts[0]
    assert found.typical.value == pytest.approx(100.0 * typical_s, rel=1e-6)
    assert found.typical.unit == "J"
    assert achieved(found.typical) < 0.002
    assert found.to_json()["typical"]["value"] == found.typical.value


def test_the_time_that_is_advised_includes_the_scatter_of_calls():
    found, ask, times_s = measured(scatter=0.2)
    needs, power = advice(found, ask, spent_s=5.0)
    missed = achieved(found.energy) / ask.rel
    advised_s = float(re.search(r"--max-time ([\d.]+)s", needs)[1])
    assert advised_s == pytest.approx(1.2 * (5.0 - sum(times_s) + sum(times_s) * missed**2), rel=0.1)
    assert "the times of calls scatter" in power


@pytest.mark.parametrize("sensor_j", [0.0, 9.0])
def test_what_was_achieved_without_the_sensor_s_own_error_is_said_to_be_that(sensor_j):
    """A figure of 61 J ± 11 J was followed by: achieved ± 1.9 %."""
    parts = (Component("edges", 1.0), *([Component("gain", sensor_j / 2)] if sensor_j else []))
    (note,) = _notes(Estimate(value=100.0, low=0.0, high=200.0, components=parts), Ask(rel=0.01))
    apart = " without the sensor's own error" if sensor_j else ""
    assert note == f"achieved ± 2 %{apart}, not the ± 1 % asked for"


def test_a_target_that_was_reached_has_no_advice():
    found, ask, _ = measured(scatter=1e-4, edge_j=1e-4)
    assert advice(found, ask, spent_s=5.0) == []


def test_a_function_that_becomes_slow_is_stopped_in_time(tmp_path):
    """The plan was made for calls of a millisecond; when they take fifty, the rest of it is given up."""
    calls = []

    def work():
        calls.append(0)
        time.sleep(0.001 if len(calls) < 300 else 0.05)

    meter = Meter(sources=("script",), root=machine(tmp_path / "root"))
    found = uj.measure(work, rel=1e-4, max_time_s=3, meter=meter)
    assert any(re.match(r"stopped after \d+ of \d+ windows: the 3 s were up", note) for note in found.notes)
    assert len(found.plan.counts) < 200
    assert found.energy.value is not None


def test_energies_of_windows_at_once_are_those_of_one_after_another(tmp_path):
    meter = Meter(sources=("script",), root=machine(tmp_path / "root"))
    with uj.record(tmp_path / "a.arrows", meter=meter):
        for _ in range(5):
            with uj.window("w"):
                time.sleep(0.02)
    trace = uj.load(tmp_path / "a.arrows")
    for window, each in zip(trace.windows, trace.energies(trace.windows), strict=True):
        one = trace.energy(window)
        assert {id_: (e.value, e.low, e.high, e.U) for id_, e in each.items()} == {
            id_: (e.value, e.low, e.high, e.U) for id_, e in one.items()
        }


def test_windows_of_a_trial_without_a_figure_are_none_without_power(tmp_path, monkeypatch):
    nothing = Estimate(value=None, low=None, high=None, status="incomplete")
    known = measure.window_energies
    monkeypatch.setattr(
        measure,
        "window_energies",
        lambda *of: [each if at < 2 else nothing for at, each in enumerate(known(*of))],
    )
    meter = Meter(sources=["script"], root=machine(tmp_path))
    found = uj.measure(lambda: time.sleep(0.01), max_time_s=1, meter=meter)
    assert found.power.value == pytest.approx(45, rel=0.1)
