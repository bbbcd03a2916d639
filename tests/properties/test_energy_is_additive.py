"""E[a,b) + E[b,c) = E[a,c), exactly, in the counter's own units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, parts, wild
from reached import reached

from microjoule.joules.counters.counter import Counter


@pytest.mark.reaches(values=20)
@given(wild(), st.tuples(parts, parts, parts).map(sorted))
def test_energy_is_additive(ideal: Ideal, at: list[float]) -> None:
    """Adjoining windows add up exactly, wherever their edges fall between readings."""
    counter = Counter(ideal.series, ideal.channel)
    a, b, c = (int(x) for x in counter.position(ideal.inside(*at)))
    whole, first, second = counter.energies(
        *zip(
            *[(ideal.inside(at[i])[0], ideal.inside(at[j])[0]) for i, j in ((0, 2), (0, 1), (1, 2))],
            strict=True,
        )
    ).value
    assert (b - a) + (c - b) == c - a
    if reached("values", not np.isnan([whole, first, second]).any()):
        unit = float(ideal.unit)
        assert round((first + second) / unit * 1024) == round(whole / unit * 1024)
        assert round(whole / unit * (1 << counter.bits)) == c - a


@given(wild(), st.lists(parts, min_size=1, max_size=20), parts)
def test_position_does_not_depend_on_the_window_it_is_asked_for(
    ideal: Ideal, others: list[float], at: float
) -> None:
    """The position at an instant is one number, alone or among a thousand windows."""
    counter = Counter(ideal.series, ideal.channel)
    (t,) = ideal.inside(at)
    assert counter.position(t)[0] == counter.position([t, *ideal.inside(*others)])[0]
