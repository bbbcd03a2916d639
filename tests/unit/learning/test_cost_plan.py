"""What is taken, and in which order."""

import pytest
from scripted import channel

from microjoule.channel import Timing
from microjoule.errors import BadWish, MicrojouleError
from microjoule.host.sampling_cost import EMPTY, RECORDER, THINNED
from microjoule.learning import CostOptions
from microjoule.learning.cost_plan import units
from microjoule.learning.sampling_loops import subjects

PACKAGES = tuple(channel(f"package-{n}", f"{n}.txt", lane=f"package-{n}") for n in (0, 1))
SLOW = channel("cpu_time/system", "c.txt", lane="cpu", timing=Timing(rate_max_hz=100.0))


def ways(found):
    return {(unit.subject.name, unit.way.rate_hz, unit.way.pace, unit.way.load) for unit in found}


def test_of_lanes_that_are_alike_one_is_taken():
    assert [one.name for one in subjects([*PACKAGES, SLOW])] == [EMPTY, "script: package-0", "script: cpu"]


def test_what_is_at_a_kilohertz_comes_first_and_recorders_before_other_ways():
    found = units(subjects(PACKAGES), PACKAGES, CostOptions())
    rates = [unit.way.rate_hz for unit in found]
    assert set(rates[: rates.count(1000.0)]) == {1000.0}
    names = [unit.subject.name for unit in found]
    assert names[names.index(RECORDER) + 1] == THINNED
    others = [place for place, unit in enumerate(found) if unit.way.pace != "sleep" or unit.way.is_fifo]
    assert names.index(THINNED) < min(others)
    assert found[names.index(RECORDER)].weight > found[0].weight


def test_every_subject_is_taken_at_every_rate_idle_and_beside_a_victim():
    found = ways(units(subjects(PACKAGES), PACKAGES, CostOptions()))
    for rate_hz in (10.0, 100.0, 1000.0, 10_000.0):
        assert (RECORDER, rate_hz, "sleep", "busy") in found
        for name in (EMPTY, "script: package-0"):
            assert {(name, rate_hz, "sleep", load) for load in ("idle", "busy")} <= found


def test_one_quick_lane_is_taken_in_every_other_way():
    found = units(subjects([SLOW, *PACKAGES]), (), CostOptions())
    extra = [unit for unit in found if unit.way.pace != "sleep" or unit.way.is_fifo]
    assert {unit.subject.name for unit in extra} == {"script: package-0"}
    assert {unit.way.pace for unit in extra} == {"sleep", "hybrid", "edges", "kernel"}
    assert {(unit.way.is_fifo, unit.way.load) for unit in extra} >= {(True, "busy"), (True, "saturated")}


def test_a_slow_lane_is_taken_once_at_what_it_gets():
    found = [
        unit for unit in units(subjects([SLOW]), (), CostOptions()) if unit.subject.name == "script: cpu"
    ]
    rates = [unit.subject.rate_hz(unit.way) for unit in found if unit.way.load == "busy"]
    assert sorted(rates) == [10.0, 100.0]


def test_what_is_named_is_taken_of_every_subject_and_nothing_else():
    wishes = CostOptions(rates_hz=(500.0,), paces=("hybrid",), loads=("saturated",), is_fifo=True)
    found = units(subjects(PACKAGES), (), wishes)
    assert ways(found) == {(n, 500.0, "hybrid", "saturated") for n in (EMPTY, "script: package-0")}
    assert len(found) == 4  # each plain and under SCHED_FIFO


def test_of_a_recorder_it_is_taken_too_where_there_is_a_victim():
    wishes = CostOptions(rates_hz=(1000.0, 500.0), paces=("hybrid",))
    found = units(subjects(PACKAGES), PACKAGES, wishes)
    recorders = {(unit.subject.name, unit.way.rate_hz) for unit in found} - {
        (one.name, rate_hz) for one in subjects(PACKAGES) for rate_hz in wishes.rates_hz
    }
    assert recorders == {(name, rate_hz) for name in (RECORDER, THINNED) for rate_hz in (1000.0, 500.0)}
    assert {unit.way.pace for unit in found} == {"hybrid"}
    idle = units(subjects(PACKAGES), PACKAGES, CostOptions(loads=("idle",)))
    assert {RECORDER, THINNED}.isdisjoint(unit.subject.name for unit in idle)


def test_without_any_channel_there_is_an_empty_loop():
    assert {unit.subject.name for unit in units(subjects(()), (), CostOptions())} == {EMPTY}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"rates_hz": (0.5,)}, "0.5 Hz is out of range. Choose 1 to 20000"),
        ({"rates_hz": (float("nan"),)}, "nan Hz is out of range"),
        ({"paces": ("fast",)}, "no pace 'fast'. Choose some of sleep"),
        ({"loads": ("heavy",)}, "no load 'heavy'. Choose some of idle"),
    ],
)
def test_a_wish_that_is_none_is_one_sentence(wish, said):
    with pytest.raises(BadWish) as error:
        CostOptions(**wish)
    assert said in str(error.value)
    assert isinstance(error.value, ValueError | MicrojouleError)
