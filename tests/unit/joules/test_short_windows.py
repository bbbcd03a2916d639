"""What may be spread outside of a window of an update or two, worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from by_hand import APART, MS, at_ns, interpolation, known, windows
from pieced import counter

from microjoule.joules.counters import short_windows
from microjoule.joules.counters.short_windows import spread_outside

CHANNEL = counter(update_max_ns=APART * MS)
UNIT_J = float(CHANNEL.scale.unit)
STEADY = [100] * 30  # counts in each 10 ms
K = 15
STEPPED = [100] * K + [160, 260] + [300] * 15
OF = windows((at_ns(K, 0.2), at_ns(K + 1, 0.4)), value=200 * UNIT_J)
BEGIN, END = known(left=K, edges=1.0, phase=0.5), known(left=K + 1, edges=1.0, phase=0.5)


def test_a_window_of_two_updates_lends_what_it_has_less_than_the_power_around_it_leaves(monkeypatch):
    """10 counts a ms before and 30 after; 160 and 260 between, and the window has 200 of 2 to 14 ms.

    Up to the middle at 8 ms the power before gives 80, behind it that after gives 360, and in the window
    itself it gives 20 · 12: of 420 the window would have 420 - 440 + 240 = 220. Noise explains 5 of 400.
    Beside it there are 20 counts a ms in the mean, and it has fewer: what is spread is spread into it.
    """
    monkeypatch.setattr(short_windows, "SLOW_NS", APART * MS + 1)
    between = interpolation(STEPPED)
    assert spread_outside(between, CHANNEL, OF, BEGIN, END) == pytest.approx(20 * (1 - 5 / 400))
    assert spread_outside(None, CHANNEL, OF, BEGIN, END) == 0.0
    assert spread_outside(between, CHANNEL, OF, BEGIN, known(left=K + 3)) == 0.0
    long = windows((at_ns(K, 0.2), at_ns(K + 3, 0.4)), value=200 * UNIT_J)
    assert spread_outside(between, CHANNEL, long, BEGIN, END) == 0.0


def test_of_a_slow_counter_u_is_what_is_lent_at_most_and_two_updates_scatter_drawn_out():
    """8 and 12 ms from the middle to updates, of which the line before was drawn through two 20 ms apart.

    An update has half as much again as an edge between two: 1.5 · (1 + 0.25), times 1.4² + 0.4² and so on.
    """
    noise = 1.5 * 1.25 * (1.4**2 + 0.4**2 + 1.6**2 + 0.6**2)
    found = spread_outside(interpolation(STEPPED), CHANNEL, OF, BEGIN, END)
    assert found == pytest.approx(20 * (1 - noise / 400) / 1.65)


@pytest.mark.parametrize(("limit_w", "more"), [(None, 20.0), (18.0 / 1.1, 16.0), (10.0, 0.0)])
def test_a_window_of_a_slow_counter_holds_no_more_than_its_device_may_draw(limit_w, more):
    """18 counts a ms for 12 ms are 216, which is 16 more than its 200."""
    limit_w = limit_w and limit_w * 1000 * UNIT_J
    channel = replace(CHANNEL, trust=replace(CHANNEL.trust, power_limit_w=limit_w))
    found = spread_outside(interpolation(STEPPED), channel, OF, known(left=K), known(left=K + 1))
    assert found == pytest.approx(more / 1.65)


@pytest.mark.parametrize("limit_w", [None, 100.0])
def test_a_window_of_no_length_is_a_number_whatever_is_known_of_the_device(limit_w):
    channel = replace(CHANNEL, trust=replace(CHANNEL.trust, power_limit_w=limit_w))
    of = windows((at_ns(K, 0.5), at_ns(K, 0.5)))
    found = spread_outside(interpolation(STEPPED), channel, of, known(left=K), known(left=K))
    assert math.isfinite(found.item())


@pytest.mark.parametrize("scatter", [0.1, 1.0])
def test_an_update_of_a_slow_counter_that_scatter_alone_makes_unlike_lends_nothing(scatter):
    """Beside a step from 10 to 30 counts a ms: updates of 10 and of 10.5, of which the window has one."""
    gained = [100] * K + [105, 100, 300] + [300] * 15
    of = windows((at_ns(K, 0.2), at_ns(K, 0.6)), value=40 * UNIT_J)
    edges = known(left=K, edges=scatter)
    found = spread_outside(interpolation(gained), CHANNEL, of, edges, edges)
    assert math.isclose(found[0], 0.0) == (scatter > 0.5)


@pytest.mark.parametrize(("left", "is_told"), [(1, False), (2, True), (27, True), (28, False)])
def test_two_updates_on_each_side_of_a_short_window_tell_the_power_there(left, is_told):
    """Of 31 updates, numbered from 0; the window is within one update's time and holds nothing."""
    of = windows((at_ns(left, 0.2), at_ns(left, 0.6)))
    found = spread_outside(interpolation(STEADY), CHANNEL, of, known(left=left), known(left=left))
    assert found == pytest.approx(40.0 / 1.65 if is_told else 0.0)


@pytest.mark.parametrize(("own", "sign"), [(250, -1), (50, 1)])
@pytest.mark.parametrize("others", [50, 250])
def test_a_window_unlike_both_its_sides_lacks_what_was_spread_whatever_ran_before(own, sign, others):
    """Two updates away others ran: that says how much it may be, and not of which sign."""
    gained = [100] * (K - 3) + [others, others, 100, own, 100, others, others] + [100] * 15
    of = windows((at_ns(K, 0.2), at_ns(K, 0.8)), value=0.6 * own * UNIT_J)
    (found,) = spread_outside(interpolation(gained), CHANNEL, of, known(left=K), known(left=K))
    assert np.sign(found) == sign
