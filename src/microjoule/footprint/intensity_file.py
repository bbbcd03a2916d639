"""Intensity series in files, CSV or Arrow.

Columns: ``t_start``, ``t_end`` and ``g_per_kwh``; where there are ``estimated``, and once a file
``signal``, ``scope``, ``basis``, ``source``, ``licence``, ``retrieved_at`` (the same on each row).
Times are ISO 8601 with an offset (``2026-03-29T01:00Z``), or whole nanoseconds since 1970; a time
without an offset is refused, because on a day of summer time it means two things. A row without a
figure is a gap.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import BadSeries, TraceError
from ..units import NS_PER_S, NS_PER_US, S_PER_DAY
from .factor import Boundary, Origin
from .intensity_series import IntensitySeries, IntensityStep

REQUIRED = ("t_start", "t_end", "g_per_kwh")
ONCE = ("signal", "scope", "basis", "source", "licence", "retrieved_at")

_REACH_NS = 1 << 63
_TRUE = ("1", "true", "yes")
_FALSE = ("0", "false", "no", "", "none")


def load_series(path: str | os.PathLike[str]) -> IntensitySeries:
    """The series in a file: ``.csv``, ``.arrow``, ``.arrows``, ``.feather`` or ``.parquet``.

    Raises:
        TraceError: The file is missing or cannot be read.
        BadSeries: It is foreign, or its rows make no series.
    """
    path = Path(path)
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as file:
                return _series(path.stem, list(csv.DictReader(file)))
        return series_from_arrow(_table(path), path.stem)
    except OSError as error:
        raise TraceError(
            f"Cannot read {path}: {error.strerror or error}", "Name a CSV or Arrow file"
        ) from error
    except UnicodeDecodeError as error:
        raise BadSeries(f"{path} is not text in UTF-8", "Save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise BadSeries(f"{path} is not CSV: {error}", "Save it as CSV in UTF-8") from error


def series_from_arrow(table: Any, name: str) -> IntensitySeries:  # noqa: ANN401 - pyarrow has no types
    """The series in an Arrow table; timestamps of any unit with a time zone are taken.

    Raises:
        BadSeries: Its columns or rows make no series.
    """
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            if field.type.tz is None:
                raise BadSeries(
                    f"The times of {field.name!r} have no offset from UTC", "Give the column a time zone"
                )
            # A datetime does not hold nanoseconds; an integer does.
            column = table.column(number).cast(pa.timestamp("ns", field.type.tz)).cast(pa.int64())
            table = table.set_column(number, field.name, column)
    return _series(name, table.to_pylist())


def realtime_ns(when: object) -> int:
    """A time as nanoseconds since 1970: an ISO 8601 text with an offset, an aware datetime, or those already.

    Raises:
        BadSeries: It is none of these, or before 1678 or after 2261, which 64 bits do not reach.
    """
    found = when if isinstance(when, int) else _realtime_ns(str(when).strip(), when)
    if not -_REACH_NS <= found < _REACH_NS:
        raise BadSeries(f"The time {when} is too far away", "Write one between 1678 and 2261")
    return found


def _realtime_ns(text: str, when: object) -> int:
    if re.fullmatch(r"-?[0-9]{1,30}", text):
        return int(text)
    try:
        moment = when if isinstance(when, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise BadSeries(f"{text!r} is not a time", "Write 2026-03-29T01:00:00Z") from None
    if moment.tzinfo is None:
        raise BadSeries(
            f"The time {text!r} has no offset from UTC", "Write 2026-03-29T01:00:00Z, or +01:00 for Z"
        )
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * S_PER_DAY + since.seconds) * NS_PER_S + since.microseconds * NS_PER_US


def _table(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        if path.suffix == ".arrows":
            return pa.ipc.open_stream(path.read_bytes()).read_all()
        return pa.ipc.open_file(path.read_bytes()).read_all()
    except pa.ArrowInvalid as error:
        raise BadSeries(
            f"{path} is not an Arrow file: {error}", "Name a .csv, .arrow, .arrows or .parquet"
        ) from error


def _series(name: str, rows: list[Mapping[str, Any]]) -> IntensitySeries:
    missing = [column for column in REQUIRED if not rows or column not in rows[0]]
    if missing:
        what = f"lacks the column {missing[0]!r}" if rows else "has no rows"
        raise BadSeries(f"The series {name!r} {what}", f"It needs {', '.join(REQUIRED)}")
    once = {column: _one(name, column, (row.get(column) for row in rows)) for column in ONCE}
    known = [row for row in rows if str(row["g_per_kwh"] if row["g_per_kwh"] is not None else "").strip()]
    intervals = [
        IntensityStep(
            realtime_ns(row["t_start"]), realtime_ns(row["t_end"]), _figure(name, row), _is_true(name, row)
        )
        for row in known
    ]
    return IntensitySeries(
        name,
        intervals,
        Boundary(signal=once["signal"], scope=once["scope"], basis=once["basis"]),
        Origin(source=once["source"] or name, licence=once["licence"]),
        once["retrieved_at"],
    )


def _one(name: str, column: str, values: Iterable[object]) -> str:
    found = {str(value if value is not None else "").strip() for value in values}
    if len(found) > 1:
        raise BadSeries(
            f"The series {name!r} says {column} both {' and '.join(map(repr, sorted(found)))}",
            "Keep one boundary and one source in a file",
        )
    return found.pop()


def _figure(name: str, row: Mapping[str, Any]) -> float:
    try:
        return float(row["g_per_kwh"])
    except ValueError:
        raise BadSeries(
            f"{row['g_per_kwh']!r} in the series {name!r} is not a number", "Give g/kWh"
        ) from None


def _is_true(name: str, row: Mapping[str, Any]) -> bool:
    word = str(row.get("estimated", "")).strip().lower()
    if word not in _TRUE + _FALSE:
        raise BadSeries(f"{word!r} in the series {name!r} is not true or false", "Write true or false")
    return word in _TRUE
