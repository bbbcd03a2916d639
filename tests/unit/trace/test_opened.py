"""What is asked of a file and of its batches before anybody believes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ideal import Ideal, constant, rows, write

from microjoule.errors import NotInParts, TraceError
from microjoule.trace import parts, schema
from microjoule.trace.opened import END_OF_STREAM, check, is_ended, opened, sound_schema
from microjoule.trace.schema import KEY_FACTS

TABLE = rows([Ideal(constant(40.0), n=100)])


def with_facts(facts: bytes) -> pa.Table:
    return TABLE.replace_schema_metadata({**TABLE.schema.metadata, KEY_FACTS: facts})


def test_facts_that_make_no_sense_cost_the_facts_and_not_the_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.arrows"
    assert sound_schema(TABLE.schema, path) == (TABLE.schema, True)
    found, is_sound = sound_schema(with_facts(b"{").schema, path)
    assert (found.metadata[KEY_FACTS], is_sound) == (b"{}", False)
    assert found.metadata[schema.KEY_CHANNELS] == TABLE.schema.metadata[schema.KEY_CHANNELS]


def test_a_file_without_sound_facts_is_not_read_in_parts(tmp_path: Path) -> None:
    """In parts its damage could not be named."""
    assert parts.survey(write(tmp_path / "sound.arrows", TABLE)).rows == len(TABLE)
    with pytest.raises(NotInParts, match="facts"):
        parts.survey(write(tmp_path / "other.arrows", with_facts(b"{")))


def test_a_stream_of_something_else_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "other.arrows"
    other = pa.table({"x": [1]})
    with pa.ipc.new_stream(str(path), other.schema) as writer:
        writer.write_table(other)
    with pytest.raises(TraceError, match="not a microjoule trace"), opened(path):
        pass


@pytest.mark.parametrize("name", [field.name for field in schema.COLUMNS if not field.nullable])
def test_a_row_without_a_value_that_each_must_have_is_refused(name: str) -> None:
    check(TABLE)
    at = TABLE.column_names.index(name)
    column = TABLE.column(name).combine_chunks()
    missing = column.take(pa.array([None, *range(1, len(column))]))
    with pytest.raises(pa.ArrowInvalid, match=f"without {name}"):
        check(TABLE.set_column(at, pa.field(name, column.type), missing))


def test_a_code_without_a_channel_is_refused_before_it_is_followed() -> None:
    column = TABLE.column("channel").combine_chunks()
    codes = pa.array(np.full(len(column), 60_000, np.uint16))
    wild = pa.DictionaryArray.from_arrays(codes, column.dictionary, safe=False)
    with pytest.raises(pa.ArrowInvalid):
        check(pa.table({"channel": wild}))


def test_a_file_is_ended_by_the_end_of_its_stream(tmp_path: Path) -> None:
    path = tmp_path / "t"
    for data, ended in ((END_OF_STREAM, True), (b"x" + END_OF_STREAM, True), (END_OF_STREAM[1:], False)):
        path.write_bytes(data)
        assert is_ended(path) is ended


def test_columns_that_were_not_decoded_are_not_missed() -> None:
    check(TABLE.select(["channel"]))


@pytest.mark.parametrize("seed", range(20))
def test_stretches_are_neighbours_as_large_as_they_may_be(seed: int) -> None:
    """Each has one batch, however large, or several within the bytes and batches of a part."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, rng.choice([2_000, parts.PART_BYTES // 3, 2 * parts.PART_BYTES]), 300)
    offsets = np.cumsum([77, *sizes])
    found = list(parts._stretches(offsets))
    assert [begin for begin, _ in found] == [77, *(end for _, end in found[:-1])]
    assert found[-1][1] == offsets[-1]
    for begin, end in found:
        first, last = np.searchsorted(offsets, [begin, end])
        may_end = min(last + 1, len(offsets) - 1)
        assert last - first == 1 or (end - begin <= parts.PART_BYTES and last - first <= parts.PART_BATCHES)
        assert (
            last == len(offsets) - 1
            or last - first == parts.PART_BATCHES
            or offsets[may_end] - begin > parts.PART_BYTES
        ), "the next batch would fit"
