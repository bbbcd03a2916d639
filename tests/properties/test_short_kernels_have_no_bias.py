"""An isolated kernel after idle is measured without bias; a grid of phases beats chance (E15, E19)."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, US, S
from kernels import Kernels
from reached import reached

from microjoule.joules.estimates.uncertainty import Component, combined
from microjoule.measuring.waits import energies
from microjoule.measuring.window_plan import strata

IDLE_BEFORE = Kernels(power_w=100.0, wait_w=5.0, wait_u=0.0)
CASES = {
    "0.1 ms": replace(IDLE_BEFORE, length_ns=100 * US),
    "1 ms": replace(IDLE_BEFORE, length_ns=1 * MS),
    "3.3 ms": replace(IDLE_BEFORE, length_ns=3_300 * US, gap_ns=7 * MS),
    "lag of half an update": replace(IDLE_BEFORE, lag_ns=500 * US, gap_ns=8 * MS, declared_max=2.5),
    "an update in five missed": replace(IDLE_BEFORE, missed=0.2, declared_max=4.5, gap_ns=12 * MS),
    "100 ms counter": replace(
        IDLE_BEFORE,
        power_w=400,
        wait_w=100,
        update_ns=100 * MS,
        poll_ns=2 * MS,
        gap_ns=400 * MS,
        length_ns=30 * MS,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_isolated_kernel_is_unbiased(case):
    errors = []
    for seed in range(20):
        one = replace(CASES[case], seed=seed)
        errors += [each.value - one.truth_j for each in energies(one.counter, *one.windows, one.wait)]
    naive_j = (one.power_w - one.wait_w) * one.update_ns / S / 2
    print(case, "bias", np.mean(errors), "of", naive_j)
    assert abs(np.mean(errors)) < 0.05 * naive_j


@pytest.mark.reaches(value=60)
@pytest.mark.parametrize(
    "broken",
    [
        {"missed": 0.5, "declared_max": 4.5, "gap_ns": 9 * MS},
        {"lag_ns": 3 * MS, "declared_max": 5, "gap_ns": 15 * MS},
        {"missed": 0.3, "lag_ns": 900 * US, "declared_max": 5.5, "gap_ns": 9 * MS, "jitter": 0.5},
        {"read_ns": 80 * US, "poll_ns": 300 * US},
        {"wait_u": 30.0},
    ],
)
def test_the_guaranteed_interval_holds_whatever_the_counter_does(broken):
    for seed in range(15):
        one = replace(Kernels(**broken), seed=seed)
        for estimate in energies(one.counter, *one.windows, one.wait):
            assert estimate.low - 1e-9 <= one.truth_j <= estimate.high + 1e-9
            if reached("value", estimate.value is not None):
                assert estimate.low <= estimate.value <= estimate.high


def naive(power_w, length, phases):
    """The naive error of windows of ``length`` periods, read at these phases of a period; noise-free."""
    return power_w * (np.floor(phases + length) - np.floor(phases) - length)


@pytest.mark.parametrize("length", [0.1, 0.37, 0.83, 2.4])
def test_the_mean_of_dithered_windows_falls_with_the_root_of_their_number(length):
    rng = np.random.default_rng(7)
    sizes = np.array([4, 16, 64, 256, 1024])
    rms = [naive(100.0, length, rng.random((2000, n))).mean(axis=1).std() for n in sizes]
    slope = np.polyfit(np.log(sizes), np.log(rms), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize("length", [0.1, 0.37, 0.83, 2.4])
@pytest.mark.parametrize("n", [4, 10, 16, 37, 100])
def test_on_a_grid_of_phases_the_mean_errs_by_half_an_update_over_their_number(n, length):
    """Of any starting phase; the grid's order does not matter, its evenness does."""
    rng = np.random.default_rng(8)
    assert sorted(strata(n)) == pytest.approx(np.arange(n) / n)
    errors = [naive(100.0, length, start + np.array(strata(n))).mean() for start in rng.random(2000)]
    assert np.sqrt(np.mean(np.square(errors))) <= 100.0 / (2 * n) * 1.02
    assert np.abs(errors).max() <= 100.0 / n + 1e-9


def test_the_uncertainty_is_never_below_the_quantum_s():
    for case in (IDLE_BEFORE, CASES["1 ms"]):
        quantum_j = float(case.ideal.channel.scale.unit)
        for estimate in energies(case.counter, *case.windows, case.wait):
            assert estimate.u >= quantum_j / np.sqrt(6) * (1 - 1e-9)


def test_a_component_more_never_reduces_the_uncertainty():
    rng = np.random.default_rng(9)
    for _ in range(300):
        parts = [Component(f"c{i}", float(u)) for i, u in enumerate(rng.random(5))]
        assert combined([*parts, Component("more", float(rng.random()))]).u >= combined(parts).u
