"""Which figures of the tables are old, and which of those nobody has looked up again.

A figure is *old* when it is of a year further back than the limit of its table: national statistics of
electricity come two years after their year, list prices change within one. Old is no error, because often no
newer figure is open. It becomes one, and `uj data check` exits 1, when nobody has looked for a newer figure
within a year: ``retrieved`` is the day on which the source was last looked up.

Not judged are figures that do not age: those that a newer one of the same kind has followed and that only
widen a range, those whose code names their edition (``uptime2020``), and those that a published method fixes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

from .data_tables import Row, rows

LIMIT_YEARS = MappingProxyType(
    {"intensities": 3, "tariffs": 2, "rentals": 1, "pue": 2, "wue": 2, "losses": 5, "embodied": 5}
)
LOOKED_UP = timedelta(days=366)
_KEYS = MappingProxyType(
    {
        "intensities": ("code", "signal", "scope", "basis"),
        "tariffs": ("code", "sector"),
        "rentals": ("provider", "region", "offer", "hardware", "count"),
    }
)
_EDITION = re.compile(r"[a-z]+\d{4}$")


class Group(NamedTuple):
    """Old figures of one table, source and year.

    Attributes:
        table: Its name.
        source: Who published them.
        url: Where.
        year: What they are of.
        limit_years: How old figures of the table may be.
        retrieved: The day on which the source was last looked up.
        is_looked_up: Whether that is less than a year ago.
        figures: How many.
        codes: What they are of, each once.
    """

    table: str
    source: str
    url: str
    year: int
    limit_years: int
    retrieved: str
    is_looked_up: bool
    figures: int
    codes: tuple[str, ...]


def old_figures(today: date) -> tuple[Group, ...]:
    """The old figures by table, source and year; those to look up first."""
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for table, years in LIMIT_YEARS.items():
        for row in _newest(table):
            if today.year - int(row["year"]) > years:
                groups.setdefault((table, row["source"], row["year"], row["url"]), []).append(row)
    found = [_group(table, source, url, of, today) for (table, source, _, url), of in groups.items()]
    return tuple(sorted(found, key=lambda each: each.is_looked_up))


def judged() -> int:
    """How many figures are judged."""
    return sum(len(_newest(table)) for table in LIMIT_YEARS)


def _group(table: str, source: str, url: str, of: Sequence[Row], today: date) -> Group:
    looked_up = min(row["retrieved"] for row in of)
    return Group(
        table=table,
        source=source,
        url=url,
        year=int(of[0]["year"]),
        limit_years=LIMIT_YEARS[table],
        retrieved=looked_up,
        is_looked_up=today - date.fromisoformat(looked_up) < LOOKED_UP,
        figures=len(of),
        codes=tuple(dict.fromkeys(_name(row) for row in of)),
    )


def _newest(table: str) -> list[Row]:
    """The newest figure of each thing, without what does not age."""
    columns = _KEYS.get(table, ())
    found: dict[tuple[str, ...], Row] = {}
    for row in rows(table):
        if not row["year"] or _EDITION.fullmatch(_name(row)) or row.get("covers") == "accelerator":
            continue
        key = tuple(row[column] for column in columns) or (_name(row),)
        if key not in found or int(row["year"]) > int(found[key]["year"]):
            found[key] = row
    return list(found.values())


def _name(row: Row) -> str:
    return row.get("offer") or row.get("code") or row.get("hardware") or row["name"]
