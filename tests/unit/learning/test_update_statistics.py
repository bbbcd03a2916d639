from dataclasses import replace
from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, Ideal, S, constant, square
from reached import reached
from scripted import channel

from microjoule.channel import Kind, Scale
from microjoule.learning.agreement import compared
from microjoule.learning.filtering import by_statistics
from microjoule.learning.lag import HALF_NS, lag_ns
from microjoule.learning.update_statistics import ObservedUpdates, apart, power, quantum, spread, updates
from microjoule.trace.series import Series

COUNTER = channel("package-0", "x.txt")
increments = st.lists(st.integers(0, 10**6), min_size=1, max_size=60)


def found(t_ns, value, width_ns=100):
    t_ns = np.asarray(t_ns, np.int64)
    return ObservedUpdates(t_ns, np.full(len(t_ns), width_ns, np.int64), np.asarray(value, np.int64))


@given(increments)
def test_the_quantum_divides_every_increment_and_nothing_larger_does(steps):
    step, distinct = quantum(found(np.arange(len(steps) + 1), np.cumsum([0, *steps])))
    moved = [each for each in steps if each]
    assert distinct == len(set(moved))
    assert step == (gcd(*moved) if moved else None)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
def test_percentiles_are_durations_that_were_seen(durations):
    got = spread(np.array(durations, np.int64))
    figures = [got.p5_ns, got.median_ns, got.p95_ns, got.p99_ns, got.max_ns]
    assert figures == sorted(figures)
    assert set(figures) <= set(durations)
    assert got.max_ns == max(durations)
    below = sum(each <= got.median_ns for each in durations)
    assert below * 2 >= len(durations)


def stalled(unit_j, seed=0):
    """Updates each 0.977 ms as a thread sees them that waits 10 ms for a core after every third of them."""
    rng = np.random.default_rng(seed)
    true_ns = np.cumsum(rng.normal(976_600, 5_000, 6000)).astype(np.int64)
    kept, width, i = [], [], 0
    while i < len(true_ns):
        kept += range(i, min(i + 3, len(true_ns)))
        width += [13_000] * (len(kept) - len(width))
        i += 13  # ten were hidden, and the next one is shown with them
        if i < len(true_ns):
            kept.append(i)
            width.append(10_000_000)
            i += 1
    at, width = np.array(kept), np.array(width, np.int64)
    t_ns = true_ns[at] - np.where(width > MS, width // 2, 0)
    return ObservedUpdates(t_ns, width, np.round((at + 1) * 5 * 976.6e-6 / unit_j).astype(np.int64))


def test_a_thread_that_loses_its_core_tells_the_period_all_the_same():
    """Of its neighbours every second pair spans ten updates; that is not the counter's doing."""
    seen = stalled(2.0**-16)
    assert np.median(np.diff(seen.t_ns)) > 2 * MS or np.mean(np.diff(seen.t_ns) > 2 * MS) > 0.2
    times, increments = apart(seen)
    assert spread(times).p95_ns < 1_000_000
    assert spread(times).median_ns == pytest.approx(976_600, rel=0.01)
    assert np.ptp(increments) <= 2
    assert by_statistics(seen).state == "off"


def test_dram_units_that_differ_are_named_by_a_thread_that_loses_its_core():
    perf, powercap = (
        replace(COUNTER, source=source, scale=replace(COUNTER.scale, unit=Fraction(unit)))
        for source, unit in (("rapl_perf", 2.0**-16), ("powercap", 15.3e-6))
    )
    one = compared(perf, stalled(2.0**-16), powercap, stalled(2.0**-16))  # one register
    assert one is not None
    assert "0.27% more" in one.what
    assert "15.3 µJ" in one.what


def test_of_few_updates_all_are_taken():
    few = found([0, 1000, 2000, 5000], [0, 1, 2, 5])
    times, increments = apart(few)
    assert times.tolist() == [1000, 1000, 3000]
    assert increments.tolist() == [1, 1, 3]


def test_no_durations_have_no_percentiles():
    assert spread(np.empty(0, np.int64)) is None


@pytest.mark.reaches(no_failure=5)
@given(
    st.integers(0, 1 << 30), st.sampled_from([1 << 32, 10**6 + 3, 1 << 64]), st.just(0.0) | st.floats(0, 0.4)
)
def test_each_update_of_a_polled_counter_lies_in_its_bracket(seed, modulus, failed):
    """The oracle jitters, wraps and fails; a poll ten times as quick sees every update of it."""
    ideal = Ideal(
        constant(50.0),
        seed=seed,
        n=2000,
        poll_ns=100_000,
        modulus=modulus,
        start=modulus - 500,
        failed=failed,
    )
    got = updates(ideal.series, ideal.channel)
    true = ideal.updates[0] + 5_000_000_000_000
    for t_ns, width_ns in zip(got.t_ns.tolist(), got.width_ns.tolist(), strict=True):
        assert np.any(np.abs(true - t_ns) <= width_ns / 2 + 1)
    if reached("no_failure", failed == 0):
        assert len(got) >= 190
        assert abs(int(np.median(np.diff(got.t_ns))) - MS) < MS / 5
    assert (np.diff(got.value) > 0).all()


def test_nothing_read_is_nothing_found():
    nothing = Series(*(np.empty(0, kind) for kind in (np.int64, np.uint32, np.uint64, np.uint16)), valid=None)
    assert len(updates(nothing, COUNTER)) == 0
    assert quantum(updates(nothing, COUNTER)) == (None, 0)
    assert power(np.empty(0, np.int64), np.empty(0, np.int64), COUNTER) is None


def test_power_is_energy_over_time_and_its_scatter():
    t_ns = np.arange(0, S, MS)
    mean = power(t_ns, 40 * np.arange(1000), COUNTER)  # 40 mJ a millisecond
    assert mean.value_w == pytest.approx(40.0)
    assert mean.u_w == pytest.approx(0, abs=1e-9)
    rng = np.random.default_rng(3)
    noisy = np.cumsum(rng.integers(30, 51, 1000))
    mean = power(t_ns, noisy, COUNTER)
    assert abs(mean.value_w - 40) < 5 * mean.u_w
    assert 0.05 < mean.u_w < 0.5  # 6 W over the root of a thousand updates


def test_the_power_of_a_gauge_is_its_mean_and_of_a_temperature_nothing():
    gauge = replace(
        COUNTER, kind=Kind.GAUGE, scale=Scale(quantity="W", unit=COUNTER.scale.unit, unit_source="x")
    )
    assert power(np.arange(20), np.full(20, 7000), gauge).value_w == pytest.approx(7.0)
    warm = replace(gauge, scale=replace(gauge.scale, quantity="°C"))
    assert power(np.arange(20), np.full(20, 7000), warm) is None


@pytest.mark.parametrize("lag", [0, 1 * MS, 7 * MS])
def test_the_lag_of_a_square_load_is_found(lag):
    period_s = 2 * HALF_NS / S
    wave = square(20.0, 120.0, period_s)  # at work in the first half of each period
    ideal = Ideal(wave, n=20000, poll_ns=50_000, read_ns=1000, jitter=0.02)
    got = updates(ideal.series, ideal.channel)
    late = ObservedUpdates(got.t_ns + lag, got.width_ns, got.value)
    begun = 5_000_000_000_000
    switched = [begun + k * HALF_NS for k in range(40)]
    assert lag_ns(late, switched) == pytest.approx(lag, abs=0.7 * MS)


def test_a_load_that_is_not_seen_has_no_lag():
    got = found(np.arange(0, S, MS), 40 * np.arange(1000))
    assert lag_ns(got, [k * HALF_NS for k in range(40)]) is None
    assert lag_ns(found([1, 2], [1, 2]), [0, 1, 2, 3]) is None


@pytest.mark.parametrize(
    ("period_ns", "noise", "state"),
    [(MS, 0, "off"), (8 * MS, 0, "on"), (MS, 30, "unknown"), (8 * MS, 30, "on")],
)
def test_filtering_by_statistics(period_ns, noise, state):
    rng = np.random.default_rng(1)
    steps = 40 + rng.integers(-noise, noise + 1, 200)
    assert by_statistics(found(period_ns * np.arange(200), np.cumsum(steps))).state == state
    assert by_statistics(found([1], [1])).state == "unknown"


def twins():
    a = replace(channel("package-0/dram", "a"), source="rapl_perf")
    return a, replace(a, source="powercap")


@pytest.mark.parametrize(("ratio", "said"), [(1.0027, "0.27 % more"), (1 / 1.0027, "0.27 % less")])
def test_the_disagreement_on_dram_is_named(ratio, said):
    """15.3 µJ against 2^-16 J: the kernel's powercap and its perf, on the same register."""
    a, b = twins()
    t_ns = np.arange(0, 2 * S, MS)
    one = compared(
        a, found(t_ns, 10**5 * np.arange(2000)), b, found(t_ns, np.rint(ratio * 10**5 * np.arange(2000)))
    )
    assert said.replace(" %", "%") in one.what
    assert "15.3 µJ" in one.what
    assert one.ratio == pytest.approx(ratio, abs=1e-6)
    assert one.sources == ("rapl_perf", "powercap")


def test_a_factor_and_an_unknown_difference_are_named_too():
    a, b = twins()
    t_ns = np.arange(0, 2 * S, MS)
    plain = found(t_ns, 10**5 * np.arange(2000))
    assert "4 times" in compared(a, plain, b, found(t_ns, 4 * 10**5 * np.arange(2000))).what
    assert "not known" in compared(a, plain, b, found(t_ns, 10**5 * np.arange(2000) * 11 // 10)).what


def test_sources_that_agree_and_sources_that_are_silent_are_no_disagreement():
    a, b = twins()
    t_ns = np.arange(0, 2 * S, MS)
    plain = found(t_ns, 10**5 * np.arange(2000))
    assert compared(a, plain, b, found(t_ns + 700, plain.value)) is None
    assert compared(a, plain, b, found([], [])) is None
    coarse = found(t_ns[:20], np.arange(20))  # a count either way is all of the difference
    assert compared(a, coarse, b, found(t_ns[:20], np.r_[np.arange(19), 19.0])) is None
