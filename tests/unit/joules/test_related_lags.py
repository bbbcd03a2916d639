"""What a package and its parts tell of each other's lags, worked out in microseconds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ideal import MS, US, Ideal, constant
from marked import columns

from microjoule.channel import PowerModel, Timing
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import UpdateRecord
from microjoule.joules.lags.lag_of_parts import LagDifference
from microjoule.joules.lags.related_lags import Pair, RelatedLags, beside, pairs

DECLARED = Timing(update_ns=MS, update_max_ns=MS, lag_ns=MS)
MEASURED = DECLARED.with_lag(350 * US, 450 * US, "calibrated")
WHOLE, PART = "package-0", "package-0/core"


def difference(us: float, half_us: float = 0.0) -> LagDifference:
    return LagDifference(us * US, half_us * US)


@pytest.mark.parametrize(
    ("us", "half_us", "likely_us"),
    [
        (200, 30, (520, 680)),  # 350 + 200 - 30 and 450 + 200 + 30
        (-300, 20, (30, 170)),
        (500, 100, (750, 1000)),  # up to what was declared
        (600, 100, (850, 1000)),
        (620, 100, (870, 1170)),  # whose middle lies beyond that: it cuts off nothing
        (-400, 100, (0, 150)),
        (0.0004, 0, (350, 450.001)),  # whole nanoseconds, outwards
        (-0.0004, 0, (349.999, 450)),
    ],
)
def test_a_declared_lag_follows_from_a_measured_one_and_its_bounds_allow_for_the_most_that_it_may_be(
    us: float, half_us: float, likely_us: tuple[float, float]
) -> None:
    found = beside(DECLARED, MEASURED, difference(us, half_us), "here")
    assert found.likely_lag_ns == tuple(round(each * US) for each in likely_us)
    assert found.lag_ns == max(MS, round((450 + us + 2 * half_us) * US))
    assert (found.lag_min_ns, found.lag_source) == (0, "here")


def test_a_declared_lag_of_what_trails_further_is_longer_than_was_declared() -> None:
    """From 350 + 5000 - 100 to 450 + 5000 + 100, and for sure with a hundred more; all rounded outwards."""
    found = beside(DECLARED, MEASURED, difference(5000.0004, 100), "here")
    assert found.likely_lag_ns == (5250 * US, 5550 * US + 1)
    assert (found.lag_min_ns, found.lag_ns, found.lag_source) == (0, 5650 * US + 1, "here")


@pytest.mark.parametrize(
    ("own", "theirs", "us", "half_us"),
    [
        (DECLARED, DECLARED, -300, 20),  # either may be longer than was declared
        (DECLARED, DECLARED, 20, 20),
        (DECLARED, MEASURED, -700, 100),  # both cannot be: nobody knows which is wrong
        (MEASURED, MEASURED, 5000, 100),
        (MEASURED, MEASURED, -5000, 100),
        (MEASURED, MEASURED, 0, 0),
    ],
)
def test_a_lag_of_which_a_difference_tells_nothing_new_is_as_it_is(
    own: Timing, theirs: Timing, us: float, half_us: float
) -> None:
    assert beside(own, theirs, difference(us, half_us), "here") is own


@pytest.mark.parametrize(
    ("theirs", "us", "half_us", "longest_us"),
    [(DECLARED, 300, 20, 1340), (DECLARED, 30, 20, 1070), (MEASURED, 50, 600, 1700)],
)
def test_what_may_trail_further_than_was_declared_keeps_its_figures_and_has_wider_bounds(
    theirs: Timing, us: float, half_us: float, longest_us: int
) -> None:
    """The other's longest lag, the difference and twice its half-width; nothing proves that it is so long."""
    found = beside(DECLARED, theirs, difference(us, half_us), "here")
    assert (found.lag_min_ns, found.lag_ns) == (0, longest_us * US)
    assert found.likely_lag_ns == (0, MS)
    assert found.lag_source == DECLARED.lag_source


def channel(name: str, timing: Timing = DECLARED, parents: tuple[str, ...] = (), model: bool = False):
    of = Ideal(constant(10.0), id=name, parents=parents, limit_w=100.0).channel
    assumed = PowerModel(value_w=1.0, low_w=1.0, high_w=1.0, source="") if model else None
    return replace(of, timing=timing, trust=replace(of.trust, model=assumed))


def related(whole: Timing, part: Timing, of: LagDifference | None) -> RelatedLags:
    timings = {WHOLE: whole, PART: part}
    table = {WHOLE: channel(WHOLE, whole), PART: channel(PART, part, (WHOLE,))}
    found = RelatedLags(
        table, lambda name: SimpleNamespace(channel=SimpleNamespace(timing=timings[name])), {}, columns([])
    )
    found._found[Pair(WHOLE, PART)] = of
    return found


def test_pairs_are_packages_and_what_is_inside_them_where_both_are_measured_and_may_trail() -> None:
    table = [
        channel(WHOLE),
        channel(PART, parents=(WHOLE,)),
        channel("package-0/dram", replace(DECLARED, lag_ns=0), (WHOLE,)),
        channel("package-1", replace(DECLARED, lag_ns=0)),
        channel("package-1/core", parents=("package-1",)),
        channel("package-2"),
        channel("package-2/core", parents=("package-2",), model=True),
        channel("gpu-0/energy"),
        channel("gpu-0/memory_energy", parents=("gpu-0/energy",)),
        channel("package-2/uncore", parents=("package-2",)),
    ]
    assert pairs({each.id: each for each in table}) == (
        Pair(WHOLE, PART),
        Pair("package-2", "package-2/uncore"),
    )


def test_the_difference_counts_for_the_whole_and_the_other_way_round_for_the_part() -> None:
    of = related(DECLARED, MEASURED, difference(200, 30))
    assert of.timing(WHOLE, DECLARED).likely_lag_ns == (520 * US, 680 * US)
    assert of.timing(WHOLE, DECLARED).lag_source == f"measured against {PART}"
    other = related(MEASURED, DECLARED, difference(-200, 30))
    assert other.timing(PART, DECLARED).likely_lag_ns == (520 * US, 680 * US)
    assert other.timing(PART, DECLARED).lag_source == f"measured against {WHOLE}"
    for none in (related(DECLARED, MEASURED, None), of):
        assert none.timing("gpu-0/energy", DECLARED) is DECLARED
    assert related(DECLARED, MEASURED, None).timing(WHOLE, DECLARED) is DECLARED


MORE = "; more than was declared or measured of them"
WHY = "measured at the power swings that both show"


@pytest.mark.parametrize(
    ("whole", "part", "us", "half_us", "said"),
    [
        (DECLARED, MEASURED, 200, 30, f"{WHOLE} trails {PART} by 0.20 ± 0.03 ms, {WHY}"),
        (DECLARED, MEASURED, -200, 30, f"{PART} trails {WHOLE} by 0.20 ± 0.03 ms, {WHY}"),
        (DECLARED, MEASURED, 30, 30, f"{WHOLE} and {PART}: the same lag, ± 0.03 ms, {WHY}"),
        (MEASURED, MEASURED, 110, 20, f"{WHOLE} trails {PART} by 0.11 ± 0.02 ms, {WHY}"),
        (MEASURED, MEASURED, 120, 20, f"{WHOLE} trails {PART} by 0.12 ± 0.02 ms, {WHY}"),
        (MEASURED, MEASURED, -120, 20, f"{PART} trails {WHOLE} by 0.12 ± 0.02 ms, {WHY}"),
        (MEASURED, MEASURED, 130, 20, f"{WHOLE} trails {PART} by 0.13 ± 0.02 ms, {WHY}{MORE}"),
        (MEASURED, MEASURED, -130, 20, f"{PART} trails {WHOLE} by 0.13 ± 0.02 ms, {WHY}{MORE}"),
        (DECLARED, DECLARED, -1050, 20, f"{PART} trails {WHOLE} by 1.05 ± 0.02 ms, {WHY}{MORE}"),
    ],
)
def test_a_sentence_says_which_trails_and_whether_that_contradicts_what_was_known(
    whole: Timing, part: Timing, us: float, half_us: float, said: str
) -> None:
    assert related(whole, part, difference(us, half_us)).notes() == [said]


def test_of_a_difference_that_does_not_show_nothing_is_said() -> None:
    assert related(DECLARED, MEASURED, None).notes() == []


def test_a_record_of_updates_that_is_known_is_not_made_again() -> None:
    of = Ideal(constant(10.0), limit_w=100.0)
    counter, known = Counter(of.series, of.channel), UpdateRecord()
    found = RelatedLags({}, lambda _: counter, {of.id: known}, columns([]))
    assert found._record(counter) is known
    other = RelatedLags({}, lambda _: counter, {}, columns([]))
    made = other._record(counter)
    assert len(made.columns()[0]) == len(counter.changes) - 1
    assert other._record(counter) is made
