"""Traces merge in any order, in any split, and doubles count once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ideal import Ideal, rows, thinned, wild
from reached import reached

from microjoule.joules.counters.counter import Counter
from microjoule.joules.energy_trace import Trace
from microjoule.trace.raw_trace import RawTrace, merge


@settings(max_examples=40)
@given(wild(60), st.lists(st.floats(0, 1), max_size=4), st.randoms(use_true_random=False))
def test_merge_commutes(ideal: Ideal, cuts: list[float], random: Random) -> None:
    """Any split of a trace, in any order, some parts twice, integrates to the same bytes."""
    table = rows([ideal], [(ideal.inside(0.2)[0], "@begin", 1, "w"), (ideal.inside(0.8)[0], "@end", 1, "w")])
    ends = sorted({0, *(int(cut * len(table)) for cut in cuts), len(table)})
    parts = [RawTrace(table.slice(a, b - a)) for a, b in pairwise(ends)]
    parts.append(parts[0])
    random.shuffle(parts)
    merged, whole = Trace(merge(parts).table), Trace(table)
    one, other = merged.series(ideal.id), whole.series(ideal.id)
    assert np.array_equal(one.t_ns, other.t_ns)
    assert np.array_equal(one.raw, other.raw)
    assert merged.windows == whole.windows
    assert merged.energy("w")[ideal.id] == whole.energy("w")[ideal.id]


@settings(max_examples=20)
@given(wild(60), wild(60))
def test_merge_is_associative(one: Ideal, two: Ideal) -> None:
    """(a + b) + c = a + (b + c) over channels and time."""
    a = RawTrace(rows([one]))
    b, c = RawTrace(rows([replace(two, id="gpu-0")])), RawTrace(rows([one]).slice(10))
    left, right = merge([merge([a, b]), c]), merge([a, merge([b, c])])
    for name in (one.id, "gpu-0"):
        assert np.array_equal(left.series(name).raw, right.series(name).raw)
        assert np.array_equal(left.series(name).t_ns, right.series(name).t_ns)


@pytest.mark.reaches(bounded=30)
@given(wild(), st.floats(0.3, 0.4), st.floats(0.6, 0.7))
def test_gap_between_files_only_widens(ideal: Ideal, first: float, second: float) -> None:
    """Two files of one counter with time between them: the energy of it all is still in the bound."""
    a, b, start, end = ideal.inside(first, second, 0.1, 0.9)
    t_ns = ideal.series.t_ns
    parted = Counter(thinned(ideal.series, (t_ns < a) | (t_ns > b)), ideal.channel)
    estimate = parted.energy(start, end)
    if reached("bounded", estimate.status in ("ok", "incomplete")):
        assert estimate.low - 1e-9 <= ideal.truth(start, end) <= estimate.high + 1e-9
