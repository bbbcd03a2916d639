"""Times of one clock on another one, exactly between pairs of both."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from microjoule.joules.clocks import on_clock

EPOCH_NS = 1_790_000_000 * 10**9  # 2026: such times have no exact float


def by_hand(t: int, pairs: list[tuple[int, int]]) -> Fraction:
    """The offset lies on the line between the pairs around an instant, and is that of the end beyond them."""
    if t <= pairs[0][0]:
        return Fraction(t + pairs[0][1] - pairs[0][0])
    for (a, x), (b, y) in itertools.pairwise(pairs):
        if a <= t <= b:
            return t + (x - a) + Fraction((y - b) - (x - a), b - a) * (t - a)
    return Fraction(t + pairs[-1][1] - pairs[-1][0])


@given(
    st.lists(st.tuples(st.integers(1, 10**10), st.integers(-(10**7), 10**7)), min_size=1, max_size=6),
    st.lists(st.integers(-(10**10), 7 * 10**10), min_size=1, max_size=5),
)
def test_an_instant_is_on_the_line_between_pairs_to_the_nanosecond(apart, instants) -> None:
    t = 5 * 10**12
    pairs = []
    for length, off in apart:
        t += length
        pairs.append((t, t + EPOCH_NS + off))
    asked = [5 * 10**12 + each for each in instants]
    found = on_clock(asked, *map(list, zip(*pairs, strict=True))).tolist()
    assert all(abs(one - by_hand(each, pairs)) <= 1 for one, each in zip(found, asked, strict=True))
    at_pairs = on_clock([t for t, _ in pairs], *map(np.array, zip(*pairs, strict=True)))
    assert at_pairs.tolist() == [clock for _, clock in pairs]
