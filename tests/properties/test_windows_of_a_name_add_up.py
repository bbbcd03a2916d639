"""The energy of a name is that of all its windows: each joule once, and what they share is shared."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import MS, Ideal, constant, parts, ramp, rows, wild
from reached import reached

from microjoule.channel import SensorError
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.estimate import Estimate, summed
from microjoule.joules.estimates.uncertainty import gathered
from microjoule.joules.profiling.occupancy import united

edges = st.lists(parts, min_size=2, max_size=12).map(sorted)


def marked(ideal: Ideal, spans: list[tuple[float, float]], name: str = "decode") -> Trace:
    """A trace with a window of one name for each span."""
    marks = []
    for number, span in enumerate(spans):
        t0, t1 = ideal.inside(*span)
        marks += [(t0, "@begin", number, name), (t1, "@end", number, name)]
    return Trace(rows([ideal], marks))


LATE = Ideal(constant(1.0), n=300, poll_ns=MS // 10, lag_ns=3 * MS, jitter=0.0, declared_max=1.6)


@pytest.mark.reaches(apart=20)
@given(wild(), edges)
@example(LATE, [0.5, 0.625, 0.75, 0.875])  # two windows that another lag each moves farthest
def test_windows_apart_add_up(ideal: Ideal, at: list[float]) -> None:
    """The figures of windows between which time passes are those of each by itself, added up."""
    spans = list(zip(at[::2], at[1::2], strict=False))
    trace = marked(ideal, spans)
    found = trace.energy("decode")["package-0"]
    each = [trace.energy(window)["package-0"] for window in trace.windows]
    truth = math.fsum(ideal.truth(window.t0_ns, window.t1_ns) for window in trace.windows)
    unit = float(ideal.unit * ideal.quantum)
    assert found.low - unit <= truth <= found.high + unit
    is_apart = all(a.t1_ns < b.t0_ns for a, b in pairwise(trace.windows))
    if reached("apart", is_apart and all(one.is_ok for one in each)):
        exact = sum(Fraction(one.value) for one in each)  # type: ignore[arg-type]
        assert found.value == pytest.approx(float(exact), rel=1e-12, abs=1e-12)
        assert found.low == pytest.approx(math.fsum(one.low for one in each), rel=1e-12, abs=1e-12)
        assert found.high == pytest.approx(math.fsum(one.high for one in each), rel=1e-12, abs=1e-12)
        pairs = each[0]
        for one in each[1:]:
            pairs = pairs + one
        assert apart_from_lag(found) == pytest.approx(apart_from_lag(pairs), rel=1e-9, abs=1e-15)


def apart_from_lag(of: Estimate) -> float:
    """The standard uncertainty by all else: of several lags a window has that which moves it farthest."""
    return math.hypot(*(each.u for each in gathered(of.components) if each.name != "lag"))


RISING = Ideal(ramp(0.0, 32.0, 0.25), n=300, poll_ns=MS // 10, lag_ns=MS // 10, jitter=0.0, declared_max=1.6)


@pytest.mark.reaches(same_lag=50)
@given(wild(), edges)
@example(RISING, [0.0, 0.5, 1.0])
def test_adjoining_windows_are_one(ideal: Ideal, at: list[float]) -> None:
    """A loop whose steps follow each other without a gap used what the whole loop used, no wider.

    Unless marks between them chance to be followed by a step, which then allows for a longer lag.
    """
    parted, whole = marked(ideal, list(pairwise(at))), marked(ideal, [(at[0], at[-1])])
    of_parts, of_whole = parted.energy("decode")["package-0"], whole.energy("decode")["package-0"]
    timings = [each.meter("package-0").channel.timing for each in (parted, whole)]
    truth = ideal.truth(*ideal.inside(at[0], at[-1]))
    assert of_parts.low - float(ideal.unit * ideal.quantum) <= truth
    assert truth <= of_parts.high + float(ideal.unit * ideal.quantum)
    if reached("same_lag", timings[0] == timings[1]):
        assert of_parts == of_whole


@given(wild(), parts, parts, st.lists(parts, max_size=6))
@example(Ideal(constant(100.0), n=300), 0.2, 0.8, [0.3, 0.5])
def test_a_joule_in_two_windows_of_a_name_counts_once(
    ideal: Ideal, a: float, b: float, inner: list[float]
) -> None:
    """A function that calls itself, or runs in two threads, has windows inside and across each other."""
    a, b = min(a, b), max(a, b)
    within = [a + (b - a) * part for part in sorted(inner)]
    trace = marked(ideal, [(a, b), *pairwise(within)])
    outer = trace.windows[0]
    assert outer.duration_ns == max(window.duration_ns for window in trace.windows)
    assert trace.energy("decode")["package-0"] == trace.energy(outer)["package-0"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=12))
def test_united_windows_cover_the_same_instants_without_overlap(spans: list[tuple[int, int]]) -> None:
    t0_ns = np.array([t0 for t0, _ in spans], np.int64)
    begins, ends = united(t0_ns, t0_ns + np.array([length for _, length in spans], np.int64))
    covered = {t for t0, length in spans for t in range(t0, t0 + length)}
    assert [t for of in zip(begins, ends, strict=True) for t in range(*of)] == sorted(covered)
    assert (ends[:-1] < begins[1:]).all()


def test_the_gain_of_a_sensor_does_not_average_over_windows() -> None:
    """Its error is the same in all of them: with n windows it grows n-fold, and noise by the root of n."""
    ideal = Ideal(constant(100.0), n=600)
    trace = marked(ideal, [(0.1 * i + 0.05, 0.1 * i + 0.1) for i in range(9)])
    channel = trace.channels["package-0"]
    trust = replace(channel.trust, sensor=SensorError(gain=0.03, source="a test"))
    trace.declared = {"package-0": replace(channel, trust=trust)}
    del trace.identity  # what the readings said of the channel that was declared before
    whole = trace.energy("decode")["package-0"]
    one = trace.energy(trace.windows[0])["package-0"]
    rows_of = {row["name"]: row["u"] for row in whole.budget()}
    rows_of_one = {row["name"]: row["u"] for row in one.budget()}
    assert rows_of["gain"] == pytest.approx(9 * rows_of_one["gain"], rel=0.02)
    assert rows_of["edges"] == pytest.approx(3 * rows_of_one["edges"], rel=0.5)


@given(st.lists(st.tuples(st.floats(0, 1e3), st.floats(0, 10), st.floats(0, 0.2) | st.none()), min_size=1))
def test_a_sum_in_one_pass_is_the_sum_in_pairs(figures: list[tuple[float, float, float | None]]) -> None:
    each = [
        Estimate(value=value, low=value - width, high=value + width, accuracy=accuracy)
        for value, width, accuracy in figures
    ]
    found, pairs = summed(each), each[0]
    for one in each[1:]:
        pairs = pairs + one
    assert found.value == pytest.approx(pairs.value)
    assert (found.low, found.high) == (pytest.approx(pairs.low), pytest.approx(pairs.high))
    assert found.accuracy == (None if pairs.accuracy is None else pytest.approx(pairs.accuracy))
