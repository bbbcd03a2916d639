"""What a load nearly in step with slow updates swings the count by, as the sine that shows says it."""

from __future__ import annotations

import numpy as np
import pytest
from by_hand import APART, MS, at_ns, interpolation

from microjoule.joules.counters import slow_updates
from microjoule.joules.counters.neighbourhood import Neighbourhood
from microjoule.joules.counters.slow_updates import _centred, _power_at_reads, in_step, strays

MEAN = 10_000  # counts between two updates
WIDTH = 49  # updates that are looked at, 24 on either side
N = 220
REAL = slow_updates.swung


def sine(amplitude, cycles, phase=0.3):
    return lambda k: amplitude * np.sin(2 * np.pi * cycles * k / WIDTH + phase)


def swings(wave, n=N, most=np.inf, at=None, of=in_step):
    """By updates, or of some: what an instant behind each is uncertain by."""
    between = interpolation(np.rint(MEAN + wave(np.arange(n))).astype(int).tolist())
    at = np.arange(n) if at is None else np.atleast_1d(at)
    (segment,) = between.segments(np.array([at_ns(k, 0.4) for k in at.tolist()]))
    found = _centred(segment, most, between.quantum) if of is _centred else in_step(between, segment, most)
    return found.size


def swung(amplitude, cycles):
    """a T / (2 sin(π δ)), with the margin of a tenth."""
    return 1.1 * amplitude / (2 * np.sin(np.pi * cycles / WIDTH))


@pytest.mark.parametrize("phase", [0.0, 0.8, 1.6, 2.4])
@pytest.mark.parametrize("cycles", [3.5, 7, 13, 20, 22])
def test_one_sine_and_little_else_may_be_a_quick_load_s(cycles, phase):
    for of in (_centred, in_step):  # by the updates around it, and beside those of others
        found = swings(sine(40, cycles, phase), at=110, of=of)
        assert found[0] == pytest.approx(swung(40, cycles), rel=0.03)


@pytest.mark.parametrize("cycles", [0.5, 0.75, 1.5])
def test_a_weak_beat_is_seen_through_updates_that_jitter(cycles):
    """They scatter by as much as it swings, and four in one by a quarter of that."""
    late = np.random.default_rng(6).normal(size=601) * 28

    def wave(k):
        return sine(40, cycles)(k) + np.diff(late)[k]

    at = np.arange(150, 450)
    assert np.mean(swings(wave, n=600, at=at, of=_centred) > 0) < 0.5
    assert np.median(swings(wave, n=600, at=at)) == pytest.approx(swung(40, cycles), rel=0.2)


@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cycles", [1.5, 3, 7, 20])
@pytest.mark.parametrize("k", [110, 114, 199])
def test_a_beat_says_how_far_it_moves_the_count(k, cycles, part):
    """The sum of a sine is one a quarter of a cycle later; at 199 it is that of updates beside."""
    turn = 2 * np.pi * cycles / WIDTH
    between = interpolation(np.rint(MEAN + sine(40, cycles)(np.arange(N))).astype(int).tolist())
    (segment,) = between.segments(np.array([at_ns(k, part)]))
    left, right = (
        -40 * np.cos(turn * (segment.left[0] - 0.5 + on) + 0.3) / (2 * np.sin(turn / 2)) for on in (0, 1)
    )
    found = in_step(between, segment, np.inf)
    within = 0.15 * 40 / (2 * np.sin(turn / 2))
    assert found.counted(segment.part)[0] == pytest.approx(
        left + segment.part[0] * (right - left), abs=within
    )


@pytest.mark.parametrize("quanta", [1.38, 2.62, 3.71, 7.45])
def test_steady_power_that_is_cut_off_to_few_quanta_is_no_load_in_step(quanta):
    """Its pattern, 2 3 3 2 3 quanta an update, is one sine and little else: U was 6.6 times the error."""
    gained = np.diff(np.floor(quanta * np.arange(N + 1)))
    assert not swings(lambda k: gained[k] - MEAN).any()


def test_a_load_that_moves_few_quanta_by_more_than_one_may_be_in_step():
    gained = np.diff(np.floor(np.cumsum(7.45 + sine(1.3, 7)(np.arange(N + 1)))))
    assert swings(lambda k: gained[k] - MEAN, at=110)[0] == pytest.approx(swung(1.3, 7), rel=0.1)


def test_a_ramp_under_it_changes_nothing():
    of = swings(lambda k: sine(40, 3)(k) + 5.0 * k, at=110)
    assert of[0] == pytest.approx(swung(40, 3), rel=0.03)


@pytest.mark.parametrize("slope", [5.0, -3.0])
def test_power_that_rises_slowly_swings_nowhere_and_not_at_the_ends_of_the_trace(slope):
    assert swings(lambda k: slope * k).max() < 1e-9  # rounding


@pytest.mark.parametrize("phase", [0.0, 0.8, 1.6, 2.4])
@pytest.mark.parametrize("cycles", [0.05, 0.196, 0.4, 0.7])
def test_power_that_swings_by_less_than_a_cycle_in_what_is_looked_at_swings_nowhere_else(cycles, phase):
    """Its curve passed for the alias of a load that is in step to a cycle: U was 28 to 68 times the error."""
    assert not swings(sine(1000, cycles, phase), at=np.arange(75, N - 75)).any()
    assert swings(sine(300, 1.5, phase), at=110)[0] == pytest.approx(swung(300, 1.5), rel=0.05)


def test_a_quick_load_stays_between_nothing_and_what_the_device_may_draw():
    """Of the lesser distance of the mean from either a quick load swings the count by 0.28 at most."""
    most = 1.05 * MEAN / (APART * MS)  # 500 counts more than the mean
    largest = 0.28 * 500 * 2 * np.sin(np.pi * 3.5 / WIDTH) / 1.25
    for amplitude, is_possible in ((0.9 * largest, True), (1.1 * largest, False)):
        expected = swung(amplitude, 3.5) if is_possible else 0.0
        assert swings(sine(amplitude, 3.5), most=most, at=110)[0] == pytest.approx(expected, rel=0.05)
        assert swings(sine(amplitude, 3.5), at=110)[0] == pytest.approx(swung(amplitude, 3.5), rel=0.05)
    assert swings(sine(40, 3.5), most=0.9 * MEAN / (APART * MS), at=110)[0] == 0  # it draws more than it may


def test_of_a_load_of_about_two_updates_the_slow_one_swings_the_count_as_much():
    """So it is taken however large: from 0.4 of a cycle an update on."""
    most = 0.28 * MEAN
    assert swings(sine(5600, 22), at=110)[0] == pytest.approx(most, rel=0.02)
    assert swings(sine(5600, 19.75), at=110)[0] == pytest.approx(most, rel=0.02)
    assert swings(sine(5600, 19.25), at=110)[0] == 0


def test_noise_and_four_sines_are_no_load_in_step():
    noise = np.random.default_rng(5).normal(size=N) * 40
    assert not swings(lambda _: noise).any()
    sines = [sine(amplitude, cycles) for amplitude, cycles in ((40, 3), (45, 5), (50, 6.5), (40, 11))]
    several = swings(lambda k: sum(each(k) for each in sines), n=600, at=np.arange(295, 306))
    assert not several.any()


def test_of_less_than_forty_updates_there_is_no_spectrum():
    assert swings(sine(40, 3), n=40, at=20)[0] == pytest.approx(swung(40, 3), rel=0.1)
    assert not swings(sine(40, 3), n=39).any()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_load_reaches_as_far_beyond_where_it_shows_as_nothing_beyond_was_looked_at(is_first):
    """25 updates: those look at 24 on either side, and so at none that is 49 away; of four in one 100."""

    def wave(k):
        return np.where((k < 110) == is_first, sine(40, 3)(k), 0.0)

    shown, taken = (np.flatnonzero(swings(wave, of=of)) for of in (_centred, in_step))
    end = -1 if is_first else 0
    assert abs(taken[end] - shown[end]) == pytest.approx(4 * 25, abs=2)
    assert 5 < taken[end] < N - 5


@pytest.mark.parametrize(
    ("power", "is_like"), [(0, True), (49, True), (-49, True), (55, False), (-55, False)]
)
def test_power_that_a_load_beside_would_not_explain_is_none_of_it(power, is_like):
    """It is within 1.3 of half of what that swings, 40 counts."""

    def wave(k):
        return np.where(k < 110, sine(40, 3)(k), 0.0) + power * (k == 125)

    assert swings(wave, at=125, of=_centred)[0] == 0
    assert (swings(wave, at=125)[0] > 0) == is_like


@pytest.mark.parametrize(("slow_w", "at_reads_w"), [(0.0, 100.0), (0.0, -100.0), (10.0, 100.0)])
def test_counts_that_go_with_how_late_reads_come_show_power_at_these(slow_w, at_reads_w):
    """Between two reads (v1 - v0) times that power; power that changes slowly adds next to nothing to it."""
    near = around_reads(np.full(50, at_reads_w), slow_w)
    assert _power_at_reads(near, np.array([0])) == pytest.approx(100.0, rel=0.1)


def test_counts_that_do_not_show_none():
    """Of power that goes up and down between the reads by chance, and of power that just changes slowly."""
    by_chance = 100 * np.random.default_rng(8).choice([-1.0, 1.0], 50)
    for near in (around_reads(by_chance, 0.0), around_reads(np.zeros(50), 40.0)):
        assert _power_at_reads(near, np.array([0])) == 0.0


def around_reads(at_reads_w, slow_w):
    """49 segments between reads 1000 ± 50 ns apart, of 200 W, power at the reads and a slow sine."""
    late_ns = 50 * np.random.default_rng(7).uniform(-1, 1, 50)
    length_ns = 1000 + np.diff(late_ns)
    rate = 200 + slow_w * np.sin(2 * np.pi * np.arange(49) / 12) + np.diff(at_reads_w * late_ns) / length_ns
    nothing = np.zeros(1)
    is_there = np.ones((1, 49), bool)
    each = rate[None], length_ns[None], is_there, is_there, *[nothing] * 2, *[nothing > 0] * 2, *[nothing] * 2
    return Neighbourhood(*each)


def test_instants_between_the_same_updates_ask_once(monkeypatch):
    """Of seldom reads there are many: windows of 50 ms cost 5 times as much at 1 Hz."""
    asked = []
    monkeypatch.setattr(slow_updates, "swung", lambda *args: asked.append(len(args[0])) or REAL(*args))
    between = interpolation(np.rint(MEAN + sine(40, 7)(np.arange(N))).astype(int).tolist())
    parts = np.linspace(0.1, 0.9, 9)
    (segment,) = between.segments(np.array([at_ns(110, part) for part in parts.tolist()]))
    found = strays(between, segment, np.inf, 10**12)
    assert asked[0] == 1
    assert found.size == pytest.approx(np.full(9, swung(40, 7)), rel=0.03)
