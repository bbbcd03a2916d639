"""A log whose clock is off is found to be by the power of its server."""

from dataclasses import replace

import numpy as np
import pytest
from batching import Batching

from microjoule.joules.counters.update_record import Updates, updates
from microjoule.joules.serving.log_lag import LogLag, _explained, log_lag
from microjoule.joules.serving.requests import DECODE, PREFILL, RUNNING, Schedule, Work, work

SCENES = {clients: Batching(clients=clients, n=n, seed=1) for clients, n in ((1, 120), (16, 300), (64, 600))}


def found(scene, off_s):
    """The lag of a log whose times are that much too early."""
    counter, log = scene.counter, scene.log
    of = updates(counter, *counter.span_ns)
    times = ("start_ns", "first_ns", "end_ns")
    moved = replace(log, **{each: getattr(log, each) - round(off_s * 1e9) for each in times})
    return log_lag(of, work(moved, Schedule(False), (int(of.edges_ns[0]), int(of.edges_ns[-1]))))


@pytest.mark.parametrize("clients", SCENES)
@pytest.mark.parametrize("off_s", [1.7, -1.7, 8.0])
def test_a_clock_that_is_off_is_found_to_the_length_of_an_update(clients, off_s):
    lag = found(SCENES[clients], off_s)
    assert lag.lag_s == pytest.approx(off_s, abs=lag.step_s)
    assert lag.is_clear
    assert lag.explained > 0.8 > lag.as_is


@pytest.mark.parametrize("clients", SCENES)
def test_a_clock_that_is_right_is_not_doubted(clients):
    lag = found(SCENES[clients], 0.0)
    assert abs(lag.lag_s) <= lag.step_s
    assert not lag.is_clear
    assert lag.explained == pytest.approx(lag.as_is, abs=0.05)


def test_the_explained_share_is_that_of_an_ordinary_regression():
    scene = SCENES[16]
    counter, log = scene.counter, scene.log
    of = updates(counter, *counter.span_ns)
    works = work(log, Schedule(False), (int(of.edges_ns[0]), int(of.edges_ns[-1])))
    lag = log_lag(of, works)
    step = round(lag.step_s * 1e9)
    grid = int(of.edges_ns[0]) + step * np.arange((int(of.edges_ns[-1]) - int(of.edges_ns[0])) // step + 1)
    x = np.stack([np.diff(works[state].until(grid)) for state in ("running", "prefill", "decode")], axis=1)
    x = np.column_stack((np.ones(len(x)), x))
    y = np.diff(np.interp(grid, of.edges_ns, np.concatenate(([0.0], np.cumsum(of.energy_j)))))
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert lag.as_is == pytest.approx(1 - rest.var() / y.var(), abs=1e-3)


def test_power_that_knows_nothing_of_the_log_blames_no_clock():
    scene, other = SCENES[16], replace(SCENES[16], seed=9)
    counter = other.counter
    of = updates(counter, *counter.span_ns)
    lag = log_lag(of, work(scene.log, Schedule(False), (int(of.edges_ns[0]), int(of.edges_ns[-1]))))
    assert not lag.is_clear


def test_of_a_few_updates_nothing_is_said():
    scene = SCENES[16]
    counter = scene.counter
    of = updates(counter, *counter.span_ns)
    short = of._replace(
        edges_ns=of.edges_ns[:20], energy_j=of.energy_j[:19], is_ok=of.is_ok[:19], spread_s=of.spread_s[:20]
    )
    assert (
        log_lag(short, work(scene.log, Schedule(False), (int(short.edges_ns[0]), int(short.edges_ns[-1]))))
        is None
    )


@pytest.mark.parametrize(("n", "windows"), [(60, 45), (64, 1), (33, 100)])
def test_each_lag_explains_what_an_ordinary_regression_on_its_window_does(n, windows):
    chance = np.random.default_rng(n)
    load = chance.random((3, n + windows - 1)) * [[1.0], [400.0], [0.02]]
    power = load[:, windows // 2 :][:, :n].T @ [30.0, 0.1, 500.0] + 10 * chance.random(n)
    power -= power.mean()
    wanted = []
    for first in range(windows):
        x = np.column_stack((np.ones(n), load[:, first : first + n].T))
        rest = power - x @ np.linalg.lstsq(x, power, rcond=None)[0]
        wanted.append(1 - rest @ rest / (power @ power))
    np.testing.assert_allclose(_explained(power, load), wanted, atol=1e-4)


def test_a_state_that_hardly_is_in_a_window_explains_little_there():
    """Its variance is a millionth of that of all: as much as is added to each, so that half is explained."""
    n = 64
    wave = np.tile([1.0, -1.0], n // 2)
    spike = 1000.0 * np.sqrt(2 * n)  # of 2 n values: the variance of all is 10^6 (1 ± 1/n)
    load = np.concatenate((wave, [spike], np.zeros(n - 1)))[None]
    assert load.std() == pytest.approx(1000.0, rel=0.01)
    assert _explained(wave, load)[0] == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize(
    ("lag", "is_clear"),
    [
        (LogLag(1.5, 1.0, 0.9, 0.5), True),
        (LogLag(-1.5, 1.0, 0.9, 0.5), True),
        (LogLag(1.49, 1.0, 0.9, 0.5), False),  # within what is known of it
        (LogLag(1.6, 1.1, 0.9, 0.5), False),
        (LogLag(9.0, 1.0, 0.2, -0.5), False),  # explains a fifth, and no more
        (LogLag(9.0, 1.0, 0.21, -0.5), True),
        (LogLag(9.0, 1.0, 0.65, 0.5), False),  # leaves seven tenths of what is left without it
        (LogLag(9.0, 1.0, 0.66, 0.5), True),
    ],
)
def test_a_lag_is_clear_that_is_far_and_explains_much_and_much_more(lag, is_clear):
    assert lag.is_clear == is_clear


@pytest.mark.parametrize(
    ("every_ms", "n", "step_ns"),
    [
        (10, 1000, 50_000_000),  # the finest
        (200, 100, 200_000_000),  # an update
        (60, 40_000, -(-60_000_000 * 40_000 // 2**15)),  # a 32768th of the time, or a nanosecond more
    ],
)
def test_a_lag_is_known_to_an_update_or_to_what_can_be_told(every_ms, n, step_ns):
    edges_ns = 10**12 + np.arange(n + 1) * every_ms * 1_000_000
    of = Updates(edges_ns, np.ones(n), np.ones(n, bool), np.zeros(n + 1), 1e-6)
    some = Work(edges_ns[:-1:7], edges_ns[1::7], np.ones(len(edges_ns[1::7])), np.zeros(len(edges_ns[1::7])))
    lag = log_lag(of, dict.fromkeys((RUNNING, PREFILL, DECODE), some))
    assert lag.step_s == step_ns / 1e9


@pytest.mark.parametrize(("n", "is_told"), [(39, False), (40, True)])
def test_forty_steps_are_enough_to_tell(n, is_told):
    edges_ns = 10**12 + np.arange(n + 1) * 100_000_000
    of = Updates(edges_ns, np.arange(n) % 3 + 1.0, np.ones(n, bool), np.zeros(n + 1), 1e-6)
    some = Work(edges_ns[:1], edges_ns[1:2], np.ones(1), np.zeros(1))
    assert (log_lag(of, dict.fromkeys((RUNNING, PREFILL, DECODE), some)) is not None) == is_told
