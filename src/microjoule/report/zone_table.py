"""Zones for a terminal: a line each, or of one zone all that was published of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..footprint.factor import Factor
from ..footprint.intensity import Zone
from ..text_width import width
from .amounts import plain
from .columns import GAP, columns
from .foreign_text import cut
from .wrapping import wrapped

_HEAD = ("code", "g/kWh", "range", "year", "place")
_LEFT = (0, 2, 3, 4)
_PLACE_MIN = 16  # characters of a place's name
_DIGITS = 3


def lines(zones: Sequence[Zone]) -> list[str]:
    """One line a zone, beneath a heading, then how to see more of one."""
    rows = [_HEAD, *(_row(zone) for zone in zones)]
    before = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    left = max(width() - sum(before) - len(GAP) * len(before), _PLACE_MIN)
    found = columns([(*row[:-1], cut(row[-1], left)) for row in rows], _LEFT)
    return [*found, "", *wrapped(f"`uj zones {zones[0].code}` shows every published figure of a place")]


def detail(zone: Zone, published: Sequence[Factor], others: Mapping[str, Factor | None]) -> list[str]:
    """One zone: the figure that stands for it, each published figure, then what else is known."""
    factor = zone.intensity
    around = f" in {zone.parent}" if zone.parent else ""
    found = [
        f"{zone.code}: {zone.name}, {zone.kind}{around}",
        f"  {plain(factor.value)} g/kWh{_range(factor)}",
        *(wrapped(f"  {factor.origin.note}", 2) if factor.origin.note else ()),
        "published figures, g/kWh",
        *(line for each in published for line in _figure(each)),
    ]
    known = [(name, each) for name, each in others.items() if each]
    if known:
        found += ["also known", *(line for name, each in known for line in _other(name, each))]
    missing = [name for name, each in others.items() if not each]
    if missing:
        found += wrapped(f"no open figure: {', '.join(missing)}", 2)
    return found


def _row(zone: Zone) -> tuple[str, ...]:
    factor = zone.intensity
    low, high = factor.low, factor.high
    reach = f"{plain(low, _DIGITS)} – {plain(high, _DIGITS)}" if low < high else "one source"
    return zone.code, plain(factor.value, _DIGITS), reach, str(factor.origin.year or ""), zone.name


def _range(of: Factor) -> str:
    return f" [{plain(of.low)} – {plain(of.high)}]" if of.low < of.high else ""


def _figure(of: Factor) -> list[str]:
    boundary = ", ".join(word for word in (of.boundary.scope, of.boundary.basis) if word)
    who = f"{'':11}{of.origin.source}, {of.origin.year}"
    return [
        *wrapped(f"  {plain(of.value):>7}  {boundary}: {of.name}", 11),
        *wrapped(who, 11),
        f"{'':11}{of.origin.url}",
    ]


def _other(name: str, of: Factor) -> list[str]:
    unit = "" if of.unit == "1" else f" {of.unit}"
    year = f", {of.origin.year}" if of.origin.year else ""
    return wrapped(f"  {name}: {plain(of.value)}{unit}{_range(of)} ({of.origin.source}{year})", 4)
