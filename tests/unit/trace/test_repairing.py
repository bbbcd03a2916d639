"""A repaired file: every whole batch, and the number of bytes that were left out."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ideal import Ideal, constant, rows, write

from microjoule.trace import schema
from microjoule.trace.messages import FileSource, Kind, Message, messages
from microjoule.trace.raw_trace import RawTrace
from microjoule.trace.repairing import repair

IDEAL = Ideal(constant(40.0), n=1000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "t.arrows", rows([IDEAL]))


def test_of_a_whole_file_no_row_is_left_out(file: Path, tmp_path: Path) -> None:
    found = repair(file, tmp_path / "clean.arrows")
    assert (found.batches, found.rows, found.damage) == (5, 1000, ())
    assert 0 <= found.bytes_cut <= 8  # the mark of the end, which is no batch
    assert RawTrace.load(tmp_path / "clean.arrows").series("package-0").raw.tolist() == (
        RawTrace.load(file).series("package-0").raw.tolist()
    )


def test_a_repaired_file_is_its_owner_s(file: Path, tmp_path: Path) -> None:
    repair(file, tmp_path / "clean.arrows")
    assert (tmp_path / "clean.arrows").stat().st_mode & 0o777 == 0o600


def test_a_repaired_file_is_protected_as_a_recorded_one_is(file: Path, tmp_path: Path) -> None:
    """Each batch with its number at the time of its last reading, the opening at that of the first."""
    path = tmp_path / "clean.arrows"
    repair(file, path)
    batches = RawTrace.load(path).table.to_batches()
    found = [[row for row in batch.to_pylist() if row["channel"] in schema.CHECKS] for batch in batches]
    begun = RawTrace.load(file).series("package-0").t_ns.reshape(5, 200)
    first, *_ = found[0]
    assert (first["channel"], first["t_ns"], first["read_ns"]) == (schema.OPENING, begun[0, 0], 0)
    ends = [(rows[-1]["channel"], rows[-1]["t_ns"], rows[-1]["read_ns"]) for rows in found]
    last = [*begun[:, -1], begun[-1, -1]]
    assert ends == [(schema.CHECKSUM, t_ns, number) for number, t_ns in enumerate(last)]
    assert [row["channel"] for rows in found for row in rows].count(schema.OPENING) == 1
    data = path.read_bytes()
    assert data.count(b'"hostname": "ideal"') == 1
    path.write_bytes(data.replace(b'"hostname": "ideal"', b'"hostname": "iDeal"'))
    assert [damage.what for damage in RawTrace.load(path).damage] == ["the facts"]


@pytest.mark.parametrize(("number", "is_gap"), [(2, True), (4, False)])
def test_damage_is_a_gap_where_something_follows_it(
    file: Path, tmp_path: Path, number: int, is_gap: bool
) -> None:
    """Behind the last batch there is nothing to which a gap could reach."""
    whole = tmp_path / "whole.arrows"
    repair(file, whole)
    with whole.open("rb") as opened:
        found = list(messages(FileSource(opened.fileno())))
    places = [each for each in found if isinstance(each, Message) and each.kind is Kind.BATCH]
    data = bytearray(whole.read_bytes())
    data[(places[number].begin + places[number].end) // 2 + 100] ^= 0x55
    whole.write_bytes(data[: places[4].end])
    (damage,) = repair(whole, tmp_path / "clean.arrows").damage
    begun = RawTrace.load(file).series("package-0").t_ns.reshape(5, 200)
    after_ns = begun[number + 1, 0] if is_gap else None
    assert (damage.t0_ns, damage.t1_ns) == (begun[number - 1, -1], after_ns)
    clean = RawTrace.load(tmp_path / "clean.arrows")
    assert [(gap.t0_ns, gap.t1_ns) for gap in clean.gaps] == [(damage.t0_ns, after_ns)][: int(is_gap)]
    gaps = [row["read_ns"] for row in clean.table.to_pylist() if row["channel"] == schema.GAP]
    assert gaps == [0] * is_gap
    assert (clean.damage, len(clean.series("package-0").t_ns)) == ((), 800)


def test_readings_of_a_channel_that_the_file_does_not_describe_are_left_out(tmp_path: Path) -> None:
    """Their code would point behind the dictionary of the new file."""
    table = rows([IDEAL])
    codes = table["channel"].combine_chunks()
    names = [*codes.dictionary.to_pylist(), "not-described"]
    other = np.arange(len(table)) % 10 == 3
    indices = np.where(other, len(names) - 1, codes.indices.to_numpy()).astype(np.uint16)
    column = pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(names))
    path = write(tmp_path / "t.arrows", table.set_column(2, table.field("channel"), column))
    found = repair(path, tmp_path / "clean.arrows")
    clean = RawTrace.load(tmp_path / "clean.arrows")
    assert not clean.damage
    assert found.rows == len(table) - other.sum() == len(clean.series("package-0").t_ns)


def test_the_bytes_behind_the_last_whole_batch_are_counted(file: Path, tmp_path: Path) -> None:
    """One byte less of a torn batch is one byte less that was left out."""
    data = file.read_bytes()
    left = []
    for n in (60, 50):
        file.write_bytes(data[:-n])
        found = repair(file, tmp_path / "clean.arrows")
        assert (found.batches, found.rows) == (4, 800)
        left.append(found.bytes_cut)
    assert left[1] - left[0] == 10
    assert 0 < left[0] < len(data) / 4
