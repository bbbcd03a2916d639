"""When updates were: on the grid that a timer makes, to a small part of the time between two readings."""

import numpy as np
import pytest

from microjoule.joules.counters.stillness import Stillness
from microjoule.joules.counters.update_period import period
from microjoule.joules.counters.update_times import Learned, UpdateTimes, _phase, brackets, learn

US, MS = 1_000, 1_000_000
TIMER_NS = 976_562  # of RAPL: 1,024 Hz
N = 1500
STEPS = np.full(1, 9), 1  # of many quanta


def readings(read_us, seed=0, update_ns=TIMER_NS, jitter_us=0.0, missed=0.0, late_us=2.0, n=N):
    """Read times, the changes among them and when the updates were that they show."""
    chance = np.random.default_rng(seed)
    due = np.arange(int(n * update_ns / (read_us * US)) + 2) * (read_us * US)
    t_ns = (due + chance.gamma(1.5, late_us / 1.5, len(due)) * US).astype(np.int64) + 10**15
    at = (np.arange(-2, n) + chance.random()) * update_ns + chance.uniform(0, jitter_us * US, n + 2)
    at = np.sort(at[chance.random(n + 2) >= missed]).astype(np.int64) + 10**15
    last = np.searchsorted(at, t_ns, "right")
    changes = np.flatnonzero(np.diff(last)) + 1
    return t_ns, np.zeros(len(t_ns), np.uint32), changes, at[last[changes] - 1]


def times(read_us, declared_ns=MS, **how):
    t_ns, read_ns, changes, true_ns = readings(read_us, **how)
    learned = learn(*brackets(t_ns, read_ns, changes), declared_ns, *STEPS)
    return UpdateTimes(t_ns, read_ns, changes, learned), true_ns


@pytest.mark.parametrize("read_us", [100, 250, 333, 500, 613, 667])
@pytest.mark.parametrize("missed", [0.0, 0.1, 0.3])
def test_the_period_of_a_timer_is_found_to_a_few_millionths(read_us, missed):
    """At 2 kHz the alias of 1,024 Hz is 976 Hz, and at half the rate of the reads it is as strong."""
    for seed in range(4):
        found, _ = times(read_us, seed=seed, missed=missed, jitter_us=20)
        assert found.learned.period_ns == pytest.approx(TIMER_NS, rel=5e-5)


@pytest.mark.parametrize("update_ms", [2, 8, 100])
def test_slow_timers_are_found_too(update_ms):
    found, _ = times(1000, update_ns=update_ms * MS - 7 * US, jitter_us=20, n=400)
    assert found.learned.period_ns == pytest.approx(update_ms * MS - 7 * US, rel=2e-4)
    assert found.learned.usual_ns == round(found.learned.period_ns)


@pytest.mark.parametrize("read_us", [1000, 1013, 2000, 5000])
def test_readings_no_denser_than_the_updates_tell_no_period(read_us):
    found, _ = times(read_us, declared_ns=MS)
    assert found.learned == Learned(0.0, MS)


@pytest.mark.parametrize("milliwatts", [18, 19, 20])
def test_of_quanta_that_take_several_updates_half_their_own_period_is_no_timer_s(milliwatts):
    """Read at 1 kHz with updates missed: 1.4 to 1.5 ms were learnt of 3 ms, and U held in 86 to 92 %."""
    for seed in range(6):
        t_ns, read_ns, changes, true_ns = readings(1000, seed=seed, missed=0.1, jitter_us=20)
        quanta = (true_ns - 10**15) * milliwatts * 1e-12 * 2**14
        steps = np.diff(np.floor(quanta).astype(np.int64), prepend=0)
        earliest, latest = brackets(t_ns, read_ns, changes[steps > 0])
        found = learn(earliest, latest, MS, steps[steps > 0], 1)
        assert found.period_ns == 0.0
        assert found.usual_ns > 2 * MS


def test_updates_at_random_have_no_period():
    chance = np.random.default_rng(3)
    at = np.cumsum(chance.exponential(MS, N)).astype(np.int64)
    assert period(at - 100 * US, at) == 0.0


@pytest.mark.parametrize("n", [0, 1, 2, 31])
def test_of_few_updates_nothing_is_learnt(n):
    at = np.arange(n) * MS
    assert learn(at - 1, at, 3 * MS, *STEPS).period_ns == 0.0


@pytest.mark.parametrize("read_us", [250, 500, 667])
@pytest.mark.parametrize("jitter_us", [0, 20, 50])
def test_an_update_on_the_grid_is_known_many_times_better_than_its_bracket(read_us, jitter_us):
    shares, errors, inside = [], [], []
    for seed in range(4):
        found, true_ns = times(read_us, seed=seed, jitter_us=jitter_us)
        located = found.located(np.arange(50, len(found) - 50))
        error = located.t_ns - true_ns[50:-50]
        allowed = np.hypot(2 * located.phase_ns, 2 * jitter_us * US / np.sqrt(12)) + 2 * US
        inside.append(np.mean(np.abs(error) <= allowed))
        errors.append(np.sqrt(np.mean(error**2.0)))
        shares.append(located.is_on_grid.mean())
    assert np.mean(shares) > 0.99
    assert np.mean(errors) < 0.25 * read_us * US / np.sqrt(12)
    assert np.mean(inside) > 0.93


def test_with_much_jitter_the_bracket_is_taken():
    found, true_ns = times(250, jitter_us=300)
    located = found.located(np.arange(len(found)))
    plain = UpdateTimes(*readings(250, jitter_us=300)[:3], Learned(0.0, TIMER_NS)).located(
        np.arange(len(found))
    )
    error, of_plain = (np.sqrt(np.mean((each.t_ns - true_ns) ** 2.0)) for each in (located, plain))
    assert error < 1.1 * of_plain


def test_reads_that_march_in_step_with_the_updates_gain_nothing_and_say_so():
    found, _ = times(244.140625, late_us=0.001)  # four reads a period, always at the same phases
    located = found.located(np.arange(100, 200))
    assert not located.is_on_grid.any() or (located.phase_ns > 0.5 * located.own_ns).all()


def test_a_silence_of_the_readings_leaves_the_update_near_the_reading_after_it():
    t_ns, read_ns, changes, _ = readings(250)
    keep = (t_ns < t_ns[2000]) | (t_ns > t_ns[2000] + 300 * MS)
    t_ns = t_ns[keep]
    value = np.searchsorted(np.flatnonzero(keep), changes)
    changes = np.unique(value[value < len(t_ns)])
    found = UpdateTimes(t_ns, read_ns[keep], changes, Learned(0.0, MS))
    after = np.flatnonzero(np.diff(t_ns[changes]) > 200 * MS) + 1
    earliest, latest, read_apart_ns = found.brackets(after)
    assert len(after) == 1
    assert (latest - earliest <= MS).all()
    assert (read_apart_ns > 200 * MS).all()


def test_pieces_of_a_series_give_the_same_times_to_the_nanosecond():
    t_ns, read_ns, changes, _ = readings(250, jitter_us=20)
    learned = learn(*brackets(t_ns, read_ns, changes), MS, *STEPS)
    whole = UpdateTimes(t_ns, read_ns, changes, learned).located(np.arange(500, 600))
    first = changes[440] - 1
    piece = UpdateTimes(t_ns[first:], read_ns[first:], changes[440:700] - first, learned)
    for mine, its in zip(whole, piece.located(np.arange(60, 160)), strict=True):
        assert (mine == its).all()


def still_ns(t_ns, counts, ends=(), quantum=1):
    found = Stillness(quantum)
    t_ns, counts = np.asarray(t_ns, np.int64), np.asarray(counts, np.int64)
    for start, end in zip([0, *ends], [*ends, len(t_ns)], strict=True):
        piece = slice(max(start - 1, 0), end)
        found.add(t_ns[piece], np.flatnonzero(np.diff(counts[piece])) + 1, counts[piece])
    return found.longest_ns()


def test_the_longest_stillness_is_between_readings_and_not_across_their_gaps():
    t_ns = [0, 10, 20, 30, 500, 510, 520, 530, 540]
    assert still_ns(t_ns, [0, 5, 5, 5, 400, 410, 420, 430, 440]) == 20


def test_a_counter_that_stood_still_because_nothing_was_drawn_was_updated_all_the_same():
    t_ns = np.arange(0, 3000, 10)
    drawn = np.where((t_ns < 500) | (t_ns > 2500), t_ns, 500) * 10
    counts = np.minimum.accumulate(drawn[::-1])[::-1]
    counts[t_ns > 2500] -= 25_000 - 5_100
    assert still_ns(t_ns, counts) < 100
    slow = t_ns // 1000 * 10_000
    assert still_ns(t_ns, slow) == 990
    assert still_ns(np.arange(0, 5000, 10), np.arange(0, 5000, 10) // 1000) == 0  # single quanta


def test_of_one_change_the_readings_around_tell():
    assert still_ns([0, 10, 20, 30, 40, 50], [0, 0, 0, 9, 9, 9]) == 20
    assert still_ns([0, 10, 20, 30, 40, 50], [0] * 6) == 0


@pytest.mark.parametrize("ends", [[1], [40], [3, 4, 5, 200], [99, 100, 101]])
def test_the_longest_stillness_does_not_depend_on_pieces(ends):
    t_ns = np.arange(0, 3000, 10)
    counts = (t_ns // 130 * 7) ** 2
    assert still_ns(t_ns, counts, ends) == still_ns(t_ns, counts) > 0


def test_many_updates_are_located_as_each_by_itself(monkeypatch):
    """They are located some at a time, and each looks at its neighbours among all of them."""
    found, _ = times(333, jitter_us=20)
    k = np.arange(len(found))
    whole = found.located(k)
    monkeypatch.setattr("microjoule.joules.counters.update_times._AT_ONCE", 37)
    parts = found.located(k)
    assert whole.is_on_grid.any()
    for one, other in zip(whole, parts, strict=True):
        assert np.array_equal(one, other)


def test_a_gauge_whose_period_is_longer_than_declared_has_that_period():
    """Steps of single quanta are refused such a period, and a gauge has no steps."""
    t_ns, read_ns, changes, _ = readings(1000, update_ns=8 * MS - 7 * US, jitter_us=20, n=400)
    found = learn(*brackets(t_ns, read_ns, changes), 2 * MS)
    assert found.period_ns == pytest.approx(8 * MS - 7 * US, rel=2e-4)
    single = learn(*brackets(t_ns, read_ns, changes), 2 * MS, np.ones(len(changes), np.int64), 1)
    assert single.period_ns == 0.0


def test_a_period_that_places_no_update_better_than_its_bracket_is_not_used():
    """Updates keep to their timer, and scatter about it by more than reads are apart."""
    found, _ = times(250, jitter_us=300)
    t_ns, read_ns, changes, _ = readings(250, jitter_us=300)
    assert period(*brackets(t_ns, read_ns, changes)) == pytest.approx(TIMER_NS, rel=1e-3)
    assert found.learned.period_ns == 0.0


def marching(march_us, n=200):
    """Updates every 100 ms, and reads every 10 that march past them: instants and their brackets."""
    at = np.arange(n, dtype=np.int64) * 100 * MS + 10**15
    latest = at + 7 * MS - np.arange(n) * march_us * US % (10 * MS)
    latest += np.where(latest <= at, 10 * MS, 0)
    return at, latest - 10 * MS, latest


@pytest.mark.parametrize(("march_us", "least", "most"), [(0, 199, 199), (50, 50, 150), (500, 49, 49)])
def test_reads_in_step_with_slow_updates_leave_one_phase_open_as_long_as_half_of_a_bracket_is(
    march_us, least, most
):
    """5 ms of 50 µs an update are a hundred. Fewer updates than 49, which share neighbours, are none."""
    _, earliest, latest = marching(march_us)
    assert least <= learn(earliest, latest, 100 * MS, *STEPS).together <= most
    quick = learn(earliest // 100, latest // 100, MS, *STEPS)
    assert quick.together == 49


def test_reads_in_step_with_slow_updates_place_them_all_by_the_same():
    """From 3 ms before an update to 7 after it. The phase stays where it is: a tenth beyond a rectangle's."""
    at, earliest, latest = marching(0)
    t_ns = np.sort(np.concatenate((earliest, latest)))
    changes = np.flatnonzero(np.isin(t_ns, latest))
    learned = learn(earliest, latest, 100 * MS, *STEPS)
    found = UpdateTimes(t_ns, np.zeros(len(t_ns), np.uint32), changes, learned).located(np.arange(200))
    assert found.is_on_grid.all()
    assert np.unique(found.t_ns - at).tolist() == [2 * MS]
    assert found.phase_ns == pytest.approx(1.1 * 10 * MS / np.sqrt(12))


def test_brackets_wider_than_the_mean_gap_between_updates_tell_no_period():
    """Three of five updates 10 ms after a read, and two of them 1 ms after one."""
    widths = np.tile([10, 10, 10, 1, 1], 40) * MS
    latest = np.cumsum(widths)
    assert period(latest - widths, latest) == 0.0


def test_of_the_phase_nothing_is_known_from_fewer_than_twelve_narrow_brackets():
    """Of those that are not there nothing counts, nor of one as wide as the period."""
    rng = np.random.default_rng(5)
    at = np.arange(-24, 25) * TIMER_NS + 100 * US
    low = (at - rng.integers(0, 200 * US, 49))[None]
    high = low + 200 * US
    for n in (11, 12):
        is_there = (np.arange(49) < n)[None]
        shift_ns, _, _, is_known = _phase(low, high, is_there, TIMER_NS)
        assert is_known.tolist() == [n == 12]
        wide_high = np.where(is_there, high, low + TIMER_NS)
        assert [each.tolist() for each in _phase(low, wide_high, is_there | True, TIMER_NS)] == [
            each.tolist() for each in _phase(low, high, is_there, TIMER_NS)
        ]
        assert abs(shift_ns[0] - 100 * US * (n == 12)) < 50 * US


@pytest.mark.parametrize(
    ("update_ms", "read_ms", "missed"), [(6.1, 5, 0.0), (6.1, 5, 0.2), (1.953, 2, 0.2), (3.5, 3, 0.0)]
)
def test_readings_without_change_refute_a_declared_time_that_is_shorter(update_ms, read_ms, missed):
    """Readings some declared times apart show no change now and then: updates are as far apart as changes."""
    t_ns, read_ns, changes, _ = readings(read_ms * 1000, update_ns=round(update_ms * MS), missed=missed)
    many = np.full(len(changes), 1000)
    found = learn(*brackets(t_ns, read_ns, changes), MS, many, 1)
    assert found.usual_ns == pytest.approx(np.diff(t_ns[changes]).mean(), rel=0.02)
    # Where few quanta are all that was counted, a reading without change is for the lack of one.
    assert learn(*brackets(t_ns, read_ns, changes), MS, np.full(len(changes), 3), 1).usual_ns == MS
    # And where every reading shows one, nothing says so.
    every = np.arange(1, len(t_ns))
    assert learn(*brackets(t_ns, read_ns, every), MS, np.full(len(every), 1000), 1).usual_ns == MS


@pytest.mark.parametrize("late_ms", [1.0, 2.0, 4.0])
def test_reads_that_the_scheduler_delays_set_no_updates_apart(late_ms):
    """Changes are as far apart as the reads then were; the value never stood still for longer."""
    for seed in range(20):
        chance = np.random.default_rng(seed)
        late_ns = chance.exponential(late_ms * MS, 3 * N) * (chance.random(3 * N) < 0.6)
        t_ns = np.unique(
            np.maximum.accumulate(np.arange(3 * N) * MS + late_ns).astype(np.int64) // 20_000 * 20_000
        )
        counts = (t_ns + chance.integers(MS)) // MS
        changes = np.flatnonzero(np.diff(counts)) + 1
        of = brackets(t_ns, np.zeros(len(t_ns), np.uint32), changes)
        assert learn(*of, MS, 40 * np.diff(counts)[changes - 1], 1).usual_ns == MS
