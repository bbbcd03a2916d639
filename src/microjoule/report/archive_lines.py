"""What an archive's traces used, for a terminal: one sentence, a table, and what to know of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..joules.estimates.estimate_text import measured
from ..units import J_PER_KWH, S_PER_HOUR
from .amounts import amount, hours
from .columns import fitting
from .foreign_text import safe
from .wrapping import wrapped
from .written_numbers import interval

Plain = Mapping[str, Any]

_MISSING = "–"
_JOULES = ("J", 1.0)
_LONGEST = (40, 30, 22, 16, 12)  # characters of a row's first name


def lines(totals: Plain, width: int, written: Callable[[str], str]) -> list[str]:
    """The whole of it.

    Args:
        totals: As ``archive.totals`` gives them.
        width: Columns of the terminal.
        written: Writes a text in the signs that the terminal has.
    """
    found = [line for each in totals["whole"] for line in wrapped(_sentence(totals, each))]
    rows = totals["rows"]
    if totals["by"] and rows:
        found += ["", *_table(totals["by"], rows, width, written), ""]
    for row in totals["whole"]:
        if row["provenance"] != "measured":
            continue
        low, high = row["guaranteed_j"]
        found.append(f"guaranteed by the readings: {interval(low, high, 'J')}")
    return [*found, *(line for note in totals["notes"] for line in wrapped(f"note: {note}", 2))]


def _sentence(totals: Plain, of: Plain) -> str:
    traces = f"{of['n_traces']:,} trace{'s' * (of['n_traces'] != 1)}"
    hosts = f"{of['n_hosts']:,} host{'s' * (of['n_hosts'] != 1)}"
    kind = "estimated, not measured" if of["provenance"] == "estimated" else "measured"
    energy = "no energy that is known" if of["energy_j"] is None else _energy(of, _unit(totals["whole"]))
    if of["n_not_assessed"]:
        kind += "; ± excludes sensor error where that is unknown"
    return f"{traces} of {hosts} used {energy} in {hours(of['duration_s'] / S_PER_HOUR)}; {kind}"


def _energy(of: Plain, unit: tuple[str, float]) -> str:
    if of["energy_j"] is None:
        return _MISSING
    (name, joules), (low, high) = unit, of["guaranteed_j"]
    interval_of = low / joules, math.inf if high is None else high / joules
    return measured(
        of["energy_j"] / joules, (of.get("U_j", of.get("expanded_j")) or 0.0) / joules, interval_of, name
    )


def _unit(rows: Sequence[Plain]) -> tuple[str, float]:
    """Joules, or watt-hours where there is a kilowatt-hour."""
    largest = max((row["energy_j"] or 0.0 for row in rows), default=0.0)
    return ("Wh", J_PER_KWH / 1000) if largest >= J_PER_KWH else _JOULES


def _table(by: Sequence[str], rows: Sequence[Plain], width: int, written: Callable[[str], str]) -> list[str]:
    counted = ("windows", "n_windows") if "name" in by else ("traces", "n_traces")
    has_kinds = len({row["provenance"] for row in rows}) > 1
    head = [*by, counted[0], "time", "energy", "CO2e", "electricity", "" if not has_kinds else "kind"]
    unit = _unit(rows)
    cells = [head]
    for row in rows:
        co2e = None if row["co2e_g"] is None else {"value": row["co2e_g"], "unit": "g"}
        cost = None if row["cost"] is None else {"value": row["cost"], "unit": row["currency"]}
        cells.append(
            [
                *(safe(str(row[key])) for key in by),
                f"{row[counted[1]]:,}",
                hours(row["duration_s"] / S_PER_HOUR),
                _energy(row, unit),
                amount(co2e),
                "" if cost is None else amount(cost),
                row["provenance"] if has_kinds else "",
            ]
        )
    n = len(by)
    return fitting(cells, width, written, (n + 4, n, n + 3, n + 1), _LONGEST)


def added(path: str, of: Any) -> list[str]:  # noqa: ANN401 - archive.adding.Added, which report does not import
    """What became of a trace that was to be added."""
    where = f"project {safe(of.entry.project)}, {of.entry.date}, host {safe(of.entry.host)}"
    found = wrapped(f"{safe(path)}: {of.outcome} ({of.entry.trace}; {where})", 2)
    if of.is_truncated:
        found.append("  note: the recording was cut short: its whole part is there")
    if of.is_damaged:
        found.append("  note: parts of it could not be believed: they are left out")
    return found


def traces(listing: Plain, width: int, written: Callable[[str], str]) -> list[str]:
    """The traces of an archive, a line each."""
    rows = [["trace", "project", "host", "begin", "time", "energy"]]
    rows += [
        [
            row["trace"],
            safe(row["project"]),
            safe(row["host"]),
            (row["begin"] or _MISSING).removesuffix("Z").replace("T", " ")[:16],
            hours(row["duration_s"] / S_PER_HOUR),
            _energy(
                {**row, "U_j": row["expanded_j"], "guaranteed_j": [row["low_j"], row["high_j"]]}, _JOULES
            ),
        ]
        for row in listing["traces"]
    ]
    found = fitting(rows, width, written, (2, 4, 1), _LONGEST) if len(rows) > 1 else ["no traces"]
    return [*found, *(line for note in listing["notes"] for line in wrapped(f"note: {note}", 2))]


def verified(answer: Plain, width: int, written: Callable[[str], str]) -> list[str]:  # noqa: ARG001
    """Whether the figures of an archive follow from its readings."""
    n, equal = answer["n_traces"], answer["n_equal"]
    found = [f"{equal:,} of {n:,} trace{'s' * (n != 1)}: every figure equal to that of the readings"]
    said = [*answer["findings"], *(f"note: {note}" for note in answer["notes"])]
    return [*found, *(line for each in said for line in wrapped(safe(each), 2))]
