"""Power that readings do not show: what a gap and a step may hide, in figures of one's own."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.counters.swings import _corner, across, pulse, steps
from microjoule.joules.counters.update_times import AROUND, SLOW_NS

LENGTH_NS, USUAL_NS = 2e6, 1e6


def segment(is_gap: bool, part: float = 0.25, **kink: float) -> Any:
    plain = {
        "before": 1.0,
        "after": 1.0,
        "noise": 0.0,
        "one": 0.0,
        "ramp": 0.0,
        "sides": 0.0,
        "at_ns": 0.0,
        "trust": 0.0,
    }
    return SimpleNamespace(
        kink=SimpleNamespace(**{name: np.array([value]) for name, value in {**plain, **kink}.items()}),
        length_ns=np.array([LENGTH_NS]),
        part=np.array([part]),
        x_ns=np.array([part * LENGTH_NS]),
        power=np.array([1.0]),
        is_gap=np.array([is_gap]),
        near=SimpleNamespace(usual_ns=np.array([USUAL_NS]), is_dense=np.array([True])),
    )


def in_gap(part: float, usual: float, swung: float, **kink: float) -> float:
    """What :func:`across` says of an instant in a gap, of a trace that swings as told."""
    skeleton: Any = SimpleNamespace(changes=lambda *_: np.array([usual]), swing=lambda *_: np.array([swung]))
    (found,) = across(segment(True, part, **kink), np.array([0]), skeleton, int(USUAL_NS), USUAL_NS, 1)
    return float(found)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.9])
def test_in_a_gap_the_power_may_have_changed_at_any_instant(part: float) -> None:
    """From 2 to 5 counts a nanosecond: 3 T f (1 - f), rectangular; four times the noise is taken off."""
    one_step = (LENGTH_NS * part * (1 - part)) ** 2 / 3
    assert in_gap(part, 0.0, 0.0, before=2.0, after=5.0, noise=1.25) == pytest.approx((9 - 5) * one_step)
    assert in_gap(part, 0.0, 0.0, before=2.0, after=4.0, noise=1.0) == 0.0
    (inside,), (lost,) = steps(segment(True, part, before=2.0, after=5.0, ramp=3.0))
    assert inside == lost == 0.0, "and nothing is counted twice"


def test_a_change_across_a_gap_tells_as_much_as_single_changes_explain_of_the_swings_elsewhere() -> None:
    """All of a load that steps rarely, next to nothing of one that comes and goes many times a gap."""
    one_step = (LENGTH_NS / 4) ** 2 / 3
    rare, quick = 4.0 * one_step, 0.01 * one_step
    assert in_gap(0.5, 4.0, rare, before=2.0, after=5.0) == pytest.approx(9 * one_step)
    assert in_gap(0.5, 4.0, quick, before=2.0, after=5.0) == pytest.approx(quick + 0.0025 * 5 * one_step)
    assert in_gap(0.5, 4.0, rare, before=2.0, after=3.0) == rare, "less than usual narrows nothing"
    unheard_of = in_gap(0.5, 4.0, quick, before=2.0, after=12.0)
    assert unheard_of == pytest.approx(quick + (100 - 4 * 4.0) * one_step), "than any other it is a step"


def test_what_a_ramp_does_not_explain_is_a_step() -> None:
    """Of 5, a change of 2 within the sides leaves 3; scatter of one update makes 16 x (σ / usual)² of it."""
    (inside,), _ = steps(segment(False, ramp=5.0, sides=2.0, one=0.5 * USUAL_NS))
    step = math.sqrt(3.0**2 - 16 * 0.5**2) * math.sqrt(1 / 30)
    assert inside == pytest.approx(math.hypot(step, 5.0 * math.sqrt(1 / 120) / 2) * LENGTH_NS)
    (coarse,), _ = steps(segment(False, ramp=5.0, sides=2.0), np.array([0.5 * USUAL_NS]))
    assert coarse == pytest.approx(inside), "so does what is not known of updates' distances"
    (inside,), (lost,) = steps(segment(False, ramp=5.0, sides=9.0))
    assert inside == pytest.approx(5.0 * math.sqrt(1 / 120) / 2 * LENGTH_NS), "sides explain all of it"
    assert lost == 0.0


def test_the_mean_of_what_a_step_loses_has_its_sign_and_less_of_it_where_a_kink_is_trusted() -> None:
    """A third of the step times the length, and half as much again; noise takes 6 σ²/step² of it."""
    for ramp in (4.0, -4.0):
        _, (lost,) = steps(segment(False, ramp=ramp, one=0.5 * USUAL_NS))
        assert lost == pytest.approx(1.5 * ramp * (1 - 6 * 0.25 / 16) * LENGTH_NS / 3)
        _, (half,) = steps(segment(False, ramp=ramp, one=0.5 * USUAL_NS, trust=0.5, before=1.0, after=1.0))
        assert half == pytest.approx(lost / 2)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("late", [0.0, 0.1, 0.7])
def test_of_a_slow_counter_it_counts_where_in_its_update_an_instant_lies_as_far_as_the_lag_tells(part, late):
    """A step at the instant moves the count by f (1 - f), and U of a rectangle is 1.65; noise takes 16 σ²."""
    slow = segment(False, part, ramp=4.0, one=0.5 * SLOW_NS)
    slow.near = around([1.0, 1.0, 1.0])
    slow.near.usual_ns = np.array([float(SLOW_NS)])
    f = part + np.clip(0.5 - part, -late, late)
    (inside,), (lost,) = steps(slow, 0.0, late * LENGTH_NS)
    assert lost == pytest.approx(4.0 * (1 - 16 * 0.25 / 16) * LENGTH_NS * f * (1 - f) / 1.65)
    of_ramp = 4.0 * math.sqrt(1 / 120) / 2
    assert inside == pytest.approx(math.hypot(math.sqrt(16 - 4) * 0.75 * f * (1 - f), of_ramp) * LENGTH_NS)
    slow.near = around((10, 50, 10))
    slow.near.usual_ns, slow.kink.one = np.array([float(SLOW_NS)]), np.zeros(1)
    assert pulse(slow, 40.0, late * LENGTH_NS)[0] == 0.0
    wide = 40.0 * LENGTH_NS * (1 - 40 / 90)
    assert pulse(slow, 100.0, late * LENGTH_NS)[0] == pytest.approx(wide * math.sqrt(f * (1 - f)))


def around(rates: Any, is_usual: Any = True) -> Any:
    """Segments around one instant: those near it as given, in its middle, and all others of no power."""
    rate, there = np.zeros((1, 2 * AROUND + 1)), np.zeros((1, 2 * AROUND + 1), bool)
    first = AROUND - len(rates) // 2
    rate[0, first : first + len(rates)] = rates
    there[0, first : first + len(rates)] = is_usual
    return SimpleNamespace(
        rate=rate,
        is_usual=there,
        usual_ns=np.array([USUAL_NS]),
        is_dense=np.array([True]),
        apart_ns=np.array([1e3 * USUAL_NS]),
    )


@pytest.mark.parametrize(
    ("rates", "most", "width"),
    [((10, 50, 10), 100.0, 40 / 90), ((10, 50, 10), 30.0, 1.0), ((50, 10, 50), 100.0, 0.8)],
)
def test_a_pulse_is_as_short_as_the_largest_power_allows(rates: Any, most: float, width: float) -> None:
    """Its area is seen, and of 40 counts a nanosecond more or less a part f (1 - f) may be on either side."""
    found = segment(False)
    found.near = around(rates)
    found.near.usual_ns = np.array([float(SLOW_NS)])
    inside = 40.0 * LENGTH_NS * (1 - width) * math.sqrt(0.25 * 0.75)
    assert pulse(found, most)[0] == pytest.approx(inside)
    found.kink.one = np.array([10.0 * SLOW_NS / 4])  # four times the noise: 16 x 2.5 ** 2
    assert pulse(found, most)[0] == pytest.approx(inside * math.sqrt(40.0**2 - 100.0) / 40.0)


def test_at_the_corner_of_a_kink_the_larger_of_two_lines_is_too_large() -> None:
    """0.8 of the change times how well its instant is known; where that is known exactly by nothing."""
    sharp = segment(False, before=2.0, after=5.0, trust=1.0, at_ns=0.25 * LENGTH_NS)
    assert _corner(sharp).tolist() == [0.0]
    sharp.kink.one = np.array([1e4])
    assert _corner(sharp)[0] == pytest.approx(0.8 * math.hypot(2.0, 5.0) * 1e4)


def test_a_slow_update_of_its_neighbour_s_power_has_neither_a_step_nor_a_ramp_inside() -> None:
    """All around are alike within scatter, and the one after it is a hundred times as much."""
    found = segment(False, ramp=99.0, one=0.01 * SLOW_NS)
    rates = np.ones(2 * AROUND + 1)
    rates[AROUND + 1 :] = 100.0
    found.near = around(rates)
    found.near.usual_ns = np.array([float(SLOW_NS)])
    inside, lost = steps(found)
    assert inside.tolist() == lost.tolist() == [0.0]
    found.near.rate[0, AROUND] = 50.0
    inside, lost = steps(found)
    assert inside[0] > 0 < lost[0], "but between both it may have stepped anywhere"
