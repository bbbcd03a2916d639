"""The catalogue: what each window of a trace used, in rows that questions are answered from.

A trace has one row of scope ``trace``, all that it recorded; a row of scope ``name`` for each name of
windows, in which each joule counts once; and rows of scope ``window``, as many as a report lists. Energies of
one scope add up, those of two do not. The components of a row's uncertainty keep their correlation groups, so
that the gain of a sensor is common to all the traces of its machine.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..footprint.chosen_factors import Terms
from ..footprint.footprint import footprint
from ..joules.clocks import on_clock
from ..joules.energy_trace import Trace
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.sentence import headline, subject_of
from ..joules.estimates.total import Total
from ..joules.estimates.uncertainty import Component, of_trace
from ..joules.frames import column
from ..joules.profiling.listed_windows import listed
from ..joules.summary import is_divided
from ..trace.window import Window
from ..units import NS_PER_US, S_PER_HOUR, seconds
from .layout import FORMAT, UNKNOWN, Entry

TRACE, NAME, WINDOW = "trace", "name", "window"
SCOPES = (TRACE, NAME, WINDOW)
_GROUPS = b"microjoule.scopes"  # which row group has which

_COMPONENT = pa.struct(
    [
        pa.field("name", pa.utf8()),
        pa.field("u", pa.float64()),
        pa.field("kind", pa.utf8()),
        pa.field("form", pa.utf8()),
        pa.field("dof", pa.float64()),
        pa.field("group", pa.utf8()),
    ]
)
SCHEMA = pa.schema(
    [
        column("format", pa.int32(), "version of these columns"),
        column("trace", pa.utf8(), "the trace: its recording and its content"),
        column("recording", pa.utf8(), "the same for all copies of a recording"),
        column("date", pa.utf8(), "UTC day on which the trace began"),
        column("project", pa.utf8(), "as who added it says"),
        column("host", pa.utf8(), "the machine's name"),
        column("boot", pa.utf8(), "id of the machine's boot; null: not known"),
        column("environment", pa.utf8(), "id of all settings that matter; null: not known"),
        column("command", pa.utf8(), "what was recorded"),
        column("scope", pa.utf8(), "trace, name or window"),
        column("number", pa.int64(), "which window of its scope, from 0"),
        column("name", pa.utf8(), "of the window"),
        column("windows", pa.int64(), "how many windows the row is of"),
        column("begin", pa.timestamp("us"), "UTC; null: the trace does not say"),
        column("duration_s", pa.float64(), "seconds"),
        column("attributes", pa.utf8(), "what was noted, as JSON"),
        column("energy_j", pa.float64(), "joules; null unless the status is ok"),
        column("low_j", pa.float64(), "at least so much, guaranteed by the readings"),
        column("high_j", pa.float64(), "at most so much; null: nothing bounds it"),
        column("u_j", pa.float64(), "standard uncertainty"),
        column("expanded_j", pa.float64(), "expanded uncertainty U, 95 %"),
        column("components", pa.list_(_COMPONENT), "of the uncertainty, with their correlation groups"),
        column("status", pa.utf8(), "ok, ambiguous, reset, incomplete or failed"),
        column("provenance", pa.utf8(), "measured or estimated"),
        column("channels", pa.list_(pa.utf8()), "what the energy adds up; empty: as of the trace"),
        column("co2e_g", pa.float64(), "by the place of the electricity"),
        column("co2e_low_g", pa.float64(), "with the lowest published factors"),
        column("co2e_high_g", pa.float64(), "with the highest"),
        column("cost", pa.float64(), "of the electricity"),
        column("currency", pa.utf8(), "of the cost"),
        column("footprint", pa.utf8(), "all of it, as JSON"),
        column("terms", pa.utf8(), "the factors with their sources, as JSON; of scope trace"),
        column("readings", pa.int64(), "rows of the trace"),
        column("bytes", pa.int64(), "of the file of its readings"),
        column("is_truncated", pa.bool_(), "the recording was cut short"),
        column("is_damaged", pa.bool_(), "parts of the trace could not be believed"),
        column("microjoule", pa.utf8(), "the version that worked the figures out"),
    ]
)


class Stored(NamedTuple):
    """What is known of a trace besides its figures.

    Attributes:
        entry: Where it goes.
        readings: How many rows it has.
        size: Bytes of the file of its readings.
        version: Of the microjoule that adds it.
    """

    entry: Entry
    readings: int
    size: int
    version: str


class _Row(NamedTuple):
    """A figure of the catalogue: of which windows, from when on and for how long."""

    scope: str
    number: int
    name: str
    windows: int
    begin_ns: int
    duration_s: float
    energy: Estimate
    attributes: Mapping[str, Any]


def rows(trace: Trace, stored: Stored, terms: Terms, windows_max: int | None) -> pa.Table:
    """The rows of a trace.

    Args:
        trace: It.
        stored: Where it goes.
        terms: The factors of its footprint.
        windows_max: How many windows are listed one by one; None: all.
    """
    of_trace = _of_trace(trace, stored, terms)
    found = [
        {**of_trace, **_figures(row, stored), **_footprint(row, terms), "begin": _begin(trace, row)}
        for row in _rows(trace, windows_max)
    ]
    for each in found[1:]:
        each["terms"] = None  # once a trace is enough
    return pa.Table.from_pylist(found, SCHEMA)


def packed(table: pa.Table) -> bytes:
    """Rows as a file of the catalogue: a row group for each scope, so that a sum reads one row of a trace."""
    import pyarrow.parquet as pq

    scopes = np.array(table["scope"].to_pylist())
    found = [scope for scope in SCOPES if (scopes == scope).any()]
    sink = io.BytesIO()
    known = table.replace_schema_metadata({**(table.schema.metadata or {}), _GROUPS: ",".join(found)})
    with pq.ParquetWriter(sink, known.schema, compression="zstd", write_statistics=False) as writer:
        for scope in found:
            writer.write_table(known.filter(pa.array(scopes == scope)))
    return sink.getvalue()


def unpacked(file: pa.NativeFile, columns: Sequence[str], scopes: Collection[str] = SCOPES) -> pa.Table:
    """The rows of some scopes out of a file of the catalogue.

    Args:
        file: It, open.
        columns: Their names.
        scopes: Of ``SCOPES``. A file that does not say which row group has which is read whole.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as found:
        said = (found.metadata.metadata or {}).get(_GROUPS, b"").decode().split(",")
        if len(said) == found.num_row_groups and not set(said) - set(SCOPES):
            groups = [number for number, scope in enumerate(said) if scope in scopes]
            return found.read_row_groups(groups, columns=list(columns), use_threads=False)
        return found.read(columns=list(columns), use_threads=False)


def begin_of(trace: Trace) -> np.datetime64 | None:
    """The UTC time at which a trace began; None: it does not say."""
    pairs = trace.clock_pairs["@clock/realtime"]
    if len(pairs[0]):
        first = int(on_clock([int(pairs[0][0])], *pairs)[0])
    else:
        first = trace.facts.get("started_realtime_ns", 0)
    return np.datetime64(first // NS_PER_US, "us") if isinstance(first, int) and first > 0 else None


def day_of(trace: Trace) -> str:
    """The UTC day on which a trace began, or ``unknown``."""
    begin = begin_of(trace)
    return UNKNOWN if begin is None else str(begin.astype("datetime64[D]"))


def host_of(trace: Trace) -> tuple[str, str | None]:
    """The name of the machine and the id of its boot."""
    host = trace.facts.get("host")
    known = host if isinstance(host, dict) else {}
    boot = known.get("boot_id")
    name = str(known.get("hostname") or UNKNOWN)
    name = name.encode("utf-8", "replace").decode()  # JSON may have half of a surrogate pair
    return name, str(boot) if boot else None


def _of_trace(trace: Trace, stored: Stored, terms: Terms) -> dict[str, Any]:
    environment = trace.facts.get("environment")
    return {
        "format": FORMAT,
        "trace": stored.entry.trace,
        **stored.entry._asdict(),
        "boot": host_of(trace)[1],
        "environment": str(environment) if environment else None,
        "command": subject_of(trace.facts),
        "terms": json.dumps(terms.to_json()),
        "readings": stored.readings,
        "bytes": stored.size,
        "is_truncated": trace.is_truncated,
        "is_damaged": bool(trace.damage),
        "microjoule": stored.version,
    }


def _rows(trace: Trace, windows_max: int | None) -> Iterator[_Row]:
    trace.unwrap_all()
    first = headline(trace)
    if first is None:
        energy = Estimate(value=None, low=0.0, high=float("inf"), status="failed")
        yield _Row(TRACE, 0, subject_of(trace.facts), 0, 0, 0.0, energy, {})
        return
    of = first.window
    yield _Row(TRACE, 0, of.name, 1, of.t0_ns, seconds(of.duration_ns), first.energy, of.attributes)
    windows = trace.window_columns
    if not is_divided(windows):
        return
    every = trace.mark_fits.groups.every
    for number, name in enumerate(trace.by_name()):
        mine = (every[each][0] for each in name.names if each in every)
        firsts = [int(windows.t0_ns[first]) for first in mine]
        begin_ns = min(firsts, default=of.t0_ns)
        yield _Row(NAME, number, name.name, name.count, begin_ns, name.time_s, name.energy, {})
    numbers = listed(windows, windows_max)
    yield from _windows(trace, list(windows.each(numbers)), numbers.tolist())


def _windows(trace: Trace, windows: Sequence[Window], numbers: Sequence[int]) -> Iterator[_Row]:
    for number, of, each in zip(numbers, windows, trace.energies(windows), strict=True):
        duration_s = seconds(of.duration_ns)
        yield _Row(WINDOW, number, of.name, 1, of.t0_ns, duration_s, each.total, of.attributes)


def _begin(trace: Trace, row: _Row) -> np.datetime64 | None:
    pairs = trace.clock_pairs["@clock/realtime"]
    if not len(pairs[0]) or not row.begin_ns:
        return begin_of(trace)
    return np.datetime64(int(on_clock([row.begin_ns], *pairs)[0]) // NS_PER_US, "us")


def _figures(row: _Row, stored: Stored) -> dict[str, Any]:
    energy = row.energy
    is_assessed = energy.value is not None and bool(energy.components)
    return {
        "scope": row.scope,
        "number": row.number,
        "name": row.name,
        "windows": row.windows,
        "duration_s": row.duration_s,
        "attributes": json.dumps(dict(row.attributes), default=str),
        "energy_j": energy.value,
        "low_j": energy.low,
        "high_j": energy.high if energy.high < float("inf") else None,
        "u_j": energy.u if is_assessed else None,
        "expanded_j": energy.U if is_assessed else None,
        "components": [each._asdict() for each in of_trace(energy.components, stored.entry.trace)],
        "status": energy.status,
        "provenance": energy.provenance,
        "channels": list(energy.channels) if isinstance(energy, Total) else [],
    }


def _footprint(row: _Row, terms: Terms) -> dict[str, Any]:
    found = footprint(row.energy, terms, row.duration_s / S_PER_HOUR).to_json()
    co2e, cost = found["co2e_location"], found["cost_electricity"] or {}
    low, high = co2e["choice"] or (co2e["value"], co2e["value"])
    return {
        "co2e_g": co2e["value"],
        "co2e_low_g": low,
        "co2e_high_g": high,
        "cost": cost.get("value"),
        "currency": cost.get("unit"),
        "footprint": json.dumps(found),
    }


def estimate_of(row: Mapping[str, Any]) -> Estimate:
    """A row's figure as an estimate."""
    return Estimate(
        value=row["energy_j"],
        low=row["low_j"],
        high=float("inf") if row["high_j"] is None else row["high_j"],
        status=row["status"],
        provenance=row["provenance"],
        components=tuple(Component(**each) for each in row["components"]),
    )
