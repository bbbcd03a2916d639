"""Channels as lines: a value from each instant on, and times without one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from ideal import MS, T0, Ideal, S, rows, square, thinned
from places import identity

from microjoule.channel import Access, Channel, Encoding, Kind, Scale
from microjoule.joules.energy_trace import Trace
from microjoule.joules.tracks import Gap, drawn, tracks
from microjoule.trace.series import Series

IDEAL = Ideal(square(20, 100, 0.02), n=300)
SENSOR = Channel(
    **identity("package-0/temperature"),
    source="hwmon",
    lane="hwmon",
    kind=Kind.GAUGE,
    encoding=Encoding.SIGNED,
    scale=Scale(quantity="°C", unit=Fraction(1, 1000), unit_source="interface"),
    access=Access(reader="script", path=""),
)
FAILED = 5


def at_ns(*ms: int) -> np.ndarray:
    return T0 + np.array(ms, np.int64) * MS


def gauge(t_ns: np.ndarray, values: list[int | None], channel: Channel = SENSOR) -> SimpleNamespace:
    """Readings of a gauge; None: one that failed."""
    valid = np.array([each is not None for each in values])
    raw = np.array([each or 0 for each in values], np.int64).view(np.uint64)
    series = Series(
        t_ns,
        np.full(len(t_ns), 900, np.uint32),
        raw,
        np.where(valid, 0, FAILED).astype(np.uint16),
        None if valid.all() else valid,
    )
    return SimpleNamespace(channel=channel, series=series)


def test_a_level_is_what_was_read_and_failed_reads_are_one_gap_up_to_the_next_good_one() -> None:
    """The last read fails as the trace ends: no time is without a value for that."""
    t_ns = at_ns(10, 20, 30, 40, 50, 60)
    (track,) = tracks(Trace(rows([gauge(t_ns, [21_500, -3000, None, None, 22_000, None])])))
    assert (track.channel, track.unit, track.provenance) == (SENSOR.id, "°C", "measured")
    assert track.t_ns.tolist() == t_ns[[0, 1, 4]].tolist()
    assert track.value.tolist() == [21.5, -3.0, 22.0]
    assert track.gaps == (Gap(int(t_ns[2]), int(t_ns[4]), "failed"),)
    assert track.counted is None
    (track,) = tracks(Trace(rows([gauge(t_ns, [None, 1, 2, 3, 4, 5])])))
    assert track.value.tolist() == [0.001, 0.002, 0.003, 0.004, 0.005]
    assert track.gaps == (Gap(int(t_ns[0]), int(t_ns[1]), "failed"),)


def test_a_level_that_never_failed_has_no_gap_and_an_unsigned_one_goes_to_two_to_the_64th() -> None:
    unsigned = replace(SENSOR, encoding=Encoding.COUNT)
    found = tracks(Trace(rows([gauge(at_ns(1, 2), [7000, -1], unsigned)])))
    assert [each.gaps for each in found] == [()]
    assert found[0].value.tolist() == [7.0, pytest.approx((2**64 - 1) / 1000)]


def test_the_area_under_a_counter_s_line_is_what_it_counted() -> None:
    """From the first instant that readings bracket to the last; a gauge beside it is read for longer."""
    end = gauge(at_ns(5, 900), [1, 2])
    trace = Trace(rows([IDEAL, end]))
    assert drawn(trace) == [IDEAL.id, SENSOR.id]
    track, _ = tracks(trace)
    first_ns, last_ns = trace.meter(IDEAL.id).span_ns
    (gap,) = track.gaps
    assert (track.unit, track.t_ns[0], gap) == ("W", first_ns, Gap(last_ns, T0 + 900 * MS, "incomplete"))
    counted = track.counted
    assert len(counted.edges_ns) == len(counted.position) == len(counted.is_known) + 1
    assert counted.edges_ns[:-1][counted.is_known].tolist() == track.t_ns.tolist()
    area_j = float(track.value @ np.diff(np.append(track.t_ns, last_ns))) / S
    assert area_j == pytest.approx(trace.energy()[IDEAL.id].value, rel=1e-9)
    rose = counted.position[len(track.t_ns)] - counted.position[0]
    scale = float(IDEAL.unit) / 2 ** trace.counter(IDEAL.id).bits
    assert rose * scale == pytest.approx(area_j, rel=1e-9)


def test_a_time_in_which_a_counter_may_have_started_again_is_a_gap() -> None:
    n = np.arange(300)
    ideal = replace(IDEAL, modulus=1 << 15, limit_w=150.0)
    silent = SimpleNamespace(channel=ideal.channel, series=thinned(ideal.series, (n < 100) | (n >= 200)))
    (track,) = tracks(Trace(rows([silent])))
    gap, end = track.gaps  # behind the last update nothing is bracketed
    assert end.t1_ns == ideal.series.t_ns[-1]
    last, first = (int(ideal.series.t_ns[at]) for at in (99, 200))
    assert gap.status == "ambiguous"
    assert abs(gap.t0_ns - last) <= 2 * MS
    assert abs(gap.t1_ns - first) <= 2 * MS


def test_a_channel_that_says_nothing_is_no_line() -> None:
    never = thinned(IDEAL.series, np.zeros(IDEAL.n, bool))
    once = thinned(IDEAL.series, np.arange(IDEAL.n) == 7)
    for series in (never, once):
        of = SimpleNamespace(channel=IDEAL.channel, series=series)
        assert [each.channel for each in tracks(Trace(rows([of, gauge(at_ns(1, 2), [5, 6])])))] == [SENSOR.id]
