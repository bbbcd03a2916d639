"""Intensity over time, and the grams of a run along it."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import BadFactor, BadSeries, TraceError
from microjoule.footprint.factor import Boundary, Factor, Origin
from microjoule.footprint.intensity_file import load_series, realtime_ns, series_from_arrow
from microjoule.footprint.intensity_series import IntensitySeries, IntensityStep, integrate, on_clock
from microjoule.units import J_PER_KWH, NS_PER_S

HOUR = 3600 * NS_PER_S
T0 = 1_790_000_000 * NS_PER_S  # in 2026: no float holds such a nanosecond
STATIC = Factor(name="grid", value=400, low=300, high=500, unit="g/kWh", origin=Origin(source="a table"))


def series(*intervals, name="a grid"):
    return IntensitySeries(
        name, [IntensityStep(*each) for each in intervals], Boundary(), Origin(source="test")
    )


def hours(*intensities, start=T0):
    return series(*((start + i * HOUR, start + (i + 1) * HOUR, g) for i, g in enumerate(intensities)))


@st.composite
def runs(draw):
    """Bins of a run of some hours: edges at odd nanoseconds, energies down to nothing."""
    steps = draw(st.lists(st.integers(1, 3 * HOUR), min_size=1, max_size=12))
    edges = np.cumsum([T0 + draw(st.integers(0, HOUR)), *steps], dtype=np.int64)
    energy = draw(st.lists(st.floats(0, 1e7), min_size=len(steps), max_size=len(steps)))
    return edges, np.array(energy)


intensities = st.lists(st.floats(0, 2000), min_size=1, max_size=8)


@given(runs(), st.floats(0, 2000))
def test_a_constant_series_is_energy_times_intensity(run, intensity):
    edges, energy = run
    whole = series((int(edges[0]), int(edges[-1]), intensity))
    found = integrate(edges, energy, whole, STATIC)
    assert found.co2e_g == pytest.approx(energy.sum() / J_PER_KWH * intensity)
    assert found.co2e_g_low == found.co2e_g == found.co2e_g_high
    assert found.gap_s == 0
    assert found.note == ""


@given(runs(), intensities, st.integers(1, HOUR - 1), st.data())
def test_splitting_an_interval_changes_nothing(run, figures, at, data):
    of = hours(*figures)
    number = data.draw(st.integers(0, len(of) - 1))
    t0, t1, g, _ = of.intervals[number]
    halves = [IntensityStep(t0, t0 + at, g), IntensityStep(t0 + at, t1, g)]
    split = IntensitySeries(
        "a grid", [*of.intervals[:number], *halves, *of.intervals[number + 1 :]], of.boundary, of.origin
    )
    one, other = integrate(*run, of, STATIC), integrate(*run, split, STATIC)
    assert other.co2e_g == pytest.approx(one.co2e_g)
    assert other.gap_s == one.gap_s


@given(runs(), intensities, st.randoms())
def test_the_order_of_intervals_is_without_effect(run, figures, random):
    of = hours(*figures)
    mixed = list(of.intervals)
    random.shuffle(mixed)
    again = IntensitySeries("a grid", [*mixed, mixed[0]], of.boundary, of.origin)  # and a double counts once
    assert integrate(*run, again, STATIC) == integrate(*run, of, STATIC)


@given(runs(), intensities)
def test_the_whole_lies_between_the_least_and_the_most_intensity_and_no_energy_is_lost(run, figures):
    edges, energy = run
    found = integrate(edges, energy, hours(*figures), STATIC)
    kwh = energy.sum() / J_PER_KWH
    rates = [*figures, STATIC.low, STATIC.high]
    assert min(rates) * kwh <= found.co2e_g_low * (1 + 1e-9) + 1e-12
    assert found.co2e_g_high <= max(rates) * kwh * (1 + 1e-9) + 1e-12
    assert found.co2e_g_low <= found.co2e_g <= found.co2e_g_high


@given(runs(), intensities, st.integers(1, 10))
def test_cutting_a_bin_in_equal_parts_changes_nothing(run, figures, parts):
    edges, energy = run
    cuts = [np.linspace(0, b - a, parts + 1).astype(np.int64) + a for a, b in pairwise(edges)]
    fine = np.unique(np.concatenate(cuts))
    share = np.diff(fine) / np.diff(edges)[np.searchsorted(edges, fine[:-1], "right") - 1]
    fine_energy = energy[np.searchsorted(edges, fine[:-1], "right") - 1] * share
    one, other = (
        integrate(edges, energy, hours(*figures), STATIC),
        integrate(fine, fine_energy, hours(*figures), STATIC),
    )
    assert other.co2e_g == pytest.approx(one.co2e_g)


def test_energy_of_a_bin_that_a_border_cuts_is_shared_by_time():
    found = integrate([T0 + HOUR // 4, T0 + HOUR + HOUR // 4], [J_PER_KWH], hours(100, 200), STATIC)
    assert found.co2e_g == pytest.approx(0.75 * 100 + 0.25 * 200)


def test_a_series_that_ends_early_is_flagged_and_charged_with_the_static_factor():
    found = integrate([T0, T0 + 2 * HOUR], [2 * J_PER_KWH], hours(100), STATIC)
    assert found.co2e_g == pytest.approx(100 + 400)
    assert (found.co2e_g_low, found.co2e_g_high) == pytest.approx((100 + 300, 100 + 500))
    assert found.covered_share == pytest.approx(0.5)
    assert found.gap_s == 3600
    assert "says nothing for 3600 s (50 % of the energy)" in found.note
    assert "400 g/kWh" in found.note


@pytest.mark.parametrize("of", [hours(100, start=T0 - 5 * HOUR), hours(100, start=T0 + 5 * HOUR), series()])
def test_a_series_of_another_day_or_none_is_never_zero(of):
    found = integrate([T0, T0 + HOUR], [J_PER_KWH], of, STATIC)
    assert (found.co2e_g, found.covered_share, found.gap_s) == (400, 0, 3600)


def test_a_gap_inside_is_a_gap():
    of = series((T0, T0 + HOUR, 100), (T0 + 2 * HOUR, T0 + 3 * HOUR, 100))
    found = integrate([T0, T0 + 3 * HOUR], [3 * J_PER_KWH], of, STATIC)
    assert found.co2e_g == pytest.approx(600)
    assert found.gap_s == 3600


def test_what_the_publisher_estimated_is_told():
    of = series((T0, T0 + HOUR, 100, True), (T0 + HOUR, T0 + 2 * HOUR, 100))
    found = integrate([T0, T0 + 2 * HOUR], [J_PER_KWH], of, STATIC)
    assert found.estimated_share == pytest.approx(0.5)
    assert "50 % of the energy met a figure that its publisher calls estimated" in found.note


def test_no_energy_has_no_mean_and_no_share():
    found = integrate([T0, T0 + HOUR], [0.0], hours(100), STATIC)
    assert (found.co2e_g, found.mean_g_per_kwh, found.covered_share) == (0, None, None)
    assert integrate([T0], [], hours(100), STATIC).co2e_g == 0
    # The smallest float of joules is no kilowatt-hours at all: Hypothesis divided by it.
    assert integrate([T0, T0 + 1], [5e-324], hours(100), STATIC).mean_g_per_kwh is None


def test_overlap_is_refused_with_the_two_figures():
    with pytest.raises(BadSeries, match=r"two figures for 2026-.*: 100 and 200 g/kWh"):
        series((T0, T0 + HOUR, 100), (T0 + HOUR - 1, T0 + 2 * HOUR, 200))


@pytest.mark.parametrize(
    "bad", [(T0, T0, 1.0), (T0 + 1, T0, 1.0), (T0, T0 + 1, -1.0), (T0, T0 + 1, float("nan"))]
)
def test_intervals_that_cannot_be_are_refused(bad):
    with pytest.raises(BadSeries):
        series(bad)


@pytest.mark.parametrize(
    ("edges", "energy"),
    [
        ([T0, T0], [1.0]),
        ([T0 + 1, T0], [1.0]),
        ([T0, T0 + 1], []),
        ([T0, T0 + 1], [-1.0]),
        ([T0, T0 + 1], [np.nan]),
    ],
)
def test_bins_that_cannot_be_are_refused(edges, energy):
    with pytest.raises(BadSeries):
        integrate(edges, energy, hours(100), STATIC)


def test_a_static_factor_in_another_unit_is_refused():
    pounds = Factor(name="grid", value=1, low=1, high=1, unit="lb/kWh", origin=Origin(source="x"))
    with pytest.raises(BadFactor, match="lb/kWh"):
        integrate([T0, T0 + 1], [1.0], hours(1), pounds)


def test_times_of_one_clock_on_another_keep_every_nanosecond():
    t = np.array([5 * 10**12, 5 * 10**12 + HOUR])
    clock = np.array([T0 + 1, T0 + HOUR + 4001])  # 4 µs of drift an hour
    assert on_clock(t, t, clock).tolist() == clock.tolist()
    assert on_clock([t[0] + HOUR // 2], t, clock).tolist() == [T0 + 1 + HOUR // 2 + 2000]
    assert on_clock([t[0] - 7, t[1] + 7], t, clock).tolist() == [clock[0] - 7, clock[1] + 7]
    with pytest.raises(BadSeries, match="real-time clock"):
        on_clock([1], [], [])


# Files

CSV = """t_start,t_end,g_per_kwh,estimated,signal,scope,basis,source,licence
2026-03-28T23:00Z,2026-03-29T00:00Z,120,false,average,lifecycle,consumption,A grid,CC-BY-4.0
2026-03-29T01:00:00+01:00,2026-03-29T03:00:00+02:00,,true,average,lifecycle,consumption,A grid,CC-BY-4.0
2026-03-29T03:00:00+02:00,2026-03-29T04:00:00+02:00,90.5,true,average,lifecycle,consumption,A grid,CC-BY-4.0
"""


def test_csv_is_read_across_the_night_of_summer_time(tmp_path):
    (tmp_path / "grid.csv").write_text(CSV)
    of = load_series(tmp_path / "grid.csv")
    midnight = realtime_ns("2026-03-29T00:00:00Z")
    assert of.intervals == (
        IntensityStep(midnight - HOUR, midnight, 120.0, False),
        IntensityStep(midnight + HOUR, midnight + 2 * HOUR, 90.5, True),
    )
    assert of.boundary == Boundary(signal="average", scope="lifecycle", basis="consumption")
    assert (of.origin.source, of.origin.licence) == ("A grid", "CC-BY-4.0")


@pytest.mark.parametrize("suffix", [".arrow", ".arrows", ".parquet"])
def test_arrow_says_what_its_columns_hold_to_the_nanosecond(tmp_path, suffix):
    of = series((T0, T0 + HOUR, 100, True), (T0 + HOUR, T0 + 2 * HOUR + 1, 7.5))
    stamp = pa.timestamp("ns", tz="UTC")
    columns = {
        "t_start": pa.array(of.t0_ns).cast(stamp),
        "t_end": pa.array(of.t1_ns).cast(stamp),
        "g_per_kwh": pa.array(of.g_per_kwh),
        "estimated": pa.array(of.is_estimated),
        "source": pa.array(["test"] * len(of)),
    }
    table = pa.table(columns)
    path = tmp_path / f"grid{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, path)
    else:
        new = pa.ipc.new_stream if suffix == ".arrows" else pa.ipc.new_file
        with new(path, table.schema) as writer:
            writer.write_table(table)
    again = load_series(path)
    assert again.intervals == of.intervals
    assert again.origin.source == "test"


def test_timestamps_of_seconds_are_taken_and_naive_ones_refused():
    stamps = pa.array([T0 // NS_PER_S, T0 // NS_PER_S + 3600])
    columns = {"t_start": stamps[:1], "t_end": stamps[1:], "g_per_kwh": pa.array([1.0])}
    aware = {k: v.cast(pa.timestamp("s", "UTC")) if k != "g_per_kwh" else v for k, v in columns.items()}
    assert series_from_arrow(pa.table(aware), "x").intervals == (IntensityStep(T0, T0 + HOUR, 1.0),)
    naive = {k: v.cast(pa.timestamp("s")) if k != "g_per_kwh" else v for k, v in columns.items()}
    with pytest.raises(BadSeries, match="no offset from UTC"):
        series_from_arrow(pa.table(naive), "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no rows"),
        ("t_start,t_end\n1,2\n", "lacks the column 'g_per_kwh'"),
        ("t_start,t_end,g_per_kwh\n1,2,lots\n", "'lots' .* is not a number"),
        ("t_start,t_end,g_per_kwh\nnoon,2,1\n", "'noon' is not a time"),
        ("t_start,t_end,g_per_kwh\n2026-01-01T00:00,2,1\n", "no offset from UTC"),
        ("t_start,t_end,g_per_kwh,estimated\n1,2,3,perhaps\n", "not true or false"),
        ("t_start,t_end,g_per_kwh,signal\n1,2,3,average\n2,3,3,marginal\n", "both 'average' and 'marginal'"),
    ],
)
def test_bad_files_are_answered_with_a_sentence(tmp_path, text, says):
    (tmp_path / "grid.csv").write_text(text)
    with pytest.raises(BadSeries, match=says):
        load_series(tmp_path / "grid.csv")


def test_missing_and_foreign_files_are_answered_with_a_sentence(tmp_path):
    with pytest.raises(TraceError, match="Cannot read"):
        load_series(tmp_path / "none.csv")
    (tmp_path / "grid.arrow").write_text(json.dumps({}))
    with pytest.raises(BadSeries, match="not an Arrow file"):
        load_series(tmp_path / "grid.arrow")
    (tmp_path / "grid.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSeries, match="not text"):
        load_series(tmp_path / "grid.csv")
