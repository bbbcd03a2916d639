"""A comparison for a terminal and as Markdown: one line a thing, and a verdict on each but the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .measured_lines import with_spread
from .words import safe

Plain = Mapping[str, Any]
_HEAD = ("", "energy", "time", "power", "ratio of energies", "runs", "")


def lines(found: Plain) -> list[str]:
    """The whole of it as a table of aligned columns."""
    rows = [_HEAD, *_rows(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    table = [
        "  ".join(
            cell.ljust(width) if column in (0, len(_HEAD) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [*table, "", *_remarks(found)]


def markdown(found: Plain) -> str:
    """The same as a Markdown table."""
    head = ("thing", *_HEAD[1:-1], "remark")
    rows = [head, ("---", *["---:"] * (len(head) - 2), "---"), *_rows(found)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*table, "", *(f"- {remark}" for remark in _remarks(found))]) + "\n"


def _rows(found: Plain) -> list[tuple[str, ...]]:
    ratios = [None, *found["ratios"]]
    return [_row(side, ratio) for side, ratio in zip(found["sides"], ratios, strict=True)]


def _row(side: Plain, ratio: Plain | None) -> tuple[str, ...]:
    remarks = [] if side["provenance"] == "measured" else ["modelled"]
    remarks += [f"{len(side['outliers'])} outliers, kept"] if side["outliers"] else []
    return (
        safe(side["name"]),
        with_spread(side["energy"]),
        with_spread(side["time"]),
        with_spread(side["power"]),
        "1" if ratio is None else with_spread(ratio["energy"]),
        str(side["n"]),
        ", ".join(remarks),
    )


def _remarks(found: Plain) -> Sequence[str]:
    covers = f"energy of {' + '.join(found['channels'])}; order {found['order']}, {found['blocks']} blocks"
    return [*(safe(ratio["verdict"]) for ratio in found["ratios"]), covers, *found["notes"]]
