"""Whose code a figure is of, and what of a sensor's error that leaves in a ratio."""

import math
from dataclasses import replace

import pytest
from ideal import Ideal, constant, rows

from microjoule.channel import SensorError
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.code_dependence import labelled, share
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.measuring.comparison import Side, apart
from microjoule.measuring.estimate_json import from_json, to_json
from microjoule.sources.domains import sensor_error
from microjoule.sources.host import Host

SENSOR = SensorError(gain=0.06, code=0.08, form="normal")


def trace(started=1):
    ideal = Ideal(constant(50.0), n=700)
    marks = []
    for number, (t0, t1, name) in enumerate([(0.1, 0.3, "a"), (0.35, 0.55, "b"), (0.6, 0.8, "a")]):
        begun, ended = ideal.inside(t0, t1)
        marks += [(begun, "@begin", number, name), (ended, "@end", number, name)]
    found = Trace(rows([ideal], marks))
    channel = found.channels["package-0"]
    found.declared = {"package-0": replace(channel, trust=replace(channel.trust, sensor=SENSOR))}
    found.facts = {**found.facts, "started_realtime_ns": started}
    del found.identity
    return found


def u_of(estimate, name):
    return next((row["u"] for row in estimate.budget() if row["name"] == name), 0.0)


def test_windows_of_one_name_run_one_code_and_those_of_two_names_do_not():
    found = trace()
    a, b, again = (each.total for each in found.energies(found.windows))
    assert share(again / a) < 1e-3
    assert share(a / b) == pytest.approx(0.08 * math.sqrt(2), rel=0.05)
    assert u_of(a / b, "gain") < 1e-3
    assert share(found.energy("a").total / a) < 1e-3
    assert share(found.energy("a").total / found.energy("b").total) > 0.1


def test_what_windows_of_one_name_have_alike_adds_up_and_is_nothing_to_another_name():
    """Else a hundred short windows of a slow gauge would be known ten times better than one is."""
    one = Estimate(value=1.0, low=0.0, high=2.0, components=(Component("edges", 0.1, group="alike:x"),))
    a, b = labelled(one, "a"), labelled(one, "b")
    assert (a + a).u == pytest.approx(0.2)
    assert (a - a).u == 0.0
    assert (a + b).u == (a - b).u == pytest.approx(0.1 * math.sqrt(2))


def test_what_is_left_of_small_parts_is_no_rounding():
    parts = (Component("code", 1e-6, group="a"), Component("code", -9e-7, group="a"))
    assert share(Estimate(value=1.0, low=0.0, high=2.0, components=parts)) == pytest.approx(1e-7)
    cancel = (Component("code", 1e-6, group="a"), Component("code", -1e-6, group="a"))
    assert share(Estimate(value=1.0, low=0.0, high=2.0, components=cancel)) == 0.0
    assert share(Estimate(value=1.0, low=0.0, high=2.0)) == 0.0


def test_a_sum_over_one_name_does_not_average_its_code():
    found = trace()
    whole = found.energy("a").total
    assert u_of(whole, "code") == pytest.approx(0.08 * whole.value, rel=1e-3)
    (row,) = [row for row in found.by_name() if row.name == "a"]
    assert u_of(row.energy, "code") == pytest.approx(0.08 * row.energy.value, rel=1e-3)
    assert share(row.energy / found.energy("b").total) > 0.1
    assert share(row.energy / whole) < 1e-3


def test_the_error_of_a_figure_is_that_of_both_parts():
    one = trace().energy("b").total
    assert math.hypot(u_of(one, "gain"), u_of(one, "code")) == pytest.approx(0.1 * one.value, rel=1e-3)


def test_two_recordings_do_not_run_one_code_unless_it_is_said():
    one, other = (trace(started).energy("a").total for started in (1, 2))
    assert share(one / other) > 0.1
    assert u_of(one / other, "gain") < 1e-3
    sides = [Side(name=n, n=5, energy=e, time=e, power=e) for n, e in (("one", one), ("other", other))]
    apart_, same = (apart(sides, [], is_same_code=is_same) for is_same in (False, True))
    assert share(apart_.ratios[0].energy) > 0.1
    assert "--same-code" in apart_.notes[0]
    assert share(same.ratios[0].energy) < 1e-3
    assert same.notes == ()


def test_what_is_kept_for_a_later_run_keeps_both_parts():
    one = trace().energy("a").total
    back = from_json(to_json(one))
    assert share(back / one) == 0
    assert share(labelled(back, "then") / one) > 0.1
    assert u_of(labelled(back, "then") / one, "gain") < 1e-3


def test_a_twenty_per_cent_rise_on_amd_is_not_called_one():
    """Case: of a gain of 10 % 2.3e-9 survived in the ratio of two programs: "20 % more" ± 0.6 %."""
    host = Host(cpu_vendor="AuthenticAMD", cpu_family=0x19)
    error = sensor_error(host, "")

    def side(name, value):
        parts = (
            Component("edges", 0.002 * value),
            Component("gain", error.gain * value, group="gain:x"),
            Component("code", error.code * value, group="code:x"),
        )
        energy = Estimate(value=value, low=0.0, high=1e9, components=parts)
        return Side(name=name, n=10, energy=energy, time=energy, power=energy)

    sides = [side("a", 100.0), side("b", 120.0)]
    found = apart(sides, []).ratios[0]
    assert not found.differs
    assert "this sensor resolves between programs" in found.verdict
    same = apart(sides, [], is_same_code=True).ratios[0]
    assert same.differs
    assert pytest.approx(2 * 1.2 * 0.002 * math.sqrt(2), rel=0.05) == same.energy.U
