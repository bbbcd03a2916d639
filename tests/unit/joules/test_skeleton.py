"""How far a count strays from a straight line across a gap, by how it swings elsewhere in the trace."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.swings import Skeleton

BIN_NS = 8_000_000
N = 1 << 15
PARTS = np.array([0.004, 0.1, 0.25, 0.5, 0.75, 0.9, 0.996])
LENGTH_NS = 64 * BIN_NS


def swing(total: np.ndarray, length_ns: int = LENGTH_NS) -> np.ndarray:
    """Of a count at the beginning of each span."""
    skeleton = Skeleton(0)
    skeleton.add(np.arange(len(total), dtype=np.int64) * BIN_NS, total.astype(np.int64))
    return skeleton.swing(np.full(len(PARTS), float(length_ns)), PARTS, 1000, 1)


def test_what_wanders_strays_as_a_bridge_does() -> None:
    """Of independent increments with variance σ² a bin: n σ² f (1 - f)."""
    steps = 10_000 + 300 * np.random.default_rng(1).standard_normal(N)
    expected = 64 * 300**2 * PARTS * (1 - PARTS)
    assert swing(np.cumsum(steps)) == pytest.approx(expected, rel=0.15)


def test_what_goes_up_and_down_strays_near_an_end_as_in_the_middle() -> None:
    """A count with independent deviations of variance s² from a line has V = 2 s² at all distances."""
    off = 500 * np.random.default_rng(2).standard_normal(N)
    found = swing(10_000 * np.arange(N) + off)
    expected = 2 * 500**2 * (1 - PARTS + PARTS**2)
    assert found[1:-1] == pytest.approx(expected[1:-1], rel=0.1)
    assert found[0] < found[1] / 2, "and next to the last count that was read hardly at all"


def test_steady_power_strays_nowhere() -> None:
    assert swing(10_000 * np.arange(N)).tolist() == [0.0] * len(PARTS)


def test_a_trace_too_short_to_tell_says_nothing() -> None:
    assert swing(np.arange(6) ** 3).tolist() == [0.0] * len(PARTS)


def test_longer_than_anything_seen_it_grows_as_for_a_step_of_power() -> None:
    steps = 10_000 + 300 * np.random.default_rng(3).standard_normal(64)
    total = np.cumsum(steps)
    longest_ns = 8 * BIN_NS
    once, twice = (swing(total, length_ns) for length_ns in (2 * longest_ns, 4 * longest_ns))
    assert twice[3] == pytest.approx(4 * once[3]), "in the middle"
    assert (twice > 3.99 * once).all()
