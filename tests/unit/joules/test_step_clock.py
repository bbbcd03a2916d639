"""The steps of a server from what its clients saw, beside the steps that it did."""

import numpy as np
import pytest
from batching import Batching
from ideal import MS, T0

from microjoule.joules.serving.step_clock import _enough, step_clock

SCENES = {
    "4 at a time": (Batching(clients=4, n=300), 0.01),
    "16 at a time": (Batching(clients=16, n=600), 0.05),
    "64 at a time": (Batching(clients=64, n=1000), 0.05),
}


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("pieces", [True, False])
def test_the_steps_that_answers_count_of_one_another_are_those_that_were_done(name, pieces):
    scene, allowed = SCENES[name]
    log = scene.played.log(pieces)
    clock = step_clock(log)
    done = np.sort(np.round(np.array(scene.played.times[2:]) * 1e9)) + T0
    # While answers are under way: a step that computes a prompt alone gives no token.
    ends = np.sort(log.end_ns)
    first = np.sort(log.first_ns)
    at = np.sort(np.concatenate((log.first_ns, log.end_ns)))
    middle = (at[1:] + at[:-1]) // 2
    busy = np.searchsorted(first, middle) > np.searchsorted(ends, middle)
    true = np.diff(np.searchsorted(done, at + MS // 10))
    seen = np.diff(np.interp(at, clock.t_ns, clock.steps))
    apart = busy & (np.diff(at) > MS)
    assert apart.sum() > 100
    off = (seen - true)[apart]
    assert np.sqrt(np.mean(off**2)) < (0.01 if pieces else allowed)
    assert np.mean(np.abs(off) < 0.25) > 0.99
    assert abs(off.sum()) < 0.02 * true[apart].sum()
    # The prompts that a server computes in a second of the time that they take: 1 / 40 µs.
    assert clock.rate == pytest.approx(25_000, rel=0.005)


@pytest.mark.parametrize("pieces", [True, False])
def test_the_scatter_of_steps_is_that_of_the_server(pieces):
    exact = Batching(clients=16, n=600)
    varied = Batching(clients=16, n=600, jitter=0.05)
    late = Batching(clients=16, n=600, jitter=0.05, latency_s=0.0005)
    of_exact, of_varied, of_late = (
        step_clock(each.played.log(pieces)).scatter for each in (exact, varied, late)
    )
    assert of_exact < 1e-6
    assert of_varied == pytest.approx(0.05, rel=0.2)
    assert of_late > 1.2 * of_varied


def test_a_log_that_shows_too_little_has_no_steps():
    assert step_clock(Batching(clients=1, n=10).log) is None
    scene = Batching(clients=4, n=100, output=(1, 2))
    assert step_clock(scene.log) is None


def test_excess_rises_everywhere_and_only_where_prompts_are_computed_by_much():
    scene = Batching(clients=4, n=300)
    clock = step_clock(scene.log)
    assert (np.diff(clock.excess_ns)[np.diff(clock.t_ns) > 0] > 0).all()
    log = scene.log
    start, first = np.sort(log.start_ns), np.sort(log.first_ns)
    middle = (clock.t_ns[1:] + clock.t_ns[:-1]) / 2
    nobody = np.searchsorted(start, middle + 10 * MS) <= np.searchsorted(first, middle - 10 * MS)
    assert nobody.sum() > 100
    gained = np.diff(clock.excess_ns)
    assert gained[nobody].sum() < 0.01 * gained.sum()


def test_between_prompts_excess_stays_and_with_them_it_is_what_they_need():
    """Three times after nobody waited: with a prompt of 6 ms, with none, and without any excess."""
    excess_ns = np.array([3.0, 1.0, 5.0, 0.0]) * MS
    found = _enough(excess_ns, np.array([6.0 * MS]), np.array([1]), np.array([False, True, False, False]))
    assert found.tolist() == [4.5 * MS, 1.5 * MS, 5.0 * MS, 0.0]
