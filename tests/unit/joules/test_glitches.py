"""A count that falls and comes back costs those readings; one that starts again has a bound all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ideal import Ideal, constant, rows, write

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.glitches import longest_ns
from microjoule.joules.energy_trace import Trace
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.sensor_notes import of_totals
from microjoule.joules.summary import summary

IDEAL = Ideal(constant(60.0), n=1000, limit_w=150.0, start=1 << 20)


def spoilt(ideal: Ideal, at: int, by: int, n: int = 1) -> Ideal:
    """The counter with readings that are off by so many counts."""

    class Spoilt(Ideal):
        @property
        def series(self):  # type: ignore[no-untyped-def]
            found = Ideal.series.func(ideal)  # type: ignore[attr-defined]
            raw = found.raw.copy()
            raw[at : at + n] = (raw[at : at + n].astype(object) + by) % ideal.modulus
            return replace(found, raw=raw)

    return Spoilt(**{name: getattr(ideal, name) for name in Ideal.__dataclass_fields__})


@settings(max_examples=60)
@given(
    at=st.integers(3, 990),
    by=st.one_of(st.integers(-(1 << 20), -100_000), st.integers(400_000, 1 << 31)),
    n=st.integers(1, 4),
)
@example(at=500, by=-(1 << 20), n=1)  # it read 0 once
@example(at=500, by=-400_000, n=4)
@example(at=500, by=100_000, n=1)  # up by less than twice the limit allows, and back
def test_readings_that_fell_and_came_back_cost_no_figure(at: int, by: int, n: int) -> None:
    ideal = spoilt(IDEAL, at, by, n)
    counter = Counter(ideal.series, ideal.channel)
    a, b = IDEAL.inside(0.001, 0.998)
    estimate, clean = counter.energy(a, b), Counter(IDEAL.series, IDEAL.channel).energy(a, b)
    assert len(counter.dropped_ns) == n
    assert estimate.status == "ok"
    assert estimate.low <= IDEAL.truth(a, b) <= estimate.high
    assert estimate.value == pytest.approx(clean.value, abs=0.2)


def test_the_report_says_so_and_a_trace_taken_in_parts_gives_the_same(tmp_path) -> None:
    ideal = spoilt(IDEAL, 500, -(1 << 20))
    trace = Trace(rows([ideal]))
    assert of_totals(trace) == [
        "package-0: 1 reading is left out, because the count fell or jumped and came back"
    ]
    path = write(tmp_path / "t.arrows", rows([ideal]))
    assert summary(stream(path))["windows"] == summary(trace)["windows"]


@settings(max_examples=60)
@given(at=st.integers(100, 900), left=st.integers(0, 3000))
def test_a_counter_that_starts_again_is_a_reset_within_its_power_limit(at: int, left: int) -> None:
    def again(ideal: Ideal):  # type: ignore[no-untyped-def]
        found = ideal.series
        raw = found.raw.astype(np.int64)
        raw[at:] -= raw[at] - left
        return replace(found, raw=raw.astype(np.uint64))

    for limit_w in (150.0, 1000.0):
        ideal = replace(IDEAL, limit_w=limit_w)
        counter = Counter(again(ideal), ideal.channel)
        a, b = ideal.inside(0.05, 0.95)
        estimate = counter.energy(a, b)
        assert (estimate.status, estimate.value) == ("reset", None)
        assert len(counter.dropped_ns) == 0
        assert estimate.low <= ideal.truth(a, b) <= estimate.high
        # Twice the limit, for the gap and two updates.
        assert estimate.high - ideal.truth(a, b) < 2 * limit_w * 0.006 + 1.0


def test_a_reset_of_a_counter_without_a_limit_is_not_bounded() -> None:
    ideal = IDEAL
    channel = replace(ideal.channel, trust=replace(ideal.channel.trust, power_limit_w=None))
    raw = ideal.series.raw.copy()
    raw[500:] -= np.uint64(1 << 20)
    estimate = Counter(replace(ideal.series, raw=raw), channel).energy(*ideal.inside(0.1, 0.9))
    assert (estimate.status, estimate.high) == ("reset", np.inf)


@pytest.mark.parametrize("top_bits", [20, 24, 32])
@pytest.mark.parametrize("stays", [1, 50])
@pytest.mark.parametrize("limit_w", [None, 200.0])
def test_random_numbers_have_no_figure_and_no_bound(top_bits: int, stays: int, limit_w, tmp_path) -> None:
    """Some steps are plausible by chance; they prove no joule, in the whole window or in a short one."""
    rng = np.random.default_rng([top_bits, stays])
    raw = np.repeat(rng.integers(0, 1 << top_bits, 1 + IDEAL.n // stays), stays)[: IDEAL.n].astype(np.uint64)

    class Noise(Ideal):
        @property
        def series(self):  # type: ignore[no-untyped-def]
            return replace(Ideal.series.func(IDEAL), raw=raw)  # type: ignore[attr-defined]

    noise = replace(
        Noise(**{name: getattr(IDEAL, name) for name in Ideal.__dataclass_fields__}), limit_w=limit_w
    )
    counter = Counter(noise.series, noise.channel)
    for window in ((0.05, 0.95), (0.5, 0.502)):
        estimate = counter.energy(*IDEAL.inside(*window))
        assert (estimate.status, estimate.value) == ("reset", None)
        assert (estimate.low, estimate.high) == (0.0, np.inf)
    trace = Trace(rows([noise]))
    assert any("has no figure: its count fell or jumped" in sentence for sentence in of_totals(trace))
    path = write(tmp_path / "t.arrows", rows([noise]))
    assert summary(stream(path))["windows"] == summary(trace)["windows"]


def test_a_glitch_of_the_second_reading_or_where_a_coarse_count_moves_is_one_reading() -> None:
    """A count of whole joules moves by far more than the power in a step; one may fall by so little that it
    comes back as a step that is plausible."""
    coarse = Ideal(constant(5.0), n=1000, limit_w=10.0, start=1 << 20, quantum=1 << 14)
    moves = int(np.flatnonzero(np.diff(coarse.series.raw.astype(np.int64)))[1]) + 1
    spoils = [(IDEAL, 1, -400_000), (IDEAL, 1, -20_000), (IDEAL, 1, 100_000), (coarse, moves, -400_000)]
    for ideal, at, by in spoils:
        found = spoilt(ideal, at, by)
        counter = Counter(found.series, found.channel)
        assert counter.dropped_ns.tolist() == [int(ideal.series.t_ns[at])]


def test_a_glitch_lasts_two_updates_and_the_lag_at_most() -> None:
    timing = replace(IDEAL.channel.timing, update_ns=70, update_max_ns=0, lag_ns=5)
    assert longest_ns(replace(IDEAL.channel, timing=timing)) == 145
    assert longest_ns(replace(IDEAL.channel, timing=replace(timing, update_max_ns=90))) == 185
