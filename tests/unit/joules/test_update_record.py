"""The updates of a span: what was counted between them, and how well their instants are known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, T0, US, Ideal, constant

from microjoule.channel import PowerModel, Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import UpdateRecord, every_update, record_of, updates
from microjoule.trace.series import Series

APART = 10  # readings, a millisecond each, from one update to the next
CHANNEL = Ideal(constant(50.0), unit=Fraction(1, 1000), limit_w=1e6).channel
TIMING = Timing(update_ns=APART * MS, update_max_ns=APART * MS)
NEVER, ALWAYS = T0 - 10**9, T0 + 10**12


def counter(gained: list[int], timing: Timing = TIMING, model: PowerModel | None = None) -> Counter:
    """A counter that gains so many counts of a millijoule at each update, 10 ms apart."""
    step = np.zeros(APART * (len(gained) + 1), np.int64)
    step[APART::APART] = gained
    n = len(step)
    t_ns = T0 + np.arange(n, dtype=np.int64) * MS
    raw = (500 + np.cumsum(step)).astype(np.uint64)
    series = Series(t_ns, np.full(n, 20 * US, np.uint32), raw, np.zeros(n, np.uint16))
    trust = replace(CHANNEL.trust, model=model)
    return Counter(series, replace(CHANNEL, timing=timing, trust=trust))


def at_ns(k: int) -> int:
    """The middle of the time in which update ``k`` was: from the end of a read to that of the next one."""
    return T0 + APART * k * MS - MS // 2 + 20 * US


def test_between_two_updates_is_what_was_counted_and_an_instant_is_a_rectangle_between_two_reads() -> None:
    """What the counter had before its first update that was seen, nobody knows: that is no edge."""
    found = updates(counter([7, 3, 5, 11, 4]), NEVER, ALWAYS)
    assert found.edges_ns.tolist() == [at_ns(k) for k in (2, 3, 4, 5)]
    assert found.energy_j.tolist() == [0.005, 0.011, 0.004]
    assert found.is_ok.tolist() == [True] * 3
    assert found.spread_s == pytest.approx([0.001 / 12**0.5] * 4)
    assert found.quantum_j == 0.001


def test_a_lag_moves_the_edges_by_its_middle_and_widens_them_by_its_length() -> None:
    of = counter([7, 3, 5, 11], replace(TIMING, lag_ns=6 * MS))
    found = updates(of, NEVER, ALWAYS)
    assert found.edges_ns.tolist() == [at_ns(k) - 3 * MS for k in (2, 3, 4)]
    assert found.spread_s == pytest.approx([0.007 / 12**0.5] * 3)


def test_a_span_has_the_updates_from_its_first_to_its_last_instant() -> None:
    of = counter([7, 3, 5, 11, 4])
    found = updates(of, at_ns(3), at_ns(4))
    assert (found.edges_ns.tolist(), found.energy_j.tolist()) == ([at_ns(3), at_ns(4)], [0.011])
    for t0_ns, t1_ns in ((at_ns(3) + 1, at_ns(4) - 1), (ALWAYS, ALWAYS + 1)):
        none = updates(of, t0_ns, t1_ns)
        assert [len(each) for each in none[:4]] == [0, 0, 0, 0]


def test_what_is_estimated_is_the_time_times_the_model_s_power() -> None:
    model = PowerModel(value_w=4.0, low_w=1.0, high_w=9.0, source="a table")
    found = updates(counter([7, 3, 5, 11], model=model), NEVER, ALWAYS)
    assert found.energy_j.tolist() == [0.020, 0.044]
    assert found.quantum_j == 0.004


def test_a_step_that_nothing_explains_makes_the_update_that_holds_it_unknown() -> None:
    of = counter([7, 3, 5, -200, 4, 8])
    assert len(of.steps.reset) == 1
    assert updates(of, NEVER, ALWAYS).is_ok.tolist() == [True, False, True]


@pytest.mark.parametrize("gained", [[], [7]])
def test_of_less_than_two_updates_there_is_no_energy(gained: list[int]) -> None:
    found = updates(counter(gained), NEVER, ALWAYS)
    assert [len(each) for each in found[:4]] == [0, 0, 0, 0]
    assert [len(each) for each in UpdateRecord().columns()] == [0, 0, 0]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=60), st.integers(1, 12), st.integers(2, 6))
def test_what_is_kept_of_too_many_updates_depends_on_no_pieces_and_loses_no_energy(
    gained: list[int], rows: int, size: int
) -> None:
    """The first update of each span of 2^b ns stays, for the least b that leaves twice as many as asked."""
    of = counter(gained)
    whole, pieces = record_of(of, rows), UpdateRecord(rows)
    for start in range(1, len(of.changes), size):
        pieces.add(of, of.changes[start : start + size])
    assert [each.tolist() for each in pieces.columns()] == [each.tolist() for each in whole.columns()]
    edges = every_update(of, NEVER, ALWAYS).edges_ns
    assert len(edges) == len(gained) - 1
    kept = next(
        found
        for bits in range(63)
        if len(found := edges[np.flatnonzero(np.diff(edges >> bits, prepend=-1))] if bits else edges)
        <= 2 * rows
    )
    assert whole.columns()[0].tolist() == kept.tolist()
    found = whole.updates(of, NEVER, ALWAYS)
    assert len(found.edges_ns) <= rows
    assert set(found.edges_ns.tolist()) <= set(kept.tolist())
    first, last = np.searchsorted(edges, found.edges_ns[[0, -1]])
    every = every_update(of, NEVER, ALWAYS)
    assert found.energy_j.sum() == pytest.approx(every.energy_j[first:last].sum())
