"""Edges in one gap of the readings share its two updates: what is not known of these cancels between them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from ideal import MS, T0, Ideal, constant, thinned

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.gap_edges import in_gaps
from microjoule.joules.estimates.uncertainty import ALIASED, RECTANGULAR, Component, gathered

IDEAL = Ideal(constant(40.0), n=2000)
SERIES = IDEAL.series
FIRST_NS, LAST_NS = T0 + 600 * MS, T0 + 1400 * MS
COUNTER = Counter(thinned(SERIES, (SERIES.t_ns < FIRST_NS) | (SERIES.t_ns > LAST_NS)), IDEAL.channel)


def edges(*spans_ms: tuple[int, int]) -> float:
    """Standard uncertainty from when updates were, in joules, of all of these windows together."""
    t0, t1 = (np.array(each, np.int64) * MS + T0 for each in zip(*spans_ms, strict=True))
    found: list[Component] = []
    for estimate in COUNTER.estimates(COUNTER.energies(t0, t1)):
        found += [each for each in estimate.components if each.name == "edges"]
    return math.hypot(*(each.u for each in gathered(found)))


def test_of_a_window_inside_a_gap_it_goes_with_the_window_s_part_of_the_gap() -> None:
    """Two updates, each known to s, are apart by s √2 more or less, of which a window has its part."""
    whole_ms, s_j = 800, 40.0 * 1e-3 / math.sqrt(12)
    for first, last in ((700, 720), (700, 900), (900, 1300)):
        expected = (last - first) / whole_ms * s_j * math.sqrt(2)
        assert edges((first, last)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("middle_ms", [710, 800, 1100])
def test_adjoining_windows_in_a_gap_are_as_uncertain_as_one(middle_ms: int) -> None:
    assert edges((700, middle_ms), (middle_ms, 1200)) == pytest.approx(edges((700, 1200)))


def test_an_edge_outside_shares_nothing_with_one_in_the_gap() -> None:
    """Half of the way through the gap an edge has half of each update; the other edge has its own two."""
    alone = edges((300, 500))
    assert edges((300, 1000)) ** 2 == pytest.approx(alone**2 / 2 + 0.5 * (0.04**2 / 12), rel=0.1)


def test_each_edge_has_its_two_updates_with_its_own_sign_and_form() -> None:
    """What an update moves is in a window's end and against its beginning; it is no larger than it may be."""

    def some(left: int, of_left: float, of_right: float, is_aliased: bool) -> SimpleNamespace:
        """An edge in no gap, and one in a gap."""
        return SimpleNamespace(
            left=np.array([0, left]),
            of_left=np.array([0.0, of_left]),
            of_right=np.array([0.0, of_right]),
            is_aliased=np.array([False, is_aliased]),
        )

    begin, end = some(6, 0.5, 0.25, False), some(7, 1.0, 3.0, True)
    found = in_gaps("c", begin, end, 2.0, np.full(2, 4.0))  # type: ignore[arg-type]
    assert found == {
        1: [
            Component("edges", -1.0, form=RECTANGULAR, group="update:c/6"),
            Component("edges", -0.5, form=RECTANGULAR, group="update:c/7"),
            Component("edges", 2.0, form=ALIASED, group="update:c/7"),
            Component("edges", 4.0, form=ALIASED, group="update:c/8"),
        ]
    }
