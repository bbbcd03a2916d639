"""What the engine says of itself is rows like any other, each at the moment that it speaks of."""

from __future__ import annotations

import time
from types import SimpleNamespace

from microjoule.recording import engine_rows
from microjoule.recording.native import now_ns
from microjoule.trace import schema


def test_a_pair_of_clocks_says_what_the_other_clock_showed_during_a_read():
    before_ns, realtime_ns = now_ns(), time.time_ns()
    rows = engine_rows.of_clocks()
    after_ns, later_ns = now_ns(), time.time_ns()
    assert [name for _, _, name, _, _ in rows] == list(schema.CLOCKS)
    for t_ns, read_ns, _, _, label in rows:
        assert before_ns <= t_ns <= t_ns + read_ns <= after_ns
        assert label is None
    assert realtime_ns <= rows[0][3] <= later_ns


def test_each_lane_gives_each_of_its_counts_under_its_own_name():
    counts = {name: 10 + at for at, name in enumerate(schema.LANE_COUNTS)}
    lanes = [SimpleNamespace(name=name, counts=lambda: counts) for name in ("package-0", "gpu-1")]
    rows = engine_rows.of_lanes(lanes)
    assert {name: n for _, _, name, n, _ in rows} == {
        schema.engine(lane.name, name): n for lane in lanes for name, n in counts.items()
    }
    assert all(abs(t_ns - now_ns()) < 60_000_000_000 for t_ns, *_ in rows)


def test_lost_marks_are_counted_by_cause():
    lost = dict.fromkeys(schema.MARK_COUNTS, 3)
    rows = engine_rows.of_marks(SimpleNamespace(losses=lambda: lost))
    assert {name: n for _, _, name, n, _ in rows} == {schema.engine(schema.MARKS, each): 3 for each in lost}
