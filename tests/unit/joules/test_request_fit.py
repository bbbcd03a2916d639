"""Which schedule of a server's work explains the updates, how long these are taken, and what is unsure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, T0, S

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.serving.request_fit import (
    Fitting,
    _rates,
    added,
    doubt_ns,
    is_sure_of_loads,
    joined,
    no_finer,
)
from microjoule.joules.serving.requests import STATES, Requests, Schedule, StepClock, computed, work

WATTS = {"idle": 60.0, "running": 8.0, "prefill": 0.4, "decode": 3.0}
NONE = np.empty(0, np.int64)


def requests(start_s, first_s, end_s, prompt, output=10, cached=0, prefill_s=-1.0) -> Requests:
    n = len(start_s)

    def ns(seconds):
        each = np.broadcast_to(np.asarray(seconds, float), n)
        return np.where(each < 0, -1, T0 + np.rint(each * S)).astype(np.int64)

    prompt, output, cached = (
        np.broadcast_to(np.asarray(each, np.int64), n) for each in (prompt, output, cached)
    )
    names = tuple(map(str, range(n)))
    return Requests(
        names, ns(start_s), ns(first_s), ns(end_s), prompt, cached, output, ns(prefill_s), (NONE,) * n
    )


def updates(energy_j, apart_s: float = 0.05, first_s: float = 0.0) -> Updates:
    n = len(energy_j)
    edges_ns = T0 + np.rint((first_s + np.arange(n + 1) * apart_s) * S).astype(np.int64)
    return Updates(edges_ns, np.asarray(energy_j, float), np.ones(n, bool), np.zeros(n + 1), 1e-9)


def busy(seed: int) -> Requests:
    """Prompts that wait for one another, and answers that overlap; no two first tokens at once."""
    chance = np.random.default_rng(seed)
    n = 60
    start = np.sort(chance.uniform(1, 30, n))
    first = start + chance.uniform(0.1, 1.5, n)
    first = np.maximum.accumulate(first) + np.arange(n) * 0.02
    return requests(
        start,
        first,
        first + chance.uniform(0.5, 3, n),
        chance.integers(50, 800, n),
        chance.integers(5, 90, n),
    )


def made_by(of: Requests, schedule: Schedule) -> Updates:
    """The exact energies of a server that works by a schedule."""
    span = updates(np.zeros(760))
    works = work(of, schedule, (int(span.edges_ns[0]), int(span.edges_ns[-1])))
    return span._replace(
        energy_j=sum(WATTS[state] * np.diff(works[state].until(span.edges_ns)) for state in STATES)
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("schedule", [Schedule(False), Schedule(True), Schedule(True, 700.0)])
def test_the_likeliest_schedule_is_the_one_by_which_the_server_worked(schedule: Schedule, seed: int) -> None:
    of = busy(seed)
    found = Fitting(made_by(of, schedule), of, 0, has_idle=True).likeliest(None)
    assert found.schedule.in_turn == schedule.in_turn
    assert found.schedule.rate == pytest.approx(schedule.rate, rel=0.02)
    assert found.states == STATES
    assert found.inseparable == ()
    units = found.fit.energy_j / found.design.sum(axis=0)
    assert units == pytest.approx([WATTS[state] for state in STATES], rel=0.1)


def test_a_server_that_computes_prompts_in_the_excess_of_its_steps_is_found_by_that() -> None:
    """Steps of 50 ms; of some of them most is excess, in which all prompts are computed."""
    of = busy(1)
    chance = np.random.default_rng(7)
    excess_ms = np.where(chance.random(800) < 0.4, 45.0, 0.01)
    excess_ms[::7] = 20.0
    t_ns = T0 + np.arange(801) * 50.0 * MS
    steps = np.append(0.0, np.cumsum(np.ones(800)))
    known = StepClock(t_ns, steps, np.append(0.0, np.cumsum(excess_ms * MS)), 900.0, 0.01)
    schedule = Schedule(True, 900.0, known, by_excess=True)
    found = Fitting(made_by(of, schedule), of, 0, has_idle=True).likeliest(known)
    assert (found.schedule.in_turn, found.schedule.by_excess) == (True, True)
    assert found.schedule.rate == pytest.approx(900.0, rel=0.02)
    units = found.fit.energy_j / found.design.sum(axis=0)
    assert units == pytest.approx([WATTS[state] for state in STATES], rel=0.1)


def test_without_a_column_of_its_own_idle_is_the_requests() -> None:
    of = busy(1)
    found = Fitting(made_by(of, Schedule(True)), of, 0, has_idle=False).under(Schedule(True))
    assert found.states == STATES[1:]
    assert found.design.shape[1] == found.late.shape[1] == 3


def test_rates_that_are_tried_are_those_at_which_most_tokens_were_computed() -> None:
    """By tokens: 10 of 400 at 100 a second, 60 at 200, 300 at 300 and 30 at 400; seven quantiles of them."""
    tokens, rate = np.array([300, 10, 30, 60]), np.array([300.0, 100.0, 400.0, 200.0])
    begin = np.array([1.0, 3.0, 5.0, 7.0])
    first = begin + tokens / rate
    of = requests(begin - 0.5, first, first + 1, tokens + 5, cached=5, prefill_s=begin)
    assert computed(of).tolist() == tokens.tolist()
    assert _rates(of) == pytest.approx([200.0, 300.0])
    assert _rates(replace(of, cached=of.prompt)) == []
    one = requests([1.0], [2.0], [3.0], [500], prefill_s=[1.5])
    assert _rates(one) == pytest.approx([1000.0])


def clock(scatter: float) -> StepClock:
    t = np.array([float(T0), float(T0 + S)])
    return StepClock(t, np.array([0.0, 10.0]), np.array([0.0, 1.0]), 100.0, scatter)


@pytest.mark.parametrize(
    ("scatter", "expected_ms"), [(0.0, 100), (0.01, 100), (0.025, 250), (0.08, 800), (0.5, 800)]
)
def test_work_is_as_unsure_as_steps_scatter(scatter: float, expected_ms: int) -> None:
    """From one to eight tenths of a second, whatever the requests at once."""
    of = requests(np.zeros(9), np.ones(9), np.full(9, 2.0), 10)
    assert doubt_ns(of, clock(scatter)) == expected_ms * MS


@pytest.mark.parametrize(
    ("at_once", "expected_ms"), [(0.5, 100), (1.0, 100), (2.5, 250), (4.0, 400), (9, 400)]
)
def test_without_steps_work_is_as_unsure_as_requests_overlap(at_once: float, expected_ms: int) -> None:
    """Up to four at once. Where pieces of answers have times nothing is unsure."""
    length = at_once * 10 / 5 if at_once < 1 else 10.0
    n = 5 if at_once < 1 else int(np.ceil(at_once))
    start = np.linspace(0, 10 - length, n) if n > 1 else np.zeros(1)
    length = np.full(n, length)
    if at_once == 2.5:
        length[-1] = 5.0
    of = requests(start, start + length / 2, start + length, 10)
    for known in (None, clock(np.inf)):
        assert doubt_ns(of, known) == expected_ms * MS
    assert is_sure_of_loads(of, Schedule(True)) == (at_once < 4)
    assert is_sure_of_loads(of, Schedule(True, 10.0, clock(0.0), by_excess=True))
    shown = replace(of, pieces_ns=(of.end_ns[:1], *of.pieces_ns[1:]))
    assert doubt_ns(shown, None) == 100 * MS
    assert is_sure_of_loads(shown, Schedule(True))


@pytest.mark.parametrize(
    ("n", "apart_ms", "doubt_ms", "by"),
    [
        (6000, 10.0, 100, 10),  # a tenth of a second
        (300, 10.0, 100, 5),  # no fewer than 60
        (6000, 10.0, 800, 33),  # no fewer than 180 beyond a tenth of a second
        (60_000, 10.0, 800, 76),
        (6000, 99.9, 100, 1),  # nearly as long as that
        (6000, 200.0, 100, 1),
        (50, 10.0, 100, 1),
    ],
)
def test_updates_are_added_up_to_the_doubt_as_far_as_enough_are_left(
    n: int, apart_ms: float, doubt_ms: int, by: int
) -> None:
    of = updates(np.arange(n) % 7, apart_ms / 1e3)
    found = no_finer(of, doubt_ms * MS)
    assert len(found.energy_j) == n // by
    assert np.array_equal(found.edges_ns, of.edges_ns[::by][: n // by + 1])
    assert found.energy_j.sum() == of.energy_j[: n // by * by].sum()


def test_joined_updates_have_the_sums_and_are_known_where_all_of_them_are() -> None:
    of = updates([1, 2, 4, 8, 16, 32, 64])._replace(is_ok=np.array([1, 1, 1, 0, 1, 1, 1], bool))
    found = joined(of, 3)
    assert found.energy_j.tolist() == [7.0, 56.0]
    assert found.is_ok.tolist() == [True, False]
    assert found.edges_ns.tolist() == of.edges_ns[[0, 3, 6]].tolist()
    assert len(found.spread_s) == 3
    assert added(np.arange(14).reshape(7, 2), 3).tolist() == [[6, 9], [24, 27]]
