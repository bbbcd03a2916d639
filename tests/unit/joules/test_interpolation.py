"""The count between updates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, pulses, rows, square, wild
from reached import reached

from microjoule.joules.energy_trace import Trace


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
