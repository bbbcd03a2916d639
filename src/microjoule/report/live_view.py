"""What is drawn now, for a terminal of any size: a line a channel, and the total. Plain text in lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..joules.estimates.estimate_text import duration, figure
from . import written_numbers
from .foreign_text import safe

Plain = Mapping[str, Any]

_BARS = "▁▂▃▄▅▆▇█"
_NAME_MAX = 28
_NUMBER = 11  # ``123.45 mW`` and some room
_LINES_AROUND = 5  # the heading, the column names, the total, the account, the keys
_SPARK_MIN = 6
_SCALE = 11  # ``0 – 48.9 kW``
_WITH_SCALE = 64  # columns from which on each bar has its scale
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red")  # one a line of bars, in turn
BARS = f"[{_BARS}][{_BARS} ]*"  # where they are in a line


def lines(scene: Plain, width: int, height: int) -> list[str]:
    """At most ``height`` lines of at most ``width`` characters.

    Args:
        scene: ``title``, ``state`` and ``keys`` (strings), ``elapsed_s``, ``look_s`` (seconds between two
            figures), ``rows`` and ``total`` (see ``live.scene``).
        width: Columns of the terminal.
        height: Lines of it.
    """
    rows: Sequence[Plain] = scene["rows"]
    room = max(height - _LINES_AROUND, 1)
    shown = rows if len(rows) <= room else rows[: room - 1]
    tenants = [each.name for each in scene.get("tenants", ())]
    names = max(map(len, ["total", *(row["name"] for row in shown), *tenants]))
    has_scale = width >= _WITH_SCALE
    numbers = 2 * _NUMBER + (_SCALE + 1) * has_scale + 6
    name = min(names, _NAME_MAX, max(width - numbers - _SPARK_MIN, 8))
    layout = _Layout(name, max(width - name - numbers, 0), _SCALE * has_scale)
    body = [_cells(_row(row, layout), layout) for row in shown]
    hidden = len(rows) - len(shown)
    if hidden:
        body.append(f"… and {hidden} more: a higher terminal shows {'it' if hidden == 1 else 'them'}")
    if not rows:
        body.append("waiting for the first readings")
    left = room - len(body)
    whose = _whose(scene.get("tenants", ()), left, layout)
    whole = [
        f"{scene['title']}  {_clock(scene['elapsed_s'])}",
        _cells(["", "now", _lately(rows, layout.spark, scene["look_s"]), "scale", "since"], layout),
        *body,
        _cells(_total(scene["total"], layout), layout),
        *whose,
        _account(rows),
        "  ".join(each for each in (scene["state"], scene["keys"]) if each),
    ]
    return [_cut(line, width) for line in whole][:height]


def _whose(tenants: Sequence[Any], room: int, layout: _Layout) -> list[str]:
    """Whose energy it is, in rows that keep their places: by what each used so far."""
    if not tenants or room < 2:
        return []
    rows = [
        [
            each.name,
            written_numbers.quantity(each.power_w, "W") if each.power_w else "0 W",
            _plus_minus(each, layout.spark),
            "",
            written_numbers.quantity(each.energy_j, "J"),
        ]
        for each in tenants[: room - 1]
    ]
    return ["whose (estimated, ± at 95 %)", *(_cells([safe(row[0]), *row[1:]], layout) for row in rows)]


def _plus_minus(of: Any, room: int) -> str:  # noqa: ANN401 - a tenant
    """``± 0.4 W, ± 12 J``: of now, and since the start; nothing where it is not known, or has no room."""
    known = [
        (half, unit) for half, unit in ((of.expanded_w, "W"), (of.expanded_j, "J")) if 0 < half < math.inf
    ]
    words = [f"± {figure(half, 0.0, unit)}" for half, unit in known]
    while words and len(", ".join(words)) > room:
        words.pop()
    return ", ".join(words)


class _Layout(NamedTuple):
    """Characters of the columns whose width depends on the terminal; 0: the column is left out."""

    name: int
    spark: int
    scale: int


def _lately(rows: Sequence[Plain], spark: int, look_s: float) -> str:
    """``last 17 s``: the time that the bars show."""
    n = min(max((len(row["lately_w"]) for row in rows), default=0), spark)
    words = f"last {n * look_s:.0f} s"
    return words if len(words) <= spark else "lately"[:spark]


def _row(row: Plain, layout: _Layout) -> list[str]:
    mark = "~" if row["is_estimated"] else ""
    if not row["is_alive"]:  # a package or a platform that stands still is no zero
        return [row["name"], "–", "", "", "–"]
    power = "–" if row["power_w"] is None else mark + written_numbers.quantity(row["power_w"], "W")
    energy = mark + written_numbers.quantity(row["energy_j"], "J")
    if row["extra_j"]:
        energy = "≥ " + energy
    known = [watts for watts in _last(row["lately_w"], layout.spark) if not math.isnan(watts)]
    scale = f"0 – {figure(max(known), 0.0, 'W')}" if known else ""
    return [row["name"], power, sparkline(row["lately_w"], layout.spark), scale, energy]


def _total(total: Plain | None, layout: _Layout) -> list[str]:
    if total is None:
        return ["total", "–", "", "", "–"]
    return _row({**total, "name": "total", "extra_j": 0.0, "is_alive": True}, layout)


def farewell(scene: Plain) -> str:
    """What was used while it was watched, in a sentence; empty before there is a figure."""
    total = scene["total"]
    if total is None or not total["energy_j"]:
        return ""
    elapsed_s = scene["elapsed_s"]
    power = f" ({figure(total['energy_j'] / elapsed_s, 0.0, 'W')})" if elapsed_s else ""
    how = "estimated" if total["is_estimated"] else "measured"
    energy = figure(total["energy_j"], 0.0, "J")
    said = f"{scene['subject']} used {energy} in {duration(elapsed_s)}{power}; {how}: {total['covers']}"
    if not total["lost_j"]:
        return said
    return f"{said}; up to {figure(total['lost_j'], 0.0, 'J')} more not counted: perf events were interrupted"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"


def _last(values: Sequence[float], n: int) -> Sequence[float]:
    return list(values)[-n:] if n > 0 else []


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as bars from zero to the largest of them; a blank where one is missing."""
    last = _last(values, width)
    known = [value for value in last if not math.isnan(value)]
    most = max(known, default=0.0)
    return "".join(" " if math.isnan(value) else _bar(value, most) for value in last)


def _bar(value: float, most: float) -> str:
    part = max(value, 0.0) / most if most > 0 else 0.0
    return _BARS[min(int(part * len(_BARS)), len(_BARS) - 1)]


def _cells(cells: Sequence[str], layout: _Layout) -> str:
    first, now, lately, scale, since = cells
    name = layout.name
    short = first if len(first) <= name else "…" + first[len(first) - name + 1 :]
    beside = f" {scale[: layout.scale]:<{layout.scale}}" if layout.scale else ""
    return f"{short:<{name}} {now:>{_NUMBER}}  {lately:<{layout.spark}}{beside} {since:>{_NUMBER}}"


def _account(rows: Sequence[Plain]) -> str:
    """What was read, and what went wrong."""
    readings = sum(row["readings"] for row in rows)
    missed = sum({row["lane"]: row["missed"] for row in rows}.values())
    said = [f"{readings} readings", f"{missed} ticks missed"]
    for what in ("failed", "resets"):
        n = sum(row[what] for row in rows)
        said += [f"{n} {what}"] if n else []
    times = max((row["times_off"] for row in rows), default=0)
    lost_j = math.fsum(row["lost_j"] for row in rows if row["is_counted"])
    said += [f"interrupted {_times(times)}: up to {figure(lost_j, 0.0, 'J')} not counted"] if times else []
    said += ["~ estimated"] if any(row["is_estimated"] for row in rows) else []
    dead = [row["name"] for row in rows if row["readings"] and not row["is_alive"]]
    said += [f"never moved: {', '.join(dead)}"] if dead else []
    return ", ".join(said)


def _clock(elapsed_s: float) -> str:
    minutes, seconds = divmod(int(elapsed_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def _cut(line: str, width: int) -> str:
    whole = line.rstrip()
    return whole if len(whole) <= width else whole[: max(width - 1, 0)] + "…"
