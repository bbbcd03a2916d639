"""The count between updates."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pieced
import pytest
from by_hand import APART, MS, at_ns, interpolation
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, pulses, rows, square, wild
from reached import reached

from microjoule.channel import Scale, Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.interpolation import Interpolation
from microjoule.joules.counters.update_times import Learned, UpdateTimes
from microjoule.joules.energy_trace import Trace
from microjoule.trace.series import Series


@pytest.mark.reaches(kinks=10)
@given(st.one_of(wild(), st.just(Ideal(square(20.0, 90.0, 0.05))), st.just(Ideal(pulses(80.0, 0.01, 0.03)))))
def test_a_count_is_the_same_whether_or_not_all_around_it_was_looked_at(ideal: Ideal) -> None:
    """What is around an instant matters only where the power may have stepped."""
    counter = Trace(rows([ideal])).counter(ideal.id)
    if not len(counter.changes):
        return
    between = counter._between
    t_ns = np.linspace(counter.t_ns[0] - 10**7, counter.t_ns[-1] + 10**7, 997).astype(np.int64)
    t_ns = np.append(t_ns, between.times.located(np.arange(len(counter.changes))).t_ns)
    every = list(between.segments(t_ns))
    scaled = [np.rint(each.counted(each.x_ns) * 2.0**counter.bits).astype(np.int64) for each in every]
    wanted = [(each.base << counter.bits) + part for each, part in zip(every, scaled, strict=True)]
    reached("kinks", any((each.kink.trust > 0).any() for each in every))
    np.testing.assert_array_equal(between.count(t_ns, counter.bits), np.concatenate(wanted))


BEFORE, AFTER = [100] * 12, [300] * 12


def at(gained: list[int], k: int, part: float = 0.5):
    """The segment after an update."""
    return next(iter(interpolation(gained).segments(np.array([at_ns(k, part)]))))


@pytest.mark.parametrize("gained", [101, 150, 250, 299])
def test_the_count_runs_on_at_one_power_and_then_at_the_other(gained: int) -> None:
    """From 10 to 30 counts a ms, so that 150 of an update's 10 ms stepped after 7.5 of them.

    Brackets are 1 ms wide: a count at an update is off by 20/√12, whose square is 100/3. Of two updates' time
    the variance of the power is 2 · 100/3 / 20², of both sides together 1/3, and twice that of a step's
    square, 400, is 1/600.
    """
    found = at([*BEFORE, gained, *AFTER], 12)
    kink = found.kink
    after_ms = Fraction(30 * APART - gained, 20)
    assert kink.at_ns == pytest.approx(float(after_ms) * MS)
    assert kink.noise == pytest.approx(float(Fraction(1, 3)) / MS**2)
    assert kink.trust == pytest.approx(float(Fraction(599, 600)))
    assert (kink.sides, kink.ramp * MS) == (0.0, pytest.approx(20.0))
    assert found.part == 0.5
    assert found.power * MS == pytest.approx((3 * 100 + gained + 3 * 300) / (7 * APART))
    for x_ms in range(APART + 1):
        straight = Fraction(x_ms * gained, APART)
        kinked = 10 * min(x_ms, after_ms) + 30 * max(x_ms - after_ms, 0)
        wanted = straight + Fraction(599, 600) * (kinked - straight)
        assert found.counted(np.array([x_ms * MS])) == pytest.approx(float(wanted))


def test_a_kink_is_taken_less_where_the_power_changes_on_its_two_sides_too() -> None:
    """By 2 counts a ms on each: 1.5 times 4, squared, is 36 of the 400."""
    gained = [*BEFORE[:-2], 90, 110, 150, 290, 310, *AFTER[:-2]]
    assert at(gained, 12).kink.sides * MS == pytest.approx(4.0)
    assert at(gained, 12).kink.trust == pytest.approx(1 - float(Fraction(2, 3) + 36) / 400)


def test_a_step_outside_its_segment_is_none() -> None:
    """What was gained is less than the lesser power, or more than the greater one, gives."""
    for gained in (99, 301):
        assert at([*BEFORE, gained, *AFTER], 12).kink.trust == 0.0


@pytest.mark.parametrize(("long_ms", "is_usual"), [(40, True), (41, False)])
def test_a_segment_longer_than_four_usual_ones_is_no_usual_one(long_ms: int, is_usual: bool) -> None:
    """Readings go on a ms apart, and the counter is updated each 10 ms but once."""
    changes = np.cumsum([APART] * 8 + [long_ms] + [APART] * 8)
    t_ns = np.arange(changes[-1] + APART) * MS
    times = UpdateTimes(t_ns, np.zeros(len(t_ns), np.uint32), changes, Learned(0.0, APART * MS))
    total = np.cumsum(np.isin(np.arange(len(t_ns)), changes) * 100)
    between = Interpolation(times, total, 1, lambda: True)
    (found,) = between.segments(times.located(np.array([7])).t_ns + long_ms * MS // 2)
    assert found.length_ns == long_ms * MS
    assert found.near.usual_ns == APART * MS
    assert found.near.is_usual.sum() == 15 + is_usual
    assert not found.is_gap


def test_a_count_that_stands_still_beside_one_that_moves_is_worked_out_without_an_overflow() -> None:
    """A command's CPU time: nothing, 0.8 ms in one reading, nothing for half a second. Runs warned of it."""
    raw = np.repeat([0, 815_947, 864_099], [5, 50, 4]).astype(np.uint64)
    t_ns = 10**12 + 10 * MS * np.arange(len(raw), dtype=np.int64)
    series = Series(t_ns, np.full(len(raw), 1000, np.uint32), raw, np.zeros(len(raw), np.uint16))
    seconds = Scale(quantity="s", unit=Fraction(1, 10**9), unit_source="kernel")
    used = Counter(series, replace(pieced.counter("cpu"), timing=Timing(), scale=seconds))
    for first, last, used_ns in ((0, 56, 864_099), (2, 50, 815_947)):
        found = used.energy(int(t_ns[first]) + 2047, int(t_ns[last]) + 9 * MS // 10)
        assert found.value == pytest.approx(used_ns / 10**9, abs=1e-7)
