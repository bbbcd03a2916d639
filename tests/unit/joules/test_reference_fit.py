"""A meter against counters: gain, offset, lag and window are inside their 95 % intervals."""

import numpy as np
import pytest
from metered import Truth, metered, read_often

from microjoule.errors import TooFewUpdates
from microjoule.joules.reference.reference_fit import fit

SEEDS = 36
# Of 36 intervals of 93 % fewer than 28 hold once in 1,500 (binomial).
HOLD_MIN = 28
ANALYSER, QUICK = Truth(window_s=0.1, lag_s=0.05), {"every_s": 0.2, "for_s": 40.0}


@pytest.mark.parametrize(
    ("truth", "options"),
    [
        (Truth(), {}),
        (Truth(), {"every_s": 5.0, "for_s": 180.0}),
        (Truth(), {"noise_w": 2.0}),
        (Truth(gain=0.9, offset_w=-20.0, lag_s=1.2, window_s=2.0), {}),
        (Truth(), {"step_w": 1.0}),
        (ANALYSER, {**QUICK, "jitter_s": 0.002}),
        (ANALYSER, QUICK),
    ],
    ids=["smart plug", "one reading in 5 s", "noise", "slow and off", "1 W", "analyser", "analyser, jitter"],
)
def test_gain_lag_and_window_are_inside_their_intervals(truth, options):
    held = np.zeros(4)
    for seed in range(SEEDS):
        found = fit(*metered(seed, truth, **options)[:5], step_w=options.get("step_w", 0.1))
        pairs = zip((found.gain, found.offset_w, found.lag_s, found.window_s), truth, strict=True)
        held += [abs(one.value - true) <= one.U for one, true in pairs]
    assert (held >= HOLD_MIN).all(), held / SEEDS


@pytest.mark.parametrize("jitter_s", [0.002, 0.02])
def test_no_lag_and_window_fit_better_than_those_found(jitter_s):
    """A short window in the middle of the right one is a valley of its own, which a fit used to end in."""
    for seed in range(5000, 5010):
        readings = metered(seed, ANALYSER, **QUICK, jitter_s=jitter_s)
        found = fit(*readings[:5], step_w=0.1)
        t_s, joules = readings.energy_t_ns / 1e9, readings.energy_j
        ends_s = readings.t_ns / 1e9 - ANALYSER.lag_s
        of_truth = np.interp(ends_s, t_s, joules) - np.interp(ends_s - ANALYSER.window_s, t_s, joules)
        rest = readings.watts - ANALYSER.offset_w - ANALYSER.gain * of_truth / ANALYSER.window_s
        inside = ends_s > 15
        assert found.residual_w < 1.1 * np.sqrt(np.mean(rest[inside] ** 2)) + 0.03


def test_the_interval_of_a_gain_is_no_excuse():
    """A tenth of a percent or so where a plug's steps are 0.1 W of 60."""
    wide = [fit(*metered(seed, Truth())[:5], step_w=0.1).gain.U for seed in range(10)]
    assert np.median(wide) < 0.005


def test_too_few_readings_and_a_steady_load_are_refused():
    few = metered(1, Truth(), for_s=15.0)
    with pytest.raises(TooFewUpdates, match="readings beside the counters"):
        fit(*few[:5])
    t_ns, watts, spread_s, energy_t_ns, energy_j, _ = metered(1, Truth())
    steady = np.arange(len(energy_j)) * 0.2
    with pytest.raises(TooFewUpdates, match="did not change"):
        fit(t_ns, np.full_like(watts, 100.0), spread_s, energy_t_ns, steady)


def test_a_value_that_is_read_ten_times_counts_once():
    """With every reading the gain held in 2 of 40 and the lag in none: ten readings of a value are no ten."""
    held = np.zeros(4)
    for seed in range(SEEDS):
        *readings, together_s = read_often(seed, Truth(), 0.1)
        found = fit(*readings, step_w=0.1).with_times(together_s)
        pairs = zip((found.gain, found.offset_w, found.lag_s, found.window_s), Truth(), strict=True)
        held += [abs(one.value - true) <= one.U for one, true in pairs]
    assert (held >= HOLD_MIN).all(), held / SEEDS


def test_a_sensor_whose_mean_is_ragged_at_steps_has_its_gain_from_the_calm_readings():
    """Two boards' means of a second are off by a tenth of a step while it passes through them."""
    errors = []
    for seed in range(20):
        shown = metered(seed, Truth(), for_s=60.0, every_s=0.1, jitter_s=0.001)
        t_s = shown.energy_t_ns / 1e9
        ends_s = shown.t_ns / 1e9 - Truth().lag_s
        power_w = [(np.interp(t, t_s, shown.energy_j) - np.interp(t - 0.1, t_s, shown.energy_j)) / 0.1
                   for t in (ends_s, ends_s - 0.9)]  # fmt: skip
        ragged = 0.15 * np.abs(power_w[0] - power_w[1]) * (1 + np.sin(seed + 7 * ends_s))
        found = fit(shown.t_ns, shown.watts + ragged, *shown[2:5], step_w=0.1)
        errors.append(found.gain.value / Truth().gain - 1)
    assert np.mean(np.abs(errors)) < 0.01  # 0.5 %; 1.7 % with the same weight for all readings
