"""The steps that a log shows are those that the server did, and no work is lost between them."""

from dataclasses import replace

import numpy as np
import pytest
from batching import T0, Batching
from hypothesis import given
from hypothesis import strategies as st

from microjoule.joules.serving.requests import PREFILL, Schedule, Work, work
from microjoule.joules.serving.step_clock import step_clock

MS = 1_000_000
S = 1_000 * MS
# A prompt alone is said to be computed a step's own 5 ms late: 125 tokens at 25,000 a second, a step.
NEAR = 300


def computed_too_early(scene):
    """float64: how many prompt tokens the schedule of a log's steps is ahead of the server, at each step."""
    played, log = scene.played, scene.log
    clock = step_clock(log)
    works = work(log, Schedule(True, clock.rate, clock, by_excess=True), (T0, int(log.end_ns.max())))
    at_ns = T0 + np.rint(np.array(played.times) * 1e9).astype(np.int64)
    return works[PREFILL].until(at_ns) - np.concatenate(([0], np.cumsum(played.prompt_tokens)))


@pytest.mark.parametrize("clients", [1, 4, 16, 64])
def test_where_pieces_have_times_prompts_are_computed_in_the_steps_that_computed_them(clients):
    """Also those before the first step that the log shows, and those that waited as the last answer ended."""
    for seed in range(1000, 1004):
        scene = Batching(clients=clients, n=300, pieces=True, seed=seed)
        ahead = computed_too_early(scene)
        assert np.abs(ahead).max() < NEAR
        assert ahead[-1] == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("clients", [4, 16, 64])
def test_three_instants_of_a_request_show_when_prompts_were_computed(clients):
    ahead = computed_too_early(Batching(clients=clients, n=600, seed=1000))
    assert ahead[-1] == pytest.approx(0.0, abs=0.01)
    assert np.abs(ahead).max() < NEAR
    assert np.sqrt(np.mean(ahead**2)) < 0.03 * NEAR


@pytest.mark.parametrize("pieces", [True, False])
def test_steps_of_varying_duration_do_not_move_the_prompts_of_others(pieces):
    """What one step took too long moved all prompts before it: 160 to 190 tokens, root mean square."""
    ahead = computed_too_early(Batching(clients=64, n=600, seed=1000, pieces=pieces, jitter=0.1))
    assert np.sqrt(np.mean(ahead**2)) < 100


def test_tokens_of_one_step_that_come_one_after_another_are_of_one_step():
    """The client sees them up to some milliseconds apart."""
    ahead = computed_too_early(Batching(clients=64, n=600, seed=1000, latency_s=0.0005))
    assert np.sqrt(np.mean(ahead**2)) < 0.1 * NEAR


def test_the_rate_is_that_of_the_server():
    for seed in range(3):
        log = Batching(clients=16, n=300, pieces=True, seed=seed).log
        assert step_clock(log).rate == pytest.approx(25_000, rel=0.03)


def test_a_log_whose_prompts_all_came_from_the_cache_shows_no_prompts():
    scene = Batching(clients=4, n=60, pieces=True)
    log = replace(scene.log, cached=scene.log.prompt)
    assert step_clock(log) is None


@given(
    spans=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20), st.floats(0.1, 1e4)), min_size=1),
    stops=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 30)), max_size=5),
)
def test_no_work_is_lost_whatever_its_clock_shows(spans, stops):
    """A clock may stand still for all of a work's time."""
    t_ns = np.arange(-1, 201) * 10 * MS
    goes = np.ones(201)
    for begin, long in stops:
        goes[begin + 1 : begin + 1 + long] = 0.0
    shown = np.concatenate(([0.0], np.cumsum(goes * 10 * MS)))
    begin, long, amount = (np.array(each) for each in zip(*spans, strict=True))
    begin = begin * 10 * MS
    of = Work(begin, begin + long * 10 * MS, amount, np.arange(len(spans)), (t_ns.astype(np.float64), shown))
    far = np.array([-100 * S, 100 * S])
    assert np.diff(of.until(far))[0] == pytest.approx(amount.sum())
    np.testing.assert_allclose(of.of_each(len(spans), -100 * S, 100 * S), amount, rtol=1e-9)
