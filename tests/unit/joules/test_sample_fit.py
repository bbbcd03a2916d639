"""The power of what ran, where each update holds several samples: exact energies give exact powers."""

from __future__ import annotations

import numpy as np
import pytest
from ideal import MS, T0
from known_stacks import in_blocks

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.profiling import sample_fit
from microjoule.joules.profiling.sample_cells import Moments, Sampled, cells
from microjoule.joules.profiling.sample_fit import SampleFit, fitted

PERIOD_MS = 10
WATTS = {frozenset(): 10.0, frozenset({0}): 20.0, frozenset({1}): 80.0, frozenset({0, 1}): 90.0}
N = 400


def running(seed: int = 1) -> list[frozenset[int]]:
    """What runs at each sample: one thread, two, or none."""
    states = list(WATTS)
    of = [states[i] for i in np.random.default_rng(seed).integers(0, len(states), N)]
    of[:3] = [frozenset({0}), frozenset({1}), frozenset({1})]
    of[-2:] = [frozenset({1}), frozenset({0})]
    return of


def sampled(of: list[frozenset[int]], block: int, u_ns: float = 0.0) -> Sampled:
    """Function 0 is on thread 0 and function 1 on thread 1."""
    rows = [(T0 + i * PERIOD_MS * MS, what) for i, state in enumerate(of) for what in sorted(state)]
    t_ns, what = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    what = what.astype(np.int32)
    return in_blocks(Moments(t_ns, what, what, what), PERIOD_MS * MS, u_ns, block)


def updates(
    of: list[frozenset[int]], first_ms: float = 33.0, every_ms: float = 97.0, late_ms: float = 0.0
) -> Updates:
    """The true energies between updates; each state lasts from half a period before its sample on."""
    edges_ms = np.arange(first_ms, N * PERIOD_MS - 40, every_ms)
    bounds_ms = (np.arange(N + 1) - 0.5) * PERIOD_MS + late_ms
    sums = np.concatenate(([0.0], np.cumsum([WATTS[state] * PERIOD_MS / 1e3 for state in of])))
    energy_j = np.diff(np.interp(edges_ms, bounds_ms, sums))
    edges_ns = T0 + np.rint(edges_ms * MS).astype(np.int64)
    n = len(energy_j)
    return Updates(edges_ns, energy_j, np.ones(n, bool), np.zeros(n + 1), 1e-6)


def powers(found: SampleFit, of: Sampled) -> tuple[list[float], list[bool]]:
    """Of each sample the power and whether it is open."""
    parts = [(block.own, found.at(block)) for block in cells(of)]
    watts = [float(each) for own, (w, _, _) in parts for each in w[own]]
    return watts, [bool(each) for own, (_, _, is_open) in parts for each in is_open[own]]


def expected(of: list[frozenset[int]]) -> list[float]:
    return [WATTS[state] for state in of for _ in state]


@pytest.mark.parametrize("block", [3, 50, 1 << 15])
def test_each_sample_has_the_power_of_all_that_ran_at_its_time(block: int) -> None:
    of = running()
    profile = sampled(of, block)
    found = fitted(updates(of), profile)
    watts, is_open = powers(found, profile)
    assert watts == pytest.approx(expected(of), rel=1e-6)
    assert not any(is_open)
    assert set(found.number) == set(WATTS)
    columns = {state: found.column[number] for state, number in found.number.items()}
    assert sorted(columns.values()) == [0, 1, 2, 3]
    assert found.columns == 5
    assert found.column[4] == -1  # of all others: there are none
    for state, column in columns.items():
        assert found.states.fit.energy_j[column] / found.states.time_s[column] == pytest.approx(WATTS[state])


@pytest.mark.parametrize("end_s", [0.0, 0.003])
@pytest.mark.parametrize(("first_ms", "every_ms"), [(33.0, 97.0), (35.0, 60.0), (207.0, 131.0)])
def test_all_updates_count_from_the_first_to_the_last(first_ms: float, every_ms: float, end_s: float) -> None:
    """Each has the time that samples cover of it, and with ends that are not known what lies beyond them."""
    of = running(2)
    counted = updates(of, first_ms, every_ms)
    counted.spread_s[[0, -1]] = end_s
    found = fitted(counted, sampled(of, 50))
    lasted, fit = found.states._design, found.states.fit
    left_j = counted.energy_j - lasted @ (fit.energy_j / found.states.time_s)
    assert lasted.sum(axis=1) == pytest.approx(np.diff(counted.edges_ns) / 1e9, rel=1e-9)
    assert np.abs(left_j[1:-1]).max() < (1e-6 if not end_s else 0.1)


def test_what_ran_in_the_first_update_alone_has_a_power_of_its_own() -> None:
    of = [frozenset({1}), *[frozenset({0})] * (N - 1)]
    of[5:9] = [frozenset({1})] * 4
    found = fitted(updates(of), sampled(of, 50))
    assert set(found.number) == {frozenset({0}), frozenset({1})}


def test_a_sample_is_of_what_begins_at_its_instant() -> None:
    """Two threads are sampled by turns: what one does changes at the samples of the other."""
    chance = np.random.default_rng(6)
    first, second = chance.integers(0, 2, N), chance.integers(2, 4, N)
    power_w = np.array([20.0, 80.0, 5.0, 45.0])
    every = np.stack((first, second), axis=1).ravel()
    t_ns = T0 + np.arange(2 * N) * PERIOD_MS * MS // 2
    thread = np.tile([0, 1], N).astype(np.int32)
    what = every.astype(np.int32)
    profile = in_blocks(Moments(t_ns, thread, what, what), PERIOD_MS * MS, 0.0, 50)
    # From half a period before its sample on, which is when the other thread is sampled.
    half_w = np.repeat(power_w[first], 2)[1:] + np.repeat(power_w[second], 2)[:-1]
    bounds_ms = np.arange(2 * N) * PERIOD_MS / 2
    sums = np.append(0.0, np.cumsum(half_w * PERIOD_MS / 2e3))
    edges_ms = np.arange(33.0, N * PERIOD_MS - 40, 97.0)
    n = len(edges_ms) - 1
    of = Updates(
        T0 + np.rint(edges_ms * MS).astype(np.int64),
        np.diff(np.interp(edges_ms, bounds_ms, sums)), np.ones(n, bool), np.zeros(n + 1), 1e-6,
    )  # fmt: skip
    watts, _ = powers(fitted(of, profile), profile)
    assert watts[2:-2] == pytest.approx(half_w[2:-1], rel=1e-6)


def test_the_energies_if_all_came_later_are_those_of_later_samples() -> None:
    """The counter's energies are 4 ms late: with the samples taken as late as that, the powers are exact."""
    of = running(3)
    found = fitted(updates(of, late_ms=4.0), sampled(of, 50, u_ns=4.0 * MS))
    late_j = found.states.fit.energy_j + found.states.fit.shift_j
    inside = {number: state for state, number in found.number.items()}
    true_w = np.array([WATTS[inside[number]] for number in found.states.inside])
    assert late_j / found.states.time_s == pytest.approx(true_w, rel=0.02)
    assert np.abs(found.states.fit.energy_j / found.states.time_s - true_w).max() > 1.0


def test_what_always_runs_in_one_proportion_has_one_power_and_is_open() -> None:
    """Function 0 for 10 ms, function 1 for 10 ms, and so on: each update of 100 ms has half of each."""
    of = [frozenset({i % 2}) for i in range(N)]
    profile = sampled(of, 50)
    found = fitted(updates(of, 35.0, 100.0), profile)
    watts, is_open = powers(found, profile)
    assert watts == pytest.approx([50.0] * N, rel=1e-6)
    assert all(is_open)


def test_of_too_many_states_the_longest_have_a_column_and_the_others_share_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sample_fit, "COLUMNS", 3)
    states = [state for state in WATTS if state]
    of = [states[i] for i in np.random.default_rng(4).choice(3, N, p=(0.2, 0.5, 0.3))]
    profile = sampled(of, 50)
    found = fitted(updates(of), profile)
    assert set(found.number) == set(states[1:])
    watts, is_open = powers(found, profile)
    assert watts == pytest.approx(expected(of), rel=1e-6)
    assert not any(is_open)
