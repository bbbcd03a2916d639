"""The energies of tests for a terminal: one table a group, then what the figures rest on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from ..joules.estimates.estimate_text import figure
from .columns import columns
from .foreign_text import cut
from .measured_lines import with_spread

Plain = Mapping[str, Any]
_HEAD = ("test", "energy of one call", "time", "power", "to the least", "to {}", "windows × calls", "")
_LEFT = (0, 7)
_OPTIONAL = (4, 5)  # columns that are left out where nothing is in them
_FEET = ("± is the 95 % uncertainty; it excludes sensor error where that is unknown",)


def lines(found: Plain) -> list[str]:
    """The whole of it."""
    head = tuple(cell.format(found["compared"]) for cell in _HEAD)
    blocks = [(group["name"], [_cells(row) for row in group["rows"]]) for group in found["groups"]]
    rows = [row for _, block in blocks for row in block]
    aligned = iter(columns([head, *rows], _LEFT, optional=_OPTIONAL))
    text = [next(aligned)]
    for name, block in blocks:
        text += [f"group {cut(name)}"] if name else []
        text += islice(aligned, len(block))
    return [*text, *_outliers(found), *_FEET, *found["notes"]]


def _cells(row: Plain) -> tuple[str, ...]:
    of = row["measurement"]
    counts = sorted(set(of["counts"]))
    remarks = [] if of["provenance"] == "measured" else ["estimated"]
    n = len(of["outliers"])
    remarks += [f"{n} outlier{'s' if n > 1 else ''}, kept"] if n else []
    remarks += ["FAILED"] if row["is_failed"] else []
    remarks += [row["remark"]] if row["remark"] else []
    remarks += _short_of_target(of)
    return (
        cut(row["name"]),
        with_spread(of["energy"]),
        with_spread(of["time"]),
        with_spread(of["power"]),
        with_spread(row["to_least"]) if row["to_least"] else "",
        with_spread(row["to_earlier"]) if row["to_earlier"] else "",
        f"{of['windows']} × {'/'.join(map(str, counts))}",
        ", ".join(remarks),
    )


def _short_of_target(of: Plain) -> list[str]:
    """Whether the target was missed; in counted rounds there is none."""
    if of["mode"] == "rounds" or of["achieved"] is None or of["achieved"] <= of["rel"]:
        return []
    return [f"± {100 * of['rel']:g} % was asked for"]


def _outliers(found: Plain) -> list[str]:
    named = []
    for group in found["groups"]:
        for row in group["rows"]:
            odd = row["measurement"]["outliers"]
            each = ", ".join(
                f"window {one['window']} ({one['kind']}, {figure(one['value'], 0.0, 'J')})" for one in odd[:3]
            )
            named += [f"outliers of {cut(row['name'])}: {each}{', …' if len(odd) > 3 else ''}"] if odd else []
    return named
