"""What is drawn now, for a terminal of any size: a line a channel, and the total. Plain text in lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from . import written_numbers as figures

Plain = Mapping[str, Any]

_BARS = "▁▂▃▄▅▆▇█"
_NAME_MAX = 28
_NUMBER = 11  # ``123.45 mW`` and some room
_LINES_AROUND = 5  # the heading, the column names, the total, the account, the keys
_SPARK_MIN = 6


def lines(scene: Plain, width: int, height: int) -> list[str]:
    """At most ``height`` lines of at most ``width`` characters.

    Args:
        scene: ``title``, ``state`` and ``keys`` (strings), ``elapsed_s``, ``rows`` and ``total`` (see
            ``live.scene``).
        width: Columns of the terminal.
        height: Lines of it.
    """
    rows: Sequence[Plain] = scene["rows"]
    room = max(height - _LINES_AROUND, 1)
    shown = rows if len(rows) <= room else rows[: room - 1]
    names = max([len("total"), *(len(row["name"]) for row in shown)])
    name = min(names, _NAME_MAX, max(width - 2 * _NUMBER - _SPARK_MIN - 6, 8))
    spark = max(width - name - 2 * _NUMBER - 6, 0)
    head = _cells(["", "now", "lately", "since"], name, spark)
    body = [_cells(_row(row, spark), name, spark) for row in shown]
    hidden = len(rows) - len(shown)
    if hidden:
        body.append(f"… and {hidden} more: a higher terminal shows {'it' if hidden == 1 else 'them'}")
    if not rows:
        body.append("waiting for the first readings")
    whole = [
        f"{scene['title']}  {_clock(scene['elapsed_s'])}",
        head,
        *body,
        _cells(_total(scene["total"], spark), name, spark),
        _account(rows),
        "  ".join(each for each in (scene["state"], scene["keys"]) if each),
    ]
    return [_cut(line, width) for line in whole][:height]


def _row(row: Plain, spark: int) -> list[str]:
    mark = "~" if row["is_estimated"] else ""
    if not row["is_alive"]:  # a package or a platform that stands still is no zero
        return [row["name"], "–", "", "–"]
    power = "–" if row["power_w"] is None else mark + figures.quantity(row["power_w"], "W")
    energy = mark + figures.quantity(row["energy_j"], "J")
    if row["extra_j"]:
        energy = "≥ " + energy
    return [row["name"], power, sparkline(row["lately_w"], spark), energy]


def _total(total: Plain | None, spark: int) -> list[str]:
    if total is None:
        return ["total", "–", "", "–"]
    return _row({**total, "name": "total", "extra_j": 0.0, "is_alive": True}, spark)


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as bars from zero to the largest of them; a blank where one is missing."""
    last = list(values)[-width:] if width > 0 else []
    known = [value for value in last if not math.isnan(value)]
    most = max(known, default=0.0)
    return "".join(" " if math.isnan(value) else _bar(value, most) for value in last)


def _bar(value: float, most: float) -> str:
    part = max(value, 0.0) / most if most > 0 else 0.0
    return _BARS[min(int(part * len(_BARS)), len(_BARS) - 1)]


def _cells(cells: Sequence[str], name: int, spark: int) -> str:
    first, now, lately, since = cells
    short = first if len(first) <= name else "…" + first[len(first) - name + 1 :]
    return f"{short:<{name}} {now:>{_NUMBER}}  {lately:<{spark}} {since:>{_NUMBER}}"


def _account(rows: Sequence[Plain]) -> str:
    """What was read, and what went wrong."""
    readings = sum(row["readings"] for row in rows)
    missed = sum({row["lane"]: row["missed"] for row in rows}.values())
    said = [f"{readings} readings", f"{missed} ticks missed"]
    for what in ("failed", "resets"):
        n = sum(row[what] for row in rows)
        said += [f"{n} {what}"] if n else []
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
