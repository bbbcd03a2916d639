"""A gauge that places a counter's energy between two updates, worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from by_hand import APART, MS, at_ns, interpolation

from microjoule.joules.estimates.uncertainty import NORMAL
from microjoule.joules.gauges.averaging import Averaging
from microjoule.joules.gauges.gauge_brackets import Part
from microjoule.joules.gauges.readings import Shape
from microjoule.joules.marks.fused_edges import _positions, finest

K, LAG_MS, HALF_MS = 5, 4, 2
GAINED = [100] * 4 + [120, 200, 150] + [100] * 5  # the one after update K is of 200
J_PER_COUNT = 0.5


def counter(likely=(0, 8 * MS), usual_ns=APART * MS):
    """Its lag is 4 ms, give or take 2."""
    timing = SimpleNamespace(middle_lag_ns=LAG_MS * MS, half_lag_ns=HALF_MS * MS, likely_lag_ns=likely)
    between = interpolation(GAINED)
    return SimpleNamespace(
        segments=lambda t_ns: list(between.segments(t_ns + LAG_MS * MS)),
        channel=SimpleNamespace(timing=timing),
        changes=between.times.changes,
        quantity=lambda counts, bits: counts * J_PER_COUNT / 2**bits,
        usual_ns=usual_ns,
    )


def gauge(status=0, watts_per_ms=0.25):
    """Power that grows by so much each ms from an update, as the counter's energy was used."""

    def joules_until(t_ns):
        ms = (np.asarray(t_ns) - (at_ns(K) - LAG_MS * MS)) / MS
        return 10.0 * ms + watts_per_ms * ms**2 / 2

    def energies(t0_ns, t1_ns):
        value = joules_until(t1_ns) - joules_until(t0_ns)
        u = np.full(len(value), 3.0) if (np.asarray(t0_ns) == at_ns(K) - LAG_MS * MS).all() else value * 0 + 2
        parts = (Part("updates", u, NORMAL), Part("edges", u * 0 + 4.0, NORMAL), Part("gain", u * 9, NORMAL))
        return SimpleNamespace(value=value, parts=parts, status=np.full(len(value), status))

    readings = SimpleNamespace(period_ns=2 * MS)
    return SimpleNamespace(joules_until=joules_until, energies=energies, readings=readings)


@pytest.mark.parametrize("x_ms", [1, 4, 7.5])
def test_the_counter_s_energy_goes_as_the_gauge_s_does(x_ms):
    """Of 10 W and a quarter more each ms: 112.5 mJ in all, and 10 x + x²/8 of them by x ms."""
    found = _positions(counter(), gauge(), np.array([at_ns(K, x_ms / APART) - LAG_MS * MS]))
    whole, share = 112.5, (10 * x_ms + x_ms**2 / 8) / 112.5
    gained_j, before_j = 200 * J_PER_COUNT, (1 + sum(GAINED[:K])) * J_PER_COUNT
    assert found.is_known
    assert found.joules == pytest.approx(before_j + share * gained_j)
    # The gauge leaves 3 and 4 J open of the first part, and 2 and 4 of the second; its gain cancels.
    left, right = (1 - share) * 5.0, share * math.sqrt(20)
    assert found.u == pytest.approx(min(math.hypot(left, right) / whole, 0.3) * gained_j)
    # An update lies in a bracket of 1 ms; power is 10 W at one and 12.5 W at the other.
    gain, bracket_ms = gained_j / whole, 1 / math.sqrt(12)
    assert found.edges == pytest.approx(
        math.hypot((1 - share) * 10.0, share * 12.5) * gain * bracket_ms, rel=1e-6
    )
    # Half a lag is 2 ms: twice the power a ms before, and a ms after.
    ms = np.array([-1, -2, 1, 2])  # by half a period of the gauge
    assert found.lagged[0] == pytest.approx(gain * np.abs(ms) * (10 + (x_ms + ms / 2) / 4))


def test_what_the_gauge_leaves_open_is_no_more_than_a_rectangle_of_all_that_was_counted():
    small = gauge()
    weak = SimpleNamespace(
        **{**vars(small), "energies": lambda t0, t1: _scaled(small.energies(t0, t1), 0.01)}
    )
    found = _positions(counter(), weak, np.array([at_ns(K, 0.5) - LAG_MS * MS]))
    assert found.u == pytest.approx(0.3 * 200 * J_PER_COUNT)


def _scaled(brackets, by):
    return SimpleNamespace(**{**vars(brackets), "value": brackets.value * by})


@pytest.mark.parametrize(
    ("k", "status", "is_known"),
    [(-1, 0, False), (0, 0, True), (len(GAINED) - 1, 0, True), (len(GAINED), 0, False), (K, 1, False)],
)
def test_an_instant_is_placed_between_two_updates_where_the_gauge_tells(k, status, is_known):
    found = _positions(counter(), gauge(status, 0.1), np.array([at_ns(k, 0.5) - LAG_MS * MS]))
    assert bool(found.is_known[0]) == is_known


def test_where_the_gauge_tells_nothing_the_count_is_the_last_update_s():
    found = _positions(counter(), gauge(status=1), np.array([at_ns(K, 0.5) - LAG_MS * MS]))
    assert found.joules == (1 + sum(GAINED[:K])) * J_PER_COUNT
    assert [found.u, found.edges, *found.lagged[0]] == [0.0] * 6


def test_nothing_is_placed_by_a_gauge_that_saw_no_energy():
    idle = gauge()
    idle.energies = lambda t0, t1: _scaled(gauge().energies(t0, t1), 0.0)
    assert not _positions(counter(), idle, np.array([at_ns(K, 0.5) - LAG_MS * MS])).is_known


def one(shape, period_ms, longer=None):
    return SimpleNamespace(
        readings=SimpleNamespace(shape=shape, period_ns=round(period_ms * MS), longer=longer)
    )


def test_the_gauge_that_is_updated_oftenest_places_and_none_that_is_hardly_finer():
    """Of a counter with updates 9 ms apart: periods up to 6 ms are of use, and no (likely) boxcar."""
    of = counter(usual_ns=9 * MS)
    fine, finer, coarse = one(Shape.HOLD, 6), one(Shape.CHARGE, 5), one(Shape.HOLD, 6.001)
    boxcar, unknown = one(Shape.BOXCAR, 1), one(Shape.HOLD, 0)
    assert finest(of, [coarse, fine, boxcar, unknown]) is fine
    assert finest(of, [fine, finer]) is finer
    assert finest(of, [coarse, boxcar, unknown]) is None
    assert finest(of, [one(Shape.HOLD, 6, longer=Averaging(3.0, None))]) is None
    assert finest(counter(likely=None, usual_ns=9 * MS), [fine]) is fine
