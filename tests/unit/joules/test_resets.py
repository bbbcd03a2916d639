"""What a reset may hide: by the limit, the time and a quantum, and of no window that it does not touch."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ideal import MS, US, Ideal, S, constant, thinned

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.resets import Resets
from microjoule.joules.counters.uncounted import NEVER
from microjoule.joules.estimates.estimate import STATUSES

IDEAL = Ideal(constant(50.0), limit_w=150.0, lag_ns=3 * MS, quantum=8)
TIMES_MS = np.array([0, 10, 20, 45, 50, 60, 61], np.int64)
AT = np.array([3, 6], np.int64)


def counter(limit_w: float | None = 150.0, total: int = 1000) -> Any:
    trust = replace(IDEAL.channel.trust, power_limit_w=limit_w)
    return SimpleNamespace(
        steps=SimpleNamespace(reset=AT, total=np.full(7, total, np.int64)),
        t_ns=TIMES_MS * MS,
        read_ns=lambda at: np.full(len(at), 20 * US, np.int64),
        update_max_ns=2 * MS,
        quantum=8,
        uncounted=NEVER,
        channel=replace(IDEAL.channel, trust=trust),
    )


def test_a_reset_hides_at_most_twice_the_limit_over_its_step_and_a_quantum() -> None:
    """P_max·(Δt + 2 T_u) + quantum: over 25 ms, a read of 20 µs, two updates of 2 ms and a lag of 3 ms."""
    found = Resets(counter())
    first, second = (
        float(2 * 150 * Fraction(step_ms * MS + 20 * US + 2 * 2 * MS + 3 * MS, S) + 8 * IDEAL.unit)
        for step_ms in (25, 1)
    )
    cases = {(2, 3): first, (5, 6): second, (0, 6): first + second, (3, 5): 0.0, (3, 6): second, (0, 2): 0.0}
    before, after = np.array(list(cases), np.int64).T
    assert found.most(before, after) == pytest.approx(list(cases.values()), rel=1e-12)
    assert not len(found.unbounded)


@pytest.mark.parametrize("of", [counter(limit_w=None), counter(limit_w=0.0), counter(total=1 << 61)])
def test_without_a_limit_or_near_the_end_of_64_bits_nothing_bounds_a_reset(of: Any) -> None:
    found = Resets(of)
    assert found.unbounded.tolist() == AT.tolist()
    assert found.most(np.array([0]), np.array([6])).tolist() == [0.0]


def test_what_happened_before_a_window_is_not_in_its_bound() -> None:
    """After a silence of a second, in which the counter may have started again up to four times."""
    ideal = Ideal(constant(50.0), n=3000, modulus=1 << 20, limit_w=150.0, read_ns=0)
    number = np.arange(3000)
    whole = thinned(ideal.series, (number < 500) | (number >= 1500))
    later = thinned(ideal.series, number >= 1500)
    t_ns = later.t_ns[[100, 900]]
    long, short = (Counter(series, ideal.channel) for series in (whole, later))
    assert len(long.steps.ambiguous) == 1
    assert long.steps.extra[0] > 0
    one, other = (each.bounds(t_ns[:1], t_ns[1:]) for each in (long, short))
    assert (one.low[0], one.high[0]) == pytest.approx((other.low[0], other.high[0]), rel=1e-12)


def test_a_counter_without_readings_tells_nothing_of_any_of_its_windows() -> None:
    empty = Counter(thinned(IDEAL.series, np.zeros(IDEAL.n, bool)), IDEAL.channel)
    brackets, position = empty.adjoining(np.arange(4, dtype=np.int64) * S)
    assert [len(each) for each in (brackets.t0_ns, brackets.t1_ns, brackets.value, position)] == [3, 3, 3, 4]
    assert {STATUSES[code] for code in brackets.status} == {"incomplete"}
