"""Checksums in rows: what they find, what they do not mind, and how a damaged file is read and repaired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, constant, rows
from properties.test_flipped_bits_are_never_silent import sealed

from microjoule.errors import TraceError
from microjoule.joules.energy_trace import load
from microjoule.trace import checksum, schema
from microjoule.trace.messages import FileSource, Kind, Message, messages
from microjoule.trace.raw_trace import RawTrace, merge
from microjoule.trace.repairing import repair

ONE = Ideal(constant(80.0), n=400, failed=0.05)
A, B = ONE.inside(0.1, 0.9)
C, D = ONE.inside(0.45, 0.55)
MARKS = [(A, "@begin", 1, "all"), (B, "@end", 1, ""), (C, "@begin", 2, "inner"), (D, "@end", 2, "")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "t.arrows"
    sealed(path, rows([ONE], MARKS), 60)
    return path


def batches_of(path: Path) -> list[Message]:
    with path.open("rb") as opened:
        found = list(messages(FileSource(opened.fileno())))
    return [each for each in found if isinstance(each, Message) and each.kind is Kind.BATCH]


def spoil(path: Path, number: int) -> None:
    """Overwrites a byte in the middle of a batch."""
    data = bytearray(path.read_bytes())
    place = batches_of(path)[number]
    data[(place.begin + place.end) // 2 + 100] ^= 0x55
    path.write_bytes(data)


def cut_out(path: Path, number: int) -> None:
    """Takes a whole batch away."""
    data, place = path.read_bytes(), batches_of(path)[number]
    path.write_bytes(data[: place.begin] + data[place.end :])


_batch = rows([ONE], MARKS).combine_chunks().to_batches()[0]
_places = np.arange(len(_batch.column("channel").dictionary), dtype=np.uint16)


@given(
    column=st.sampled_from(["t_ns", "read_ns", "raw", "status"]),
    row=st.integers(0, _batch.num_rows - 1),
    to=st.integers(0, 2**16 - 1),
)
def test_any_change_of_one_value_changes_the_checksum(column: str, row: int, to: int) -> None:
    """Of a row without a reading too, where a value takes the place of none."""
    values = _batch.column(column).to_pylist()
    differs = values[row] != to
    values[row] = to
    at = _batch.schema.names.index(column)
    other = _batch.set_column(
        at, _batch.schema.field(column), pa.array(values, _batch.schema.field(column).type)
    )
    assert (checksum.of_rows(other, _places) != checksum.of_rows(_batch, _places)) == differs


def test_order_length_and_channels_are_in_the_checksum() -> None:
    """Rows swapped, a row less, and the codes of other channels."""
    whole = checksum.of_rows(_batch, _places)
    swapped = _batch.take(pa.array([1, 0, *range(2, _batch.num_rows)]))
    assert checksum.of_rows(swapped, _places) != whole
    assert checksum.of_rows(_batch.slice(0, _batch.num_rows - 1), _places) != whole
    assert checksum.of_rows(_batch, _places[::-1].copy()) != whole


def test_the_checksum_of_a_known_batch_is_what_it_was() -> None:
    """The format rests on it: computed by Python's integers alone."""
    mask = (1 << 64) - 1

    def weight(i: int) -> int:
        z = (i + 1) * 0x9E3779B97F4A7C15 & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31 | 1

    found = 0
    read, codes = _batch.column("read_ns").to_pylist(), _batch.column("channel").indices.to_pylist()
    status, raw = _batch.column("status").to_pylist(), _batch.column("raw").to_pylist()
    packed = [r << 32 | c << 16 | s for r, c, s in zip(read, codes, status, strict=True)]
    columns = [_batch.column("t_ns").to_pylist(), [value or 0 for value in raw], packed]
    columns.append([int(value is not None) for value in raw])
    for number, values in enumerate(columns, start=1):
        total = sum(value * weight(i) for i, value in enumerate(values))
        found += (number << 40 | 1) * 0x9E3779B97F4A7C15 * total
    found += len(raw) * 0xBF58476D1CE4E5B9
    assert checksum.of_rows(_batch, _places) == found & mask


@pytest.mark.parametrize("size", [1, 7, 61, 62, 1000])
def test_batches_may_be_cut_otherwise(file: Path, tmp_path: Path, size: int) -> None:
    """And channels may have other codes: another tool may write the rows again."""
    table = load(file).table
    names = table["channel"].cast(pa.utf8()).combine_chunks()
    recoded = pc.dictionary_encode(names)
    words = pa.DictionaryArray.from_arrays(recoded.indices.cast(pa.uint16()), recoded.dictionary)
    again = table.set_column(2, table.schema.field("channel"), words)
    path = tmp_path / "again.arrows"
    with pa.ipc.new_stream(str(path), again.schema) as writer:
        writer.write_table(again, max_chunksize=size)
    trace = load(path)
    assert trace.damage == ()
    assert not trace.is_truncated
    assert trace.energy("all")["package-0"] == load(file).energy("all")["package-0"]


def test_a_damaged_batch_is_named_and_left_out_and_intervals_stay_true(file: Path) -> None:
    """Between the windows' edges nothing is lost; the one with its edges in the damaged batch is gone."""
    whole = load(file)
    number = 3
    spoil(file, number)
    trace = load(file)
    (damage,) = trace.damage
    assert damage.what == f"batch {number}"
    assert damage.why
    assert damage.t0_ns is not None
    assert damage.t1_ns is not None
    missing = len(whole.series("package-0")) - len(trace.series("package-0"))
    assert missing > 0
    energy = trace.energy("all")["package-0"]
    assert energy.low <= ONE.truth(A, B) <= energy.high
    assert not trace.is_truncated


@pytest.mark.parametrize("number", [0, 3, 6])
def test_a_batch_that_is_missing_altogether_is_named(file: Path, number: int) -> None:
    """Its number is."""
    cut_out(file, number)
    (damage,) = load(file).damage
    assert damage.what == f"batch {number}"


def test_several_damaged_batches_are_named_together_or_apart(file: Path) -> None:
    """Neighbours together."""
    for number in (1, 3, 4):
        spoil(file, number)
    assert [damage.what for damage in load(file).damage] == ["batch 1", "2 batches (3 to 4)"]


def test_a_file_without_its_seal_was_not_ended(file: Path) -> None:
    """Even where a tool has closed its stream."""
    cut_out(file, len(batches_of(file)) - 1)
    trace = load(file)
    assert trace.is_truncated
    assert trace.damage == ()


def replaced(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert data.count(old) >= 1
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new, 1))


def test_a_unit_that_changed_is_refused_and_a_host_name_that_changed_costs_the_facts(file: Path) -> None:
    """Both decode well."""
    whole = file.read_bytes()
    replaced(file, b'"hostname": "ideal"', b'"hostname": "iDeal"')
    trace = load(file)
    assert trace.facts == {}
    assert [damage.what for damage in trace.damage] == ["the facts"]
    file.write_bytes(whole)
    replaced(file, b'"quantity": "J"', b'"quantity": "W"')
    with pytest.raises(TraceError, match="channel table does not match its checksum"):
        load(file)


def test_repair_leaves_a_gap_where_something_was_damaged(file: Path, tmp_path: Path) -> None:
    """The clean file says so whenever it is read, and has checksums of its own."""
    spoil(file, 3)
    damaged = load(file)
    kept = repair(file, tmp_path / "clean.arrows")
    assert [damage.what for damage in kept.damage] == ["batch 3"]
    trace = load(tmp_path / "clean.arrows")
    assert trace.damage == ()
    assert not trace.is_truncated
    (gap,) = trace.gaps
    (damage,) = damaged.damage
    assert (gap.t0_ns, gap.t1_ns) == (damage.t0_ns, damage.t1_ns)
    assert gap.cause.startswith("batch 3: ")
    assert gap.readings_lost is None
    assert trace.energy("all")["package-0"] == damaged.energy("all")["package-0"]
    assert (tmp_path / "clean.arrows").stat().st_mode & 0o777 == 0o600
    spoil(tmp_path / "clean.arrows", 2)
    assert load(tmp_path / "clean.arrows").damage


def test_merged_traces_verify_nothing_of_what_they_were(file: Path, tmp_path: Path) -> None:
    """The checksums of several files do not lie in one."""
    other = tmp_path / "other.arrows"
    sealed(other, rows([replace(ONE, seed=9)]), 60)
    joined = merge([RawTrace.load(file), RawTrace.load(other)])
    assert not set(joined.table["channel"].to_pylist()) & set(schema.CHECKS)


def splitmix(n):
    """The n-th weight, made odd, as in the reference (https://prng.di.unimi.it/splitmix64.c)."""
    z = n * 0x9E3779B97F4A7C15 % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31 | 1


def test_the_checksum_of_rows_is_the_published_sum_in_whole_numbers():
    """More rows than a block: what is written today is checked by every later version."""
    n, block = 140_000, 1 << 16
    rng = np.random.default_rng(4)
    t_ns, raw = rng.integers(0, 2**62, n), rng.integers(0, 2**64, n, np.uint64)
    read_ns, codes, status = (rng.integers(0, top, n) for top in (2**32, 2, 2**16))
    names = pa.DictionaryArray.from_arrays(pa.array(codes, pa.uint16()), pa.array(["a", "b"]))
    batch = pa.record_batch(
        {
            "t_ns": pa.array(t_ns),
            "read_ns": pa.array(read_ns, pa.uint32()),
            "channel": names,
            "raw": pa.array(raw),
            "status": pa.array(status, pa.uint16()),
        }
    )
    place = np.array([7, 0], np.uint16)
    packed = [
        r << 32 | (7, 0)[c] << 16 | s
        for r, c, s in zip(*(x.tolist() for x in (read_ns, codes, status)), strict=True)
    ]
    weights = [splitmix(k) for k in range(1, block + 1)]
    expected = n * 0xBF58476D1CE4E5B9
    for number, column in enumerate((t_ns.tolist(), raw.tolist(), packed), start=1):
        for k, start in enumerate(range(0, n, block)):
            found = sum(map(int.__mul__, column[start : start + block], weights))
            expected += (number << 40 | k << 1 | 1) * 0x9E3779B97F4A7C15 * found
    assert checksum.of_rows(batch, place) == expected % 2**64


def test_a_name_that_is_not_canonical_has_the_last_place():
    assert checksum.places(["b", "new", "a"], ["a", "b"]).tolist() == [1, 65535, 0]


def test_the_row_of_the_opening_counts_no_stretch():
    table = rows([ONE])
    names = table["channel"].chunk(0).dictionary.to_pylist()
    (row,) = checksum.Stretches(schema.OwnRows(table.schema, names)).opening(5).to_pylist()
    assert (row["t_ns"], row["read_ns"], row["channel"]) == (5, 0, schema.OPENING)
    assert row["raw"] == checksum.of_opening(table.schema.metadata)
