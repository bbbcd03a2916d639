"""The longest time between two updates is that which a walk over the changes finds, in pieces or at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, T0

from microjoule.joules.counters import stillness
from microjoule.joules.counters.stillness import Still, Stillness

QUANTUM = 2
steps_of_readings = st.lists(st.sampled_from([0, 0, 0, 1, 3, 5, 40, 200]), min_size=1, max_size=40)


def readings(steps: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When readings were taken, which show a change, and what had been counted."""
    total = np.cumsum([0, *steps[1:]])
    t_ns = T0 + np.cumsum(1 + np.arange(len(steps)) % 3) * MS
    return t_ns, np.flatnonzero(np.diff(total)) + 1, total


def by_walk(steps: list[int]) -> int:
    """Of all silences between two changes the longest whose end holds energy for half of it, at least.

    Of the last two nobody knows what came next: their steps need no more than a quantum. Where there was one
    change, it may have been silent before it, or after it.
    """
    t_ns, changes, total = readings(steps)
    if len(changes) == 1:
        return int(max(t_ns[changes[0] - 1] - t_ns[0], t_ns[-1] - t_ns[changes[0]]))
    longest = 0
    for k, (one, other) in enumerate(itertools.pairwise(changes)):
        step, apart = int(total[other] - total[one]), int(t_ns[other] - t_ns[one])
        holds = step > QUANTUM
        if k + 3 < len(changes):
            later = changes[k + 2]
            rate = int(total[later] - total[other]), int(t_ns[later] - t_ns[other])
            holds = holds and 2 * step * rate[1] >= rate[0] * apart
        if holds:
            longest = max(longest, int(t_ns[other - 1] - t_ns[one]))
    return longest


@given(
    steps_of_readings, st.lists(st.integers(1, 39), max_size=4, unique=True), st.sampled_from([2, 7, 1 << 14])
)
def test_the_longest_silence_is_that_of_a_walk_wherever_readings_are_cut(
    steps: list[int], cuts: list[int], block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stillness, "_BLOCK", block)
        t_ns, changes, total = readings(steps)
        found = Stillness(QUANTUM)
        ends = [*sorted(cut for cut in cuts if cut < len(steps)), len(steps)]
        start = 0
        for end in ends:  # the first reading of a piece is the last one of that before
            own = changes[(changes > start) & (changes < end)] - start
            found.add(t_ns[start:end], own, total[start:end])
            start = end - 1
        assert found.longest_ns() == by_walk(steps)


@given(steps_of_readings, st.integers(1, 39))
def test_stretches_that_are_joined_tell_what_they_tell_as_one(steps: list[int], cut: int) -> None:
    """What changed from the last reading of one to the first of the next is the seam."""
    t_ns, changes, total = readings(steps)
    cut = min(cut, len(steps))
    parts = [
        Still.of(QUANTUM, t_ns[some], changes[is_in] - first, total[some])
        for first, some, is_in in (
            (0, slice(0, cut), changes < cut),
            (cut, slice(cut, None), changes > cut),
        )
    ]
    at = changes[changes == cut]
    seam = np.stack((t_ns[at - 1], t_ns[at], total[at]))
    joined = parts[0].joined(seam, parts[1], QUANTUM)
    found = joined.ended(QUANTUM, (int(t_ns[0]), int(t_ns[-1])))
    assert found.longest_ns() == by_walk(steps)


def test_nothing_read_and_nothing_changed_is_no_silence() -> None:
    none = np.empty(0, np.int64)
    found = Stillness(QUANTUM)
    found.add(none, none, none)
    assert found.longest_ns() == 0
    found.add(T0 + np.arange(5) * MS, none, np.zeros(5, np.int64))
    assert found.longest_ns() == 0
