"""Power is not negative, so energy does not decrease as a window grows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, parts, wild

from microjoule.joules.counters.counter import Counter


@given(wild(), st.lists(parts, min_size=2, max_size=60))
def test_energy_never_decreases(ideal: Ideal, at: list[float]) -> None:
    """The position, and both bounds of ever longer windows, are monotone."""
    counter = Counter(ideal.series, ideal.channel)
    instants = np.sort(ideal.inside(*at))
    assert (np.diff(counter.position(instants)) >= 0).all()
    brackets = counter.energies(np.full(len(instants), instants[0]), instants)
    known = brackets.status == 0
    known[0] = False  # of an empty window even the bound is nothing
    assert (np.diff(brackets.low[known]) >= 0).all()
    assert (np.diff(brackets.high[known]) >= 0).all()
