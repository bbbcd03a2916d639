"""The lag of a counter as gauges beside it show it."""

from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.channel import Timing
from microjoule.joules.gauges.averaging import Averaging
from microjoule.joules.gauges.readings import Shape
from microjoule.joules.lags.lag_beside_gauge import (
    SeenLag,
    _fit,
    lag_beside_gauge,
    seen,
)
from microjoule.joules.lags.lag_samples import Samples, _sums

MS = 1_000_000
MODULE = "microjoule.joules.lags.lag_beside_gauge."


def sensor(name, shape=Shape.HOLD, period_ms=100, spread_ms=0.0):
    """A gauge of which only its timing counts."""
    spread_s = np.full(9, spread_ms / 1000)
    readings = SimpleNamespace(shape=shape, period_ns=period_ms * MS, spread_s=spread_s, longer=None)
    channel = SimpleNamespace(id=name, timing=Timing(), access=SimpleNamespace(reader="nvml", path=""))
    return SimpleNamespace(span_ns=(0, 1), readings=readings, channel=channel)


COUNTER = SimpleNamespace(declared=SimpleNamespace(lag_ns=100 * MS, middle_lag_ns=50 * MS))
RECORD = SimpleNamespace(columns=lambda: (np.arange(9) * 20 * MS, np.full(9, 4 * MS), np.arange(9)))
EXACT = SimpleNamespace(columns=lambda: (np.arange(9) * 20 * MS, np.zeros(9), np.arange(9)))


@pytest.fixture
def fits(monkeypatch):
    """The half-widths that samples tell, in ms, of a lag of 20 ms."""
    found = []
    monkeypatch.setattr(MODULE + "samples", lambda *_: iter(found))
    monkeypatch.setattr(MODULE + "is_buffered", lambda _: False)
    monkeypatch.setattr(MODULE + "_fit", lambda half_ms, *others: (20.0 * MS, half_ms * MS + others[-1]))
    return found


def test_what_the_gauge_trails_by_and_when_reads_came_are_open_besides(fits):
    """A tenth of its period, and 1.9 times both rectangular ones of when updates were."""
    fits[:] = [5.0]
    found = seen(COUNTER, RECORD, sensor("g", spread_ms=2.0))
    located_ms = np.hypot(4.0 / np.sqrt(12), 2.0)
    assert found.half_ns == pytest.approx((5.0 + np.hypot(10.0, 1.9 * located_ms)) * MS)
    assert (found.lag_ns, found.gauge) == (20.0 * MS, "g, assumed to be at most 10 ms late")


def test_a_gauge_that_may_average_longer_than_declared_shows_no_lag(fits):
    """What the counter seems to trail by may be what the gauge does."""
    fits[:] = [5.0]
    doubted = sensor("g")
    doubted.readings.longer = Averaging(3.0, None)
    assert seen(COUNTER, EXACT, doubted) is None


@pytest.mark.parametrize(("halves_ms", "expected"), [([29.0], 39.0), ([31.0], None), ([31.0, 20.0], 30.0)])
def test_a_lag_that_is_known_hardly_better_than_it_was_declared_is_none(fits, halves_ms, expected):
    fits[:] = halves_ms
    found = seen(COUNTER, EXACT, sensor("g"))
    assert (None if found is None else found.half_ns / MS) == (expected and pytest.approx(expected))


def test_the_quickest_gauge_that_shows_a_lag_tells_it(monkeypatch):
    """A mean of a past second trails by half of it, and a slow gauge by more than a quick one."""
    monkeypatch.setattr(MODULE + "is_buffered", lambda _: False)
    asked = []

    def of(_counter, _record, gauge):
        asked.append(gauge.channel.id)
        return None if gauge.channel.id == "quick" else SeenLag(20.0 * MS, 15.0 * MS, gauge.channel.id)

    monkeypatch.setattr(MODULE + "seen", of)
    timing = Timing(update_ns=20 * MS, update_max_ns=20 * MS, lag_ns=100 * MS)
    counter = SimpleNamespace(channel=SimpleNamespace(timing=timing))
    gauges = [
        sensor("mean", Shape.BOXCAR),
        sensor("slow"),
        sensor("point", Shape.POINT),
        sensor("quick", period_ms=20),
    ]
    found = lag_beside_gauge(counter, RECORD, gauges)
    assert asked == ["quick", "slow"]
    assert found.likely_lag_ns == (5 * MS, 35 * MS)
    assert lag_beside_gauge(counter, RECORD, gauges[2:]) is timing


def sampled(gain, lag_ms, noise=0.0, n=64, seed=1):
    """Blocks of samples of a power and of what a gauge shows of it, so many times as much and so late."""
    rng = np.random.default_rng(seed)
    shifts = np.arange(-50, 151, 4) * MS
    at_ms = np.arange(6 * n) * 20.0
    knots = rng.uniform(50.0, 150.0, 300)

    def power_w(t_ms):
        return np.interp(t_ms, np.arange(300) * 35.0, knots)

    y = (gain * power_w(at_ms + lag_ms) + 7.0 + rng.normal(0.0, noise, len(at_ms))).reshape(6, n)
    x = power_w(at_ms + shifts[:, None] / MS).reshape(len(shifts), 6, n)
    return Samples(_sums(x, np.ones(n), y), n, np.zeros((len(shifts), 6)), 0.0, True), shifts


@pytest.mark.parametrize("gain", [0.6, 1.0, 1.8])
def test_the_lag_is_where_one_power_is_a_line_of_the_other(gain):
    found, shifts = sampled(gain, 37.0, noise=1.0)
    lag_ns, half_ns = _fit(found, sensor("g"), shifts, shifts, 0.0)
    assert abs(lag_ns - 37.0 * MS) <= half_ns < 10 * MS
    assert _fit(found._replace(locked_ns=21.0 * MS), sensor("g"), shifts, shifts, 0.0) is None


def test_of_one_valley_what_sensors_leave_open_is_independent_and_of_several_it_is_beside_each(monkeypatch):
    found, shifts = sampled(1.0, 37.0, noise=1.0)
    _, alone_ns = _fit(found, sensor("g"), shifts, shifts, 0.0)
    _, half_ns = _fit(found, sensor("g"), shifts, shifts, 12.0 * MS)
    assert half_ns == pytest.approx(np.hypot(alone_ns, 12.0 * MS))
    two = np.isin(np.arange(len(shifts)), (22, 30))  # at 38 and at 70 ms
    monkeypatch.setattr(MODULE + "is_possible", lambda *_: two)
    lag_ns, half_ns = _fit(found, sensor("g"), shifts, shifts, 12.0 * MS)
    assert half_ns == pytest.approx(70 * MS - lag_ns + 12.0 * MS)


def test_a_gain_beyond_a_factor_of_two_is_of_something_else():
    found, shifts = sampled(2.2, 37.0, noise=1.0)
    assert _fit(found, sensor("g"), shifts, shifts, 0.0) is None
