import math
from dataclasses import replace
from itertools import product

import pytest

from microjoule.errors import BadRequest, TooCoarse
from microjoule.measuring.window_plan import (
    Ask,
    Pilot,
    Plan,
    abba,
    is_steady,
    plan,
    shuffled,
    slope_per_s,
    strata,
)

RAPL = {"power_w": 100.0, "update_s": 1e-3, "quantum_j": 61e-6}
NVML = {"power_w": 400.0, "update_s": 0.1, "quantum_j": 1e-3}


def test_a_kernel_of_a_tenth_of_a_millisecond_runs_409_times_a_window():
    """The number of calls for 1 %, by the formula in docs/methods.md."""
    planned = plan(Pilot(call_s=1e-4, **RAPL), Ask())
    assert planned.counts == (409,) * 10


def test_a_target_that_cannot_be_had_is_planned_for_as_far_as_the_time_goes():
    planned = plan(Pilot(call_s=0.01, **NVML), Ask(max_time_s=30))
    assert planned.counts[0] < 409
    assert planned.needed_s == pytest.approx(46, rel=0.02)
    assert plan(Pilot(call_s=0.01, **NVML), Ask(max_time_s=61)).counts[0] == 409


def test_a_plan_that_is_stopped_keeps_what_was_run():
    planned = plan(Pilot(call_s=1e-4, **RAPL), Ask(mode="slope"), seed=3)
    assert not planned.may_stop_after(0)
    assert not planned.may_stop_after(1)
    assert planned.may_stop_after(len(planned.counts))
    assert planned.first(5).counts == planned.counts[:5]
    assert len(planned.first(5).offsets_s) == 5


PLANS = list(product(["batch", "slope", "dither", "edge"], [1e-7, 1e-3, 0.3, 4.0], [5, 60]))
TOO_COARSE = [("dither", 1e-7, 5), ("edge", 1e-7, 5)]  # some calls of 40 µJ against steps of 1 mJ


@pytest.mark.parametrize(("mode", "call_s", "max_time_s"), TOO_COARSE)
def test_calls_too_small_for_a_mode_and_the_time_are_refused(mode, call_s, max_time_s):
    with pytest.raises(TooCoarse, match="--mode batch"):
        plan(Pilot(call_s=call_s, **NVML, settle_s=0.1), Ask(mode=mode, max_time_s=max_time_s))


@pytest.mark.parametrize(("mode", "call_s", "max_time_s"), [each for each in PLANS if each not in TOO_COARSE])
def test_a_plan_keeps_to_the_time_allowed_or_runs_once(mode, call_s, max_time_s):
    pilot = Pilot(call_s=call_s, **NVML, settle_s=0.1)
    planned = plan(pilot, Ask(mode=mode, max_time_s=max_time_s))
    assert planned.mode == mode
    around_s = 2 * (planned.idle_s + planned.run_in_s) + len(planned.counts) * 2 * planned.pad_s
    whole_s = sum(planned.counts) * call_s + around_s
    assert whole_s <= max_time_s + call_s or sum(planned.counts) <= 10
    assert len(planned.offsets_s) == len(planned.counts)
    assert all(0 <= offset < pilot.update_s for offset in planned.offsets_s)


def test_number_and_repeat_are_kept():
    planned = plan(Pilot(call_s=1e-4, **RAPL), Ask(number=7, repeat=3))
    assert planned.counts == (7, 7, 7)


def test_windows_that_scatter_are_repeated_more_often():
    steady, scattered = (plan(Pilot(call_s=1e-4, **RAPL, scatter=s), Ask()) for s in (0.0, 0.02))
    assert len(scattered.counts) == 20 > len(steady.counts)


def test_a_quantum_larger_than_all_that_can_be_spent_is_refused():
    psys = {"power_w": 0.01, "update_s": 1e-3, "quantum_j": 1.0}
    with pytest.raises(TooCoarse, match=r"steps of 1 J.*--channel.*--max-time"):
        plan(Pilot(call_s=1e-4, **psys), Ask())


@pytest.mark.parametrize(
    "wrong",
    [
        {"rel": 0},
        {"rel": -1},
        {"rel": 1.5},
        {"rel": math.nan},
        {"max_time_s": 0},
        {"mode": "x"},
        {"number": -1},
    ],
)
def test_what_nobody_can_measure_is_refused(wrong):
    with pytest.raises(BadRequest) as raised:
        Ask(**wrong)
    assert raised.value.remedy
    assert isinstance(raised.value, ValueError)


def test_phases_are_a_grid_whose_beginning_is_well_spread():
    assert strata(4) == (0.0, 0.5, 0.25, 0.75)
    assert sorted(strata(7)) == [i / 7 for i in range(7)]


def test_orders():
    assert abba(2, 2) == [[0, 1, 1, 0], [0, 1, 1, 0]]
    assert abba(3, 1) == [[0, 1, 2, 2, 1, 0]]
    assert all(sorted(block) == [0, 1, 2] for block in shuffled(3, 20))
    assert len({tuple(block) for block in shuffled(3, 50)}) == 6


def test_a_power_that_moves_is_not_steady():
    t_s = [0.1 * i for i in range(8)]
    assert is_steady(t_s, [100.0] * 8)
    assert not is_steady(t_s, [100 + 5 * t for t in t_s])
    assert slope_per_s(t_s, [100 + 5 * t for t in t_s])[0] == pytest.approx(0.049, abs=0.001)
    assert is_steady(t_s, [100, 104, 97, 101, 103, 96, 100, 102])  # noise, and no drift that can be seen


def test_a_plan_out_of_time_takes_the_shortest_window_of_another_size_next():
    """Slope mode needs two sizes, whatever they take: the least that they can take is what it then takes."""
    counts = (12, 12, 9, 3, 6)
    planned = Plan(
        mode="slope", counts=counts, offsets_s=(0.0,) * 5, pad_s=0.0, idle_s=0.5, run_in_s=0.0, needed_s=1.0
    )
    assert planned.hurried(0).counts == (3, 12, 9, 12, 6)
    assert planned.hurried(1).counts == (12, 3, 9, 12, 6)
    assert planned.hurried(1).may_stop_after(2)
    assert planned.hurried(3) is planned
    assert replace(planned, mode="edge").hurried(0).counts == counts
