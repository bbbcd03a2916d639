"""The components of a counter's uncertainty, each worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from by_hand import APART, MS, at_ns, interpolation, known, windows
from pieced import counter

from microjoule.channel import PowerModel, SensorError
from microjoule.joules.counters import budget
from microjoule.joules.counters.budget import budgets, edges_of, sensor
from microjoule.joules.counters.quanta import Lateness
from microjoule.joules.counters.ripple import Ripple
from microjoule.joules.counters.slow_updates import Beat

CHANNEL = counter(update_max_ns=APART * MS)
UNIT_J = float(CHANNEL.scale.unit)
STEADY = [100] * 30  # counts in each 10 ms
K = 15


def of_timing(**changed):
    return replace(CHANNEL, timing=replace(CHANNEL.timing, **changed))


def no_gap():
    raise AssertionError("no reading is missing")


def edges(gained, instant_ns, channel=CHANNEL):
    """What is not known of a count at an instant; it is asked for as the beginning of a window."""
    begin, _ = edges_of(interpolation(gained), no_gap, channel, windows((instant_ns, at_ns(K + 5))))
    return begin


def total(found):
    """All that is not known of when updates were."""
    return np.sqrt(found.edges**2 + found.of_left**2 + found.of_right**2)


def parts(begin, end, short=0.0, span=(0, 1000), **figures):
    """The components of one window by their name, each in counts."""
    of = windows(span, **figures)
    (found,) = budgets(CHANNEL, "", of, begin, end, np.array([short]))
    names = {}
    for each in found:
        names.setdefault(each.name, []).append(each.u / UNIT_J)
    return names


@pytest.mark.parametrize("tenths", range(11))
def test_an_edge_of_steady_power_errs_as_the_two_updates_around_it_do(tenths):
    """Each lies in a bracket of 1 ms, a tenth of their distance, and 10 counts are a ms of power."""
    f = Fraction(tenths, 10)
    found = edges(STEADY, at_ns(K, float(f)))
    shares = (1 - f) ** 2 + f**2
    # A tenth, squared, of what the two err by is common to both.
    both = shares + 2 * Fraction(1, 100) * f * (1 - f)
    # Just on an update it is that update's bracket, from whichever side.
    assert total(found) == pytest.approx(math.sqrt(100 * both / 12))
    # And each is a cause by itself, for all that begins or ends between the two.
    assert found.of_left == pytest.approx(10 * float(1 - f % 1) / math.sqrt(12))
    assert found.of_right == pytest.approx(10 * float(f % 1) / math.sqrt(12))
    assert found.quantisation == pytest.approx(math.sqrt(shares / 12))
    assert [found.read_time, found.phase, found.swings, found.steps, found.coarse] == [0.0] * 5
    assert not found.is_aliased
    assert not found.is_hidden


STEPPED = [100] * K + [300] * 15  # at update K


def lagged(half_ms):
    """What is not known of a count half an update after the step, its lag taken off."""
    channel = of_timing(lag_ns=2 * half_ms * MS)
    assert channel.timing.middle_lag_ns == half_ms * MS
    return edges(STEPPED, at_ns(K, 0.5) - half_ms * MS, channel)


@pytest.mark.parametrize("half_ms", [3, 8, 14])
def test_half_a_lag_counts_the_power_before_an_instant_and_after_it(half_ms):
    """10 counts a ms up to an update, 5 ms before the instant, and 30 from there."""
    (found,) = lagged(half_ms).lagged
    n = math.ceil(half_ms / (APART / 2))  # at least each half of an update
    tried = half_ms * np.arange(1, n + 1) / n
    if half_ms > APART:  # a step beyond this update is drawn out there, by a sixth of it in the mean
        tried = np.append(tried, half_ms + APART / 6)
    after = np.minimum(tried, 5)
    assert found == pytest.approx(np.append(30 * after + 10 * (tried - after), 30 * tried), abs=0.01)
    assert edges(STEPPED, at_ns(K, 0.5)).lagged == 0.0


def test_within_a_lag_of_many_periods_a_load_that_repeats_moves_by_its_whole_swing():
    """Two updates of 100 counts and two of 300: half a period later there are 200 less or more in two."""
    channel = of_timing(lag_ns=8 * APART * MS)
    begin, end = (edges([100, 100, 300, 300] * 16, at_ns(k) - 4 * APART * MS, channel) for k in (24, 30))
    assert np.abs(end.lagged - begin.lagged).max() == pytest.approx(400)
    assert np.abs(parts(begin, end)["lag"]) == pytest.approx(400 / math.sqrt(3), rel=0.01)  # noise takes some


def test_beyond_the_record_a_lag_counts_the_power_around_the_instant():
    """155 of 200 ms are there before it and 145 after it; of the 7 times around, 3 are of 10 counts a ms."""
    around = (3 * 100 + 4 * 300) / 70
    (found,) = lagged(200).lagged
    assert found[len(found) // 2 - 2] == pytest.approx(5 * 30 + 150 * 10 + around * (200 - 155))
    assert found[-2] == pytest.approx(145 * 30 + around * (200 - 145))


def segment(part, on_grid, rough, phases=(0, 0)):
    """A segment of steady power whose updates are on a grid or not, and scatter."""
    (at,) = interpolation(STEADY).segments(np.array([at_ns(K, part)]))
    start, end = (
        each._replace(is_on_grid=np.array([on_grid]), phase_ns=np.array([phase * MS]))
        for each, phase in zip((at.start, at.end), phases, strict=True)
    )
    return at._replace(start=start, end=end, near=at.near._replace(rough=np.array([rough])))


@pytest.mark.parametrize("part", [0.2, 0.7])
def test_an_edge_scatters_as_its_updates_do_and_what_their_brackets_explain_counts_once(part):
    shape = (1 - part) ** 2 + part**2
    between = interpolation(STEADY)
    on = budget._edges(between, no_gap, CHANNEL, segment(part, True, 3.0, (0.2, 0.3)))
    assert on.edges == pytest.approx(3.0 * math.sqrt(shape))
    assert on.phase == pytest.approx(10 * (0.2 if part < 0.5 else 0.3))
    off = budget._edges(between, no_gap, CHANNEL, segment(part, False, 20.0))
    bracket = 100 / 12  # counts², of one update
    bracketed = bracket * (shape + 0.02 * part * (1 - part))
    assert total(off) == pytest.approx(math.sqrt(bracketed + (20.0**2 - 2 * 0.99 * bracket) * shape))
    assert (on.rough, off.rough) == (0.0, 0.0)  # without a lag nothing of it is counted
    late = budget._edges(between, no_gap, of_timing(lag_ns=4 * MS), segment(part, True, 3.0))
    assert late.rough == pytest.approx(3.0 * 4 / APART)


def test_what_cutting_off_scatters_counts_by_is_no_scatter_of_updates(monkeypatch):
    """5 counts that are seen less 3 are 4, by squares."""
    replaced(monkeypatch, cut_off=(np.array([True]), np.array([3.0])))
    found = budget._edges(interpolation(STEADY), no_gap, CHANNEL, segment(0.5, True, 5.0))
    assert found.edges == pytest.approx(4.0 * math.sqrt(0.5))


@pytest.mark.parametrize(("alike", "part"), [(0.0, 0.5), (-0.5, 0.25), (0.5, 0.75)])
def test_two_quanta_that_are_late_in_turn_leave_less_open_between_them(monkeypatch, alike, part):
    late = Lateness(np.full(1, np.inf), np.array([alike]), np.zeros(1, bool))
    replaced(monkeypatch, lateness=late)
    found = edges(STEADY, at_ns(K, 0.5))
    assert found.quantisation == pytest.approx(math.sqrt(part / 12))


def replaced(monkeypatch, **results):
    """What looks for hidden power finds this."""
    for name, result in results.items():
        monkeypatch.setattr(budget, name, lambda *_, result=result: result)


@pytest.mark.parametrize("largest", [0, 1, 2])
def test_of_loads_that_updates_hide_the_worst_counts_beside_a_step(monkeypatch, largest):
    each = [2.0, 2.0, 2.0]
    each[largest] = 5.0
    line, hidden, alone = (np.array([value]) for value in each)
    nothing = np.zeros(1)
    beat = Beat(hidden / budget._OF_TRIANGLE, np.array([3.0]), nothing, np.array([np.pi]))
    replaced(monkeypatch, ripple=Ripple(line, nothing > 0, nothing), strays=beat, pulse=alone)
    replaced(monkeypatch, steps=(np.array([12.0]), np.array([5.5])))
    found = edges(STEADY, at_ns(K, 0.25))
    assert found.swings == pytest.approx(13.0)
    assert found.steps == 5.5
    assert bool(found.is_hidden[0]) is False  # 25 of 169 is no half
    assert found.beat == pytest.approx(0.75 * 3.0 - 0.25 * 3.0)  # half a cycle from one update to the next


def test_a_load_steps_or_hides_and_not_both(monkeypatch):
    nothing = np.zeros(1)
    beat = Beat(np.array([5.0]) / budget._OF_TRIANGLE, nothing, nothing, nothing)
    replaced(monkeypatch, strays=beat, steps=(np.array([4.0]), np.array([-4.5])))
    found = edges(STEADY, at_ns(K, 0.5))
    assert found.swings == pytest.approx(5.0)
    assert found.steps == 0
    assert bool(found.is_hidden[0])
    assert bool(found.is_of_three[0]), "how counts scatter shows no beat"


def test_a_beat_is_known_at_both_ends_and_a_hidden_load_has_any_phase_with_any_lag():
    begin, end = known(beat=1.0, swings=2.0), known(beat=4.0, swings=3.0)
    assert sorted(parts(begin, end)["swings"]) == pytest.approx([-2.0, 3 / math.sqrt(3), 3.0])
    for size, is_shown in ((4.9, False), (5.1, True)):
        late = known(lagged=(0.0, size * math.sqrt(3)), swings=3.0, beat=1.0)
        assert ("lag" in parts(known(swings=2.0, beat=0.5), late)) == is_shown
        assert "lag" in parts(known(swings=2.0), late)
        late = known(steps=size, swings=3.0, beat=1.0)
        assert ("steps" in parts(known(swings=2.0, beat=0.5), late)) == is_shown


def test_no_edge_errs_by_more_than_was_counted_between_its_updates(monkeypatch):
    """101 counts at most, anywhere in a rectangle, and three times what the updates' own brackets leave."""
    replaced(monkeypatch, steps=(np.array([1000.0]), np.zeros(1)))
    found = edges(STEADY, at_ns(K, 0.5))
    assert math.hypot(total(found)[0], found.swings[0]) == pytest.approx(
        math.sqrt(101**2 / 12 + 3 * 100 / 12)
    )


def test_a_lag_moves_a_figure_by_the_farthest_one_and_noise_takes_from_it_what_is_not_clear():
    """-5 counts by the third lag; noise explains 10 of its 25, and takes the square of that share.

    What is coarse only makes it more.
    """
    begin = known(lagged=(1.0, 3.0, 7.0, 5.0), rough=3.0)
    end = known(lagged=(4.0, 1.0, 2.0, 3.0), rough=1.0, coarse=0.5)
    assert parts(begin, end)["lag"] == [pytest.approx((-5 * (1 - (10 / 25) ** 2) - 0.5) / math.sqrt(3))]
    end = known(lagged=(9.0, 1.0, 2.0, 3.0), rough=1.0, coarse=0.5)
    assert parts(begin, end)["lag"] == [pytest.approx((8 * (1 - (10 / 64) ** 2) + 0.5) / math.sqrt(3))]
    assert "lag" not in parts(known(rough=3.0), known(lagged=(2.0,)))


def test_two_edges_share_as_much_of_their_grid_s_phase_as_they_are_near():
    """7 of 49 updates apart: of its variance six sevenths are common, and cancel where they are equal."""
    found = parts(known(edges=1.0, phase=2.0), known(edges=3.0, phase=5.0, left=7))
    assert found["phase"] == [pytest.approx(3 * math.sqrt(6 / 7))]
    assert found["edges"] == pytest.approx([-math.sqrt(1 + 4 / 7), math.sqrt(9 + 25 / 7)])
    far = parts(known(phase=2.0), known(phase=5.0, left=60))
    assert "phase" not in far
    assert far["edges"] == pytest.approx([-2.0, 5.0])
    assert parts(known(), known(edges=3.0, phase=5.0, left=1))["edges"][1] == pytest.approx(math.sqrt(34))


def test_each_edge_has_its_own_components_and_no_cause_goes_beyond_what_is_guaranteed():
    begin, end = known(swings=1.0, quantisation=2.0, read_time=3.0), known(swings=4.0, quantisation=5.0)
    found = parts(begin, end)
    assert found["swings"] == pytest.approx([-1.0, 4.0])
    assert found["quantisation"] == pytest.approx([-2.0, 5.0])
    assert found["read time"] == pytest.approx([-3.0, 0.0])
    narrow = parts(begin, end, high=2.5 * math.sqrt(12) * UNIT_J)
    assert narrow["quantisation"] == pytest.approx([-2.0, 2.5])
    assert narrow["read time"] == pytest.approx([-2.5, 0.0])


@pytest.mark.parametrize(("short", "wanted"), [(2.0, -3.0), (-4.0, -4.0), (4.0, 4.0)])
def test_a_short_window_has_the_larger_of_what_its_steps_and_its_time_lend(short, wanted):
    assert parts(known(steps=5.0), known(steps=2.0), short)["steps"] == [pytest.approx(wanted)]


def test_a_window_without_time_or_value_has_no_components():
    assert parts(known(edges=1.0), known(edges=1.0), span=(7, 7)) == {}
    assert parts(known(edges=1.0), known(edges=1.0), value=math.nan) == {}


def test_what_a_sensor_adds_goes_by_its_energy_and_its_time():
    """Of 200 J in 10 s: 1 % and 0.3 W, as the ends of a rectangle or as standard uncertainties."""
    for form, divisor in (("rectangular", math.sqrt(3)), ("normal", 1.0)):
        error = SensorError(gain=0.01, offset_w=0.3, code=0.02, form=form)
        of = replace(CHANNEL, trust=replace(CHANNEL.trust, sensor=error))
        found = {each.name: each.u for each in sensor(of, "", 200.0, 10.0)}
        assert found["gain"] == pytest.approx(2.0 / divisor)
        assert found["offset"] == pytest.approx(3.0 / divisor)
        assert 4.0 in found.values()


def test_a_model_errs_by_its_farther_end():
    """150 W, and 120 to 200 W: up to a third more, of a rectangle."""
    for low_w, high_w in ((120.0, 200.0), (100.0, 160.0)):
        model = PowerModel(value_w=150.0, low_w=low_w, high_w=high_w, source="table")
        of = replace(CHANNEL, trust=replace(CHANNEL.trust, model=model))
        (found,) = sensor(of, "", 90.0, 1.0)
        assert (found.name, found.u) == ("model", pytest.approx(30.0 / math.sqrt(3)))
