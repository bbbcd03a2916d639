"""Power over time as a small picture: SVG in the page's own text colour, light or dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from . import written_numbers

_W, _H = 640, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 8, 22, 20
_USUAL = 0.98
_FAR, _ABOVE = 1.6, 1.25  # as the axis of the page: a peak so far above what is usual is outside
COLOURS = ("#3b82f6", "#e8710a", "#12a484", "#b06cd8", "#e0457b", "#8a8f3a")  # distinct on white and black


def render(series: Sequence[Mapping[str, Any]], title: str) -> str:
    """The picture.

    Args:
        series: One mapping a channel: ``name``; ``edges_s``, ascending; ``power_w``, one between two edges,
            None where nothing is known.
        title: Above it.
    """
    known = [watts for each in series for watts in each["power_w"] if watts is not None]
    if not known:
        return ""
    usual_w, highest_w = max(map(_usual_w, series)), max(known)
    is_cut = highest_w > _FAR * usual_w > 0
    top_w = _round_up(_ABOVE * usual_w if is_cut else highest_w)
    if is_cut and highest_w > top_w:
        title += f" (peaks up to {written_numbers.quantity(highest_w, 'W')} are cut off)"
    ends = [each["edges_s"][-1] for each in series if len(each["edges_s"])]
    end_s = max(ends)
    lines = [_frame(top_w, end_s, title)]
    for number, each in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        lines.append(
            f'<path d="{_steps(each, top_w, end_s)}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
        )
    lines.append(_legend([each["name"] for each in series]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_W} {_H}" width="{_W}" role="img" '
        f'style="max-width:100%;height:auto;color:inherit;font:11px sans-serif">'
        f"<title>{escape(title)}</title>{''.join(lines)}</svg>"
    )


def _usual_w(of: Mapping[str, Any]) -> float:
    """What a channel exceeds for a fiftieth of its time."""
    edges = of["edges_s"]
    pieces = sorted(
        (watts, to_s - from_s)
        for watts, from_s, to_s in zip(of["power_w"], edges, edges[1:], strict=False)
        if watts is not None
    )
    left_s = _USUAL * sum(length_s for _, length_s in pieces)
    for watts, length_s in pieces:
        left_s -= length_s
        if left_s <= 0:
            return float(watts)
    return 0.0


def _round_up(watts: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if watts <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(watts))
    return next(step * scale for step in (1, 2, 5, 10) if step * scale >= watts)


def _x(at_s: float, end_s: float) -> float:
    return _LEFT + (_W - _LEFT - _RIGHT) * (at_s / end_s if end_s else 0.0)


def _y(watts: float, top_w: float) -> float:
    return _H - _BOTTOM - (_H - _TOP - _BOTTOM) * min(max(watts, 0.0), top_w) / top_w


def _steps(of: Mapping[str, Any], top_w: float, end_s: float) -> str:
    """A path of level pieces; where nothing is known there is a gap."""
    parts, is_down = [], False
    for watts, from_s, to_s in zip(of["power_w"], of["edges_s"], of["edges_s"][1:], strict=False):
        if watts is None:
            is_down = False
            continue
        x, y = _x(from_s, end_s), _y(watts, top_w)
        parts.append(f"V{y:.1f}" if is_down else f"M{x:.1f} {y:.1f}")
        parts.append(f"H{_x(to_s, end_s):.1f}")
        is_down = True
    return "".join(parts)


def _frame(top_w: float, end_s: float, title: str) -> str:
    rules = []
    for part in (0.0, 0.5, 1.0):
        y = _y(part * top_w, top_w)
        faint = 0.2 if part else 0.5
        rules.append(
            f'<path d="M{_LEFT} {y:.1f}H{_W - _RIGHT}" stroke="currentColor" stroke-opacity="{faint}"/>'
        )
        rules.append(_text(_LEFT - 6, y + 4, f"{part * top_w:g} W", "end"))
    rules.append(_text(_LEFT, _H - 5, "0 s", "start"))
    rules.append(_text(_W - _RIGHT, _H - 5, written_numbers.seconds(end_s), "end"))
    rules.append(_text(_LEFT, 14, title, "start"))
    return "".join(rules)


def _legend(names: Sequence[str]) -> str:
    """The channels in their colours, in the line of the title."""
    parts = [
        f'<tspan fill="{COLOURS[number % len(COLOURS)]}" dx="{10 if number else 0}">{escape(name)}</tspan>'
        for number, name in enumerate(names)
    ]
    return f'<text x="{_W - _RIGHT}" y="14" text-anchor="end">{"".join(parts)}</text>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'
