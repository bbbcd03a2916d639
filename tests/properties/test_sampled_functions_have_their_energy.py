"""Functions of equal time and unequal power, seen in samples only: their energies, intervals and sum."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, US
from known_stacks import RAPL, Stacks

from microjoule.joules.profiling.sampled import FIT, POINTS

GPU = replace(RAPL, update_ns=20 * MS, poll_ns=5 * MS, declared_max=3)
FAST = Stacks(period_ms=1.0, seconds=4.0)

# Which way is taken, and functions of which stays.
SETTINGS = {
    "100 Hz, stays of 30 ms": (Stacks(), POINTS),
    "100 Hz, stays of 100 ms": (Stacks(stay_ms=100.0), POINTS),
    "1 kHz, stays of 30 ms": (FAST, POINTS),
    "1 kHz, stays of 10 ms": (replace(FAST, stay_ms=10.0), POINTS),
    "1 kHz, stays of 4 ms": (replace(FAST, stay_ms=4.0), POINTS),
    "three functions": (Stacks(watts=(90.0, 30.0, 50.0), shares=(0.5, 0.4, 0.1), stay_ms=50.0), POINTS),
    "stays all alike": (Stacks(stay_ms=50.0, is_regular=True, period_ms=10.3), POINTS),
    "reads seldom": (Stacks(base=replace(RAPL, poll_ns=700 * US)), POINTS),
    "20 ms updates, 1 kHz": (Stacks(period_ms=1.0, base=GPU, seconds=6.0), FIT),
    "20 ms updates, 100 Hz": (Stacks(stay_ms=100.0, base=GPU), POINTS),
}
TRIALS = 6


def uncertainty(frames, whole):
    """Standard uncertainties of all frames but the root."""
    parts = (
        frames.sampling_j,
        frames.regression_j,
        frames.alignment_j,
        frames.separability_j,
        frames.threads_j,
        whole.u / whole.value * frames.energy_j,
    )
    return np.sqrt(sum(part**2 for part in parts))[1:]


def test_intervals_hold_the_truth_and_parts_come_to_the_whole():
    held, ratios = {}, {}
    for name, (setting, way) in SETTINGS.items():
        hits, width, error = [], [], []
        for seed in range(TRIALS):
            scene = replace(setting, seed=seed)
            found, frames, whole = scene.found()
            assert found.way == way
            total = found.sums.energy_j.sum() + found.idle_j + found.outside_j
            assert total == pytest.approx(whole.value, rel=1e-9)
            off, u = frames.energy_j[1:] - scene.truth(), uncertainty(frames, whole)
            hits += (np.abs(off) <= 2 * u).tolist()
            width += u.tolist()
            error += off.tolist()
            assert frames.is_separate[1:].all()
        held[name] = np.mean(hits)
        ratios[name] = np.median(width) / np.sqrt(np.mean(np.square(error)))
    assert all(share >= 0.75 for share in held.values()), held
    assert np.mean(list(held.values())) >= 0.93, held
    # A bounded share of what updates mixed is in each of them: they are wider than the scatter by that.
    assert np.median(list(ratios.values())) <= 3, ratios


@pytest.mark.parametrize("seed", range(3))
def test_with_25000_samples_errors_are_those_of_alea(seed):
    """At most 2 % of a function with half of the time, 6 % of one with a tenth (doi 10.1145/3050436)."""
    scene = Stacks((90.0, 30.0, 60.0), (0.5, 0.4, 0.1), stay_ms=20.0, period_ms=1.0, seconds=25.1, seed=seed)
    found, frames, _ = scene.found()
    assert found.sums.n.sum() > 25_000
    off = np.abs(frames.energy_j[1:] / scene.truth() - 1)
    assert off[0] <= 0.02
    assert off[1] <= 0.02
    assert off[2] <= 0.06
    # Time alone gives each the mean power: a third too little, and a third too much.
    alone = scene.truth().sum() * frames.time_s[1:] / frames.time_s[0]
    assert np.abs(alone / scene.truth() - 1)[:2].min() > 0.25


def test_what_changes_inside_an_update_is_not_separable_and_its_interval_is_as_wide_as_that():
    scene = replace(FAST, stay_ms=0.3)
    found, frames, _ = scene.found()
    assert found.way == POINTS
    assert not frames.is_separate[1:].any()
    off = np.abs(frames.energy_j[1:] - scene.truth())
    assert (off <= 1.65 * frames.separability_j[1:]).all()
    # Both have about the mean power, which is wrong by a third and a half: the width says so.
    assert (frames.separability_j[1:] > 0.2 * frames.energy_j[1:]).all()
    assert frames.is_separate[0]
    assert frames.separability_j[0] == pytest.approx(0, abs=1e-9)


def test_of_a_gpu_what_samples_do_not_see_often_enough_is_not_separable():
    """Twenty samples say how much of an update a function had to a tenth only: the fit is attenuated."""
    scene = Stacks(period_ms=1.0, stay_ms=0.2, base=GPU, seconds=3.0)
    found, frames, whole = scene.found()
    assert found.way == FIT
    assert not frames.is_separate[1:].any()
    assert (np.abs(frames.energy_j[1:] - scene.truth()) <= 2 * uncertainty(frames, whole)).all()


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_gone_through_block_by_block_is_what_comes_of_all_at_once(name):
    """A block's figures depend on its neighbourhood alone: blocks of 37 samples, and one of all."""
    setting = SETTINGS[name][0]
    whole, parts = (replace(setting, seconds=2.0, block=n).found() for n in (1 << 15, 37))
    for one, other in zip(whole[1], parts[1], strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-6, abs=1e-9)
    assert (whole[0].idle_j, whole[0].idle_s) == pytest.approx((parts[0].idle_j, parts[0].idle_s), rel=1e-6)
    assert whole[0].outside_j == pytest.approx(parts[0].outside_j, rel=1e-6)
