"""At most what somebody used who ran at some times: the updates that these touch, and no other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ideal import Ideal, constant
from unit.joules.test_gauge import T0, channel, every, series

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import Updates
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.sharing.share_bound import most_counted_j, most_j, within_all

S = 1_000_000_000
QUANTUM_J = 0.25


def updates(is_ok: tuple[bool, ...] = (True,) * 5, spread_s: float = 0.0) -> Updates:
    """At 0, 1, 2, 3, 4 and 5 s; 1, 2, 4, 8 and 16 J between them."""
    energy_j = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    return Updates(
        np.arange(6, dtype=np.int64) * S, energy_j, np.array(is_ok), np.full(6, spread_s), QUANTUM_J
    )


def most(*running_s: tuple[float, float], **of: Any) -> float:
    running_ns = np.array(running_s, float).reshape(-1, 2) * S
    return most_counted_j(updates(**of), running_ns.astype(np.int64))


@pytest.mark.parametrize(
    ("running_s", "expected"),
    [
        ([], 0.0),
        ([(1.2, 1.7)], 2.0 + 2 * QUANTUM_J),
        ([(1.2, 3.7)], 14.0 + 2 * QUANTUM_J),
        ([(1.0, 2.0)], 2.0 + 2 * QUANTUM_J),
        ([(0.5, 0.6), (3.2, 3.4)], 9.0 + 4 * QUANTUM_J),
        ([(1.2, 1.3), (1.5, 1.6)], 2.0 + 2 * QUANTUM_J),  # of one update, once
        ([(-0.5, 0.5)], math.inf),  # it began before the first
        ([(0.5, 0.6), (4.5, 5.5)], math.inf),  # and ended behind the last
    ],
)
def test_all_updates_that_somebody_touches_and_no_others_may_be_his(
    running_s: list[tuple[float, float]], expected: float
) -> None:
    """Two quanta for each span, for both its ends."""
    assert most(*running_s) == pytest.approx(expected)


def test_an_update_that_may_have_been_later_or_earlier_is_touched_too() -> None:
    """0.1 s times √3 on either side: 1.2 to 1.8 s is clear of the updates at 1 and 2 s, and 1.1 is not."""
    assert most((1.2, 1.8), spread_s=0.1) == pytest.approx(2.0 + 2 * QUANTUM_J)
    assert most((1.1, 1.8), spread_s=0.1) == pytest.approx(3.0 + 2 * QUANTUM_J)
    assert most((1.2, 1.9), spread_s=0.1) == pytest.approx(6.0 + 2 * QUANTUM_J)


def test_where_the_counter_does_not_say_nothing_bounds_it() -> None:
    doubt = {"is_ok": (True, True, False, True, True)}
    assert most((2.2, 2.4), **doubt) == math.inf
    assert most((0.2, 0.4), is_ok=(False, True, True, True, True)) == math.inf
    assert most((1.2, 1.4), (3.2, 3.4), **doubt) == pytest.approx(10.0 + 4 * QUANTUM_J)
    few = Updates(np.zeros(1, np.int64), np.zeros(0), np.zeros(0, bool), np.zeros(1), QUANTUM_J)
    assert most_counted_j(few, np.zeros((0, 2), np.int64)) == math.inf


def test_a_gauge_bounds_by_what_it_guarantees_and_a_counter_by_its_updates() -> None:
    ideal = Ideal(constant(50.0))
    counter, running_ns = Counter(ideal.series, ideal.channel), np.array([[S // 2, S]], np.int64)
    assert most_j(counter, updates(), running_ns) == most_counted_j(updates(), running_ns)
    gauge = Gauge(series(every(100, 11), [100.0 + i for i in range(11)]), channel())
    at = T0 + np.array([[100, 300], [500, 600]], np.int64) * 1_000_000
    assert most_j(gauge, updates(), at) == float(gauge.energies(at[:, 0], at[:, 1]).high.sum())
    assert most_j(gauge, updates(), at[:0]) == 0.0


@pytest.mark.parametrize(
    ("value", "half", "expected"),
    [
        (2.0, 9.0, 3.0),  # a total of 3 ± 2 is 5 at most, and so is the part
        (2.0, 2.5, 2.5),  # less than that by its own fit
        (4.0, 9.0, 4.0),  # it stays one that may be nothing
        (4.0, 3.0, 3.0),  # one that cannot be nothing has its own ±
        (-1.0, 9.0, 9.0),
    ],
)
def test_a_part_that_may_be_nothing_is_no_more_than_all_may_be(value, half, expected):
    total = Estimate(value=3.0, low=0.0, high=20.0, components=(Component("edges", 1.0),))
    assert total.U == 2.0
    assert within_all(value, half, total) == expected


def test_of_a_total_without_a_figure_a_part_keeps_its_own():
    assert within_all(2.0, 9.0, Estimate(value=None, low=0.0, high=20.0, status="incomplete")) == 9.0
