"""What a gauge's values and their repeats tell: its quantum, and updates that showed the same value again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import POLLS, SENSORS, T0, S, channel, gauge, steady, truth_j, windows
from ideal import thinned

from microjoule.channel import Timing
from microjoule.joules.counters.update_times import Learned
from microjoule.joules.gauges.readings import Readings, _period, _quantum, _with_repeats
from microjoule.joules.gauges.standstills import Skipped
from microjoule.trace.series import Series

MS = 1_000_000


@pytest.mark.parametrize(
    ("values", "quantum"),
    [
        ([3000, 6000], 1000),
        ([30_000, 60_000], 5000),  # a sensor's steps are no coarser, as long as few values say so
        (
            [235_000],
            5000,
        ),  # steady power: of one in five sensors of whole watts, too
        ([235_000, 236_000], 1000),
        ([6000, 10_000], 2000),
        ([*range(5000, 5000 * 17, 5000)], 5000),
        ([700, 1400], 100),
        ([45, 90], 5),
        ([0, 0], 1),
        ([], 1),
        ([*range(7, 7 * 20, 7)], 7),
    ],
)
def test_of_few_values_the_quantum_is_1_2_5_or_10_and_so_on_and_of_many_what_all_are_multiples_of(
    values: list[int], quantum: int
) -> None:
    assert _quantum(np.array(values, np.int64), 5000) == quantum


@pytest.mark.parametrize(
    ("longest_ms", "end_ms", "period_ms", "updates_ms"),
    [
        (0, 0, 100, [0, 100, 200, 300, 400, 500]),
        (1000, 0, 100, [0, 100, 400]),  # at idle a mean stands still, and is not updated
        (0, 150, 100, [0, 100, 250, 400]),  # the end of a longer time without a change was a standstill
        (0, 0, 0, [0, 100, 400]),
    ],
)
def test_between_changes_a_value_was_shown_again_each_period(
    longest_ms: int, end_ms: int, period_ms: int, updates_ms: list[int]
) -> None:
    skips = Skipped(np.full(3, longest_ms * MS), np.array([0, end_ms, 0]) * MS)
    at, read_ns = np.array([0, 100, 400]) * MS, np.arange(0, 510, 10) * MS
    rows, t_ns, spread = _with_repeats(
        np.array([0, 10, 40]), at, np.array([1.0, 2.0, 3.0]), period_ms * MS, read_ns, skips, False
    )
    assert t_ns[: len(updates_ms)].tolist() == [ms * MS for ms in updates_ms]
    assert rows[: len(updates_ms)].tolist() == [10 * (ms >= 100) + 30 * (ms >= 400) for ms in updates_ms]
    assert len(spread) == len(t_ns)


def test_changes_of_which_none_is_about_the_declared_time_apart_have_their_mean_as_period():
    """In turns after 30 and 165 ms, where 100 ms are declared."""
    gaps_ns = np.tile([30, 165, 165, 30, 165], 40) * MS
    assert _period(gaps_ns, Learned(usual_ns=100 * MS), 10 * MS, 100 * MS) == 111 * MS


@pytest.mark.parametrize("step_w", [1.0, 2.0, 5.0])
def test_steady_power_is_within_u_of_the_step_that_its_values_are_of(step_w: float) -> None:
    """Of a sensor that rounds to 5 W one value is shown: of such recordings 61 % of windows were held."""
    held = []
    for seed in range(12):
        load = steady(4.0, seed)
        found = gauge(load, replace(SENSORS["100 of 100 ms"], quantum_w=step_w), POLLS["10 ms"], seed)
        t0, t1 = windows(load, 1.0, 4, seed, margin_s=-1.0)
        errors = found.values(t0, t1)[0] - truth_j(load, t0, t1)
        wide = [each.U for each in found.estimates(found.energies(t0, t1))]
        held += (np.abs(errors) <= wide).tolist()
    assert sum(held) > 0.95 * len(held)


def test_a_value_that_lasts_while_it_is_read_is_no_hole() -> None:
    """A meter of a second that showed 200 W for 3 s had no figure; where nothing was read it has none."""
    t_ns, zeros = T0 + np.arange(1008) * 10 * MS, np.zeros(1008)
    watts = np.repeat([100, 190, 200, 100, 190, 200], [8, 100, 300, 300, 100, 200])
    heard = Series(t_ns, zeros.astype(np.uint32), (watts * 1000).astype(np.uint64), zeros.astype(np.uint16))
    unheard = thinned(heard, (t_ns < T0 + 1.2 * S) | (t_ns > T0 + 4 * S))
    window = np.array([T0 + S // 2]), np.array([T0 + 9 * S])
    found = [Readings(each, channel(Timing())).holes(*window).tolist() for each in (heard, unheard)]
    assert found == [[0], [1]]
