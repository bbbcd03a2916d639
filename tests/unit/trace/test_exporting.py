"""Other formats hold what the trace holds."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ideal import MS, T0, Ideal, constant, rows, square, write
from pyarrow import csv

import microjoule as uj
from microjoule.trace import exporting

MARKS = [(T0 + 20 * MS, "@begin", 1, "step"), (T0 + 60 * MS, "@end", 1, "")]


@pytest.fixture
def trace(tmp_path):
    return uj.load(write(tmp_path / "t.arrows", rows([Ideal(square(20, 100, 0.02), n=200)], MARKS)))


def test_a_trace_in_parquet_has_the_same_windows_and_energies(tmp_path, trace):
    path = tmp_path / "t.parquet"
    with path.open("wb") as sink:
        exporting.parquet(trace, sink)
    other = uj.load(path)
    assert other.windows == trace.windows
    assert dict(other.channels) == dict(trace.channels)
    for name in trace.energy_channels:
        for one, same in ((trace.energy(w)[name], other.energy(w)[name]) for w in (None, "step")):
            assert (one.value, one.low, one.high, one.status) == (
                same.value,
                same.low,
                same.high,
                same.status,
            )
    metadata = pq.ParquetFile(path).metadata.row_group(0)
    encodings = {metadata.column(i).path_in_schema: metadata.column(i).encodings for i in range(7)}
    assert "DELTA_BINARY_PACKED" in encodings["raw"]
    assert "BYTE_STREAM_SPLIT" in encodings["t_ns"]
    assert not any(metadata.column(i).is_stats_set for i in range(7)), "nobody asks for them: they cost room"


@pytest.mark.parametrize("type_", [pa.utf8(), pa.dictionary(pa.uint16(), pa.utf8())])
def test_rows_by_channel_are_in_order_of_their_times(type_):
    """Channels come in the order of their codes, or of their first rows where they are words."""
    channel = pa.array(["b", "a", "b", "a"]).cast(type_)
    found = exporting.by_channel(pa.table({"channel": channel, "t_ns": [4, 3, 2, 1]}))
    assert found.to_pylist() == [
        {"channel": name, "t_ns": t_ns} for name, t_ns in (("b", 2), ("b", 4), ("a", 1), ("a", 3))
    ]


def test_the_wide_form_has_a_row_a_tick_and_null_where_a_read_failed(tmp_path):
    table = rows([Ideal(constant(50), n=40)], [])
    raw = table["raw"].to_pylist()
    at = raw.index(next(value for value in raw if value is not None))
    raw[at] = None
    status = [5 if i == at else code for i, code in enumerate(table["status"].to_pylist())]
    table = table.set_column(3, "raw", pa.array(raw, pa.uint64()))
    table = table.set_column(5, "status", pa.array(status, pa.uint16()))
    trace = uj.load(write(tmp_path / "t.arrows", table))
    sink = io.BytesIO()
    exporting.wide(trace, sink)
    found = pq.read_table(io.BytesIO(sink.getvalue()))
    (name,) = trace.channels
    one = trace.series(name)
    assert found.column_names == ["t_ns", name]
    assert (found["t_ns"].to_numpy() == one.t_ns).all()
    assert found[name].null_count == 1
    kept = np.flatnonzero(one.valid)
    assert found[name].take(pa.array(kept)).to_pylist() == one.raw[kept].tolist()


def test_csv_has_every_row_and_every_column(trace):
    sink = io.BytesIO()
    exporting.csv(trace, sink, str)
    found = csv.read_csv(io.BytesIO(sink.getvalue()))
    assert found.column_names == trace.table.column_names
    assert found["t_ns"].to_pylist() == trace.table["t_ns"].to_pylist()
    assert found["channel"].to_pylist() == trace.table["channel"].to_pylist()


def test_csv_writes_the_labels_that_are_there_and_no_others(trace):
    sink = io.BytesIO()
    exporting.csv(trace, sink, lambda text: f"<{text}>")
    found = csv.read_csv(
        io.BytesIO(sink.getvalue()), convert_options=csv.ConvertOptions(strings_can_be_null=True)
    )
    wanted = [label if label is None else f"<{label}>" for label in trace.table["label"].to_pylist()]
    assert any(wanted)
    assert None in wanted
    assert found["label"].to_pylist() == wanted
