"""Which ripples the updates around may be the alias of, and how far a sine strays between two updates."""

import numpy as np
import pytest
from by_hand import APART, MS, at_ns, interpolation

from microjoule.joules.counters.ripple import Ripple, _filled, _strays, ripple

MEAN = 10_000  # counts between two updates
WIDTH = 49  # updates that are looked at


def found(wave, part=0.3, half_lag_ns=0.0, period_ns=0.0) -> Ripple:
    """The ripple at a part of the way from the hundredth update of 200 to the next one."""
    gained = np.rint(MEAN + wave(np.arange(200))).astype(int).tolist()
    (segment,) = interpolation(gained, period_ns=period_ns).segments(np.array([at_ns(100, part)]))
    return ripple(segment, half_lag_ns)


def sine(amplitude, cycles):
    return lambda k: amplitude * np.sin(2 * np.pi * cycles * k / WIDTH + 0.3)


@pytest.mark.parametrize("turn", [0.3, 0.83, 1.57, 2.31])
@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_sine_strays_as_its_phases_say(turn, part):
    phase = np.linspace(0.0, 2 * np.pi, 4000, endpoint=False)
    line = (1 - part) * np.sin(phase) + part * np.sin(phase + 2 * turn)
    off = np.sin(phase + 2 * turn * part) - line
    found = float(_strays(np.array([turn]), np.array([part]))[0])
    assert found == pytest.approx(float(np.sqrt(np.mean(off**2))), abs=1e-7)


def test_what_shows_alike_does_not_stray_alike():
    """270 and 754 Hz at 1,024 updates a second: that is why the larger one is taken where it may be."""
    turn = np.pi * np.array([270, 754]) / 1024
    small, large = _strays(turn, np.array([0.5, 0.5]))
    assert large > 5 * small


def test_what_interrupted_reads_leave_out_lies_between_its_neighbours():
    line = np.arange(9.0)
    is_there = np.array([0, 1, 1, 0, 0, 1, 0, 1, 0], bool)
    found = _filled(np.where(is_there, line, 99.0)[None], is_there[None])[0]
    assert found.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0]


@pytest.mark.parametrize("cycles", [2, 3, 5, 9])
@pytest.mark.parametrize("amplitude", [100, 300])
def test_a_slow_sine_is_taken_for_the_alias_of_a_ripple_near_the_updates_frequency(amplitude, cycles):
    """It strays by 1 / (2 sin(π T |f - 1/T|)) of what its alias gains, and a margin."""
    of = found(sine(amplitude, cycles))
    assert of.inside[0] == pytest.approx(1.25 * amplitude / (2 * np.sin(np.pi * cycles / WIDTH)), rel=0.05)
    assert not of.is_line[0]


@pytest.mark.parametrize("amplitude", [900, 2500])
def test_no_ripple_is_larger_than_makes_the_power_zero_at_its_lows(amplitude):
    """Of a square wave of the updates' frequency that is 0.165 of what an update holds."""
    assert found(sine(amplitude, 2)).inside[0] == pytest.approx(0.165 * MEAN, rel=0.01)


def strayed(amplitude, turn, parts):
    """The root mean square distance from the straight line, the largest of some parts, over all phases."""
    phase = np.linspace(0.0, 2 * np.pi, 720, endpoint=False)
    count = amplitude / (2 * np.sin(turn))
    off = [
        np.sin(phase + 2 * turn * f) - (1 - f) * np.sin(phase) - f * np.sin(phase + 2 * turn) for f in parts
    ]
    return count * max(float(np.sqrt(np.mean(each**2))) for each in off)


@pytest.mark.parametrize("cycles", [12, 15, 20.3])
@pytest.mark.parametrize(("part", "half_lag_ms"), [(0.3, 0.0), (0.7, 4.0), (0.05, 1.0), (0.95, 5.0)])
def test_a_quick_line_strays_by_the_quicker_of_two_sines_that_would_show_alike(cycles, part, half_lag_ms):
    """By the middle and both ends of the lag: 4 ms after 0.7 of an update is 0.1 of the next one."""
    of = found(sine(300, cycles), part, half_lag_ms * MS)
    parts = [(part + each * half_lag_ms / APART) % 1 for each in (-1, 0, 1)]
    turn = np.pi - np.pi * cycles / WIDTH
    assert of.inside[0] == pytest.approx(strayed(300, turn, parts), rel=0.02)
    assert of.is_line[0]
    assert of.rough[0] < 0.03 * 300


def test_a_line_that_would_take_the_power_below_zero_is_the_slower_sine():
    """15 cycles: the quicker one has 2.6 times the amplitude that shows, by (π - turn) / sin(turn)."""
    turn = np.pi * 15 / WIDTH
    most = MEAN * np.sin(turn) / (np.pi - turn)
    for amplitude, of_turn in ((0.95 * most, np.pi - turn), (1.05 * most, turn)):
        assert found(sine(amplitude, 15)).inside[0] == pytest.approx(
            strayed(amplitude, of_turn, [0.3]), rel=0.02
        )


@pytest.mark.parametrize(("share", "is_there"), [(0.42, False), (0.48, True), (0.93, True), (0.97, True)])
def test_a_line_is_one_from_0_45_of_all_swings_on_and_alone_from_0_95_on(share, is_there):
    """Beside two other lines, each with half of the rest."""
    other = 300 * np.sqrt((1 - share) / share / 2)
    of = found(lambda k: sine(300, 12)(k) + sine(other, 18)(k) + sine(other, 22)(k))
    turn = np.pi - np.pi * 12 / WIDTH
    expected = strayed(300, turn, [0.3]) if is_there else 0.0
    assert of.inside[0] == pytest.approx(expected, rel=0.05)
    assert of.is_line[0] == (share > 0.95)


def test_harmonics_and_sudden_steps_are_no_ripple_s():
    """A square wave has a third harmonic; a sine has no step that is larger than its own."""
    assert found(lambda k: 300 * np.sign(np.sin(2 * np.pi * 3 * k / WIDTH + 0.3))).inside[0] == 0

    def stepped(k):
        return sine(300, 2)(k) + 300 * (k == 110) - 300 * (k == 111)

    smooth, sudden = (found(of, period_ns=APART * MS) for of in (sine(300, 2), stepped))
    assert smooth.inside[0] == pytest.approx(1412.5, rel=0.01)
    assert sudden.inside[0] == 0
    assert found(stepped).inside[0] > 1400  # where the lengths of updates are not known


@pytest.mark.parametrize(("beyond", "is_ripple"), [(-0.3, True), (1.0, False)])
def test_of_updates_whose_lengths_are_not_known_a_step_is_clearly_larger_than_what_readings_leave_open(
    beyond, is_ripple
):
    """One is higher by a part of the mean: the time between two readings over that between updates."""
    gained = MEAN + sine(2000, 2)(np.arange(200))
    at = interpolation(np.rint(gained).astype(int).tolist())
    (segment,) = at.segments(np.array([at_ns(100, 0.3)]))
    own = 2000 * 2 * np.sin(2 * np.pi / WIDTH)
    slip = MEAN * segment.near.apart_ns[0] / segment.near.usual_ns[0]

    def stepped(k):
        return sine(2000, 2)(k) + (1.6 * own + slip * (1 + beyond)) * (k == 110)

    assert (found(stepped).inside[0] > 0) == is_ripple


def test_steady_power_and_a_ramp_have_no_ripple():
    for of in (found(lambda k: 0.0 * k), found(lambda k: 20.0 * k)):
        assert (of.inside[0], of.is_line[0]) == (0.0, False)
