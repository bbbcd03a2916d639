"""How ranks ended, as their windows say."""

from __future__ import annotations

import pytest
from marked import marks

from microjoule.joules.rank_ends import bad_ends, is_of_rank, sentences
from microjoule.trace.label import label
from microjoule.trace.window import Window
from microjoule.trace.window_columns import WindowColumns

S = 1_000_000_000
OF = {"rank": 3, "launcher": "slurm"}


def rank(name: str = "rank", is_open: bool = False, **attributes: object) -> Window:
    return Window(name, 0, 2 * S, attributes, 1, is_open)


def recorded(*windows: Window) -> WindowColumns:
    """The same windows as their marks in a trace have them."""
    begins = [(each.t0_ns, number, label(each.name, each.attributes)) for number, each in enumerate(windows)]
    ends = [(each.t1_ns, number, None) for number, each in enumerate(windows) if not each.is_open]
    return WindowColumns(marks(begins), marks(ends), 2 * S)


def test_a_rank_s_window_has_its_name_a_launcher_and_a_number() -> None:
    assert is_of_rank(rank(**OF))
    for other in (
        rank("step", **OF),
        rank(rank=3),
        rank(launcher="slurm"),
        rank(**{**OF, "rank": "3"}),
        rank(**{**OF, "rank": True}),
    ):
        assert not is_of_rank(other)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({}, None),
        ({"exit_code": 0}, None),
        ({"exit_code": 7}, "ended with exit code 7 after 2 s"),
        ({"signal": "SIGTERM", "exit_code": 143}, "ended by signal SIGTERM after 2 s"),
        ({"ended": "killed"}, "was killed after 2 s"),
        ({"ended": "lost"}, "lost after 2 s"),
    ],
)
def test_a_rank_that_did_not_end_well_has_a_sentence(attributes: dict[str, object], said: str | None) -> None:
    windows = recorded(rank(**OF, **attributes), rank("step", rank=1, launcher="x", exit_code=1))
    assert bad_ends(windows) == ({3: said} if said else {})
    assert sentences(windows) == ([f"rank 3 {said}; recording went on"] if said else [])


def test_a_rank_that_outlived_the_recording_did_not_end() -> None:
    assert bad_ends(recorded(rank(is_open=True, **OF, exit_code=7))) == {}
