"""The readings that bound a count at an instant are those that the rule names, found one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import MS, T0, US, Ideal, constant

from microjoule.channel import Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.readings_around import at_or, readings_around
from microjoule.trace.series import Series

CHANNEL = Ideal(constant(50.0), unit=Fraction(1, 1000), limit_w=100.0).channel
UPDATE = Timing(update_ns=2 * MS, update_max_ns=3 * MS)


def counter(changes: list[bool], read_us: list[int], timing: Timing = UPDATE) -> Counter:
    """Readings a millisecond apart, each of which shows a change or none."""
    n = len(changes)
    t_ns = T0 + np.arange(n, dtype=np.int64) * MS
    raw = np.cumsum(np.array(changes, np.int64) * 5).astype(np.uint64)
    series = Series(t_ns, np.array(read_us, np.uint32) * US, raw, np.zeros(n, np.uint16))
    return Counter(series, replace(CHANNEL, timing=timing))


def by_rule(of: Counter, t: int) -> tuple[int, int]:
    """The last reading that had ended, and the first one that shows a change after one begun later."""
    timing, n = of.channel.timing, len(of)
    t_ns, changes = of.t_ns.tolist(), set(of.changes.tolist())
    ends = of.ends_ns(np.arange(n)).tolist()
    before = max((i for i in range(n) if ends[i] <= t + timing.lag_min_ns), default=-1)
    later = [i for i in range(n) if t_ns[i] >= t + timing.lag_ns]
    shown = [i for i in later[1:] if i in changes]
    if not shown:  # none is to come: as long as an update takes it shows all that there was
        shown = [i for i in range(n) if t_ns[i] >= t + timing.lag_ns + of.update_max_ns]
    after = min(shown, default=n)
    return before, n - 1 if of.goes_on and after == n and later else after


# Of some instants a later change shows; of others there is none, and after a while that is settled.
@example([(number % 2 == 0 and number < 17, 100) for number in range(40)], [10, 20, 36, 40, 79], (0, 0))
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 999)), min_size=2, max_size=14),
    st.lists(st.integers(-4, 40), min_size=1, max_size=6),
    st.sampled_from([(0, 0), (0, 3), (2, 5)]),
)
def test_bounds_are_the_nearest_readings_that_the_rule_allows(readings, halves, lag_ms) -> None:
    """Instants at readings, between them, before all and after all."""
    changes, read_us = zip(*readings, strict=True)
    lag_min_ms, lag_ms = lag_ms
    timing = replace(UPDATE, lag_ns=lag_ms * MS, lag_min_ns=lag_min_ms * MS)
    of = counter([False, *changes[1:]], list(read_us), timing)
    t = T0 + np.array(halves, np.int64) * MS // 2
    found = readings_around(of, t)
    expected = [by_rule(of, each) for each in t.tolist()]
    assert list(zip(found.before.tolist(), found.after.tolist(), strict=True)) == expected
    assert not found.position.any()


def test_a_read_that_ends_at_the_instant_had_ended() -> None:
    of = counter([False, True, True, True], [100, 200, 300, 400])
    t = T0 + np.array([MS + 200 * US - 1, MS + 200 * US, 0, 100 * US, -1])
    assert readings_around(of, t).before.tolist() == [0, 1, -1, 0, -1]


def test_a_counter_that_is_updated_rarely_counts_on_after_its_last_update_at_its_largest_power() -> None:
    """Its updates are 20 ms apart, where 3 ms are declared. Its last one was after the reading at 79 ms."""
    n = 92
    of = counter([number % 20 == 0 and number > 0 for number in range(n)], [100] * n)
    assert of.goes_on
    t = T0 + np.array([50, 75, 78, 79, 80, 81, 90, 91, 92]) * MS
    found = readings_around(of, t)
    assert found.after.tolist() == [60, 80, 80, 80, n - 1, n - 1, n - 1, n - 1, n]
    counts_a_ms = Fraction(2 * 100, 1000) * 1000  # twice the limit, in counts of a millijoule
    most = [math.ceil(counts_a_ms * (ms - 79)) for ms in (80, 81, 90, 91)]
    assert found.unseen.tolist() == [0, 0, 0, 0, *most, 0]
    assert found.before.tolist() == [49, 74, 77, 78, 79, 80, 89, 90, 91]


@pytest.mark.parametrize(("values", "expected"), [([3, 5, 9], [3, 9, 7, 7]), ([], [7, 7, 7, 7])])
def test_past_the_end_of_values_stands_another(values: list[int], expected: list[int]) -> None:
    found = at_or(np.array(values, np.int64), np.array([0, 2, 3, 5]), 7)
    assert found.tolist() == expected
