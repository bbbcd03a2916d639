"""The rows of an answer as a table of text, as CSV and as JSON: each piece by piece, as rows come.

Integers stay exact in all three. What is missing is ``NULL`` in the table, nothing in CSV and null in JSON;
JSON has no number that is not finite, so that those are null too.
"""

from __future__ import annotations

import csv as formats
import io
import json as plain_json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, Literal

from .foreign_text import in_cell

_LOOKED_AT = 1000  # rows from which a table takes its widths
_AT_ONCE = 1000  # rows of CSV: the module is quick only with many
_GAP = "  "
_DIGITS = 9  # of a figure in the table; CSV and JSON have all of them
_ESCAPES = MappingProxyType({ord(each): repr(each)[1:-1] for each in "\n\r\t"})

_NESTED = frozenset({list, tuple, dict})
_WORDS = _NESTED | {str}

Rows = Iterable[Sequence[Any]]


def text(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """A table in lines; numbers to the right, as wide as the first thousand rows need."""
    coming = iter(rows)
    first = list(islice(coming, _LOOKED_AT))
    shown = [[_cell(value) for value in row] for row in first]
    widths = [max(map(len, column)) for column in zip(columns, *shown, strict=True)]
    is_number = [
        any(_is_number(row[i]) for row in first)
        and all(row[i] is None or _is_number(row[i]) for row in first)
        for i in range(len(columns))
    ]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, is_number, strict=True)
        )
        return _GAP.join(placed).rstrip() + "\n"

    yield line(columns)
    yield line(["-" * width for width in widths])
    yield from map(line, chain(shown, ([_cell(value) for value in row] for row in coming)))


def csv(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """CSV as of RFC 4180 but for the ends of lines, under a line of the columns' names.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    coming = chain([columns], rows)
    while some := list(islice(coming, _AT_ONCE)):
        rows_in_csv = list(map(_in_csv, some))
        text = _lines(rows_in_csv, formats.QUOTE_MINIMAL)
        # A carriage return ends a line for who reads it, and the module does not quote it.
        yield _lines(rows_in_csv, formats.QUOTE_ALL) if "\r" in text else text


def json(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """One JSON array, an object a row and a row a line."""
    lead = "[\n"
    for row in rows:
        named = dict(zip(columns, map(_in_json, row), strict=True))
        yield lead + plain_json.dumps(named, ensure_ascii=False)
        lead = ",\n"
    yield "[]\n" if lead == "[\n" else "\n]\n"


RENDERERS = MappingProxyType({"text": text, "csv": csv, "json": json})


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, bool):
        return str(value).lower()
    return "NULL" if value is None else str(value).translate(_ESCAPES)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _lines(rows: Rows, quoting: Literal[0, 1]) -> str:
    out = io.StringIO()
    formats.writer(out, lineterminator="\n", quoting=quoting).writerows(rows)
    return out.getvalue()


def _in_csv(row: Sequence[Any]) -> Sequence[Any]:
    """The row with what is nested as JSON, and no formula; most rows are numbers alone."""
    if _WORDS.isdisjoint(map(type, row)):
        return row
    return [_cell_of_csv(value) for value in row]


def _cell_of_csv(value: object) -> object:
    if type(value) in _NESTED:
        return plain_json.dumps(_in_json(value))
    return in_cell(value) if isinstance(value, str) else value


def _in_json(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {str(key): _in_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_in_json(each) for each in value]
    return str(value)
