"""Whose energy it was, for a terminal: the command, the idle machine, the busiest programs, and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..joules.estimates.estimate_text import figure, is_limit, measured, percent
from . import written_numbers
from .columns import columns, fitting
from .foreign_text import cut
from .wrapping import wrapped

Plain = Mapping[str, Any]

HEAD = ("whose", "energy", "share", "CPU time", "GPU time")
LONG_HEAD = ("whose", "energy", "share", "at most", "CPU time", "GPU time", "by CPU time alone")
_LEFT = (0,)
_NAME_MAX = 36
_NAMES = (_NAME_MAX, 24, 16, 12)  # characters of a name, tried in turn until the table fits
_LEAST_USEFUL = (4, 3, 2)  # columns of ``HEAD`` that are left out in turn until it does
_WORDS = {
    "idle": "idle machine",
    "unexplained": "unexplained",
}
_SHORT_S, _FEW = 1.0, 12
_ALL = 0.999  # of the energy: the rest is rounding
TOO_SHORT = "Too short to say whose energy it was: that takes half a second or more."
FEW_LOOKS = (
    "Too few looks to say whose energy it was: {looks} in {span}, because each of them is slow here. "
    "Record for longer."
)
RARE_UPDATES = (
    "The sensor is updated too rarely to say whose energy it was. Record for longer, ten updates or more."
)
NOBODY_ON_IT = (
    "Whose energy it was is not known: no program was seen on {names} (are those of other containers "
    "hidden?), or the sensor is updated too rarely."
)
NOBODY_SEEN = "Whose energy it was is not known: nobody's CPU time could be read (is /proc hidden?)."
NEGATIVE = "Unexplained is negative: the other rows, each within its ±, add up to more than was measured."
INSEPARABLE = (
    "Not separable: {names} were busy at the same times, so the figure is that of all together. "
    "To tell the idle machine apart: `--idle 5s`."
)


def brief(summary: Plain, width: int, written: Callable[[str], str] = str) -> list[str]:
    """A table of a few lines that fits a terminal's width; nothing where shares are not known."""
    of = summary.get("shares")
    if not of or of["status"] == "too short":
        return []
    rows = [row for row in of["brief"] if not _is_elsewhere(row)]
    short = [(_name(row), _figure(row), _share(row), _busy(row), _on_gpus(row)) for row in rows]
    return fitting([HEAD, *short], width, written, _LEAST_USEFUL, _NAMES)


def full(summary: Plain) -> list[str]:
    """All rows, and what they may have been without a model."""
    of = summary.get("shares")
    if not of:
        return []
    rows = columns([LONG_HEAD, *cells(of["rows"])], _LEFT, optional=(1, 2, 4, 5, 6))
    sentences = [*said(summary), *(_negative(of) if of["status"] == "too short" else ())]
    return [*rows, *(line for each in sentences for line in wrapped(each, 2))]


def cells(rows: Sequence[Plain]) -> list[tuple[str, ...]]:
    """Rows of shares in the columns of ``LONG_HEAD``."""
    return [
        (
            _name(row),
            _figure(row),
            _share(row),
            _high(row),
            _busy(row),
            _on_gpus(row),
            _joules(row["by_cpu_time_j"]),
        )
        for row in rows
        if not _is_elsewhere(row)
    ]


def said(summary: Plain) -> list[str]:
    """What must be known of the rows, a sentence each."""
    of = summary.get("shares")
    if not of:
        return []
    if of["status"] == "too short":
        return [_too_short(of), *(bound for row in of["brief"] if (bound := _bound(row, of["total_j"])))]
    hidden = [f"Not seen: {each}" for each in of.get("hidden", ())]
    groups = dict.fromkeys(tuple(row["names"]) for row in of["rows"] if row["status"] == "not separable")
    inseparable = [INSEPARABLE.format(names=_listed(names)) for names in groups]
    return [*inseparable, *_negative(of), *hidden]


def _negative(of: Plain) -> list[str]:
    """Why what is left is less than nothing, where it is."""
    left = (row for row in of["rows"] if row["kind"] == "unexplained")
    return [NEGATIVE] if any(_figure(row).startswith("-") for row in left) else []


def _too_short(of: Plain) -> str:
    """Why it cannot be said whose energy it was."""
    beside = [row for row in of["rows"] if row["kind"] == "unattributed"]
    is_all = beside and math.fsum(row["energy_j"] or 0.0 for row in beside) >= _ALL * of["total_j"]
    if is_all and of["looked_s"] >= _SHORT_S and of["looks"] >= _FEW:
        return NOBODY_ON_IT.format(names=_listed([row["name"] for row in beside]))
    if all(row["busy_s"] is None for row in of["rows"]):
        return NOBODY_SEEN
    if of["looked_s"] < _SHORT_S:
        return TOO_SHORT
    if of["looks"] < _FEW:
        return FEW_LOOKS.format(looks=of["looks"], span=figure(of["looked_s"], 0.0, "s"))
    return RARE_UPDATES


def _bound(row: Plain, total_j: float) -> str:
    """What is guaranteed of the command's share without any fit; nothing where that may be all there was."""
    most = row["guaranteed_j"][1]
    if row["kind"] != "command" or most is None or most >= total_j:
        return ""
    return f"The command used at most {figure(most, 0.0, 'J')} of it (guaranteed)."


def _is_elsewhere(row: Plain) -> bool:
    """Whether its figure stands with another name."""
    return row["status"] == "not separable" and row["energy_j"] is None


def _name(row: Plain) -> str:
    of_all = " + ".join(_WORDS.get(name, name) for name in row["names"])
    if row["kind"] == "unattributed":
        is_mixed = row["status"] == "not separable"
        return cut(f"{row['name']}: {of_all}" if is_mixed else f"{row['name']} (not by program)", _NAME_MAX)
    if row["status"] == "not separable":
        return cut(of_all, _NAME_MAX)
    name: str = row["name"]
    return cut(_WORDS.get(name, name), _NAME_MAX)


def _listed(names: Sequence[str]) -> str:
    words = [cut(_WORDS.get(name, name)) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _figure(row: Plain) -> str:
    if row["energy_j"] is None:
        return ""
    low, high = written_numbers.ends(row["guaranteed_j"])
    if row["kind"] == "unexplained":
        return figure(row["energy_j"], 0.0, "J")
    return measured(row["energy_j"], row["U_j"] or 0.0, (low, high), "J")


def _high(row: Plain) -> str:
    return "" if row["kind"] == "unexplained" else _joules(row["guaranteed_j"][1])


def _joules(value: float | None) -> str:
    return "" if value is None else figure(value, 0.0, "J")


def _share(row: Plain) -> str:
    is_open = row["share"] is None or is_limit(row["energy_j"], row["U_j"] or 0.0, 0.0)
    return "" if is_open else percent(row["share"], 2)


def _busy(row: Plain) -> str:
    return _seconds(row["busy_s"])


def _on_gpus(row: Plain) -> str:
    return _seconds(row["gpu_s"]) if row["gpu_s"] else ""


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return written_numbers.quantity(value, "s") if value else "0 s"
