"""A single window that a program marks holds the truth, though power steps at its edges and nowhere else.

Reads are twice as frequent as updates, so that these are located by their phase, unless a test says else.
"""

from dataclasses import replace

import numpy as np
import pytest
from ideal import T0, US
from scipy.stats import binomtest
from steps import BASE, Steps

SEEDS = 6
COVERED = 0.93


def base(jitter_us, poll_ns=500_000):
    """Reads late by up to 50 us, updates early or late by as much as is said."""
    return replace(
        BASE,
        poll_ns=poll_ns,
        read_ns=5 * US,
        poll_jitter=1e5 / poll_ns,
        jitter=2e3 * jitter_us / BASE.update_ns,
    )


def errors(folder, steps):
    """Of each window: its relative error, U relative to the truth, and whether its two intervals hold."""
    trace = steps.trace(folder)
    found = []
    for energies, (_, t0, t1, _) in zip(trace.energies(trace.windows), steps.windows, strict=True):
        energy, truth = energies["package-0"], steps.ideal.truth(T0 + t0, T0 + t1)
        assert energy.low <= truth <= energy.high
        found.append((energy.value / truth - 1, energy.U / truth, abs(energy.value - truth) <= energy.U))
    return found


@pytest.mark.parametrize(
    ("length_ms", "jitter_us", "p95"), [(10.0, 50, 0.01), (1.0, 50, 0.1), (10.0, 300, 0.03), (1.0, 300, 0.2)]
)
def test_pulses_are_known_to_the_target_and_within_their_intervals(tmp_path, length_ms, jitter_us, p95):
    found = []
    for seed in range(SEEDS):
        steps = Steps(
            power_w={"decode": 80.0},
            length_ms={"decode": length_ms},
            seed=seed,
            base=base(jitter_us),
        )
        found += errors(tmp_path, steps)
    off, expanded, held = (np.array(column) for column in zip(*found, strict=True))
    assert np.percentile(np.abs(off), 95) <= p95
    assert held.mean() >= COVERED
    assert np.median(expanded) <= 4 * np.sqrt(np.mean(off**2))


def test_windows_longer_than_their_updates_share_a_phase_are_covered(tmp_path):
    """Where the updates lie is known from 49 of them: both edges of a short window err alike by that."""
    found = []
    for seed in range(10):
        steps = Steps(
            power_w={"step": 80.0}, length_ms={"step": 100.0}, scatter=0.2, n=60, seed=seed, base=base(20)
        )
        found += errors(tmp_path, steps)
    off, expanded, held = (np.array(column) for column in zip(*found, strict=True))
    assert binomtest(int(held.sum()), len(held)).proportion_ci(0.999).high >= COVERED
    assert np.median(expanded) <= 3 * np.sqrt(np.mean(off**2))


@pytest.mark.parametrize("scatter", [0.0, 0.05])
@pytest.mark.parametrize("idle_ms", [(0.3, 1.0), (0.001, 0.002), (5.0, 20.0)])
def test_windows_of_two_names_one_right_after_the_other(tmp_path, idle_ms, scatter):
    found = []
    for seed in range(SEEDS):
        steps = Steps(
            power_w={"prefill": 80.0, "decode": 50.0},
            length_ms={"prefill": 4.0, "decode": 3.0},
            idle_ms=idle_ms,
            scatter=scatter,
            seed=seed,
            base=base(20),
        )
        found += errors(tmp_path, steps)
    _, _, held = (np.array(column) for column in zip(*found, strict=True))
    assert held.mean() >= COVERED - 0.03


def test_reads_as_rare_as_updates_cover_too(tmp_path):
    found = []
    for seed in range(SEEDS):
        steps = Steps(power_w={"decode": 80.0}, seed=seed, base=base(50, poll_ns=1_000_000))
        found += errors(tmp_path, steps)
    assert np.mean([held for *_, held in found]) >= COVERED


@pytest.mark.parametrize(("scatter", "widest"), [(0.2, 0.45), (0.02, 0.25)])
def test_windows_far_shorter_than_the_reads_are_apart_scatter_as_the_updates_say(tmp_path, scatter, widest):
    """No update lies inside any of them: what the fit leaves between updates tells how unlike they are."""
    found = []
    for seed in range(SEEDS):
        steps = Steps(
            power_w={"step": 80.0},
            length_ms={"step": 1.0},
            scatter=scatter,
            seed=seed,
            base=base(20, poll_ns=10_000_000),
        )
        found += errors(tmp_path, steps)
    _, expanded, held = (np.array(column) for column in zip(*found, strict=True))
    assert held.mean() >= COVERED
    assert np.median(expanded) <= widest


@pytest.mark.parametrize("poll_ns", [1_000_000, 500_000, 250_000])
@pytest.mark.parametrize(
    ("lasts_ms", "updates", "idle_ms"),
    [
        ((0.1, 0.5), 1, (5.0, 20.0)),
        ((0.1, 0.5), 1, (0.1, 0.5)),
        ((0.3, 0.9), 4, (0.3, 0.9)),
    ],
)
def test_windows_shorter_than_updates_scatter_as_sums_over_updates_do(
    tmp_path, lasts_ms, updates, idle_ms, poll_ns
):
    """Where updates are known better than by their reads, where both beat, and where there is little idle."""
    low, high = lasts_ms
    update_ns = updates * BASE.update_ns
    found = []
    for seed in range(SEEDS):
        steps = Steps(
            power_w={"step": 60.0},
            length_ms={"step": (low + high) / 2},
            vary=(high - low) / (high + low),
            idle_ms=idle_ms,
            scatter=0.25,
            seed=seed,
            base=replace(base(50, poll_ns), update_ns=update_ns, jitter=1e5 / update_ns),
        )
        found += errors(tmp_path, steps)
    off, expanded, held = (np.array(column) for column in zip(*found, strict=True))
    assert held.mean() >= COVERED
    assert np.median(expanded) / 2 <= 2 * np.sqrt(np.mean(off**2))


@pytest.mark.parametrize("scatter", [0.1, 0.25])
def test_windows_of_a_name_of_which_only_the_longest_hold_updates(tmp_path, scatter):
    """These tell the scatter no better than reads, which beat with them, tell when they were."""
    found = []
    for seed in range(SEEDS):
        steps = Steps(
            power_w={"step": 60.0},
            length_ms={"step": 1.75},
            vary=2.5 / 3.5,
            scatter=scatter,
            n=120,
            seed=seed,
            base=base(50, poll_ns=1_000_000),
        )
        found += errors(tmp_path, steps)
    off, expanded, held = (np.array(column) for column in zip(*found, strict=True))
    assert held.mean() >= COVERED
    assert np.sqrt(np.mean((2 * off / expanded) ** 2)) <= 1.2
    assert np.median(expanded) <= 5 * np.sqrt(np.mean(off**2))


def test_a_lag_that_differs_from_update_to_update_is_in_the_interval(tmp_path):
    found = []
    for seed in range(SEEDS):
        steps = Steps(power_w={"decode": 80.0}, seed=seed, base=replace(base(20), lag_ns=300 * US))
        found += errors(tmp_path, steps)
    assert np.mean([held for *_, held in found]) >= COVERED - 0.03


def test_adjoining_windows_add_up_to_the_window_around_them(tmp_path):
    steps = Steps(power_w={"decode": 80.0}, n=20, base=base(20))
    more = []
    for name, t0, t1, _ in steps.windows:
        middle = (t0 + t1) // 2
        more += [(f"{name}, first", t0, middle), (f"{name}, second", middle, t1)]
    trace = steps.trace(tmp_path, more=more)
    energies = zip(trace.windows, trace.energies(trace.windows), strict=True)
    by_span = {(w.t0_ns - T0, w.t1_ns - T0): each.total for w, each in energies}
    for (_, a, b), (_, _, c) in zip(more[::2], more[1::2], strict=True):
        parts = by_span[a, b].value + by_span[b, c].value
        assert parts == pytest.approx(by_span[a, c].value, rel=1e-9)
