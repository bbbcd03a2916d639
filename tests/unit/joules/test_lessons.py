"""What readings tell of a counter's updates is the same in one piece and in many."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import MS, US, Ideal, constant, square

from microjoule.joules.counters.lessons import Lessons, LessonsInPieces
from microjoule.joules.counters.update_times import LEARN

IDEALS = [
    Ideal(constant(50.0), n=700, seed=1, poll_ns=300 * US, jitter=0.0),
    Ideal(square(0.0, 90.0, 0.05), n=700, seed=2),
    Ideal(constant(0.0), n=50, seed=3),
    Ideal(constant(0.02), n=700, seed=4),  # single quanta
]
COLUMNS = [
    (of.channel, of.series.t_ns, of.series.read_ns, np.array(of.counts) - of.counts[0]) for of in IDEALS
]


def changes(total):
    return np.flatnonzero(np.diff(total)) + 1


def in_pieces(channel, t_ns, read_ns, total, ends):
    """Each piece begins with the last reading of the one before."""
    found, first = LessonsInPieces(channel), 0
    for end in (*ends, len(t_ns)):
        if end > first + 1:
            some = slice(first, end)
            found.add(t_ns[some], read_ns[some], total[some], changes(total[some]))
            first = end - 1
    return found


@given(number=st.integers(0, 3), parts=st.lists(st.floats(0, 1), max_size=6))
@example(number=0, parts=[])
@example(number=0, parts=[0.1, 0.9])
@example(number=3, parts=[0.5])
@example(number=1, parts=[0.01, 0.02, 0.5])
def test_pieces_tell_what_the_whole_does(number, parts):
    channel, t_ns, read_ns, total = COLUMNS[number]
    whole = Lessons(channel, t_ns, read_ns, total, changes(total))
    found = in_pieces(channel, t_ns, read_ns, total, sorted(int(part * len(t_ns)) for part in parts))
    assert repr(found.learned) == repr(whole.learned)
    assert found.longest_ns == whole.longest_ns
    assert np.array_equal(found.skeleton.columns(), whole.skeleton.columns())
    assert found.changed == len(changes(total))


def test_no_more_updates_are_learnt_from_than_tell_enough():
    """The first ones tell it: later ones are no part of it, however they come."""
    n = LEARN + 500
    step_ns = np.where(np.arange(n) < LEARN + 100, 1000, 1700) * US
    t_ns, total = np.cumsum(step_ns), 800 * np.arange(n)
    read_ns = np.zeros(n, np.uint32)
    channel = COLUMNS[0][0]
    found = in_pieces(channel, t_ns, read_ns, total, (LEARN // 2, LEARN + 50, LEARN + 300))
    assert sum(len(each[0]) for each in found._first) < LEARN + 100
    assert found.learned.usual_ns == pytest.approx(MS, rel=0.01)


def test_of_no_readings_what_is_declared_is_known():
    channel = COLUMNS[0][0]
    found = LessonsInPieces(channel)
    assert found.learned.usual_ns == channel.timing.update_ns
    assert (found.longest_ns, found.changed) == (0, 0)
    assert found.skeleton.columns().size == 0
