"""How far updates are apart where readings are no denser: counted by hand, and of timers that are known."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.counters.neighbourhood import steps_are_told
from microjoule.joules.counters.sparse_readings import alike, apart_ns
from microjoule.joules.counters.update_times import AROUND

GAP_NS = 5e6
LONGEST_NS = 10_000_000
N = 2 * AROUND + 1


def shown(counts: Any, is_there: Any = True) -> Any:
    """Segments of one length around one instant, by what was counted in each."""
    near = SimpleNamespace(
        rate=np.array([counts]) / GAP_NS,
        length_ns=np.full((1, N), GAP_NS),
        is_usual=np.ones((1, N), bool) & is_there,
        usual_ns=np.array([GAP_NS]),
        apart_ns=np.array([GAP_NS]),
        is_dense=np.array([False]),
    )
    return SimpleNamespace(near=near, length_ns=np.array([GAP_NS]))


def counted(update_ns: float, power_w: Any = 1.0) -> Any:
    """What readings show of updates at equal distances, of a power in each gap between readings."""
    used = np.concatenate(([0.0], np.cumsum(np.full(N + 2, GAP_NS) * power_w)))
    t = np.arange(1, N + 2) * GAP_NS
    seen = np.interp(
        np.floor(t / update_ns + 0.37) * update_ns - 0.37 * update_ns, np.arange(N + 3) * GAP_NS, used
    )
    return np.diff(seen)


@pytest.mark.parametrize("update_ms", [1.7, 1.953, 2.3, 3.1, 4.4, 4.9])
def test_updates_are_as_far_apart_as_one_more_or_less_tells(update_ms: float) -> None:
    (found,) = apart_ns(shown(counted(update_ms * 1e6)), 1_000_000, LONGEST_NS, is_told=True)
    assert found == pytest.approx(update_ms * 1e6, rel=0.15)


def test_updates_as_far_apart_as_declared_are_not_taken_for_farther() -> None:
    for update_ms in (0.6, 0.98, 1.0, 1.3):
        assert apart_ns(shown(counted(update_ms * 1e6)), 1_000_000, LONGEST_NS, is_told=True).tolist() == [
            1e6
        ]


def test_steps_of_power_do_not_set_updates_apart() -> None:
    """Of 12 and 70 W by turns for 15 readings each, with a step in any part of a reading's time."""
    levels = np.where(np.arange(N + 2) // 15 % 2, 70.0, 12.0)
    levels[[14, 29, 44]] = 30.0, 55.0, 20.0
    assert apart_ns(shown(counted(1e6, levels)), 1_000_000, LONGEST_NS, is_told=True).tolist() == [1e6]
    (found,) = apart_ns(shown(counted(1.953e6, levels)), 1_000_000, LONGEST_NS, is_told=True)
    assert found == pytest.approx(1.953e6, rel=0.3)


def test_they_are_no_farther_apart_than_readings_and_what_is_no_segment_does_not_count() -> None:
    counts = np.full(N, 10.0)
    counts[20] = 40.0
    assert apart_ns(shown(counts), 1_000_000, LONGEST_NS, is_told=True).tolist() == [GAP_NS]
    is_there = np.ones(N, bool)
    for missing in (19, 20, 21):
        assert apart_ns(
            shown(counts, np.arange(N) != missing), 1_000_000, LONGEST_NS, is_told=True
        ).tolist() == [1e6]
    assert apart_ns(shown(counts, ~is_there), 1_000_000, LONGEST_NS, is_told=True).tolist() == [1e6]
    assert apart_ns(shown(np.zeros(N)), 1_000_000, LONGEST_NS, is_told=True).tolist() == [1e6]


@pytest.mark.parametrize(
    ("apart_ms", "wanted"), [(4.95, 0.98), (4.6, 0.846), (4.0, 0.134), (3.3, 0.0), (2.45, 0.24)]
)
def test_neighbours_trail_by_much_the_same_next_to_whole_numbers_of_updates(
    apart_ms: float, wanted: float
) -> None:
    """A sawtooth, its turn known to 6 %, and no more than the share of an update in the gap, squared."""
    apart = np.array([apart_ms * 1e6])
    (found,) = alike(shown(np.ones(N)), apart / math.sqrt(12.0), apart, np.array([True]))
    assert found == pytest.approx(wanted, abs=0.01)
    (plain,) = alike(shown(np.ones(N)), apart / math.sqrt(12.0), apart, np.array([False]))
    assert plain == pytest.approx((apart_ms / 5) ** 2)


def test_a_count_far_from_all_others_says_nothing() -> None:
    """In a gap of the readings there is none beside it to compare with, which is no overflow."""
    is_there = np.abs(np.arange(N) - AROUND) > 12
    counts = np.where(is_there, 2.0**36, 2.0**36 * (1 + np.arange(N) % 2))
    assert apart_ns(shown(counts, is_there), 1_000_000, LONGEST_NS, is_told=True).tolist() == [1e6]


def told(update_ns: float, power_w: Any = 1.0) -> bool:
    rate = counted(update_ns, power_w) / GAP_NS
    return steps_are_told(rate, np.full(len(rate), GAP_NS), np.ones(len(rate), bool), 1e6)


def test_steps_are_told_by_updates_of_the_declared_time_alone() -> None:
    """Not where updates are about as far apart as readings, nor where one more is of another power."""
    levels = np.where(np.arange(N + 2) // 15 % 2, 70.0, 12.0)
    assert told(0.9e6)
    assert told(0.9e6, levels)
    assert not any(
        told(update_ms * 1e6, power) for update_ms in (1.6, 2.3, 4.8, 5.0) for power in (1.0, levels)
    )
    assert not told(5e6 / 5)  # in step with the declared time no count has one more
    few = np.ones(5)
    assert not steps_are_told(few, few, few > 0, 1e6)


def test_what_differs_from_the_mean_may_be_an_update_where_steps_are_not_told() -> None:
    levels = np.where(np.arange(N) // 15 % 2, 20.0, 10.0)
    mean = levels.mean()
    (found,) = apart_ns(shown(levels), 1_000_000, LONGEST_NS, is_told=False)
    assert found == pytest.approx(max(20 - mean, mean - 10) / mean * GAP_NS)
    assert apart_ns(shown(levels), 1_000_000, LONGEST_NS, is_told=True).tolist() == [1e6]
    assert apart_ns(shown(np.zeros(N)), 1_000_000, LONGEST_NS, is_told=False).tolist() == [1e6]
