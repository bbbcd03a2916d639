"""A meter's own log, as a CSV file: readings with times that its logger wrote.

A log has a column of times and one of watts, which are found by their headings, or named. A time is ISO 8601
with an offset, or Unix time in seconds, milliseconds, microseconds or nanoseconds. Local times without an
offset need the name of their zone, and those that came twice or never when the clocks changed are refused:
nobody can say which hour it was. A cell without a number is a reading that failed, and never a zero.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ...channel import Channel
from ...errors import BadMeter, MeterLogError, nearest
from ...units import NS_PER_S
from .address import Address
from .instrument import power_channel

STEPS = 1_000_000  # counts a watt
_TIMES = ("time", "timestamp", "date", "datetime", "unix", "utc", "zeit", "t")
_POWERS = ("power", "watts", "watt", "p", "apower", "active power", "leistung", "wirkleistung")
# In lower case, and those whose capital letter is another unit as they are written.
_UNITS = {"uw": Fraction(1, 1_000_000), "µw": Fraction(1, 1_000_000), "mw": Fraction(1, 1000)}
_UNITS |= {"w": Fraction(1), "watt": Fraction(1), "watts": Fraction(1), "kw": Fraction(1000)}
_MEGA = {"MW": Fraction(1_000_000)}
_NO_POWER = ("wh", "mwh", "kwh", "j", "va", "kva", "var", "dbm", "hp", "btu", "v", "a", "ma")
_WORDS = re.compile(r"[A-Za-zµ]+")
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?")
_UNIX_PER_S = ((1e17, NS_PER_S), (1e14, 1_000_000), (1e11, 1000), (0.0, 1))  # by how large a number is
_LARGEST = 1 << 62


class Log(NamedTuple):
    """The readings of a log.

    Attributes:
        channel: What it is of.
        realtime_ns: int64[n], ascending: Unix time of each.
        raw: For each a count; None: the log has no number there.
        unreadable: How many have none.
    """

    channel: Channel
    realtime_ns: np.ndarray
    raw: list[int | None]
    unreadable: int


class Columns(NamedTuple):
    """Which columns to take, and how; empty: found by their headings."""

    time: str = ""
    power: str = ""
    zone: str = ""
    shift_ns: int = 0


def log(path: Path, columns: Columns | None = None, accuracy: float | None = None) -> Log:
    """The readings in a CSV file.

    Args:
        path: The file.
        columns: Which of it; None: those that its headings name.
        accuracy: The meter's, as a fraction; None: not known.

    Raises:
        MeterLogError: It cannot be read, has no such columns, or its times are none or do not ascend.
        BadMeter: A column or a zone was named that does not exist.
    """
    columns = columns or Columns()
    table = _table(path)
    time = _column(table, columns.time, _TIMES, "time", path)
    power = _column(table, columns.power, _POWERS, "power", path)
    realtime_ns = np.array(list(_times_ns(table[time].to_pylist(), columns.zone, path)), np.int64)
    back = np.flatnonzero(np.diff(realtime_ns) <= 0)
    if len(back):
        raise MeterLogError(
            f"{path}: the time in line {int(back[0]) + 3} is not after that in the line before",
            "Sort the log by time, and give each time once",
        )
    unit = _unit(power, path)
    raw = [_count(cell, unit) for cell in table[power].to_pylist()]
    if all(value is None for value in raw):
        first = next((cell for cell in table[power].to_pylist() if cell), "")
        raise MeterLogError(
            f"{path} has no number in its column {power!r}: {first!r}",
            "Write numbers with a point, as in 12.5",
        )
    address = Address(kind="csv", host=path.name, every_s=_every_s(realtime_ns), accuracy=accuracy)
    channel = power_channel(address, 0, Fraction(1, STEPS))
    channel = replace(channel, access=replace(channel.access, path=f"csv://{path.name}"))
    return Log(channel, realtime_ns + columns.shift_ns, raw, sum(value is None for value in raw))


def _table(path: Path) -> pa.Table:
    names = _head(path)
    read = pa.csv.ReadOptions(encoding="utf-8", use_threads=False)
    parse = pa.csv.ParseOptions(delimiter=names[0])
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names[1], pa.utf8()), strings_can_be_null=True)
    try:
        table = pa.csv.read_csv(path, read, parse, convert)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise MeterLogError(
            f"{path} is not a CSV file: {str(error).splitlines()[0]}", "Export it as CSV in UTF-8"
        ) from error
    if not table.num_rows:
        raise MeterLogError(f"{path} has no readings", "Export a log with one reading per line")
    return table


def _head(path: Path) -> tuple[str, list[str]]:
    """The separator of a file and its headings."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = file.readline()
    except OSError as error:
        raise MeterLogError(f"{path} cannot be read: {error.strerror}", "Check the path") from error
    except UnicodeDecodeError as error:
        raise MeterLogError(f"{path} is not UTF-8 text", "Export it as CSV in UTF-8") from error
    separator = max(",;\t", key=line.count)
    return separator, [each.strip().strip('"') for each in line.rstrip("\r\n").split(separator)]


def _column(table: pa.Table, named: str, known: Sequence[str], what: str, path: Path) -> str:
    names: list[str] = table.column_names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise MeterLogError(f"{path} has two columns {twice!r}", "Give each column a heading of its own")
    if named:
        if named not in names:
            raise BadMeter(f"{path} has no column {named!r}", nearest(named, names))
        return named
    by_word = {name: _words(name.lower()) for name in names}
    found = next(
        (name for word in known for name, words in by_word.items() if words and words[0] == word), ""
    )
    if not found:
        listed = ", ".join(map(repr, names))
        raise MeterLogError(
            f"{path} has no column of {what} (columns: {listed})", f"Name it: --{what} COLUMN"
        )
    return found


def _words(name: str) -> list[str]:
    return _WORDS.findall(name)


def _unit(name: str, path: Path) -> Fraction:
    """Watts of what a column of power is in: ``power_mw``, ``Power (kW)``; W where it does not say.

    Raises:
        MeterLogError: It is in something else.
    """
    last = "".join(_words(name)[1:][-1:])
    if last.lower() in _NO_POWER:
        raise MeterLogError(
            f"{path}: the column {name!r} is in {last}, and no power", "Name one of watts: --power"
        )
    return _MEGA.get(last) or _UNITS.get(last.lower()) or Fraction(1)


def _count(cell: str | None, unit: Fraction) -> int | None:
    text = (cell or "").strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = round(Fraction(text) * unit * STEPS)
    return value if abs(value) < _LARGEST else None


def _times_ns(cells: Sequence[str | None], zone: str, path: Path) -> Iterator[int]:
    place = _zone(zone) if zone else None
    for number, cell in enumerate(cells):
        yield _time_ns((cell or "").strip(), place, f"{path}, line {number + 2}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadMeter(
            f"There is no time zone {name!r}", "Give one as in --timezone Europe/Berlin"
        ) from error


def _time_ns(text: str, zone: ZoneInfo | None, where: str) -> int:
    if not _NUMBER.fullmatch(text):
        return _calendar_ns(text, zone, where)
    number = Fraction(text)
    per_s = next(per_s for least, per_s in _UNIX_PER_S if abs(number) >= least)
    t_ns = round(number / per_s * NS_PER_S)
    if not 0 <= t_ns < _LARGEST:
        raise MeterLogError(f"{where}: {text!r} is not a plausible Unix time", "Write ISO 8601 instead")
    return t_ns


def _calendar_ns(text: str, zone: ZoneInfo | None, where: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MeterLogError(
            f"{where}: {text!r} is not a time", "Use ISO 8601 (2026-10-25T02:30:00+02:00) or Unix time"
        ) from error
    if found.tzinfo is None:
        if zone is None:
            raise MeterLogError(
                f"{where}: the time {text} has no offset from UTC",
                "Export times in UTC, or name the logger's zone: --timezone Europe/Berlin",
            )
        found = _local(found, zone, where)
    whole = int(found.replace(microsecond=0).timestamp())
    return whole * NS_PER_S + found.microsecond * 1000


def _local(found: datetime, zone: ZoneInfo, where: str) -> datetime:
    """A local time with its offset."""
    early, late = (found.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        is_gap = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != found
        why = "was skipped" if is_gap else "came twice"
        raise MeterLogError(
            f"{where}: the local time {found} {why} when the clocks changed in {zone.key}",
            "Export the log in UTC",
        )
    return early


def _every_s(realtime_ns: np.ndarray) -> float:
    gaps = np.diff(realtime_ns)
    return float(np.median(gaps)) / NS_PER_S if len(gaps) else 1.0


FAILED = errno.ENODATA
