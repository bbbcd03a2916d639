"""Edges in one gap of the readings share its two updates: what is not known of these cancels between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ideal import MS, T0, Ideal, constant, thinned

from microjoule.joules.counter import Counter
from microjoule.joules.uncertainty import Component, gathered

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
