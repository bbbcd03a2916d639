"""What is taken of a trace's parts: the rows that tell its windows, and no more of those in its middle."""

import pyarrow as pa
import pytest
from fragmented import same, slices
from ideal import Ideal, constant, rows

from microjoule.joules.energy_trace import Trace
from microjoule.joules.long_traces.fragments import (
    JoinedTrace,
    Need,
    integrated,
    mapped,
    merged,
    needed,
    sketched,
)
from microjoule.joules.long_traces.kept_trace import Asked

ONE = Ideal(constant(50.0), n=120, seed=1, failed=0.2)
OTHER = Ideal(constant(20.0), n=120, seed=2, id="package-1")
T = ONE.inside(0.3, 0.45, 0.9)
MARKS = [(T[0], "@begin", 1, "step"), (T[1], "@end", 1, "")]
TABLE = rows([ONE, OTHER], MARKS)
PARTS = slices(TABLE, [60, 180])


def named(table):
    return table.column("channel").to_pylist()


def first_readings(part):
    """The rows of marks, and of each channel the first one that was read."""
    seen, kept = set(), []
    for row in part.rows().to_pylist():
        is_mark = row["channel"] in ("@begin", "@end")
        if is_mark or (row["raw"] is not None and row["channel"] not in seen):
            kept.append(row)
            seen.add(row["channel"])
    return kept


def test_of_a_part_in_the_middle_the_marks_and_the_first_readings_are_kept():
    expected = first_readings(PARTS[1])
    for batch_rows in (1000, 7, 1):
        batches = PARTS[1].rows().to_batches(max_chunksize=batch_rows)
        part = type(PARTS[1])(pa.Table.from_batches(batches))
        found = sketched(part, is_whole=False)
        assert found.rows == PARTS[1].rows().num_rows
        assert found.table.to_pylist() == expected
    assert {"package-0", "package-1", "@begin"} <= {row["channel"] for row in expected}


def test_the_first_part_and_the_last_one_are_kept_whole():
    found = needed(PARTS)
    assert found.rows == TABLE.num_rows
    middle = first_readings(PARTS[1])
    assert found.sketch.to_pylist() == [*PARTS[0].rows().to_pylist(), *middle, *PARTS[2].rows().to_pylist()]
    alone = needed(PARTS[:1])
    assert alone.sketch.num_rows == PARTS[0].rows().num_rows


@pytest.mark.parametrize("failed", [0.0, 1.0], ids=["one reading", "none"])
def test_a_channel_almost_without_readings_has_what_it_has_in_one_pass(failed):
    few = Ideal(constant(20.0), n=1, seed=2, id="package-1", failed=failed)
    table = rows([ONE, few], MARKS)
    found, whole = integrated(slices(table, [1, 60, 100])), Trace(table)
    assert isinstance(found, JoinedTrace)
    assert same(found, whole)
    expected = whole.failures()
    assert found.failures() == expected != {}


def test_parts_without_a_number_are_put_into_the_order_of_their_times():
    whole = Trace(TABLE)
    asked = Asked.of(whole)
    need = Need.of(whole, asked)
    middle, last, first = (mapped(PARTS[n].rows(), need) for n in (1, 2, 0))
    fragment = merged(merged(middle, last, need), first, need)
    found = JoinedTrace(TABLE, asked, need, fragment, TABLE.num_rows)
    assert same(found, whole)
    assert found.failures() == whole.failures()
