"""What a rank takes from its node's trace: its own windows and facts, and the readings of its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ideal import MS, T0, Ideal, constant, rows, write

from microjoule.joules.jobs.rank_part import rank_part

IDEAL = Ideal(constant(50.0), n=300)
BITS = 40  # below the rank's part of a window's number; all of them set: the window of the rank itself
OF_RANK = (1 << BITS) - 1
RANKS = (3, 2, 4)


def number(rank: int, window: int) -> int:
    return rank << BITS | window


def at_ns(ms: int) -> int:
    return T0 + ms * MS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    marks = []
    for rank in RANKS:
        of = [(OF_RANK, 20, 200, "rank"), (0, 30, 60, "step"), (1, 70, 100, "step"), (513, 110, 140, "save")]
        for window, t0, t1, name in of:
            marks += [
                (at_ns(t0 + rank), "@begin", number(rank, window), f"{name} {rank}"),
                (at_ns(t1 + rank), "@end", number(rank, window), ""),
            ]
    return write(tmp_path / "node.arrows", rows([IDEAL], marks))


@pytest.mark.parametrize("rank", RANKS)
def test_a_rank_has_its_own_windows_and_neither_its_own_life_s_nor_others(file: Path, rank: int) -> None:
    found = rank_part(file, None, number(rank, 0), (at_ns(20), at_ns(220)), {})
    assert [(window.name, window.t0_ns, window.t1_ns) for window in found.windows] == [
        (f"step {rank}", at_ns(30 + rank), at_ns(60 + rank)),
        (f"step {rank}", at_ns(70 + rank), at_ns(100 + rank)),
        (f"save {rank}", at_ns(110 + rank), at_ns(140 + rank)),
    ]
    assert not any(window.is_open for window in found.windows)


def test_the_readings_are_those_from_its_beginning_to_its_end_both_included(file: Path) -> None:
    t_ns = IDEAL.series.t_ns
    span = int(t_ns[40]), int(t_ns[220])
    found = rank_part(file, Path("elsewhere.arrows"), number(RANKS[0], 0), span, {})
    assert np.array_equal(found.series(IDEAL.id).t_ns, t_ns[40:221])
    assert np.array_equal(found.series(IDEAL.id).raw, IDEAL.series.raw[40:221])
    assert (str(found.path), found.is_truncated) == ("elsewhere.arrows", False)
    short = rank_part(file, None, number(RANKS[0], 0), (span[0] + 1, span[1] - 1), {})
    assert np.array_equal(short.series(IDEAL.id).t_ns, t_ns[41:220])


def test_what_the_rank_knows_better_takes_the_recorder_s_place(file: Path) -> None:
    facts = {"launch": {"rank": RANKS[0]}}
    found = rank_part(file, None, number(RANKS[0], 0), (at_ns(20), at_ns(220)), facts)
    assert found.facts["launch"] == {"rank": RANKS[0]}
    assert found.facts["host"] == {"hostname": "ideal"}
    assert list(found.channels) == [IDEAL.id]
