"""Windows that begin and end where power steps, as those of a program do, err to one side.

A sensor that averages all of an update shows of a step inside it a share, and where in it power stepped is
not known. Of a window that is one burst energy is spread to both sides, in each window of its name alike.
"""

import gauges
import numpy as np
import pytest
from gauges import POLLS, REST_S, SENSORS, T0, Load, S, truth_j

from microjoule.joules.estimates.estimate import summed

WINDOWS, SEEDS = 100, 3
SENSORS_AT_STEPS = (
    "100 of 100 ms",
    "25 of 100 ms",
    "mean of 1 s",
    "capacitor of 50 ms",
    "1 s of 1 s, not declared",
)
HELD = 0.93  # means of 100 ms were held in 83 %, and sums were 4 U off; of a capacitor 2.7


def bursts(seed: int) -> tuple[Load, np.ndarray, np.ndarray]:
    """Bursts of 80 to 600 ms with 50 to 500 ms between; when each begins and ends, in ns."""
    chance = np.random.default_rng([seed, 5])
    lasts_s, rests_s = chance.uniform(0.08, 0.6, WINDOWS), chance.uniform(0.05, 0.5, WINDOWS)
    ends = np.concatenate(([0.0], np.cumsum(np.column_stack((lasts_s, rests_s)).ravel())))[:-1]
    load = Load(REST_S + ends, np.concatenate(([60.0], np.tile([300.0, 60.0], WINDOWS))))
    at = T0 + np.rint(load.edges_s * S).astype(np.int64)
    return load, at[0::2], at[1::2]


@pytest.mark.parametrize("sensor", SENSORS_AT_STEPS)
@pytest.mark.parametrize("is_idle", [False, True], ids=["bursts", "between"])
def test_windows_that_are_one_burst_and_their_sum_are_covered(sensor, is_idle):
    covered, off = 0, []
    for seed in range(SEEDS):
        load, t0, t1 = bursts(seed)
        if is_idle:
            t0, t1 = t1[:-1], t0[1:]
        gauge = gauges.gauge(load, SENSORS[sensor], POLLS["10 ms"], seed)
        found, true_j = gauge.estimates(gauge.energies(t0, t1)), truth_j(load, t0, t1)
        covered += sum(abs(each.value - j) <= each.U for each, j in zip(found, true_j.tolist(), strict=True))
        off.append(abs(summed(found).value - true_j.sum()) / summed(found).U)
    assert covered >= HELD * SEEDS * (WINDOWS - is_idle)
    assert max(off) <= 1.0
