"""Traces: opening, cutting into series, windows, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, constant, rows, write
from marked import MarkRow, marked, marks
from reached import reached

from microjoule.errors import BadWindow, TraceError
from microjoule.trace import schema
from microjoule.trace.gap import Gap, gap
from microjoule.trace.label import PROCESS, Subject, label
from microjoule.trace.raw_trace import RawTrace, merge
from microjoule.trace.window import Window
from microjoule.trace.window_columns import DEVICE_SPAN, WindowColumns

ONE = Ideal(constant(80.0), n=100, failed=0.1)
TWO = Ideal(constant(9.0), n=40, seed=5, id="gpu-0", poll_ns=2_500_000)


def test_series_are_the_rows_of_a_channel_whatever_interleaves_them() -> None:
    """Two lanes of different cadence in one table come apart as they were."""
    trace = RawTrace(rows([ONE, TWO], [(ONE.inside(0.5)[0], "@begin", 1, "w")]))
    for ideal in (ONE, TWO):
        series, expected = trace.series(ideal.id), ideal.series
        assert np.array_equal(series.t_ns, expected.t_ns)
        assert np.array_equal(series.raw, expected.raw)
        assert np.array_equal(series.read_ns, expected.read_ns)
        assert np.array_equal(series.status, expected.status)
        assert (series.valid is None) == (expected.valid is None)
        assert series.sensor_ns is None


def test_rows_out_of_order_and_doubled_come_out_ascending_and_once() -> None:
    """A duplicate is the same (channel, t_ns); of a failed and a good one the good one stays."""
    table = rows([ONE])
    shuffled = table.take(np.random.default_rng(1).permutation(np.tile(np.arange(100), 2)))
    series = RawTrace(shuffled).series("package-0")
    assert np.array_equal(series.t_ns, ONE.series.t_ns)
    assert np.array_equal(series.raw, ONE.series.raw)


def test_one_row_out_of_order_is_put_in_order() -> None:
    """Rows that all come later than the first are no proof of it."""
    table = rows([ONE])
    swapped = [0, 2, 1, *range(3, len(table))]
    assert np.array_equal(RawTrace(table.take(swapped)).series("package-0").t_ns, ONE.series.t_ns)


def test_a_damaged_parquet_file_is_one_line(tmp_path: Path) -> None:
    table = rows([ONE])
    n = len(table)
    buffers = [None, pa.py_buffer(np.arange(n + 1, dtype=np.int32)), pa.py_buffer(b"\xff" * n)]
    at = table.column_names.index("label")
    path = tmp_path / "x.parquet"
    pq.write_table(table.set_column(at, table.field(at), pa.Array.from_buffers(pa.utf8(), n, buffers)), path)
    with pytest.raises(TraceError, match="UTF8") as caught:
        RawTrace.load(path)
    assert "\n" not in str(caught.value)


def test_subjects_are_those_of_their_rows() -> None:
    subject = Subject(PROCESS, "make", pid=7)
    table = rows([ONE], [(ONE.inside(0.5)[0], "@subject", 3, subject.to_label())])
    assert RawTrace(table).activity.subjects == {3: subject}
    assert RawTrace(rows([ONE])).activity.subjects == {}


def test_parquet_and_arrows_hold_the_same_trace(tmp_path: Path) -> None:
    """The schema's metadata travels with a Parquet copy."""
    table = rows([ONE, TWO], [(ONE.inside(0.2)[0], "@begin", 1, 'w\t{"k": 1}')])
    pq.write_table(table, tmp_path / "x.parquet")
    one, other = RawTrace.load(write(tmp_path / "x.arrows", table)), RawTrace.load(tmp_path / "x.parquet")
    assert one.channels == other.channels
    assert one.windows == other.windows
    assert one.windows[0].attributes == {"k": 1}
    assert np.array_equal(one.series("gpu-0").raw, other.series("gpu-0").raw)


def test_any_arrow_consumer_takes_a_trace(tmp_path: Path) -> None:
    """Through the C stream interface, metadata included."""
    trace = RawTrace.load(write(tmp_path / "x.arrows", rows([ONE])))
    taken = pa.table(trace)
    assert taken.equals(trace.to_arrow())
    assert schema.KEY_CHANNELS in taken.schema.metadata


def test_kill_loses_no_open_window() -> None:
    """A begin without an end is a window, closed where the readings end, and says so."""
    a, b = ONE.inside(0.2, 0.6)
    trace = RawTrace(rows([ONE], [(a, "@begin", 1, "w"), (b, "@begin", 2, "in"), (b + 9, "@end", 2, "in")]))
    whole, inner = trace.windows
    assert (whole.name, whole.is_open, whole.t1_ns) == ("w", True, trace.last_ns)
    assert (inner.name, inner.is_open, inner.duration_ns) == ("in", False, 9)


def test_marks_pair_by_number_and_not_by_nesting() -> None:
    """Windows of threads overlap without nesting; a row that is there twice counts once."""
    begins, ends = [(1, 1, "a"), (2, 2, "b")], [(4, 2, "b"), (3, 1, "a")]
    for times in (1, 2):
        found = [(w.name, w.t0_ns, w.t1_ns) for w in marked(begins * times, ends * times)]
        assert found == [("a", 1, 3), ("b", 2, 4)]
    assert marked([], [(4, 2, "b")]) == []
    assert marked([(4, 2, "b")], [(4, 2, "b")])[0].duration_ns == 0


mark_row = st.tuples(st.integers(0, 9), st.integers(0, 5), st.sampled_from(["a", "b", None]))
mark_rows = st.one_of(
    st.lists(mark_row, max_size=7, unique_by=lambda row: row[1]), st.lists(mark_row, max_size=7)
)


def one_by_one(begun: Sequence[MarkRow], ended: Sequence[MarkRow], last_ns: int) -> list[Window]:
    """What columns must give: each end is that of the first begin of its number that has none."""
    rows = sorted(
        {(t, n, is_end, label or "") for is_end, some in enumerate((begun, ended)) for t, n, label in some}
    )
    left: list[tuple[int, int, str]] = []
    found = []
    for t_ns, number, is_end, name in rows:
        mine = next((each for each in left if each[1] == number), None)
        if not is_end:
            left.append((t_ns, number, name))
        elif mine is not None:
            left.remove(mine)
            found.append(Window(mine[2], mine[0], t_ns, {}, number))
    found += [Window(name, t_ns, max(t_ns, last_ns), {}, number, True) for t_ns, number, name in left]
    return found


@pytest.mark.reaches(once=10, twice=10)
@given(mark_rows, mark_rows)
def test_marks_in_columns_pair_as_one_by_one(begun, ended) -> None:
    """Whether each number is there once, or some are there twice, end before they begin or never do."""
    is_once = all(len({number for _, number, _ in some}) == len(some) for some in (begun, ended))
    reached("once", is_once and bool(begun) and bool(ended))
    reached("twice", not is_once)
    found = marked(begun, ended, 5)
    key = attrgetter("t0_ns", "number", "t1_ns", "name", "is_open")
    assert sorted(map(key, found)) == sorted(map(key, one_by_one(begun, ended, 5)))
    begins = [(each.t0_ns, each.number) for each in found]
    assert begins == sorted(begins)


@given(mark_rows, st.lists(st.integers(0, 6), max_size=9))
def test_any_windows_are_those_of_all(begun, some) -> None:
    """Windows that are asked for by number, in any order and twice, are the same as all of them."""
    of = WindowColumns(marks(begun), marks([]), 9)
    every, asked = list(of.each()), [number for number in some if number < len(of)]
    assert list(of.each(np.array(asked, np.int64))) == [every[number] for number in asked]
    for name, numbers in of.by_name.items():
        assert [every[number].name for number in numbers] == [name] * len(numbers)
    assert sum(map(len, of.by_name.values())) == len(every)


@pytest.mark.parametrize("is_last", [False, True])
def test_windows_that_mention_a_word_are_found_by_either_label(is_last: bool) -> None:
    told = label("w", {"synchronised": True})
    begins = [(t, t, "w" if is_last or t % 2 else told) for t in range(6)]
    ends = [(t + 1, t, told if is_last and not t % 2 else "") for t in range(6)]
    of = WindowColumns(marks(begins), marks(ends), 9)
    assert of.mentioning("synchronised").tolist() == [0, 2, 4]
    assert of.mentioning("missing").tolist() == []


def test_last_engine_counts_are_told_by_lane() -> None:
    """Counts accumulate in the file; the last one is the whole."""
    table = rows([ONE])
    names = table.column("channel").chunk(0).dictionary.to_pylist()
    late = names.index("@engine/lane-0/late")
    code = np.array([late, late], np.uint16)
    more = pa.table(
        [
            pa.array([1, 2]), pa.array([0, 0], pa.uint32()),
            pa.DictionaryArray.from_arrays(pa.array(code), pa.array(names)),
            pa.array([3, 5], pa.uint64()), pa.nulls(2, pa.int64()), pa.array([0, 0], pa.uint16()),
            pa.nulls(2, pa.utf8()),
        ],
        schema=table.schema,
    )  # fmt: skip
    assert RawTrace(pa.concat_tables([more, table])).engine()["lane-0"]["late"] == 5


def test_bad_files_are_refused_with_a_remedy(tmp_path: Path) -> None:
    """Missing, empty, foreign and newer files each get a sentence and what to do."""
    names = ("empty", "foreign", "other", "newer", "older")
    empty, foreign, other, newer, older = (tmp_path / name for name in names)
    empty.touch()
    foreign.write_bytes(b"name,value\n1,2\n" * 99)
    with pa.ipc.new_stream(str(other), pa.schema([("x", pa.int64())])) as writer:
        writer.write_table(pa.table({"x": [1]}))
    table = rows([ONE])
    for path, version in ((newer, b"3"), (older, b"1")):
        metadata = {**table.schema.metadata, schema.KEY_FORMAT: version}
        write(path, table.replace_schema_metadata(metadata))
    for path, what in (
        (tmp_path / "missing", "cannot open"),
        (empty, "is empty"),
        (foreign, "is not a trace"),
        (other, "not a microjoule trace"),
        (newer, "newer is in trace format 3"),
        (older, "older is in trace format 1"),
        (tmp_path / "missing.parquet", "cannot read"),
        (tmp_path, "cannot open|is not a trace"),
    ):
        with pytest.raises(TraceError, match=what) as caught:
            RawTrace.load(path)
        assert caught.value.remedy


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (schema.KEY_FORMAT, b"one"),
        (schema.KEY_CHANNELS, None),
        (schema.KEY_CHANNELS, b"[{}]"),
        (schema.KEY_CHANNELS, b"[3]"),
        (schema.KEY_CHANNELS, b"\xff"),
        (schema.KEY_FACTS, None),
        (schema.KEY_FACTS, b"[]"),
        (schema.KEY_FACTS, b'{"host": 3}'),
        (schema.KEY_FACTS, b"{"),
    ],
)
def test_a_damaged_opening_is_a_sentence(key: bytes, value: bytes | None) -> None:
    """Missing or malformed metadata never gets further than the opening."""
    table = rows([ONE])
    metadata = {k: v for k, v in {**table.schema.metadata, key: value}.items() if v is not None}
    with pytest.raises(TraceError, match="damaged") as caught:
        RawTrace(table.replace_schema_metadata(metadata))
    assert caught.value.remedy


@pytest.mark.parametrize("name", [field.name for field in schema.COLUMNS])
def test_a_column_that_is_missing_or_of_another_type_is_named(name: str) -> None:
    """Types are what the arithmetic rests on."""
    table = rows([ONE])
    i = table.column_names.index(name)
    for other in (table.drop([name]), table.set_column(i, name, pa.nulls(len(table), pa.float32()))):
        with pytest.raises(TraceError, match=f"its column {name} is"):
            RawTrace(other.replace_schema_metadata(table.schema.metadata))


def written(path: Path, *batches: pa.RecordBatch) -> Path:
    with pa.ipc.new_stream(str(path), batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def test_rows_that_decode_and_make_no_sense_are_left_out_and_named(tmp_path: Path) -> None:
    """A code without a channel, or a label that is no text, is never followed: what is around stays."""
    table = rows([ONE], [(ONE.inside(0.5)[0], "@begin", 1, "w")])
    whole = table.combine_chunks().to_batches()[0]
    codes = pa.array(np.full(len(table), 60_000, np.uint16))
    dictionary = whole.column("channel").dictionary
    wild = pa.DictionaryArray.from_arrays(codes, dictionary, safe=False)
    n = len(table)
    offsets = np.arange(n + 1, dtype=np.int32)
    text = pa.Array.from_buffers(pa.utf8(), n, [None, pa.py_buffer(offsets), pa.py_buffer(b"\xff" * n)])
    for name, column in (("channel", wild), ("label", text)):
        bad = whole.set_column(whole.schema.names.index(name), whole.schema.field(name), column)
        with pytest.raises(TraceError, match="damaged"):
            RawTrace.load(written(tmp_path / "first.arrows", bad))
        trace = RawTrace.load(written(tmp_path / "later.arrows", whole, bad, whole))
        (damage,) = trace.damage
        assert damage.what == "batch 1"
        assert np.array_equal(trace.series("package-0").raw, ONE.series.raw)


def test_a_window_of_instants_is_neither_open_nor_marked() -> None:
    window = Window("w", 1, 5)
    assert (window.duration_ns, window.is_open, window.is_marked, dict(window.attributes)) == (
        4,
        False,
        False,
        {},
    )


def test_a_window_may_be_a_key_whatever_is_noted_beside_it() -> None:
    noted = Window("w", 1, 5, {"k": [1]})
    assert {noted: 7}[Window("w", 1, 5, {"k": [1]})] == 7
    assert noted != Window("w", 1, 5)


@pytest.mark.parametrize(("said", "lost"), [(3, 3), (0, 0), (None, None), ("many", None)])
def test_a_gap_says_how_many_readings_are_missing_where_that_is_a_number(
    said: object, lost: int | None
) -> None:
    assert gap(1, 5, label("full disk", {"readings_lost": said})) == Gap(1, 5, "full disk", lost)
    assert gap(1, 5, "full disk").readings_lost is None


def test_what_is_no_window_is_a_sentence() -> None:
    """A number is neither a window nor the name of one."""
    with pytest.raises(BadWindow, match="5 is not a window"):
        RawTrace(rows([ONE])).window(5)


def test_merge_refuses_two_descriptions_of_one_channel() -> None:
    """A unit that differs would make joules of one file wrong."""
    other = replace(ONE, quantum=2)
    with pytest.raises(TraceError, match="described differently"):
        merge([RawTrace(rows([ONE])), RawTrace(rows([other]))])
    with pytest.raises(TraceError, match="no trace to merge"):
        merge([])


def recorded(ideal: Ideal, begun: int, boot: str, starts_at_open: bool = False) -> RawTrace:
    """A trace with the facts that a recorder gives."""
    table = rows([ideal])
    (channel,) = RawTrace(table).channels.values()
    channel = replace(channel, scale=replace(channel.scale, starts_at_open=starts_at_open))
    facts = {"started_realtime_ns": begun, "host": {"boot_id": boot}}
    return RawTrace(table.cast(schema.schema([channel], facts)))


def test_counters_that_start_at_their_opening_do_not_merge() -> None:
    """Two openings share no count; two parts of one opening do, through any number of merges."""
    a, b = recorded(ONE, 1, "x", True), recorded(ONE, 2, "x", True)
    with pytest.raises(TraceError, match=r"'package-0' counts from its opening") as caught:
        merge([a, b])
    assert "uj report A B" in caught.value.remedy
    halves = [RawTrace(a.table.slice(0, 50)), RawTrace(a.table.slice(50))]
    whole = merge(halves)
    assert np.array_equal(whole.series("package-0").raw, a.series("package-0").raw)
    other = recorded(TWO, 2, "x", True)
    both = merge([other, whole])  # the facts of the first, and still each counter's own opening
    assert merge([both, a]).channels.keys() == {"package-0", "gpu-0"}
    with pytest.raises(TraceError, match="opened anew"):
        merge([both, b])
    with pytest.raises(TraceError, match="opened anew"):
        merge([recorded(TWO, 1, "x", True), both])


def test_traces_merge_within_a_boot_and_not_across() -> None:
    """A register that counts on is one counter through many recordings, until the machine starts again."""
    a, b = recorded(ONE, 1, "x"), recorded(ONE, 2, "x")
    assert "openings" not in merge([a, b]).facts
    with pytest.raises(TraceError, match="different boots"):
        merge([a, recorded(ONE, 2, "y")])


def test_unknown_channel_is_named_with_the_nearest() -> None:
    """A slip of the pen is mended by the message."""
    with pytest.raises(TraceError, match="gpu-0"):
        RawTrace(rows([ONE, TWO])).series("gpu0")


def test_channels_that_take_turns_come_apart_as_any_others(tmp_path: Path) -> None:
    """Batches of one group read, with the recorder's rows behind them, and batches cut inside a turn."""
    group = [replace(ONE, failed=0.0, id=name) for name in ("package-0", "package-0/core", "package-0/dram")]
    marks = [(ONE.begun[0][49] + 1 + group[0].series.t_ns[0] - ONE.begun[0][0], "@begin", 1, "w")]
    table = rows(group, marks)
    for size in (1, 2, 7, 60, 150, 151, 1000):
        trace = RawTrace.load(write(tmp_path / f"{size}.arrows", table, size))
        for ideal in group:
            series = trace.series(ideal.id)
            assert np.array_equal(series.t_ns, ideal.series.t_ns)
            assert np.array_equal(series.raw, ideal.series.raw)
            assert np.array_equal(series.read_ns, ideal.series.read_ns)
            assert not series.status.any()
        assert len(trace.windows) == 1


@pytest.mark.parametrize(
    ("span", "is_taken"),
    [
        ([5, 9], True),
        ([0, (1 << 63) - 1], True),
        ([5, 5], True),
        ([0, 1 << 63], False),
        ([9, 5], False),
        ([-1, 5], False),
        ([5], False),
        ([5, 9, 9], False),
        ("5-9", False),
        ([5.0, 9], False),
        ([True, 9], False),
    ],
)
def test_a_window_has_the_instants_of_its_device_where_these_are_some(span: object, is_taken: bool) -> None:
    """What a file says may be anything: a time that int64 does not hold is none."""
    end = label("w", {DEVICE_SPAN: span})
    (found,) = marked([(1, 0, label("w", {"step": 3}))], [(2, 0, end)])
    left = ([1, 2], {"step": 3, DEVICE_SPAN: span})
    wanted = (span, {"step": 3}) if is_taken else left
    assert ([found.t0_ns, found.t1_ns], dict(found.attributes)) == wanted
