"""A log whose clock is off is found to be by the power of its server."""

from dataclasses import replace

import numpy as np
import pytest
from batching import Batching

from microjoule.joules.log_lag import log_lag
from microjoule.joules.requests import Schedule, work
from microjoule.joules.update_record import updates

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
