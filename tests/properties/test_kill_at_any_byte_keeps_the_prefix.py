"""A file cut at any byte gives what was whole, unchanged."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from ideal import Ideal, constant, rows, write
from reached import reached

from microjoule.errors import TraceError
from microjoule.joules.energy_trace import load
from microjoule.trace import schema
from microjoule.trace.repairing import repair

NEAR = 80  # bytes on either side of the end of a batch, the lengths at its beginning among them


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ideal = Ideal(constant(80.0), n=120, failed=0.02)
    marks = [(ideal.inside(0.1)[0], "@begin", 1, "w"), (ideal.inside(0.5)[0], "@end", 1, "w")]
    marks.append((ideal.inside(0.6)[0], "@begin", 2, "open"))
    return write(tmp_path_factory.mktemp("cut") / "whole.arrows", rows([ideal], marks), 30)


def sizes(path: Path) -> list[int]:
    """Where to cut: at each byte of the schema and near the end of a batch, and at one in seven of its rows.

    Seven is prime to the eight bytes to which a batch is aligned.
    """
    with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as batches:
        ends = [source.tell()]
        while ends[-1] < source.size():
            try:
                batches.read_next_batch()
            except StopIteration:
                break
            ends.append(source.tell())
        all_sizes = range(1, source.size())
    return [
        size
        for size in all_sizes
        if size % 7 == 0 or size < ends[0] or min(abs(size - end) for end in ends) < NEAR
    ]


def opens(path: Path, data: bytes) -> bool:
    path.write_bytes(data)
    try:
        load(path)
    except TraceError:
        return False
    return True


@pytest.mark.reaches(another_batch=4, whole_window=1)
def test_kill_at_any_byte_keeps_the_prefix(whole: Path, tmp_path: Path) -> None:
    """Every whole batch is recovered, the rest is said to be missing, and no byte makes it crash."""
    data = whole.read_bytes()
    full = load(whole)
    reference = full.energy("w")["package-0"]
    assert not full.is_truncated
    counts = [0]
    cut = tmp_path / "cut.arrows"
    places = sizes(whole)
    opening = next(size for size in places if opens(cut, data[:size]))
    assert opening < len(data) / 2
    for size in (
        size for size in places if size >= opening
    ):  # once the opening is whole every longer prefix opens
        cut.write_bytes(data[:size])
        trace = load(cut)
        assert trace.is_truncated
        n = trace.table.num_rows
        assert n >= counts[-1]
        assert n % 30 == 0 or n == full.table.num_rows
        if reached("another_batch", n != counts[-1]):
            counts.append(n)
            assert trace.table.equals(full.table.slice(0, n))
            whole_window = "w" in [w.name for w in trace.windows if not w.is_open] and n >= 90
            if reached("whole_window", whole_window):
                # What is guaranteed is the same; the figure rests on what the readings tell of all updates.
                energy = trace.energy("w")["package-0"]
                assert (energy.status, energy.low, energy.high) == ("ok", reference.low, reference.high)
                assert energy.value == pytest.approx(reference.value, abs=reference.U)
    assert len(counts) == 1 + -(-full.table.num_rows // 30)


def test_repair_writes_a_file_that_any_tool_opens(whole: Path, tmp_path: Path) -> None:
    """The repaired file is a complete stream of the recovered batches, and says what was lost."""
    data = whole.read_bytes()
    cut, mended = tmp_path / "cut.arrows", tmp_path / "mended.arrows"
    cut.write_bytes(data[: int(len(data) * 0.8)])
    kept = repair(cut, mended)
    assert kept.rows == load(cut).table.num_rows
    assert 0 < kept.bytes_cut < len(cut.read_bytes())
    assert not load(mended).is_truncated
    with pa.ipc.open_stream(str(mended)) as reader:
        mended_rows = [row for row in reader.read_all().to_pylist() if row["channel"] not in schema.CHECKS]
    assert mended_rows == load(cut).table.to_pylist()
    again = repair(mended, mended)
    assert (again.rows, again.bytes_cut, again.damage) == (kept.rows, 0, ())
