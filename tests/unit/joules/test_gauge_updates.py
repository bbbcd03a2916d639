"""A gauge's updates in the form of a counter's."""

from __future__ import annotations

import numpy as np
import pytest
from unit.joules.test_gauge import MS, T0, S, channel, every, series

from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.gauge_updates import gauge_updates


def test_between_two_readings_a_gauge_has_their_mean_power() -> None:
    """100 to 200 W in steps of 10 W, a tenth of a second apart: 10.5, 11.5, … J; the instants are points."""
    gauge = Gauge(series(every(100, 11), [100 + 10 * i for i in range(11)]), channel())
    found = gauge_updates(gauge, T0, T0 + S)
    assert found.edges_ns.size == found.energy_j.size + 1
    assert found.energy_j.sum() == pytest.approx(gauge.energy(found.edges_ns[0], found.edges_ns[-1]).value)
    assert found.is_ok.all()
    assert found.spread_s == pytest.approx(np.hypot(gauge.readings.spread_s[0], 0.1 / np.sqrt(12)), rel=0.5)


def test_what_lies_behind_a_hole_is_as_sound_as_what_lies_before_it() -> None:
    t_ns = [*every(100, 20), *every(100, 20, T0 + 9 * S)]
    gauge = Gauge(series(t_ns, [100 + i % 7 for i in range(40)]), channel())
    found = gauge_updates(gauge, T0, T0 + 20 * S)
    long = np.diff(found.edges_ns) > S
    assert long.sum() == 1
    assert np.array_equal(found.is_ok, ~long)


@pytest.mark.parametrize("n", [0, 1])
def test_of_less_than_two_updates_there_is_no_energy(n: int) -> None:
    gauge = Gauge(series(every(100, 5), [100.0] * 5), channel())
    found = gauge_updates(gauge, T0, T0 + n * 10 * MS - 1)
    assert [len(each) for each in found[:4]] == [0, 0, 0, 0]


def test_updates_at_both_ends_of_the_span_count_and_two_are_one_energy() -> None:
    gauge = Gauge(series(every(100, 11), [100 + 10 * i for i in range(11)]), channel())
    edges = np.unique(gauge.update_ns)
    for first, last in ((2, 3), (0, len(edges) - 1)):
        found = gauge_updates(gauge, int(edges[first]), int(edges[last]))
        assert found.edges_ns.tolist() == edges[first : last + 1].tolist()
        assert len(found.energy_j) == last - first
        assert found.quantum_j == pytest.approx(gauge.readings.quantum_w * 0.1)


def test_no_more_updates_are_taken_than_a_fit_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microjoule.joules.gauges.gauge_updates.ROWS", 5)
    gauge = Gauge(series(every(100, 12), [100 + 10 * i for i in range(12)]), channel())
    edges = np.unique(gauge.update_ns)
    found = gauge_updates(gauge, int(edges[0]), int(edges[-1])).edges_ns
    assert 3 <= len(found) <= 5
    assert set(found.tolist()) <= set(edges.tolist())
