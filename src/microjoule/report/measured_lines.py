"""A measurement for a terminal: energy and time of a call, what they rest on, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import written_numbers as figures

Plain = Mapping[str, Any]
_BUDGET = 4  # components shown


def lines(found: Plain) -> list[str]:
    """The whole of it."""
    mark = "" if found["provenance"] == "measured" else ", estimated"
    rows = [
        ("energy", found["energy"], f"a call, total of {' + '.join(found['channels'])}{mark}"),
        ("active", found["active"], "without what the idle machine uses in that time"),
        ("time", found["time"], "a call"),
        ("power", found["power"], ""),
        ("idle", found["idle"], ""),
    ]
    shown = [f"  {name:<8}{with_spread(figure):<30}{says}".rstrip() for name, figure, says in rows if figure]
    head = f"{found['name']}" if "\n" not in found["name"] else "the statement"
    return [
        head,
        *shown,
        *_budget(found["energy"]),
        f"  plan    {found['plan']}",
        *_scatter(found),
        *_odd(found),
        *_notes(found),
    ]


def with_spread(figure: Plain) -> str:
    """``12.34 J ± 0.21 J``; what is known instead where there is no value."""
    value, half = figure["value"], figure["U"]
    low, high = figure["guaranteed"]
    if value is None:
        return f"{figure['status']}: {figures.interval(low, high, figure['unit'])}"
    unit = figure["unit"]
    if unit == "1":
        return figures.bare(value, half)
    if half is None:
        return figures.quantity(value, unit)
    return f"{figures.quantity(value, unit, value - half, value + half)} ± {figures.spread(half, unit)}"


def _budget(energy: Plain) -> list[str]:
    if not energy["budget"]:
        return []
    parts = ", ".join(
        f"{row['name']} {figures.spread(row['u'], energy['unit'])}"
        for row in energy["budget"][:_BUDGET]
        if row["u"]
    )
    return [f"  budget  k={energy['k']:.3g}; {parts}"] if energy["k"] else []


def _scatter(found: Plain) -> list[str]:
    return [f"  median  {median(found['scatter'], found['energy']['unit'])}"] if found.get("scatter") else []


def median(scatter: Plain, unit: str) -> str:
    """``12.34 J, MAD 0.05 J of 40; their mean by the bootstrap 12.31 to 12.40 J``."""
    middle, mad = scatter["median"], scatter["mad"]
    said = f"{figures.quantity(middle, unit, middle - mad, middle + mad)}, MAD {figures.spread(mad, unit)}"
    said += f" of {scatter['n']}"
    if not scatter["interval"]:
        return said
    low, high = scatter["interval"]
    return f"{said}; their mean by the bootstrap {figures.interval(low, high, unit)}"


def _odd(found: Plain) -> list[str]:
    odd = found["outliers"]
    if not odd:
        return []
    named = ", ".join(f"window {one['window']} ({one['kind']}, {one['value']:.4g} J)" for one in odd[:3])
    return [f"  outliers kept: {named}{', …' if len(odd) > 3 else ''}"]


def _notes(found: Plain) -> list[str]:
    return [f"  note    {note}" for note in found["notes"]]
