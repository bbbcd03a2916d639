"""A value that a meter shows until its next one is one observation."""

import numpy as np
import pytest

from microjoule.joules.reference.meter_updates import all_readings, meter_updates

MS = 1_000_000


def polled(every_ms: int, updates_ms: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, ...]:
    t_ns = np.arange(updates_ms[0] + 37, updates_ms[-1], every_ms) * MS
    return t_ns, raw[np.searchsorted(updates_ms * MS, t_ns, "right") - 1], np.zeros(len(t_ns), np.int64)


def test_each_update_counts_once_and_came_before_the_reading_that_shows_it():
    updates_ms = np.arange(0, 60_000, 1_000)
    raw = np.arange(len(updates_ms)) ** 2
    found = meter_updates(*polled(100, updates_ms, raw))
    assert (
        found.raw.tolist() == raw[1:-1].tolist()
    )  # of the first one nobody saw it come, of the last its end
    late_ns = found.t_ns - updates_ms[1:-1] * MS
    assert (np.abs(late_ns) <= 50 * MS).all()
    assert found.spread_s == pytest.approx(0.1 / 12**0.5)
    assert found.together_s == pytest.approx(0.1 / 12**0.5)


def test_an_update_to_the_same_value_counts_too():
    updates_ms = np.arange(0, 60_000, 1_000)
    raw = np.arange(len(updates_ms))
    raw[20:24] = raw[20]
    found = meter_updates(*polled(100, updates_ms, raw))
    assert found.raw.tolist() == raw[1:-1].tolist()


@pytest.mark.parametrize("every_ms", [1_000, 1_200])
def test_readings_no_denser_than_updates_are_all_updates(every_ms):
    updates_ms = np.arange(0, 60_000, 1_000)
    t_ns, raw, read_ns = polled(every_ms, updates_ms, np.arange(len(updates_ms)))
    assert meter_updates(t_ns, raw, read_ns) is None


def test_a_meter_that_hardly_changed_shows_no_updates():
    t_ns = np.arange(100) * 100 * MS
    assert meter_updates(t_ns, np.full(100, 7), np.zeros(100, np.int64)) is None


def test_the_period_is_found_where_most_updates_are_to_the_same_value():
    """Six of seven changes are two periods after the one before: the shortest tell the period."""
    periods = np.tile([1, 2, 2, 2, 2, 2, 2], 8)
    at = np.concatenate(([0], np.cumsum(periods)))
    updates_ms = np.arange(0, at[-1] + 1) * 1_000
    raw = np.searchsorted(at, np.arange(at[-1] + 1), "right")
    found = meter_updates(*polled(100, updates_ms, raw))
    assert found.raw.tolist() == raw[at[1] : -1].tolist()


def test_a_reply_speaks_of_some_moment_between_question_and_answer():
    t_ns, raw, read_ns = np.array([5, 90]) * MS, np.array([3, 4]), np.array([12, 0]) * MS
    found = all_readings(t_ns, raw, read_ns)
    assert found.t_ns.tolist() == [11 * MS, 90 * MS]
    assert found.raw.tolist() == [3, 4]
    assert found.spread_s == pytest.approx([0.012 / 12**0.5, 0.0])
    assert found.together_s == 0.0
