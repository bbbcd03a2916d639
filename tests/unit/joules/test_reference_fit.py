"""A meter against counters: gain, offset, lag and window are inside their 95 % intervals."""

import numpy as np
import pytest
from metered import Truth, metered

from microjoule.errors import TooFewUpdates
from microjoule.joules.reference_fit import fit

SEEDS = 60
# Of 60 intervals of 93 % fewer than 49 hold once in 1,600 (binomial).
HOLD_MIN = 49


@pytest.mark.parametrize(
    ("truth", "options"),
    [
        (Truth(), {}),
        (Truth(), {"every_s": 5.0, "for_s": 180.0}),
        (Truth(), {"noise_w": 2.0}),
        (Truth(gain=0.9, offset_w=-20.0, lag_s=1.2, window_s=2.0), {}),
    ],
    ids=["smart plug", "one reading in 5 s", "noise", "slow and off"],
)
def test_gain_and_lag_are_inside_their_intervals(truth, options):
    held = np.zeros(3)
    for seed in range(SEEDS):
        found = fit(*metered(seed, truth, **options), step_w=0.1)
        pairs = ((found.gain, truth.gain), (found.offset_w, truth.offset_w), (found.lag_s, truth.lag_s))
        held += [abs(one.value - true) <= one.U for one, true in pairs]
    assert (held >= HOLD_MIN).all(), held / SEEDS


def test_the_interval_of_a_gain_is_no_excuse():
    """A tenth of a percent or so where a plug's steps are 0.1 W of 60."""
    wide = [fit(*metered(seed, Truth()), step_w=0.1).gain.U for seed in range(10)]
    assert np.median(wide) < 0.005


def test_too_few_readings_and_a_steady_load_are_refused():
    few = metered(1, Truth(), for_s=15.0)
    with pytest.raises(TooFewUpdates, match="readings beside the counters"):
        fit(*few)
    t_ns, watts, spread_s, energy_t_ns, energy_j = metered(1, Truth())
    steady = np.arange(len(energy_j)) * 0.2
    with pytest.raises(TooFewUpdates, match="did not change"):
        fit(t_ns, np.full_like(watts, 100.0), spread_s, energy_t_ns, steady)
