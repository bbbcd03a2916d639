"""A measurement for a terminal: energy and time of a call, what they rest on, and the answer last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..joules.estimates.estimate_text import figure as written
from ..joules.estimates.estimate_text import measured
from ..joules.estimates.uncertainty import SENSOR
from . import written_numbers
from .foreign_text import cut
from .wrapping import wrapped

Plain = Mapping[str, Any]
_BUDGET = 4  # components shown
_INDENT = 10  # where the figures begin


def lines(found: Plain) -> list[str]:
    """A figure a line, and the sentence at the end, where it is still seen after a long run."""
    shown = [f"  {name:<8}{with_spread(figure):<22}{says}".rstrip() for name, figure, says in rows(found)]
    beside = [
        *_budget(found["energy"]),
        f"  plan    {found['plan']}",
        *_scatter(found),
        *_odd(found),
        *_notes(found),
    ]
    folded = [line for each in [*shown, *beside] for line in wrapped(each, _INDENT)]
    return [_subject(found), *folded, "", *wrapped(sentence(found))]


def rows(found: Plain) -> list[tuple[str, Plain, str]]:
    """Name, figure and remark of what there is of a call."""
    mark = "" if found["provenance"] == "measured" else ", estimated"
    all_of_them = (
        ("energy", f"a call, total of {' + '.join(found['channels'])}{mark}"),
        ("active", "a call, above the idle machine"),
        ("time", "a call"),
        ("power", ""),
        ("typical", "a call of the median time, from the power"),
        ("idle", ""),
    )
    return [(name, found[name], says) for name, says in all_of_them if found[name]]


def sentence(found: Plain) -> str:
    """``sum(x) uses 1.43 mJ ± 0.21 mJ a call (31.7 µs, 45.0 W); measured: package-0``."""
    energy, time, power = found["energy"], found["time"], found["power"]
    known = [written(each["value"], 0.0, each["unit"]) for each in (time, power) if each["value"] is not None]
    beside = f" ({', '.join(known)})" if known else ""
    how = f"{found['provenance']}: {' + '.join(found['channels'])}"
    is_assessed = not energy["value"] or any(row["name"] in SENSOR for row in energy["budget"])
    doubt = "" if is_assessed else " (± excludes sensor error, which is unknown)"
    return f"{_subject(found)} uses {with_spread(energy)} a call{beside}; {how}{doubt}"


def _subject(found: Plain) -> str:
    return "the statement" if "\n" in found["name"] else cut(found["name"])


def with_spread(figure: Plain) -> str:
    """``12.34 J ± 0.21 J`` or ``at most 16 mJ``; what is known instead where there is no value."""
    value, half = figure["value"], figure["U"]
    low, high = figure["guaranteed"]
    if value is None:
        return f"{figure['status']}: {written_numbers.interval(low, high, figure['unit'])}"
    return measured(value, half or 0.0, written_numbers.ends((low, high)), figure["unit"])


def _budget(energy: Plain) -> list[str]:
    if not energy["budget"]:
        return []
    parts = ", ".join(
        f"{row['name']} {written_numbers.spread(row['u'], energy['unit'])}"
        for row in energy["budget"][:_BUDGET]
        if row["u"]
    )
    return [f"  budget  k={energy['k']:.3g}; {parts}"] if energy["k"] else []


def _scatter(found: Plain) -> list[str]:
    return [f"  median  {median(found['scatter'], found['energy']['unit'])}"] if found.get("scatter") else []


def median(scatter: Plain, unit: str) -> str:
    """``12.34 J, MAD 0.05 J of 40; their mean by the bootstrap 12.31 to 12.40 J``."""
    middle, mad = scatter["median"], scatter["mad"]
    said = written_numbers.quantity(middle, unit, middle - mad, middle + mad)
    said += f", MAD {written_numbers.spread(mad, unit)}"
    said += f" of {scatter['n']}"
    if not scatter["interval"]:
        return said
    low, high = scatter["interval"]
    return f"{said}; their mean by the bootstrap {written_numbers.interval(low, high, unit)}"


def _odd(found: Plain) -> list[str]:
    odd = found["outliers"]
    if not odd:
        return []
    named = ", ".join(
        f"window {one['window']} ({one['kind']}, {written(one['value'], 0.0, 'J')})" for one in odd[:3]
    )
    return [f"  outliers kept: {named}{', …' if len(odd) > 3 else ''}"]


def _notes(found: Plain) -> list[str]:
    return [f"  note    {note}" for note in found["notes"]]
