"""Pieces of time between marks, and what the updates of a counter tell of them, worked out by hand."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from ideal import MS, US, Ideal, constant

from microjoule.joules.counters.counter import Counter
from microjoule.joules.marks.between_marks import NEAR, Pieces, UpdatesAround, sums_of, until

WATTS = 50.0
COUNTS_A_NS = WATTS / 1e9 * (1 << 14)
EVEN = Ideal(constant(WATTS), n=3000, seed=1, poll_ns=100 * US, jitter=0.0, declared_max=2.0)
LATE = replace(EVEN, lag_ns=300 * US)


def counter(of, lag_ns=0):
    """The counter of an ideal one that declares no other lag than this."""
    channel = replace(of.channel, timing=replace(of.channel.timing, lag_ns=lag_ns))
    return Counter(of.series, channel)


def pieces(of, *parts):
    edges = np.array(of.inside(*parts))
    return np.stack((edges[:-1], edges[1:]), axis=1)


def steady(between, rate=COUNTS_A_NS):
    """Pieces of one power."""
    bounds = np.append(between[:, 0], between[-1, 1])
    n = len(between)
    watts, sums = np.full(n, rate), sums_of(bounds, np.full(n, rate))
    zeros = np.zeros(n)
    return Pieces(bounds, np.zeros(n, np.int64), watts, zeros, zeros, sums, zeros, 0 * sums)


@pytest.mark.parametrize(
    ("t", "expected"), [(96, -8), (100, 0), (105, 10), (110, 20), (114, 32), (120, 50), (126, 68)]
)
def test_rates_add_up_to_any_instant_and_the_outer_ones_go_on(t, expected):
    """2 a unit of time from 100 to 110, and 3 from there to 120."""
    bounds, rate = np.array([100, 110, 120]), np.array([2.0, 3.0])
    sums = sums_of(bounds, rate)
    assert sums.tolist() == [0.0, 20.0, 50.0]
    assert until(np.array([t]), bounds, sums, rate).tolist() == [expected]


def test_an_instant_is_in_the_piece_around_it_and_in_the_outer_ones_beyond():
    of = steady(np.array([[0, 10], [10, 20]]), 1.0)
    assert of.at(np.array([-5, 0, 9, 10, 19, 20, 99])).tolist() == [0, 0, 0, 1, 1, 1, 1]


def u_of(of, between, k):
    """What :meth:`counted_by` says of updates ``k``, in nanoseconds of that power."""
    first = UpdatesAround(of, between).counted_by(steady(between), k)[0].spread
    return np.sqrt(first**2 - of.quantum**2 / 12) / COUNTS_A_NS


@pytest.mark.parametrize("quantum", [1, 32])
def test_how_late_updates_show_is_found_from_those_beside_marks(quantum):
    """Lags of any length up to 300 us: sqrt(1/12) of it. Eight places have 63/64 of its square.

    Where readings do not beat with the updates; the worst fiftieth of what is seen is left out.
    """
    of = counter(replace(LATE, quantum=quantum))
    parts = np.linspace(0.05, 0.95, 40)
    between = pieces(LATE, *parts)
    located = of.located(np.arange(len(of.changes)))
    assert located.is_on_grid.all()
    found = u_of(of, between, np.arange(20, 200))
    assert np.ptp(found) < 0.01 * found.mean()  # one for all of them
    assert found.mean() == pytest.approx(math.sqrt(63 / 64 / 12) * 300 * US, rel=0.1)
    at_the_ends = pieces(LATE, 0.0, 0.0005, *parts, 0.9995, 1.0)
    assert u_of(of, at_the_ends, np.arange(20, 200)).mean() == pytest.approx(found.mean(), rel=0.01)


def test_where_marks_lie_at_the_ends_the_updates_there_have_no_two_neighbours():
    of = counter(LATE)
    middle, ends = (pieces(LATE, *parts) for parts in ((0.02, 0.5, 0.98), (0.0, 0.0005, 0.9995, 1.0)))
    k = np.arange(20, 200)
    # Too few are beside these marks: the first ones of the trace are taken for either.
    assert u_of(of, ends, k).mean() == pytest.approx(u_of(of, middle, k).mean(), rel=0.02)


def test_of_few_updates_what_is_declared_counts():
    """A lag of 0 to 300 us is a rectangle of that half-width around its middle."""
    few = replace(EVEN, n=200)
    of = counter(few, lag_ns=300 * US)
    between = pieces(few, 0.1, 0.5, 0.9)
    at = of.located(np.arange(len(of.changes)))
    own_ns = np.hypot(np.where(at.is_on_grid, at.jitter_ns, at.own_ns), 150 * US / math.sqrt(3))
    worst = np.where(at.is_on_grid, 1.0, 1.6)
    k = np.arange(3, 15)
    assert u_of(of, between, k) == pytest.approx((math.sqrt(63 / 64) * own_ns * worst)[k], rel=1e-6)
    first, second = UpdatesAround(of, between).counted_by(steady(between), k)
    assert second.mean - first.mean == pytest.approx(COUNTS_A_NS * np.diff(at.t_ns)[k], rel=1e-6)


@pytest.mark.parametrize("is_end", [True, False])
def test_the_power_beside_a_mark_is_of_the_nearest_updates_inside_its_piece(is_end):
    of = counter(replace(EVEN, unit=Fraction(1, 1 << 20)))
    between = pieces(EVEN, 0.1, 0.4, 0.4001, 0.8)
    found = UpdatesAround(of, between).power(between, is_end=is_end)
    value, u = found.value / COUNTS_A_NS / (1 << 6), found.u / COUNTS_A_NS / (1 << 6)
    long, short = (0, 1) if is_end else (1, 0)
    assert value[long] == pytest.approx(1.0, abs=max(3 * u[long], 1e-3))
    assert (value[short], u[short]) == (0.0, math.inf)
    at = of.located(np.arange(len(of.changes)))
    assert u[long] < 2 * np.hypot(at.own_ns, at.jitter_ns).max() / (NEAR * MS)


@pytest.mark.parametrize("x", [-0.5, 0.0, 0.6])
@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_step_of_power_bends_what_a_common_phase_moves(x, before, after):
    """Of max(0, d - x), d anywhere from -1 to 1: its mean, its slope on d, and what the slope leaves."""
    of = counter(EVEN)
    around = UpdatesAround(of, pieces(EVEN, 0.3, 0.5, 0.7))
    half_ns, k = 0.3 * MS, len(around.at_ns) // 2
    around.phase_ns[:] = around._grid_ns[:] = half_ns / math.sqrt(3.0)
    at = int(around.at_ns[k])
    bounds, rate = np.array([at - 10 * MS, at + round(x * half_ns), at + 10 * MS]), np.array([before, after])
    zeros = np.zeros(2)
    sums = sums_of(bounds, rate)
    step = Pieces(bounds, np.array([0, 1]), rate, zeros, zeros, sums, zeros, np.zeros(3))
    found, _ = around.counted_by(step, np.array([k]))
    mean, slope = (1 - x) ** 2 / 4, 1.5 * (1 / 3 - x / 2 + x**3 / 6)
    left = math.sqrt((1 - x) ** 3 / 6 - (1 - x) ** 4 / 16 - slope**2 / 3)
    up = after - before
    own = float(around._everywhere(step, np.array([k])).mean())  # where each may have been by itself
    a_little = 0.01 * half_ns  # eight places are no integral
    assert found.mean[0] - own == pytest.approx(up * half_ns * (mean - max(0.0, -x)), abs=a_little)
    assert found.phase[0] == pytest.approx((before + up * slope) * half_ns / math.sqrt(3.0), abs=a_little)
    assert found.bend[0] == pytest.approx(up * half_ns * left, abs=a_little)
