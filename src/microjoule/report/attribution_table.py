"""The energy by kernel, range and window for a terminal: one table each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import written_numbers
from .columns import columns
from .foreign_text import cut
from .measured_lines import with_spread

Plain = Mapping[str, Any]

_HEAD = ("launches", "time", "energy", "± 95 %", "mean", "share", "method")
_TITLES = {
    "kernel": "by kernel",
    "operator": "by operator, without those that it calls",
    "range": "by annotated range, with all that is inside",
    "window": "by window of the trace, with all that is inside",
}
_ROWS = 30
_NAME = 46
_SHARING = 8  # names of one figure that are shown
_FOOT = (
    "energy: all that the channel used in that time, and not what was more than idle\n"
    "bracketed: each launch outlasts the counter's update; regression: fitted over all updates;\n"
    "not separable: the readings tell the energy of these together, and not of each"
)


def render(found: Plain) -> str:
    """The attribution as lines of about a hundred characters."""
    lines = [*_warnings(found), _about(found)]
    for table in found["tables"]:
        lines += ["", *_table(table)]
    return "\n".join([*lines, "", _FOOT]) + "\n"


def _warnings(found: Plain) -> list[str]:
    if found["provenance"] == "measured":
        return []
    return [
        f"{found['channel']} is ESTIMATED from CPU time: these figures say how busy the processor was,",
        "and not what one instruction costs more than another. `uj probe` shows how to open a counter.",
        "",
    ]


def _about(found: Plain) -> str:
    span = written_numbers.seconds(found["span_s"])
    aligned = written_numbers.spread(found["alignment_u_s"], "s")
    of = f" of the profile's {written_numbers.seconds(found['profile_s'])}"
    return (
        f"{found['channel']}: {with_spread(found['measured'])} in {span}{of}; "
        f"{found['updates']} updates, clocks aligned to {aligned}"
    )


def _table(table: Plain) -> list[str]:
    shown = table["rows"][:_ROWS]
    rows = [(_TITLES[table["kind"]], *_HEAD), *(row for each in shown for row in _rows(each))]
    if table["sum"]:
        rows.append(("sum", "", "", *_energy(table["sum"]), "", "", ""))
    lines = columns(rows, (0, -1))
    left = len(table["rows"]) - len(shown)
    return [*lines, f"  {left} more: --json FILE has them all"] if left else lines


def _rows(row: Plain) -> list[tuple[str, ...]]:
    """A line of figures; where names share it, a line for each of them before."""
    figures_of = (
        written_numbers.seconds(row["time_s"]),
        *_energy(row["energy"]),
        _mean(row),
        f"{100 * row['share']:.1f} %" if row["share"] is not None else "",
        row["method"],
    )
    named = list(zip(row["names"], row["launches"], strict=True))[:_SHARING]
    lines = [("  " + cut(name, _NAME), _count(launches)) for name, launches in named[:1]]
    lines += [("  + " + cut(name, _NAME - 2), _count(launches)) for name, launches in named[1:]]
    left = len(row["names"]) - len(named)
    lines += [(f"  + {left} more", "")] if left else []
    blank = ("",) * len(figures_of)
    return [*((*line, *blank) for line in lines[:-1]), (*lines[-1], *figures_of)]


def _mean(row: Plain) -> str:
    mean, half = row["mean_w"], row["mean_U_w"]
    return "" if mean is None else written_numbers.quantity(mean, "W", mean - half, mean + half)


def _count(launches: int | None) -> str:
    return "" if launches is None else str(launches)


def _energy(energy: Plain) -> tuple[str, str]:
    value, half = energy["value"], energy["U"]
    if value is None:
        low, high = energy["guaranteed"]
        return f"{energy['status']}: {written_numbers.interval(low, high, 'J')}", ""
    return written_numbers.quantity(value, "J", value - half, value + half), written_numbers.spread(half, "J")
