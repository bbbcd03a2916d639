"""The tables that this package carries, and what they owe to whom.

Decision: every table is a CSV file in ``data/`` whose rows all end in the same columns (value, low,
high, unit, year, source, url, retrieved, licence, note), because a figure without its origin is of no
use to anyone who must defend it. What was given up: compactness, for the source is written out on each row.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .factor import Boundary, Factor, Origin

DATA = Path(__file__).parent / "data"
COMMON = ("value", "low", "high", "unit", "year", "source", "url", "retrieved", "licence", "note")

Row = Mapping[str, str]


class Credit(NamedTuple):
    """What is owed for the rows of a table that have one source."""

    source: str
    licence: str
    table: str
    rows: int


def _texts() -> dict[str, bytes]:
    """The bytes of every table, by name."""
    found = (entry for entry in DATA.iterdir() if entry.name.endswith(".csv"))
    return {entry.name.removesuffix(".csv"): entry.read_bytes() for entry in found}


@cache
def names() -> tuple[str, ...]:
    """The tables there are."""
    return tuple(sorted(_texts()))


@cache
def rows(table: str) -> tuple[Row, ...]:
    """The rows of a table, in the order of its file."""
    text = DATA.joinpath(f"{table}.csv").read_text(encoding="utf-8")
    header, *lines = csv.reader(io.StringIO(text))
    return tuple(dict(zip(header, line, strict=True)) for line in lines)  # half the time of a DictReader


@cache
def digest() -> str:
    """Twelve hexadecimal digits that change when any table does: which data a report was made from."""
    sha = hashlib.sha256()
    for name, content in sorted(_texts().items()):
        sha.update(f"{name} {len(content)}\n".encode())
        sha.update(content)
    return sha.hexdigest()[:12]


@cache
def attributions() -> tuple[Credit, ...]:
    """Each source of each table, with its licence and how many rows come from it."""
    counts: dict[tuple[str, str, str], int] = {}
    for table in names():
        for row in rows(table):
            key = (row["source"], row["licence"], table)
            counts[key] = counts.get(key, 0) + 1
    return tuple(sorted(Credit(*key, rows=count) for key, count in counts.items()))


def factor(row: Row, name: str) -> Factor:
    """The factor that a row holds.

    Args:
        row: With the columns of ``COMMON``, and signal, scope, basis where the question arises.
        name: What it is the factor of.

    Raises:
        BadFactor: The row's figures are not in order.
    """
    return Factor(
        name=name,
        value=float(row["value"]),
        low=float(row["low"]),
        high=float(row["high"]),
        unit=row["unit"],
        boundary=Boundary(
            signal=row.get("signal", ""), scope=row.get("scope", ""), basis=row.get("basis", "")
        ),
        origin=origin(row),
    )


def origin(row: Row) -> Origin:
    """Who says what a row says."""
    return Origin(
        source=row["source"],
        year=int(row["year"]) if row["year"] else None,
        licence=row["licence"],
        note=row["note"],
        url=row["url"],
        retrieved=row["retrieved"],
    )


def constant(name: str) -> Factor:
    """A figure of ``constants.csv`` by its name."""
    return factor(next(row for row in rows("constants") if row["name"] == name), name)
