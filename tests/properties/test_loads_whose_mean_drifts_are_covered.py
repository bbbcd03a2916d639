"""A load near the sensor's frequency is in U where its mean drifts, and where readings swing within noise.

Means of all of the time show such a load as a beat of a few percent of its swing. A duty cycle that goes from
0.1 to 0.9 in a minute moves them by 3 to 4 W a second.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from gauges import BUSY_W, F64, IDLE_W, POLLS, REST_S, SENSORS, Load, covered, gauge, square, steady, steps
from scipy.stats import binomtest

SEEDS, WINDOWS, LENGTHS_S = 3, 60, (0.03, 0.3, 3.0)
LENGTH_S = 90.0


def up_and_down(t_s: F64, every_s: float) -> F64:
    """From 0 to 1 and back."""
    return np.asarray(1 - np.abs((t_s / every_s) % 2 - 1))


def drifting(period_s: float, seed: int) -> Load:
    """High for a tenth to nine tenths of each period, and back."""
    begins = np.arange(0.0, LENGTH_S, period_s)
    high_s = period_s * (0.1 + 0.8 * up_and_down(begins + 17.0 * seed, 60.0))
    lengths_s = np.stack((high_s, period_s - high_s), 1).ravel()
    watts = np.tile([BUSY_W, IDLE_W], len(begins))
    edges_s = REST_S + np.concatenate(([0.0], np.cumsum(lengths_s)))
    return Load(edges_s, np.concatenate(([IDLE_W], watts, [IDLE_W])))


def moving(period_s: float, seed: int) -> Load:
    """Whose two levels go up and down by 20 W in 30 s."""
    load = square(period_s, LENGTH_S, SEED + seed)
    moved_w = 20 * np.sin(2 * np.pi * load.edges_s[:-1] / 30.0 + seed)
    return Load(load.edges_s, np.concatenate((load.watts[:1], load.watts[1:-1] + moved_w, load.watts[-1:])))


SEED = 5_500_200


def weak(period_s: float, seed: int) -> Load:
    """Of 20 W, of which means of all of T keep less than a watt."""
    return square(period_s, LENGTH_S, SEED + seed, 190.0, 210.0)


LOADS: dict[str, tuple[Callable[[float, int], Load], float]] = {  # of the period and a seed; periods in T
    **{f"drifting, {of:g} T": (drifting, of) for of in (0.97, 1.03)},
    **{f"moving, {of:g} T": (moving, of) for of in (0.97, 1.03)},
    **{f"190/210 W, {of:g} T": (weak, of) for of in (0.96, 0.98, 1.03)},
}


@pytest.mark.parametrize("sensor", ["100 of 100 ms", "mean of 1 s"])
@pytest.mark.parametrize("name", LOADS)
def test_windows_under_them_are_covered(sensor: str, name: str) -> None:
    """Before, 5 to 60 % of the shortest windows were."""
    one, (load_of, of) = SENSORS[sensor], LOADS[name]
    loads = [load_of(of * one.update_s, seed) for seed in range(SEEDS)]
    readers = [gauge(load, one, POLLS["10 ms"], SEED + seed) for seed, load in enumerate(loads)]
    for window_s in LENGTHS_S:
        held = covered(readers, loads, window_s, WINDOWS)
        assert binomtest(held, SEEDS * WINDOWS).proportion_ci(0.999, "exact").high >= 0.93, window_s


@pytest.mark.parametrize("sensor", ["100 of 100 ms", "mean of 1 s"])
@pytest.mark.parametrize("load", [steady(LENGTH_S, 3), steps(0.8, LENGTH_S, 3)], ids=["steady", "steps"])
def test_steady_power_and_levels_are_none_of_them(sensor: str, load: Load) -> None:
    of = gauge(load, SENSORS[sensor], POLLS["10 ms"], 3)
    assert np.mean(of.swings.half_w > 0) < 0.05  # some at their ends
