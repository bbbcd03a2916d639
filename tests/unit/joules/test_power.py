"""Power over time: where nothing is known there is no figure, and never 0 W."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import Load, Poll
from gpu_counter import GpuCounter
from ideal import MS, T0, Ideal, S, constant, rows, thinned

from microjoule.channel import Kind, Timing
from microjoule.footprint.over_time import _unknown, _weights
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import updates
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.estimate import STATUSES
from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.peaks import Peaks, Span, first_later
from microjoule.joules.power import _updates, peak_span, peaks, power
from microjoule.report.as_long_text import FOOT

IDEAL = Ideal(constant(100.0), n=600, limit_w=150.0)


@pytest.mark.parametrize("kind", ["counter", "gauge"])
def test_there_is_no_power_outside_the_readings(kind: str) -> None:
    """A window that outlasts the readings on both sides has NaN there, and figures between."""
    meter: Counter | Gauge = Counter(IDEAL.series, IDEAL.channel)
    if kind == "gauge":
        trace = Trace(rows([IDEAL]))
        (channel,) = trace.channels.values()
        scale = replace(channel.scale, quantity="W")
        meter = Gauge(IDEAL.series, replace(channel, kind=Kind.GAUGE, scale=scale))
    assert meter.span_ns is not None
    first, last = meter.span_ns
    found = power(meter, first - S, last + S)
    assert np.isnan(found.watts[[0, -1]]).all()
    assert np.isnan(found.energy_j[[0, -1]]).all()
    assert [STATUSES[code] for code in found.status[[0, -1]]] == ["incomplete"] * 2
    assert {first, last} <= set(found.edges_ns.tolist())
    inside = (found.edges_ns[:-1] >= first) & (found.edges_ns[1:] <= last)
    assert np.array_equal(inside, found.status == 0)
    assert np.array_equal(inside, np.isfinite(found.watts))


def test_a_figure_stands_in_the_middle_of_its_time() -> None:
    found = power(Counter(IDEAL.series, IDEAL.channel), *IDEAL.inside(0.2, 0.8))
    twice = found.edges_ns[:-1] + found.edges_ns[1:]
    assert set((twice - 2 * found.t_ns).tolist()) <= {0, 1}
    assert np.allclose(found.watts * np.diff(found.edges_ns) / S, found.energy_j)


def test_a_reset_has_no_power() -> None:
    """The bins that touch it are NaN and say why; the others stand."""
    series = IDEAL.series
    raw = series.raw.copy()
    raw[300:] += np.uint64(1 << 31)
    counter = Counter(replace(series, raw=raw), IDEAL.channel)
    found = power(counter, *IDEAL.inside(0.2, 0.8))
    bad = found.status != 0
    assert 0 < bad.sum() < 10
    assert {STATUSES[code] for code in found.status[bad]} == {"reset"}
    assert np.array_equal(np.isnan(found.watts), bad)
    assert (found.watts[~bad] > 0).all()


def test_what_is_not_known_weighs_nothing_and_is_said() -> None:
    """The intensity along a window is a mean over known joules; the note has the rest."""
    counter = Counter(IDEAL.series, IDEAL.channel)
    assert counter.span_ns is not None
    found = power(counter, *IDEAL.inside(0.2), counter.span_ns[1] + 2 * S)
    weights = _weights(found.energy_j)
    assert weights[-1] == 0
    assert np.isfinite(weights).all()
    assert _unknown([found]) == "the power of 2 s is not known and weighs nothing"
    assert _unknown([power(counter, *IDEAL.inside(0.2, 0.8))]) == ""


def test_a_peak_says_over_how_long_it_was_taken() -> None:
    """50 ms at full rate; of a thinned trace no less than its readings lie apart."""
    t0, t1 = (np.array([each]) for each in IDEAL.inside(0.05, 0.95))
    whole = Counter(IDEAL.series, IDEAL.channel)
    assert peaks(whole, t0, t1)[1].tolist() == [50 * MS]
    few = Counter(thinned(IDEAL.series, np.arange(600) % 80 == 0), IDEAL.channel)
    (span_ns,) = peaks(few, t0, t1)[1].tolist()
    assert 75 * MS < span_ns < 85 * MS


@pytest.mark.parametrize("n", [600, 3])
def test_adjoining_bins_are_windows_of_their_own(n: int) -> None:
    """Each edge is worked out once, and every figure is that of the window between two edges."""
    series = thinned(IDEAL.series, np.arange(600) < n)
    counter = Counter(series, IDEAL.channel)
    first, last = int(series.t_ns[0]), int(series.t_ns[-1])
    edges = np.linspace(first - S, last + S, 57).astype(np.int64)
    found, position = counter.adjoining(edges)
    apart = counter.energies(edges[:-1], edges[1:])
    for name in ("value", "low", "high", "status"):
        assert np.array_equal(getattr(found, name), getattr(apart, name), equal_nan=True), name
    assert np.array_equal(position, counter.position(edges))
    between = power(counter, first, last)
    assert np.array_equal(between.t_ns, (between.edges_ns[:-1] + between.edges_ns[1:]) // 2)
    assert between.edges_ns[0] == first
    assert between.edges_ns[-1] == last
    assert np.isfinite(found.value).any() == (n == 600)


def test_the_peak_of_a_window_is_the_largest_rate_over_a_span_inside_it() -> None:
    """Updates 10 ns apart that gained 1, 2, 9 and 4; a span of 15 takes two of them."""
    updates_ns, sums = np.arange(5, dtype=np.int64) * 10, np.array([100, 101, 103, 112, 116], np.int64)
    windows = np.array([[0, 40], [0, 30], [0, 20], [30, 40], [5, 25], [10, 40]], np.int64)
    found = Peaks(Span(15), windows[:, 0].copy(), windows[:, 1].copy())
    found.add(updates_ns, sums)
    assert found.rates.tolist() == [13 / 20, 11 / 20, 3 / 20, -np.inf, -np.inf, 13 / 20]
    assert found.spans_ns().tolist() == [20, 20, 20, 15, 20, 20]
    of_three = Peaks(Span(15, 3), windows[:, 0].copy(), windows[:, 1].copy())
    for piece in (slice(0, 2), slice(2, 5)):  # wherever updates come in two pieces
        of_three.add(updates_ns[piece], sums[piece])
    assert of_three.rates.tolist() == [15 / 30, 12 / 30, -np.inf, -np.inf, -np.inf, 15 / 30]


def test_the_first_instant_a_span_later_is_found_wherever_instants_are_uneven() -> None:
    rng = np.random.default_rng(8)
    for n in (0, 1, 2, 5, 40, 200):
        for span_ns in (1, 7, 30, 100):
            t_ns = np.cumsum(rng.integers(0, 12, n))
            at = np.searchsorted(t_ns, t_ns + span_ns, "left")
            assert first_later(t_ns, span_ns).tolist() == at[at < n].tolist()


def test_the_shortest_time_of_a_peak_is_twenty_updates_of_a_counter_and_a_gauges_own_time() -> None:
    """50 ms at least; of a gauge its update or what a reading is the mean of, whichever is longer."""

    def span_ms(kind: Kind, update_ms: int | None, window_ms: int | None) -> float:
        update_ns, window_ns = (ms and ms * MS for ms in (update_ms, window_ms))
        timing = Timing(update_ns=update_ns, update_max_ns=update_ns, window_ns=window_ns)
        return peak_span(replace(IDEAL.channel, kind=kind, timing=timing)).ns / MS

    assert [span_ms(Kind.COUNTER, ms, None) for ms in (1, 10)] == [50, 200]
    of_gauges = [(None, None), (100, None), (100, 25), (100, 1000), (None, 1000)]
    assert [span_ms(Kind.GAUGE, *each) for each in of_gauges] == [50, 100, 100, 1000, 1000]


def test_a_counter_that_never_changed_has_no_update_and_no_peak_between_two() -> None:
    """Its power is one bin for each side of where its readings end, and nothing is known of it."""
    series = replace(IDEAL.series, raw=np.full(600, 7, np.uint64))
    counter = Counter(series, IDEAL.channel)
    t0, t1 = IDEAL.inside(0.2, 0.8)
    assert set(power(counter, t0, t1).edges_ns.tolist()) <= {t0, t1, *(counter.span_ns or ())}
    assert len(_updates(counter)) == 0
    assert peaks(counter, t0, t1)[1].tolist() == [t1 - t0]  # of the whole window


@pytest.mark.parametrize("rate_hz", [20.0, 100.0])
def test_a_counter_that_declares_no_update_has_the_peak_of_twenty_that_it_shows(rate_hz: float) -> None:
    """Of 200 W in updates of 100 ms a peak of 398 W was said: one whole update, read 50 ms after the last."""
    shown, steady = GpuCounter(update_s=0.1), Load(np.array([0.0, 12.0]), np.full(3, 200.0))
    assert shown.channel.timing.update_ns is None
    meter = Counter(shown.series(steady, Poll(rate_hz=rate_hz)), shown.channel)
    watts, spans_ns = peaks(meter, T0 + np.array([S, S]), T0 + np.array([11 * S, 2 * S]))
    assert watts[0] == pytest.approx(200.0, rel=1 / 20)
    assert 1.8 * S < spans_ns[0] < 2.2 * S
    assert np.isnan(watts[1])  # ten updates: too few, as of a declared one in a window shorter than twenty


def test_what_is_up_to_date_at_each_read_has_the_peak_of_50_ms() -> None:
    """Its reads are no updates: CPU time read ten times a second has no peak over two seconds."""
    assert peak_span(replace(IDEAL.channel, timing=Timing())) == Span(50 * MS, 1)


def test_the_foot_of_a_report_says_over_what_a_peak_is_taken() -> None:
    """20 updates of 20 ms in time where the update is declared, and counted where it is not."""
    declared, silent = (
        replace(IDEAL.channel, timing=Timing(update_ns=update_ns, update_max_ns=100 * MS))
        for update_ns in (20 * MS, None)
    )
    assert peak_span(declared) == Span(400 * MS, 1)
    assert peak_span(silent) == Span(50 * MS, 20)
    assert "peak over at least 50 ms and 20 updates of a counter." in FOOT


def test_a_silence_makes_no_power_higher() -> None:
    """Of steady 200 W 244 W were said: the update before the first read was taken to be 200 ms old."""
    steady = Load(np.array([0.0, 12.0]), np.full(3, 200.0))
    series = GpuCounter(update_s=0.02, jitter=0.0).series(steady, Poll())
    is_read = (series.t_ns < T0 + 5 * S) | (series.t_ns > T0 + 6 * S)
    found = updates(Counter(thinned(series, is_read), GpuCounter().channel), T0 + 2 * S, T0 + 10 * S)
    watts = found.energy_j * S / np.diff(found.edges_ns)
    silent = int(np.argmax(np.diff(found.edges_ns)))
    assert watts[silent - 1 : silent + 2] == pytest.approx(200.0, rel=0.06)
