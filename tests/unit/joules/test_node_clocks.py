"""A node's clock: to real time and back, which of two instants is meant, and who says how far it is off."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from ideal import S

from microjoule.joules.jobs.node_clocks import REAL, UNKNOWN_NS, NodeClock, clock
from microjoule.recording.engine_rows import CLOCK_IDS

NONE = np.empty(0, np.int64)
PAIRS = np.array([0, 10, 20]) * S


def ns(*seconds: float) -> np.ndarray:
    return np.array([round(each * S) for each in seconds], np.int64)


def drifting(t_ns: np.ndarray, ppm: int) -> np.ndarray:
    """A clock of 2026 that is too quick by some ppm, exactly."""
    quicker = [round(t * Fraction(ppm, 10**6)) for t in t_ns.tolist()]
    return 1_790_000_000 * S + t_ns + np.array(quicker)


@pytest.mark.parametrize("ppm", [-400, 0, 50, 400])
def test_an_instant_is_found_again_by_its_real_time(ppm: int) -> None:
    of = NodeClock(PAIRS, drifting(PAIRS, ppm), PAIRS, PAIRS)
    t_ns = np.random.default_rng(1).integers(-5 * S, 25 * S, 200)
    inside = t_ns[(t_ns >= 0) & (t_ns <= 20 * S)]
    assert np.abs(of.to_real(inside) - drifting(inside, ppm)).max() <= 1
    assert np.abs(of.from_real(of.to_real(t_ns)) - t_ns).max() <= 1


def test_of_the_instants_that_a_clock_showed_which_was_set_back_the_one_by_its_first_offset_is_meant() -> (
    None
):
    """It showed 98 s before the first pair, at an offset of 100 s, and again at 48 s, at one of 50 s."""
    of = NodeClock(ns(0, 10, 60), ns(100, 60, 110), NONE, NONE)
    assert of.to_real(ns(-2, 48)).tolist() == ns(98, 98).tolist()
    assert of.from_real(ns(98)).tolist() == ns(-2).tolist()


@pytest.mark.parametrize(
    ("pairs", "errors", "bound_ns"),
    [
        (PAIRS, ns(0.001, 0.004, 0.002), 4_000_000),
        (PAIRS, ns(0.001, 16, 0.002), UNKNOWN_NS),  # for a while it was not synchronised
        (PAIRS, ns(0.001, 15.9), 15_900_000_000),
        (PAIRS, NONE, UNKNOWN_NS),
        (NONE, ns(0.001), UNKNOWN_NS),
        (NONE, NONE, UNKNOWN_NS),
    ],
)
def test_a_clock_is_off_by_the_most_that_anybody_said_of_it(
    pairs: np.ndarray, errors: np.ndarray, bound_ns: int
) -> None:
    of = NodeClock(pairs, pairs, np.arange(len(errors)), errors)
    assert of.bound_ns == bound_ns
    assert of.is_kept == (bound_ns < UNKNOWN_NS)


@pytest.mark.parametrize(
    ("names", "first", "sources"),
    [
        (["kernel", "kernel", "chrony", "kernel", "ptp"], 2, ("chrony", "kernel", "ptp")),
        (["kernel", "kernel"], 0, ("kernel",)),
        (["ptp"], 0, ("ptp",)),
        ([], 0, ()),
    ],
)
def test_what_the_kernel_said_while_others_were_asked_does_not_count(
    names: list[str], first: int, sources: tuple[str, ...]
) -> None:
    t_ns, error_ns = np.arange(len(names)) * S, np.arange(len(names)) + 5
    of = clock((PAIRS, PAIRS + 7), (t_ns, error_ns, names))
    assert (of.t_ns.tolist(), of.real_ns.tolist()) == (PAIRS.tolist(), (PAIRS + 7).tolist())
    assert of.error_t_ns.tolist() == t_ns[first:].tolist()
    assert of.error_ns.tolist() == error_ns[first:].tolist()
    assert of.sources == sources


def test_real_time_is_what_nodes_have_in_common() -> None:
    """CLOCK_BOOTTIME, the other clock that is paired, is each machine's own."""
    assert CLOCK_IDS[REAL] == time.CLOCK_REALTIME
