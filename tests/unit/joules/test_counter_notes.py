"""What is said of a counter's updates and lag: readings of 1 ms, updates where the count goes up."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from pieced import MS, counter

from microjoule.channel import PowerModel, Scale
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.counter_notes import lag, notes, of_agent
from microjoule.trace.series import Series

MODEL = PowerModel(value_w=1.0, low_w=0.5, high_w=2.0, source="a table")
RARELY = "package-0 is updated rarely: up to 95 ms passed without an update, and 2 ms was expected."


def counted(updates, n=100, counts=100, name="package-0", lag_ns=0, every_ns=MS, **changed):
    """A counter that shows at these readings of ``n`` what it counted between each two before."""
    at = np.array([0, *updates])
    raw = counts * at[np.searchsorted(at, np.arange(n), "right") - 1]
    t_ns = 10**12 + every_ns * np.arange(n, dtype=np.int64)
    series = Series(t_ns, np.full(n, 1000, np.uint32), raw.astype(np.uint64), np.zeros(n, np.uint16))
    return Counter(series, replace(counter(name, lag_ns=lag_ns), **changed))


def estimated(of):
    """The same counter as a figure of a model."""
    return replace(of.channel.trust, model=MODEL)


RARE = {
    "as declared": (range(1, 100), []),
    "each 10 ms": (range(5, 100, 10), ["package-0 is updated rarely: up to 9 ms passed"]),
    "one update": ([96], [RARELY]),
    "two 40 ms apart": ([3, 43], ["package-0 is updated rarely: up to 39 ms passed"]),
    "one late one of many": ([2, 3, 43, 44], []),
}


@pytest.mark.parametrize("name", RARE)
def test_updates_are_rare_where_their_usual_distance_says_so_or_there_are_too_few(name):
    updates, expected = RARE[name]
    found = notes(counted(updates))
    assert len(found) == len(expected)
    assert all(note.startswith(start) for note, start in zip(found, expected, strict=True))


def test_three_updates_tell_their_usual_distance_and_a_device_that_may_be_off_may_have_one():
    """0.5 ms and 3.4 ms apart, where 2 ms are declared: in the middle 1.95 ms."""
    assert notes(counted([5, 10, 44], every_ns=MS // 10)) == []
    assert notes(counted([10, 44], every_ns=MS // 10)) != []
    assert notes(counted([96], name="gpu-0")) == []


def test_what_is_estimated_and_what_an_agent_reads_has_no_such_sentence_of_its_own():
    rare = counted(range(5, 100, 10))
    assert notes(counted(range(5, 100, 10), trust=estimated(rare))) == []
    assert notes(counted(range(5, 100, 10), source="agent")) == []


def test_counters_of_an_agent_that_are_updated_rarely_have_one_sentence_together():
    rare = [
        counted(range(5, 100, every), name=name, source="agent") for name, every in (("a", 10), ("b", 20))
    ]
    quick = counted(range(1, 100), name="c", source="agent")
    ending = ": root can run `uj probe --calibrate` and restart the agent"
    assert of_agent([*rare, quick]) == [f"a, b are updated rarely (up to 19 ms){ending}"]
    assert of_agent([rare[0], quick]) == [f"a is updated rarely (up to 9 ms){ending}"]
    assert of_agent([quick, counted(range(5, 100, 10))]) == []


def test_an_assumed_lag_costs_twice_what_is_used_in_half_of_it():
    """820 counts of 1/16384 J each millisecond are 50 W: 200 mJ in 2 x 2 ms."""
    found = lag(counted(range(1, 200), n=200, counts=820, lag_ns=4 * MS))
    assert found == [
        "package-0: its counter may show energy up to 4 ms late (assumed, not measured), so guaranteed "
        "intervals are ± 200 mJ wider"
    ]


def test_a_lag_that_a_few_steps_show_to_exceed_what_is_assumed_says_both():
    assumed = counted(range(1, 200), n=200, counts=820, lag_ns=4 * MS)
    longer = assumed.with_timing(assumed.channel.timing.with_longest_lag(9 * MS, 7 * MS))
    few = "from too few power steps to measure it (4 ms was assumed)"
    assert lag(longer) == [f"package-0: lag 0 to 7 ms, {few}; guaranteed intervals allow for 0 to 9 ms"]
    late = assumed.with_timing(assumed.channel.timing.with_longest_lag(9 * MS))
    assert lag(late) == ["package-0: lag 0 to 4 ms, assumed; guaranteed intervals allow for 0 to 9 ms"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"lag_source": "calibrated"}, "package-0: lag 0 to 4 ms, calibrated"),
        (
            {"lag_source": "measured", "lag_ns": 300 * MS, "likely_lag_ns": (120 * MS, 160 * MS)},
            "package-0: lag 120 to 160 ms, measured; guaranteed intervals allow for 0 to 300 ms",
        ),
        (
            {"lag_source": "measured", "likely_lag_ns": (-MS, 9 * MS)},
            "package-0: lag 0 to 4 ms, measured; guaranteed intervals allow for 0 to 4 ms",
        ),
    ],
    ids=["known", "by the readings", "by readings that allow more than is declared"],
)
def test_a_lag_that_is_known_says_from_where(changed, expected):
    plain = counter(lag_ns=4 * MS)
    timing, scale = replace(plain.timing, **changed), replace(plain.scale, modulus=1 << 32)
    of = counted(range(1, 1200), n=1200, counts=820, timing=timing, scale=scale)
    assert lag(of) == [expected]


def test_what_no_figure_is_off_by_is_said_of_a_lag_all_the_same():
    """±3 and ±4 ms are ±5 ms; it may lie beyond what guaranteed intervals of this trace allow for."""
    changed = {"lag_source": "measured", "likely_lag_ns": (7 * MS, 13 * MS)}
    timing = replace(counter(lag_ns=14 * MS).timing, **changed)
    scale = replace(counter(lag_ns=14 * MS).scale, modulus=1 << 32)
    of = counted(range(1, 1200), n=1200, counts=820, timing=timing, scale=scale)
    said = "measured; guaranteed intervals allow for 0 to 14 ms"
    assert lag(of) == [f"package-0: lag 7 to 13 ms, {said}"]
    assert lag(of, 4 * MS) == [f"package-0: lag 5 to 15 ms, {said}"]


def test_a_lag_that_costs_nothing_has_no_sentence():
    always = {"updates": range(1, 200), "n": 200, "counts": 820}
    late = counted(**always, lag_ns=4 * MS)
    seconds = Scale(quantity="s", unit=Fraction(1, 1000), unit_source="register")
    for of in (
        counted(**always),
        counted([], n=200, lag_ns=4 * MS),
        counted([], n=0, lag_ns=4 * MS),
        counted([], n=7, lag_ns=4 * MS - 1000),  # known at one instant only
        counted(**always, lag_ns=4 * MS, scale=seconds),
        counted(**always, lag_ns=4 * MS, trust=estimated(late)),
    ):
        assert lag(of) == []


def test_a_count_that_keeps_falling_is_no_energy():
    chance = np.random.default_rng(1)
    n = 200
    series = Series(
        10**12 + MS * np.arange(n, dtype=np.int64), np.full(n, 1000, np.uint32),
        chance.integers(0, 1 << 20, n).astype(np.uint64), np.zeros(n, np.uint16),
    )  # fmt: skip
    (note,) = notes(Counter(series, counter()))
    assert note.startswith("package-0 has no figure: its count fell or jumped ")


@pytest.mark.parametrize(
    ("falls", "says"), [((), ""), ((400,), "once, 0.4 s"), ((400, 700), "2 times, first 0.4 s")]
)
def test_a_counter_that_starts_again_is_said_with_the_time(falls, says):
    """Its windows were called ``reset``, and nothing said what that is."""
    raw = np.arange(1000) * 100 + 300_000
    for at in falls:
        raw[at:] = np.arange(1000 - at) * 100
    t_ns = 10**12 + MS * np.arange(1000, dtype=np.int64)
    series = Series(t_ns, np.full(1000, 1000, np.uint32), raw.astype(np.uint64), np.zeros(1000, np.uint16))
    (*found,) = (note for note in notes(Counter(series, counter("gpu-0"))) if "started again" in note)
    assert len(found) == len(falls[:1])
    assert all(note.startswith(f"gpu-0 started again {says} after the first reading: its") for note in found)
