"""Few updates, missed ones and long ones: what many regular ones tell of a load is not taken from these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import POLLS, SENSORS, T0, Load, S, channel, covered, gauge, series, square, truth_j, windows
from scipy.stats import binomtest

from microjoule.joules.gauges.gauge import Gauge

WHOLE = SENSORS["100 of 100 ms"]


def _holds(readers: list[Gauge], loads: list[Load], window_s: float, n: int) -> bool:
    held = covered(readers, loads, window_s, n)
    return binomtest(held, len(loads) * n).proportion_ci(0.999, "exact").high >= 0.93


@pytest.mark.parametrize("window_s", [0.03, 0.1, 0.3, 1.0])
def test_a_recording_too_short_for_a_load_to_come_round_says_nothing_against_it(window_s: float) -> None:
    """Of 0.992 T in 10 s, which comes round in 12.5, 28 to 52 % were covered."""
    loads = [square(0.0992, 10.0, seed, 60, 330) for seed in range(12)]
    readers = [gauge(load, WHOLE, POLLS["10 ms"], seed) for seed, load in enumerate(loads)]
    assert _holds(readers, loads, window_s, 30)


def test_two_levels_bound_nothing_where_updates_are_missed() -> None:
    """Of 3.7 T with holes of 2 s in 7 s, 85 to 92 % of windows beside them were covered."""
    held, n = 0, 0
    for seed in range(24):
        load = square(0.37, 30.0, seed, 60, 330)
        found = series(load, WHOLE, POLLS["10 ms"], seed)
        kept = (found.t_ns - found.t_ns[0]) % (7 * S) > 2 * S
        columns = {name: getattr(found, name)[kept] for name in ("t_ns", "read_ns", "raw", "status")}
        pairs = np.array([T0, T0 + 50 * S])
        reader = Gauge(replace(found, **columns), channel(WHOLE.timing), (pairs, pairs + 10**18))
        t0, t1 = windows(load, 1.0, 60, seed)
        brackets = reader.energies(t0, t1)
        wide_j = np.array([each.U for each in reader.estimates(brackets)])
        is_held = np.abs(brackets.value - truth_j(load, t0, t1)) <= wide_j
        held, n = held + is_held[brackets.status == 0].sum(), n + (brackets.status == 0).sum()
    assert n > 500
    assert binomtest(int(held), int(n)).proportion_ci(0.999, "exact").high >= 0.93


@pytest.mark.parametrize("window_s", [0.1, 0.3, 1.0])
def test_a_second_of_a_load_of_one_period_is_not_all_known(window_s: float) -> None:
    """Under a sensor that is ten times slower than declared: of 3.7 T 76 to 84 % were covered."""
    slow = replace(WHOLE, update_s=1.0, window_s=1.0)
    loads = [square(3.7, 300.0, seed, 60, 330) for seed in range(12)]
    readers = [gauge(load, slow, POLLS["10 ms"], seed) for seed, load in enumerate(loads)]
    assert _holds(readers, loads, window_s, 30)
