"""A frame holds the readings of a trace, each once, with integers that are exact."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, T0, Ideal, constant, rows, square
from places import identity

from microjoule.channel import Access, Channel, Kind, PowerModel, Scale, Trust
from microjoule.joules import frames
from microjoule.joules.energy_trace import Trace
from microjoule.trace import schema

BIG = (1 << 64) - 3


def written(channels, readings, clock=()):
    """A trace of these channels; readings are (t_ns, code, raw or None), clock pairs (t_ns, realtime_ns)."""
    names = schema.dictionary(channels)
    realtime = names.index(schema.CLOCKS[0])
    every = sorted([*readings, *((t_ns, realtime, ns) for t_ns, ns in clock)])
    t_ns, codes, raw = zip(*every, strict=True)
    n = len(every)
    columns = [
        pa.array(t_ns, pa.int64()),
        pa.array([5] * n, pa.uint32()),
        pa.DictionaryArray.from_arrays(pa.array(codes, pa.uint16()), pa.array(names)),
        pa.array(raw, pa.uint64()),
        pa.nulls(n, pa.int64()),
        pa.array([0 if each is not None else 5 for each in raw], pa.uint16()),
        pa.nulls(n, pa.utf8()),
    ]
    return Trace(pa.table(columns, schema=schema.schema(channels, {})))


def channel(kind=Kind.COUNTER, quantity="J", unit=Fraction(1, 1000), model=None, modulus=None):
    return Channel(
        **identity(f"{kind}-{quantity}"),
        source="script",
        lane="l",
        kind=kind,
        scale=Scale(quantity=quantity, unit=unit, unit_source="assumed", modulus=modulus),
        trust=Trust(power_limit_w=100.0, model=model),
        access=Access(reader="script", path=""),
    )


@given(st.integers(0, 50), st.integers(0, 1 << 16), st.floats(0, 0.3))
def test_counts_pass_over_every_wrap_and_are_missing_where_the_read_failed(seed, start, failed):
    ideal = Ideal(square(20, 100, 0.02), seed=seed, n=120, modulus=1 << 16, start=start, failed=failed)
    found = frames.table(Trace(rows([ideal])))
    good = [i for i, status in enumerate(found["status"].to_pylist()) if status == 0]
    first = ideal.counts[good[0]] if good else 0
    assert found["t_ns"].to_pylist() == ideal.series.t_ns.tolist()
    for i, (raw, count) in enumerate(zip(found["raw"].to_pylist(), found["count"].to_pylist(), strict=True)):
        assert (raw is None) == (count is None) == (i not in good)
        assert count is None or count == ideal.counts[i] - first
        assert raw is None or raw == ideal.counts[i] % (1 << 16)


def test_joules_are_the_counts_times_the_exact_unit():
    found = frames.table(Trace(rows([Ideal(constant(50), unit=Fraction(1, 3))])))
    for count, energy_j in zip(found["count"].to_pylist(), found["energy_j"].to_pylist(), strict=True):
        assert energy_j == float(Fraction(count, 3))


def test_from_a_reset_on_the_count_is_not_known():
    counter = channel(modulus=1 << 32)
    found = frames.table(written([counter], [(T0, 0, 100), (T0 + MS, 0, 150), (T0 + 2 * MS, 0, 3)]))
    assert found["raw"].to_pylist() == [100, 150, 3]
    assert found["count"].to_pylist() == [0, 50, None]
    assert found["energy_j"].to_pylist() == [0.0, 0.05, None]


def test_a_counter_that_is_dead_has_no_joules_and_not_none_of_them():
    trace = Trace(rows([Ideal(constant(0), limit_w=100.0)]))
    assert trace.dead == {"package-0"}
    found = frames.table(trace)
    assert set(found["count"].to_pylist()) == {0}
    assert found["energy_j"].null_count == len(found) > 0


def test_a_gauge_has_a_value_and_nothing_that_is_counted():
    gauge = channel(Kind.GAUGE, "W")
    found = frames.table(written([gauge], [(T0, 0, 42_500), (T0 + MS, 0, None)]))
    assert found["value"].to_pylist() == [42.5, None]
    assert found["count"].to_pylist() == found["energy_j"].to_pylist() == [None, None]
    assert found["quantity"].to_pylist() == ["W", "W"]
    assert found["kind"].to_pylist() == ["gauge", "gauge"]


def test_estimated_joules_say_so():
    busy = channel(quantity="s", model=PowerModel(value_w=10.0, low_w=5.0, high_w=20.0, source="t"))
    found = frames.table(written([busy], [(T0, 0, 7), (T0 + MS, 0, 8)]))
    assert found["energy_j"].to_pylist() == [0.0, 0.01]
    assert found["provenance"].to_pylist() == ["estimated"] * 2


def test_times_are_those_of_the_real_time_clock():
    began = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    ns = int(began.timestamp()) * 10**9 + 600_000
    found = frames.table(written([channel()], [(T0, 0, 1), (T0 + MS, 0, 2)], [(T0, ns)]))
    assert found["time"].to_pylist() == [began, began + timedelta(milliseconds=1)]
    assert frames.table(written([channel()], [(T0, 0, 1)]))["time"].to_pylist() == [None]


def test_batches_are_one_table_however_long_they_are(monkeypatch):
    trace = Trace(rows([Ideal(constant(50), id="package-0"), Ideal(constant(9), id="package-1")]))
    whole = frames.table(trace)
    monkeypatch.setattr(frames, "BATCH_ROWS", 7)
    assert frames.table(trace).combine_chunks() == whole.combine_chunks()
    assert not [name for name in whole["channel"].to_pylist() if name.startswith("@")]


def test_columns_that_every_reading_fills_say_so():
    """The others are empty for a read that failed, or of a trace without a clock."""
    found = frames.table(written([channel()], [(T0, 0, 1), (T0 + MS, 5, None)]))
    filled = {"t_ns", "channel", "device", "part", "hw_type", "quantity", "kind", "source", "provenance"}
    assert {field.name for field in found.schema if not field.nullable} == filled | {"status", "read_ns"}
    assert not any(found[field.name].null_count for field in found.schema if not field.nullable)


def test_a_trace_without_a_reading_is_an_empty_frame():
    assert frames.table(Trace(rows([]))).num_rows == 0


def test_pandas_keeps_integers_that_no_float_can_hold():
    pandas = pytest.importorskip("pandas")
    frame = written([channel()], [(T0, 0, BIG), (T0 + MS, 0, None), (T0 + 2 * MS, 0, BIG + 2)]).to_pandas()
    assert frame["raw"].tolist() == [BIG, pandas.NA, BIG + 2]
    assert frame["count"].tolist() == [0, pandas.NA, 2]
    assert frame["t_ns"].dtype == np.int64
    assert {name: str(frame[name].dtype) for name in ("raw", "count", "sensor_ns")} == {
        "raw": "UInt64",
        "count": "Int64",
        "sensor_ns": "Int64",
    }
    tags = ("channel", "device", "part", "hw_type", "quantity", "kind", "source", "provenance")
    assert {str(frame[name].dtype) for name in tags} == {"category"}


def test_polars_keeps_integers_that_no_float_can_hold():
    polars = pytest.importorskip("polars")
    frame = written([channel()], [(T0, 0, BIG), (T0 + MS, 0, None), (T0 + 2 * MS, 0, BIG + 2)]).to_polars()
    assert frame["raw"].to_list() == [BIG, None, BIG + 2]
    assert frame["count"].to_list() == [0, None, 2]
    assert frame.schema["raw"] == polars.UInt64
    assert frame.schema["channel"] == polars.Categorical
