import math
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reached import reached

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


SLOPE = Plan(
    mode="slope", counts=(12, 12, 9, 3), offsets_s=(0.0,) * 4, pad_s=0, idle_s=0.5, run_in_s=0, needed_s=1
)
LATE = {  # windows done, seconds a call, seconds left: the counts of the plan that goes on; None: it stops
    "in time": (1, 0.1, 1.3, (12, 12, 9, 3)),
    "of one size, and as many calls as before do not fit": (1, 0.1, 1.1, (12, 6, 9, 3)),
    "of one size, and no time left": (1, 0.1, -1.0, (12, 1, 9, 3)),
    "a larger one that does not fit": (1, 0.1, 0.35, (12, 3, 9, 3)),
    "of two sizes": (3, 0.1, 0.25, None),
    "of two sizes, and the smallest one fits": (3, 0.1, 0.31, (12, 12, 9, 3)),
    "late before the first one": (0, 0.0, -1.0, (3, 12, 9, 3)),
}


@pytest.mark.parametrize("case", LATE)
def test_the_next_window_is_one_that_the_time_left_allows(case):
    """By the calls that it has, which in slope mode are up to four times those of the window before."""
    done, call_s, left_s, counts = LATE[case]
    found = SLOPE.going_on(done, call_s, left_s)
    assert (found.counts if found else None) == counts


@pytest.mark.reaches(stops=10, shorter=10)
@given(
    st.lists(st.integers(1, 40), min_size=3, max_size=8), st.data(), st.floats(1e-2, 1.0), st.floats(-5, 30)
)
def test_slope_mode_gets_its_two_sizes_and_takes_no_longer_than_it_must(counts, data, call_s, left_s):
    done = data.draw(st.integers(1, len(counts) - 1))
    planned = replace(SLOPE, counts=tuple(counts), offsets_s=(0.0,) * len(counts))
    found = planned.going_on(done, call_s, left_s)
    if reached("stops", found is None):
        assert planned.may_stop_after(done)
    if reached("shorter", found is not None and found is not planned):
        assert found.counts[:done] == planned.counts[:done]
        assert found.may_stop_after(done + 1)
        assert found.counts[done] * call_s <= max(left_s, 2 * call_s)


def test_other_modes_stop_when_the_next_window_has_no_room():
    planned = replace(SLOPE, mode="batch", counts=(5, 5, 5), offsets_s=(0.0,) * 3, after_s=1.0)
    assert planned.going_on(1, 0.1, 1.6) is planned
    assert planned.going_on(1, 0.1, 1.4) is None
    assert planned.going_on(0, 0.0, -3.0) is planned
