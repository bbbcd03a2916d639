"""What an archive's traces used together, by project, month, host, … : from its catalogue.

Of the copies of a recording the longest is taken, and of a trace that is wholly inside another one of its
machine nothing; measured and estimated energies are two rows, and energies of one scope alone are added.
Of traces that overlap in part the readings say what counts once (:mod:`.shared_time`). Uncertainties add with
their correlation groups: a gain is in all traces of its machine, and does not average away; an edge is in one
trace alone.

DuckDB does the sums. It sees the catalogue as tables in memory; no other readings are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import ArchiveError, BadTarget, nearest
from ..joules.estimates.uncertainty import Component, combined
from ..joules.profiling.reserved_names import NO_WINDOW
from ..late import extra
from ..units import three_digits
from .catalogue import NAME, SCHEMA, SCOPES, TRACE, unpacked
from .layout import FORMAT, WINDOWS, Entry, Wanted, entries
from .overlapping import KEY, Overlap, Recorded, overlaps
from .shared_time import Again, counted_once, replaced
from .store import Store

Plain = dict[str, Any]

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "project": "project",
        "month": "substr(date, 1, 7)",
        "date": "date",
        "year": "substr(date, 1, 4)",
        "host": "host",
        "name": "name",
        "command": "command",
        "environment": "coalesce(environment, 'unknown')",
    }
)
_COLUMNS = [name for name in SCHEMA.names if name not in ("footprint", "terms", "attributes")]
_LISTED = [
    "format", "trace", "recording", "date", "project", "host", "environment", "command", "scope", "begin",
    "duration_s", "energy_j", "expanded_j", "low_j", "high_j", "status", "provenance", "readings", "bytes",
    "is_truncated", "is_damaged", "microjoule",
]  # fmt: skip
_OVERLAPS_MAX = 5  # named one by one

# Of the copies of a recording the one with most readings; of two that are alike the first by name.
_OF_COPIES = """
create temp table chosen as
select trace, date, project, host from catalogue where scope = 'trace'
qualify row_number() over (partition by recording order by readings desc, trace, date, project, host) = 1
"""
_PICKED = """
create or replace temp table picked as
select {keys}, c.* from catalogue c semi join chosen using (trace, date, project, host)
where c.scope = '{scope}'
"""
# A trace without windows has no row of scope name: all of it is in no window.
_WITHOUT_WINDOWS = """
insert into picked by name
select {keys}, * from (
    select c.* replace (? as name, 0 as windows) from catalogue c
    semi join chosen using (trace, date, project, host)
    anti join picked using (trace, date, project, host) where c.scope = 'trace')
"""
_SUMS = """
select {names}, provenance, count(distinct trace) as traces, count(distinct host) as hosts,
    sum(windows) as windows, sum(duration_s) as duration_s,
    sum(energy_j) as energy_j, sum(low_j) as low_j,
    case when count(high_j) = count(*) then sum(high_j) end as high_j,
    count(*) - count(energy_j) as without_figure,
    coalesce(sum(low_j) filter (energy_j is null), 0.0) as low_without_j,
    count(*) filter (energy_j is not null and len(components) = 0 and energy_j > 0) as unassessed,
    sum(co2e_g) as co2e_g, sum(co2e_low_g) as co2e_low_g, sum(co2e_high_g) as co2e_high_g,
    case when count(cost) = count(energy_j) and count(distinct currency) = 1 then sum(cost) end as cost,
    any_value(currency) as currency,
    sum(readings) as readings, count(*) filter (is_truncated) as truncated,
    count(*) filter (is_damaged) as damaged
from picked group by all order by {names}, provenance desc
"""
_GROUPS = """
select {names}, provenance, c."group" as grouped, sum(c.u) as u, sum(abs(c.u)) as size,
    sum(case when c.dof = 'infinity'::double then 0 else c.u ** 4 / c.dof end) as lost,
    arg_max(c.form, abs(c.u)) as form, arg_max(c.name, abs(c.u)) as name_of, arg_max(c.kind, abs(c.u)) as kind
from (select {names}, provenance, unnest(components) as c, row_number() over () as n from picked
    where energy_j is not null)
group by {names}, provenance, c."group", case when c."group" = '' then n end,
    case when c."group" = '' then c.name end
"""
_RECORDED = """
select trace, date, project, host, coalesce(boot, ''), epoch_us("begin"),
    epoch_us("begin") + cast(duration_s * 1e6 as bigint), energy_j, channels
from catalogue semi join chosen using (trace, date, project, host)
where scope = 'trace' and "begin" is not null and provenance = 'measured' and energy_j is not null
"""
_LEFT_OUT = """
delete from chosen using (select unnest(?) as t, unnest(?) as d, unnest(?) as p, unnest(?) as h) as inside
where (trace, date, project, host) = (t, d, p, h)
"""


class Question(NamedTuple):
    """What is asked of an archive.

    Attributes:
        by: Some of ``KEYS``, or nothing: one total.
        wanted: Of which traces.
    """

    by: tuple[str, ...] = ("project", "month")
    wanted: Wanted = Wanted()

    @classmethod
    def of(cls, by: str, wanted: Wanted) -> Question:
        """The question that ``project,month`` puts.

        Raises:
            BadTarget: Something in it is no key.
        """
        keys = tuple(dict.fromkeys(word.strip() for word in by.split(",") if word.strip()))
        for key in keys:
            if key not in KEYS:
                raise BadTarget(f"An archive cannot be added up by {key!r}", nearest(key, KEYS))
        return cls(keys, wanted)


def totals(store: Store, question: Question) -> Plain:
    """The sums, as JSON values: ``by``, ``rows``, ``n_traces``, ``notes`` and what was asked.

    Raises:
        MissingExtra: DuckDB is not installed: ``pip install 'microjoule[sql]'``.
        ArchiveError: The store does not answer, or has no such trace.
    """
    duckdb = extra("duckdb")
    wanted = entries(store, question.wanted)
    if not wanted:
        raise ArchiveError(f"The archive {store.address} has no such trace", "See: uj archive list")
    by = question.by
    catalogue, notes = read(store, wanted, _COLUMNS, (TRACE, NAME) if "name" in by else (TRACE,))
    connection = duckdb.connect(":memory:", config={"temp_directory": ""})
    connection.register("catalogue", catalogue)
    connection.execute(_OF_COPIES)
    n_files = catalogue.filter(pc.field("scope") == TRACE).num_rows
    copies = n_files - _n_chosen(connection)
    if copies:
        some = _n(copies, "copy of another trace is", "copies of other traces are")
        notes.append(f"{some} not counted")
    overlapping = overlaps(_recorded(row) for row in connection.execute(_RECORDED).fetchall())
    inside = [each.trace.key for each in overlapping if each.is_inside]
    if inside:
        connection.execute(_LEFT_OUT, [list(column) for column in zip(*inside, strict=True)])
    again = _again(store, wanted, catalogue, overlapping)
    connection.register("catalogue", replaced(catalogue, again.counted))
    whole = _sums(connection, (), TRACE)
    notes += _notes(whole) + _overlaps(overlapping, again.pairs, has_names="name" in by)
    return {
        "archive": store.address,
        "by": list(by),
        "n_traces": _n_chosen(connection),
        "whole": whole,
        "rows": _sums(connection, by, NAME if "name" in by else TRACE),
        "notes": notes,
    }


def _sums(connection: Any, by: Sequence[str], scope: str) -> list[Plain]:  # noqa: ANN401 - of DuckDB
    """The rows of one scope, added up by some keys."""
    keys = ", ".join(f"{KEYS[key]} as by_{key}" for key in by) or "'' as by_all"
    names = ", ".join(f"by_{key}" for key in by) or "by_all"
    connection.execute(_PICKED.format(keys=keys, scope=scope))
    if scope == NAME:
        connection.execute(_WITHOUT_WINDOWS.format(keys=keys), [NO_WINDOW])
    sums = _answered(connection, _SUMS.format(names=names))
    groups = _answered(connection, _GROUPS.format(names=names))
    components = _components(groups, names)
    return [_row(each, by, components.get(_key(each, names), [])) for each in sums]


def _answered(connection: Any, sql: str) -> list[Plain]:  # noqa: ANN401 - of DuckDB
    found = connection.execute(sql)
    names = [each[0] for each in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def listing(store: Store, wanted: Wanted) -> Plain:
    """The traces of an archive, as JSON values: ``traces``, ``notes``.

    Raises:
        ArchiveError: The store does not answer.
    """
    catalogue, notes = read(store, entries(store, wanted), _LISTED, (TRACE,))
    rows = catalogue.filter(pc.field("scope") == TRACE).to_pylist()
    for row in rows:
        row["begin"] = None if row["begin"] is None else row["begin"].isoformat(timespec="seconds") + "Z"
    return {"archive": store.address, "traces": rows, "notes": notes}


def read(
    store: Store, wanted: Sequence[Entry], columns: Sequence[str], scopes: Collection[str] = SCOPES
) -> tuple[pa.Table, list[str]]:
    """The catalogue of some traces, and a sentence for each whose file cannot be read.

    Rows of other scopes than those that are asked for may be among them.
    """
    empty = pa.schema([SCHEMA.field(name) for name in columns]).empty_table()

    def taken(name: str) -> pa.Table | str:
        try:
            with store.opened(name) as file:
                found = unpacked(file, columns, scopes)
            versions = found["format"].to_pylist() if "format" in found.column_names else []
            if any(version > FORMAT for version in versions):
                return f"{name} is of version {max(versions)}: left out. Update microjoule to count it"
            return found if found.schema.equals(empty.schema) else found.cast(empty.schema)
        except (ArchiveError, pa.ArrowException, OSError, ValueError, KeyError) as error:
            why = error.what if isinstance(error, ArchiveError) else str(error).partition("\n")[0]
            return f"{name} cannot be read and is left out: {why}"

    tables: list[pa.Table] = [empty]
    notes: list[str] = []
    for found in store.each([entry.name(WINDOWS) for entry in wanted], taken):
        if isinstance(found, str):
            notes.append(found)
        else:
            tables.append(found)
    return pa.concat_tables(tables), notes


def _components(groups: Sequence[Plain], names: str) -> dict[tuple[str, ...], list[Component]]:
    """The components of each sum, those of one correlation group added up."""
    found: dict[tuple[str, ...], list[Component]] = {}
    for each in groups:
        # Welch and Satterthwaite's rule for sizes that add, as of joules/estimates/uncertainty.py.
        dof = each["size"] ** 4 / each["lost"] if each["lost"] else float("inf")
        one = Component(each["name_of"], each["u"], each["kind"], each["form"], dof, each["grouped"])
        found.setdefault(_key(each, names), []).append(one)
    return found


def _key(row: Plain, names: str) -> tuple[str, ...]:
    return (*(str(row[name]) for name in names.split(", ")), row["provenance"])


def _row(of: Plain, by: Sequence[str], components: Sequence[Component]) -> Plain:
    is_assessed = of["energy_j"] is not None and bool(components)
    found = combined(components) if is_assessed else None
    of_u = found.U / of["energy_j"] if found and of["energy_j"] else None
    return {
        **{key: of[f"by_{key}"] for key in by},
        "provenance": of["provenance"],
        "n_traces": of["traces"],
        "n_hosts": of["hosts"],
        "n_windows": int(of["windows"]),
        "duration_s": of["duration_s"],
        "energy_j": of["energy_j"],
        "guaranteed_j": [of["low_j"], of["high_j"]],
        "u_j": found.u if found else None,
        "U_j": found.U if found else None,
        "k": found.k if found else None,
        "n_without_figure": of["without_figure"],
        "without_figure_at_least_j": of["low_without_j"],
        "n_not_assessed": of["unassessed"],
        "co2e_g": of["co2e_g"],
        "co2e_U_g": of["co2e_g"] * of_u if of_u is not None and of["co2e_g"] is not None else None,
        "co2e_choice_g": [of["co2e_low_g"], of["co2e_high_g"]],
        "cost": of["cost"],
        "currency": of["currency"] if of["cost"] is not None else None,
        "n_readings": int(of["readings"]),
        "n_truncated": of["truncated"],
        "n_damaged": of["damaged"],
    }


def _notes(rows: Sequence[Plain]) -> list[str]:
    found = []
    missing = sum(row["n_without_figure"] for row in rows)
    if missing:
        least = sum(row["without_figure_at_least_j"] for row in rows)
        found.append(
            f"{_n(missing, 'row has', 'rows have')} no figure: at least {three_digits(least)} J more"
        )
    for count, words in (("n_truncated", "cut short"), ("n_damaged", "damaged")):
        n = sum(row[count] for row in rows)
        if n:
            found.append(f"{_n(n, 'trace was', 'traces were')} {words}: the whole part is counted")
    return found


def _again(store: Store, wanted: Sequence[Entry], catalogue: pa.Table, found: Sequence[Overlap]) -> Again:
    partly = [each for each in found if not each.is_inside]
    if not partly:
        return Again({}, ())
    of_traces = catalogue.filter(pc.field("scope") == TRACE).select([*KEY, "readings"])
    n = {tuple(row[name] for name in KEY): row["readings"] for row in of_traces.to_pylist()}
    return counted_once(store, partly, wanted, n)


def _overlaps(found: Sequence[Overlap], once: Sequence[Overlap], *, has_names: bool) -> list[str]:
    """What is left out, what is counted once, and what counts twice: the largest first."""
    inside = [each for each in found if each.is_inside]
    partly = [each for each in found if not each.is_inside and each not in once]
    lines = [
        f"{_called(each.trace)} is not counted: {_called(each.other)} recorded the same machine all that time"
        for each in sorted(inside, key=lambda each: -each.trace.energy_j)[:_OVERLAPS_MAX]
    ]
    if len(inside) > _OVERLAPS_MAX:
        lines.append(f"{len(inside) - _OVERLAPS_MAX:,} more are not counted for that reason")
    of_names = "; windows of both in that time are in the rows of their names" if has_names else ""
    lines += [
        f"{_called(each.trace)} and {_called(each.other)} of one machine overlap by "
        f"{three_digits(each.seconds)} s, "
        f"which is counted once, in the first to begin{of_names}"
        for each in sorted(once, key=lambda each: -each.seconds)[:_OVERLAPS_MAX]
    ]
    if len(once) > _OVERLAPS_MAX:
        lines.append(f"{len(once):,} overlaps in all are counted once")
    lines += [
        f"{_called(each.trace)} and {_called(each.other)} of one machine overlap by "
        f"{three_digits(each.seconds)} s: "
        + (
            f"about {three_digits(each.joules)} J count twice"
            if each.joules
            else "what both measured counts twice"
        )
        for each in sorted(partly, key=lambda each: (-each.joules, -each.seconds))[:_OVERLAPS_MAX]
    ]
    if len(partly) > _OVERLAPS_MAX:
        rest = sum(each.joules for each in partly)
        lines.append(
            f"{_n(len(partly), 'overlap', 'overlaps')} in all: about {three_digits(rest)} J count twice"
        )
    return lines


def _called(of: Recorded) -> str:
    trace, date, project, _ = of.key
    return f"{trace} ({project}, {date})"


def _recorded(row: Sequence[Any]) -> Recorded:
    trace, date, project, host, boot, begin_us, end_us, energy_j, channels = row
    return Recorded((trace, date, project, host), boot, begin_us, end_us, energy_j, frozenset(channels))


def _n_chosen(connection: Any) -> int:  # noqa: ANN401 - of DuckDB
    return int(connection.execute("select count(*) from chosen").fetchone()[0])


def _n(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
