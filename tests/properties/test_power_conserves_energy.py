"""The bins of a power series hold the window's energy, no more and no less.

Bins outside what the readings bracket are NaN, and the law is of what lies within.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from ideal import MS, Ideal, constant, wild, windows
from reached import reached

from microjoule.joules.counters.counter import Counter
from microjoule.joules.power import peaks, power

RARE = Ideal(wave=constant(1.0), n=300, jitter=0.0, missed=0.5, lag_ns=3 * MS, declared_max=1.6)


@pytest.mark.reaches(not_empty=20, goes_on=1)
@given(wild(), windows)
@example(RARE, [0.0, 1.0])
def test_power_conserves_energy(ideal: Ideal, at: list[float]) -> None:
    """The sum over bins is the energy to within one raw unit, and so is the sum of W times s."""
    counter = Counter(ideal.series, ideal.channel)
    a, b = ideal.inside(*at)
    series = power(counter, a, b)
    first, last = counter.span_ns or (a, a)
    if reached("goes_on", counter.goes_on):  # its largest power tells it, up to the last reading
        last = max(last, int(counter.t_ns[-1]) - counter.channel.timing.lag_ns)
    known = (series.edges_ns[:-1] >= first) & (series.edges_ns[1:] <= last)
    assert np.array_equal(known, series.status == 0)
    assert np.array_equal(known, ~np.isnan(series.energy_j))
    ends = series.edges_ns[np.flatnonzero(known)[[0, -1]] + [0, 1]] if known.any() else np.array([a, a])
    steps = np.diff(counter.position(ends))[0]
    energy = float(steps) * float(ideal.unit) / (1 << counter.bits)
    assert abs(series.energy_j[known].sum() - energy) <= float(ideal.unit)
    seconds = np.diff(series.edges_ns) / 1e9
    assert abs((series.watts * seconds)[known].sum() - energy) <= float(ideal.unit)
    assert (series.watts[known] >= 0).all()
    if reached("not_empty", b > a):
        assert series.edges_ns[0] == a
        assert series.edges_ns[-1] == b


@pytest.mark.reaches(short=5, mean=5)
@given(wild(), windows)
def test_peak_is_no_less_than_the_mean(ideal: Ideal, at: list[float]) -> None:
    """A peak over 50 ms is at least the mean, and there is none of a shorter window."""
    counter = Counter(ideal.series, ideal.channel)
    a, b = ideal.inside(*at)
    ((peak,), _) = peaks(counter, a, b)
    if reached("short", b - a < 50_000_000):
        assert np.isnan(peak)
    mean = power(counter, a, b).energy_j.sum() / ((b - a) / 1e9) if a < b else np.nan
    if reached("mean", b - a >= 50_000_000 and not np.isnan(mean)):
        assert peak >= mean * (1 - 1e-9)
