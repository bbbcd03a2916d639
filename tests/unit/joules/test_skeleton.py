"""How far a count strays from a straight line across a gap, by how it swings elsewhere in the trace."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.counters.swings import Skeleton

BIN_NS = 8_000_000
N = 1 << 15
PARTS = np.array([0.004, 0.1, 0.25, 0.5, 0.75, 0.9, 0.996])
LENGTH_NS = 64 * BIN_NS


def seen(total: np.ndarray) -> Skeleton:
    """Of a count at the beginning of each span."""
    skeleton = Skeleton(0)
    skeleton.add(np.arange(len(total), dtype=np.int64) * BIN_NS, total.astype(np.int64))
    return skeleton


def swing(total: np.ndarray, length_ns: int = LENGTH_NS) -> np.ndarray:
    skeleton = seen(total)
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


@pytest.mark.parametrize("cycles", [4.1, 7.9, 8, 8.5, 16])
def test_a_gap_of_whole_cycles_strays_as_others_do(cycles: float) -> None:
    """Where a sine of s strays is s²/2 (1 + (1 - f)² + f²) in the mean over its phase and length."""
    total = 10_000 * np.arange(N) + 5_000 * np.sin(2 * np.pi * cycles / 64 * np.arange(N))
    found = swing(total)[1:-1] / (5_000**2 * (1 - PARTS + PARTS**2)[1:-1])
    assert (found > 0.4).all()
    assert (found < 1.6).all()


@pytest.mark.parametrize("bins", [64, 80, 96, 112])
def test_power_that_changes_slowly_strays_as_a_parabola(bins: int) -> None:
    """Of counts A sin(w t) the curvature A w² makes A w² L²/2 f (1 - f), whose mean square has half of A²."""
    w = 2 * np.pi / 1024
    found = swing(10_000_000 * np.arange(N) + 1e9 * np.sin(w * np.arange(N)), bins * BIN_NS)[1:-1]
    parts = PARTS[1:-1]
    expected = (1e9 * w**2 * bins**2 / 2 * parts * (1 - parts)) ** 2 / 2
    assert (found > 0.8 * expected).all()
    assert (found < 3 * expected).all()


def test_power_that_wanders_changes_by_as_much_as_its_steps_have_added_up_to() -> None:
    """In d bins by d times the mean square of one step; of d from L/2 to L by 3/4 L of them."""
    power = 1e6 + np.cumsum(np.random.default_rng(4).standard_normal(N) * 1e3)
    (found,) = seen(np.cumsum(power * 8)).changes(np.array([64.0 * BIN_NS]), BIN_NS)
    assert found == pytest.approx(48 * (1e3 * 8 / BIN_NS) ** 2, rel=0.1)


def test_power_of_two_levels_changes_by_half_of_their_distance_whatever_the_cycle() -> None:
    for half in (4, 5, 8, 16):
        power = np.where(np.arange(N) // half % 2, 9.0, 1.0) * BIN_NS
        found = seen(np.cumsum(power)).changes(np.array([float(LENGTH_NS)] * 2), BIN_NS)
        assert found == pytest.approx([32.0, 32.0], rel=0.35)


def test_no_stretch_beside_another_tells_of_no_change() -> None:
    assert seen(np.arange(3)).changes(np.array([float(LENGTH_NS)]), BIN_NS).tolist() == [0.0]
    assert seen(np.arange(1)).changes(np.array([float(LENGTH_NS)]), BIN_NS).tolist() == [0.0]
