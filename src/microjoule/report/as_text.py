"""The report for a terminal: the answer in a sentence, power over time, a table by window name, warnings.

At most twenty lines or so, as wide as asked. ``as_long_text`` has everything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..joules.estimates.estimate_text import duration, figure, measured, missing, percent
from ..joules.estimates.run_window import OUTERMOST
from ..joules.profiling.reserved_names import NO_WINDOW
from ..units import NS_PER_S
from . import share_lines, written_numbers
from .alike_lines import merged
from .amounts import amount, share
from .as_long_text import warnings
from .columns import fitting
from .live_view import sparkline
from .wrapping import wrapped

Plain = Mapping[str, Any]

WIDTH = 80
ROWS_MAX = 8
WARNINGS_MAX = 3
# In place of a footprint that nobody asked for: the report says how to get one.
NOT_ASKED = {"remark": "no zone is named"}
UNASSESSED = "± is the 95 % uncertainty; it excludes sensor error, which is unknown here"
_NAMES = (24, 16, 10)  # characters of a name, tried in turn until a table fits
HEAD = ("window", "n", "energy", "per window", "time", "power", "share")
_LEAST_USEFUL = (6, 4, 3, 5, 1)  # columns that are left out in turn until a table fits
_BARS_MIN = 8


def render(summary: Plain, width: int = WIDTH, written: Callable[[str], str] = str) -> str:
    """The summary in about twenty lines.

    Args:
        summary: Of a trace, with its footprint or without.
        width: Columns of the terminal.
        written: Writes a text in the signs that the terminal has.
    """
    below = [*_beside_meter(summary), *_footprint(summary), *_warnings(summary)]
    blocks = [
        wrapped(written(summary["sentence"]), 0, width),
        _shares(summary, width, written),
        list(map(written, _power(summary, width))),
        _by_name(summary, width, written),
        [line for said in below for line in wrapped(written(said), 2, width)],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _beside_meter(summary: Plain) -> list[str]:
    """Which part of a reference meter's energy the counters cover."""
    of = (summary["whole"] or {}).get("meter")
    if of is None:
        return []
    at_s = of["taken_realtime_ns"]
    when = "" if at_s is None else f", as of {datetime.fromtimestamp(at_s / NS_PER_S, UTC):%Y-%m-%d}"
    unassessed = "" if of["is_meter_assessed"] else "; the meter's own accuracy is unknown"
    share_of = figure(100 * of["share"], 100 * of["U_share"], "%")
    whole = figure(of["energy_j"], of["U_j"], "J")
    return [f"counters cover {share_of} of {whole} by {of['meter']}{when}{unassessed}"]


def brief(summary: Plain) -> str:
    """The sentence and nothing else."""
    return f"{summary['sentence']}\n"


def _shares(summary: Plain, width: int, written: Callable[[str], str]) -> list[str]:
    """Whose energy it was: a table, and sentences that are wrapped."""
    said = [line for each in share_lines.said(summary) for line in wrapped(written(each), 2, width)]
    return [*share_lines.brief(summary, width, written), *said]


def _power(summary: Plain, width: int) -> list[str]:
    """Bars of power over time, from zero to the largest."""
    line = (summary["whole"] or {}).get("power_line")
    if line is None:
        return []
    known = [watts for watts in line["power_w"] if watts is not None]
    if not known:
        return []
    scale = f"0 – {figure(max(known), 0.0, 'W')} over {duration(summary['whole']['duration_s'])}"
    head = "power  "
    room = width - len(head) - len(scale) - 2
    if room < _BARS_MIN:
        return []
    watts = [math.nan if each is None else each for each in line["power_w"]]
    return [f"{head}{sparkline(_thinned(watts, room), room)}  {scale}"]


def _thinned(values: Sequence[float], n: int) -> Sequence[float]:
    """Every second value, or every third, until at most so many are left."""
    return values[:: math.ceil(len(values) / n)]


def _by_name(summary: Plain, width: int, written: Callable[[str], str]) -> list[str]:
    rows = [row for row in summary["by_name"] if row["name"] not in OUTERMOST or row["n"] > 1]
    if len(rows) < len(summary["by_name"]):
        rows = [row for row in rows if row["n"]]  # the time around the command is the recorder's own
    if not any(row["n"] for row in rows):
        return []
    # The time outside all windows is the last row, and often has the most energy.
    shown = [row for number, row in enumerate(rows) if number < ROWS_MAX or row["name"] == NO_WINDOW]
    left_over = len(rows) - len(shown)
    lines = fitting([HEAD, *map(cells, shown)], width, written, _LEAST_USEFUL, _NAMES)
    what = written_numbers.count(left_over, "more name")
    lines += [written(f"… and {what}: -v shows {'it' if left_over == 1 else 'them'}")] if left_over else []
    is_assessed = all(row["is_sensor_assessed"] or not row["U_j"] for row in shown)
    return lines if is_assessed else [*lines, *wrapped(written(UNASSESSED), 0, width)]


def cells(row: Plain) -> tuple[str, ...]:
    """The windows of one name in the columns of ``HEAD``."""
    return (
        row["name"],
        str(row["n"] or ""),
        _figure(row),
        _figure(row["per_window"]) if row["n"] > 1 else "",
        duration(row["time_s"]),
        "" if row["mean_w"] is None else figure(row["mean_w"], 0.0, "W"),
        "" if row["share"] is None else percent(row["share"], 3),
    )


def _figure(of: Plain) -> str:
    """``3.85 mJ ± 0.29 mJ`` or ``at most 16 mJ``, or why there is none."""
    if of["energy_j"] is None:
        return missing(of["status"], (0.0, math.inf), "J")
    return measured(of["energy_j"], of["U_j"] or 0.0, written_numbers.ends(of["guaranteed_j"]), "J")


def _footprint(summary: Plain) -> list[str]:
    """CO2e and cost in a line, or how to get them."""
    terms = summary.get("footprint")
    if not terms:
        return []
    if terms["remark"].startswith(NOT_ASKED["remark"]):
        return ["CO2e and cost: add --zone CODE, such as --zone DE (`uj zones` lists them)"]
    of = (summary["whole"] or {}).get("footprint")
    if not of:
        return []
    carbon = of["co2e_location"]
    spread = f" {share(carbon['U'], carbon['value'])}" if carbon["U"] and carbon["value"] else ""
    cost = f"; cost {amount(of['cost_electricity'])}" if of["cost_electricity"] else ""
    grid = terms["factors"]["intensity"]
    line = f"CO2e {amount(carbon)}{spread}{cost} ({grid['name']}, {grid['value']:.3g} {grid['unit']})"
    return [line, terms["remark"]] if terms["remark"] else [line]


def _warnings(summary: Plain) -> list[str]:
    shown = {**summary, "sensors_beside": ()}  # no row here has their figures
    said = [f"warning: {line}" for line in merged(warnings(shown)) if line]
    left_over = len(said) - WARNINGS_MAX
    if left_over <= 0:
        return said
    more = "1 more warning: -v shows it" if left_over == 1 else f"{left_over} more warnings: -v shows them"
    return [*said[:WARNINGS_MAX], f"… and {more}"]
