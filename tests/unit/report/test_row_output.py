"""Rows are written as they come, and integers and what is missing stay what they are."""

import csv
import io
import json
import math
from datetime import datetime
from decimal import Decimal
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from microjoule.report import row_output as rows
from microjoule.report.foreign_text import in_cell

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@settings(max_examples=40)
@given(st.lists(st.lists(VALUES, min_size=2, max_size=2)))
def test_json_is_read_back_as_what_it_was_but_for_what_is_not_finite(table):
    found = json.loads("".join(rows.json(["a", "b"], table)))
    for row, given_row in zip(found, table, strict=True):
        for value, was in zip(row.values(), given_row, strict=True):
            assert value == (None if isinstance(was, float) and not math.isfinite(was) else was)


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers() | st.text(st.characters(exclude_characters="\r")), min_size=1)))
def test_csv_is_read_back_as_what_it_was(table):
    table = [(row * 2)[:2] for row in table]
    text = "".join(rows.csv(["a", "b"], table))
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [
        [in_cell(str(each)) for each in row]
        for row in table  # as it was, but for what is no formula now
    ]


def test_values_of_other_kinds_are_their_texts():
    row = [Decimal("1.50"), datetime(2026, 1, 2), b"\xff", [1, {"a": math.inf}]]
    (found,) = json.loads("".join(rows.json(["d", "t", "b", "l"], [row])))
    assert found == {"d": "1.50", "t": "2026-01-02 00:00:00", "b": "b'\\xff'", "l": [1, {"a": None}]}
    assert "".join(rows.csv(["l"], [[[1, None]]])) == 'l\n"[1, null]"\n'


def test_a_table_lines_up_and_says_what_is_missing():
    assert "".join(rows.text(["n", "name"], [(1, "a\nb"), (20, None), (None, "c")])) == (
        "   n  name\n----  ----\n   1  a\\nb\n  20  NULL\nNULL  c\n"
    )
    assert "".join(rows.text(["n"], [])) == "n\n-\n"
    assert "".join(rows.json(["n"], [])) == "[]\n"


def test_no_form_waits_for_the_last_row():
    for render in rows.RENDERERS.values():
        pieces = render(["n"], ([n] for n in count()))
        assert all(next(pieces) for _ in range(3))
