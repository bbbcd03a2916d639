"""A gauge's updates in the form of a counter's."""

from __future__ import annotations

import numpy as np
import pytest
from unit.joules.test_gauge import MS, T0, S, channel, every, series

from microjoule.joules.gauge import Gauge
from microjoule.joules.gauge_updates import gauge_updates


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
