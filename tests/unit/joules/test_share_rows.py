"""The rows of shares that a terminal shows."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.joules.sharing.parties import COMMAND, UNSEEN
from microjoule.joules.sharing.share_rows import NAMED, _clause, _hidden, _looks, _row, brief
from microjoule.joules.sharing.shares import IDLE, OK, UNEXPLAINED, Share, Shares


def share(kind: str, name: str, energy_j: float, half_j: float | None, high_j: float) -> Share:
    return Share(kind, name, OK, (name,), 0.2, energy_j, half_j, high_j, None)


def test_programs_that_are_shown_as_one_have_no_more_than_was_counted():
    """Case: of 137 J nineteen others used at most 800 J, which was the sum of their bounds."""
    others = [share("program", f"p{i}", 1.0, 40.0, 120.0) for i in range(NAMED + 4)]
    idle = share(IDLE, IDLE, 130.0, 5.0, 137.2)
    left = share(UNEXPLAINED, UNEXPLAINED, 0.0, None, 137.2)
    shown = brief([idle, *others, left])
    (together,) = (one for one in shown if one.name == "4 others")
    assert together.high_j == 137.2
    assert together.energy_j == 4.0
    assert together.expanded_j == 160.0
    few = [share("program", f"p{i}", 1.0, 2.0, 3.0) for i in range(NAMED + 4)]
    (together,) = (one for one in brief([idle, *few, left]) if one.name == "4 others")
    assert together.high_j == 12.0


@pytest.mark.parametrize("n", range(NAMED + 4))
def test_two_programs_or_more_beyond_those_that_are_named_are_shown_as_one(n):
    others = [share("program", f"p{i}", 1.0, 0.5, 120.0) for i in range(n)]
    shown = [each.name for each in brief([*others, share(UNEXPLAINED, UNEXPLAINED, 0.0, None, 137.2)])]
    beyond = n - NAMED
    named = n if beyond < 2 else NAMED
    assert shown == [
        *(f"p{i}" for i in range(named)),
        *([f"{beyond} others"] if beyond > 1 else []),
        UNEXPLAINED,
    ]


def test_programs_of_which_one_is_not_told_apart_are_shown_one_by_one():
    others = [share("program", f"p{i}", 1.0, 0.5, 120.0) for i in range(NAMED + 3)]
    others[-1] = others[-1]._replace(status="not separable")
    assert brief(others) == others


def test_programs_that_are_shown_as_one_have_their_times_together():
    others = [share("program", f"p{i}", 1.0, None, 9.0) for i in range(NAMED + 3)]
    others[-1] = others[-1]._replace(busy_s=None, energy_j=None, by_cpu_time_j=None, gpu_s=None)
    others[-2] = others[-2]._replace(by_cpu_time_j=0.75)
    (together,) = brief(others)[NAMED:]
    assert together.busy_s == pytest.approx(0.4)
    assert (together.energy_j, together.expanded_j, together.by_cpu_time_j) == (2.0, 0.0, 0.75)
    assert (together.gpu_s, together.names) == (None, tuple(f"p{NAMED + i}" for i in range(3)))
    on_gpu = [each._replace(gpu_s=0.25) for each in others]
    on_gpu[-1] = others[-1]
    (together,) = brief(on_gpu)[NAMED:]
    assert together.gpu_s == 0.5


@pytest.mark.parametrize(
    ("energy_j", "total_j", "part"), [(25.0, 100.0, 0.25), (None, 100.0, None), (0.0, 0.0, None)]
)
def test_a_row_has_its_part_of_the_total_where_both_are_known(energy_j, total_j, part):
    assert _row(share("program", "p", energy_j, 1.0, 50.0), total_j)["share"] == part


@pytest.mark.parametrize(("high_j", "shown"), [(50.0, 50.0), (math.inf, None)])
def test_a_row_is_guaranteed_no_more_than_what_bounds_it(high_j, shown):
    assert _row(share("program", "p", 1.0, 1.0, high_j), 100.0)["guaranteed_j"] == [0.0, shown]


def test_the_sentence_says_of_the_command_what_is_known_of_it():
    """97.0 J of 215 J are 45 %; of what has no figure, or of nothing, nothing is said."""
    command = share(COMMAND, "command", 97.0, 1.0, 120.0)
    other = share("program", "p", 50.0, 1.0, 120.0)
    assert _clause(Shares(OK, 215.0, (other, command))) == "the command 97.0 J ± 1.0 J of it (45 %)"
    for shares, total_j in (
        ((other,), 215.0),
        ((command._replace(status="too short"),), 215.0),
        ((command._replace(energy_j=None),), 215.0),
        ((command,), 0.0),
    ):
        assert _clause(Shares(OK, total_j, shares)) == ""


def test_the_looks_are_those_at_whom_was_looked_at_most():
    at_ns = {1: [], 2: [10**9, 3 * 10**9, 4 * 10**9], 3: [5 * 10**9, 9 * 10**9]}
    activity = SimpleNamespace(subjects=list(at_ns), instants_ns=lambda one: np.array(at_ns[one], np.int64))
    assert _looks(SimpleNamespace(activity=activity)) == {"looks": 3, "looked_s": 3.0}
    activity.subjects = [1]
    assert _looks(SimpleNamespace(activity=activity)) == {"looks": 0, "looked_s": 0.0}


@pytest.mark.parametrize(
    ("by", "kind", "is_told"), [("name", "program", False), ("name", UNSEEN, True), ("unit", "program", True)]
)
def test_why_programs_were_not_seen_is_told_where_it_matters(by, kind, is_told):
    of = Shares(OK, 1.0, (share("program", "p", 1.0, None, 1.0), share(kind, "q", 1.0, None, 1.0)))
    trace = SimpleNamespace(facts={"hidden": {"others' programs": "no permission"}})
    assert _hidden(trace, by, of) == (["others' programs: no permission"] if is_told else [])
    assert _hidden(SimpleNamespace(facts={}), by, of) == []
