"""A repaired file: every whole batch, and the number of bytes that were left out."""

from pathlib import Path

import pytest
from ideal import Ideal, constant, rows, write

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
