"""Joules per output token against concurrency, as SVG in the page's own text colour, or as a page of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..errors import CannotPlot
from .bench_table import sentence, words
from .power_svg import COLOURS

Plain = Mapping[str, Any]

_XMLNS = "http://www.w3.org/2000/svg"
SUFFIXES = (".svg", ".html")
_W, _H = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 16, 44, 44
_SERIES = (
    ("per_output_token", "all energy, an output token"),
    ("decode_per_output_token", "decode, an output token"),
    ("prefill_per_input_token", "prefill, a prompt token"),
)
_PREFIX = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"))


def ready(path: Path) -> None:
    """Refuses what could not be drawn, before anything is measured.

    Raises:
        CannotPlot: The name has none of ``SUFFIXES``.
    """
    if path.suffix not in SUFFIXES:
        raise CannotPlot(f"A picture cannot be written to {path}", f"End its name in {' or '.join(SUFFIXES)}")


def render(found: Plain, path: Path) -> str:
    """What goes into a file of that name."""
    picture = svg(found)
    if path.suffix == ".svg":
        return picture + "\n"
    title = escape(sentence(found))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Energy of a server under load</title>'
        f'<meta name="color-scheme" content="light dark"><body style="font:16px sans-serif;max-width:44em;'
        f'margin:2em auto;padding:0 1em"><p>{title}</p>{picture}</body></html>\n'
    )


def svg(found: Plain) -> str:
    """The picture: both axes logarithmic, an upright line for each interval at 95 %."""
    levels = found["levels"]
    series = [(name, _points(levels, key)) for key, name in _SERIES]
    values = [end for _, points in series for _, value, half in points for end in (value, value + half)]
    if not values:
        return f'<svg xmlns="{_XMLNS}" viewBox="0 0 {_W} 40"><text y="24">no figure</text></svg>'
    lowest = min(value for _, points in series for _, value, _ in points)
    axes = _Axes(len(levels), math.floor(math.log10(lowest)), math.ceil(math.log10(max(values)) + 1e-9))
    parts = [_frame(axes, levels)]
    for number, (name, points) in enumerate(series):
        if points:
            parts.append(_line(axes, points, COLOURS[number], name, number))
    return (
        f'<svg xmlns="{_XMLNS}" viewBox="0 0 {_W} {_H}" width="{_W}" role="img" '
        f'style="max-width:100%;height:auto;color:inherit;font:12px sans-serif">'
        f"<title>{escape(sentence(found))}</title>{''.join(parts)}</svg>"
    )


class _Axes:
    """Where levels and joules lie.

    Args:
        n: Levels, equally apart.
        low: Power of ten at the bottom.
        high: And at the top.
    """

    def __init__(self, n: int, low: int, high: int) -> None:
        self._n, self.low, self.high = n, low, max(high, low + 1)

    def x(self, number: int) -> float:
        """Of a level."""
        return _LEFT + (_W - _LEFT - _RIGHT) * (number + 0.5) / self._n

    def y(self, value: float) -> float:
        """Of joules."""
        at = (math.log10(value) - self.low) / (self.high - self.low) if value > 0 else 0.0
        return _H - _BOTTOM - (_H - _TOP - _BOTTOM) * min(max(at, 0.0), 1.0)


def _points(levels: Sequence[Plain], key: str) -> list[tuple[int, float, float]]:
    """Number of the level, value and ±; those that are above zero."""
    found = []
    for number, level in enumerate(levels):
        figure = level["figures"].get(key)
        if figure and figure["value"] and figure["value"] > 0:
            found.append((number, float(figure["value"]), float(figure["U"] or 0.0)))
    return found


def _line(
    axes: _Axes, points: Sequence[tuple[int, float, float]], colour: str, name: str, number: int
) -> str:
    path = "L".join(f"{axes.x(at):.1f} {axes.y(value):.1f}" for at, value, _ in points)
    bars = "".join(
        f'<path d="M{axes.x(at):.1f} {axes.y(value + half):.1f}V{axes.y(value - half):.1f}" '
        f'stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{axes.x(at):.1f}" cy="{axes.y(value):.1f}" r="3.5" fill="{colour}"/>'
        for at, value, half in points
    )
    legend = _text(_LEFT + 4 + 190 * number, 16, name, "start", colour)
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-opacity="0.6"/>{bars}{legend}'


def _frame(axes: _Axes, levels: Sequence[Plain]) -> str:
    parts = []
    for power in range(axes.low, axes.high + 1):
        y = axes.y(10.0**power)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_W - _RIGHT}" stroke="currentColor" stroke-opacity="0.25"/>'
        )
        parts.append(_text(_LEFT - 6, y + 4, _joules(10.0**power), "end"))
    for number, level in enumerate(levels):
        parts.append(_text(axes.x(number), _H - _BOTTOM + 18, words(level), "middle"))
    parts.append(_text(_W - _RIGHT, _H - 6, "upright lines: ± at 95 %", "end"))
    return "".join(parts)


def _joules(value: float) -> str:
    scale, unit = next(((s, u) for s, u in _PREFIX if value >= s * 0.999), _PREFIX[-1])
    return f"{value / scale:g} {unit}"


def _text(x: float, y: float, said: str, anchor: str, colour: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(said)}</text>'
