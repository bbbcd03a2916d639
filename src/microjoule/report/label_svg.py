"""The energy label as SVG: a light card with seven arrows, a pointer, and what a letter must not hide.

Decision: drawn by hand with the fonts of the viewer, so that it needs nothing and stays text. What was
given up: exact widths of words; lines are broken by an average width, on the safe side.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from html import escape
from typing import Any

from .label_words import LETTERS, energy, facts, ranges, source, title

WIDTH = 480
MARGIN = 32
ROW, GAP = 36, 6
FIRST, STEP = 132, 24  # lengths of the arrows
TIP = 16
COLOURS = ("#00843d", "#4ca22f", "#a9c62b", "#f5d400", "#f6a81a", "#ea6a20", "#d6222a")
DARK_TEXT = "CDE"  # classes on whose colour white cannot be read
INK, SOFT, LINE = "#16202e", "#5d6a7c", "#dfe4ea"
FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
LABEL_X, FACT_X = MARGIN, MARGIN + 104


def render(label: Mapping[str, Any]) -> str:
    """The label as one SVG element."""
    head, y = _head(label)
    arrows, bottom = _arrows(label, y)
    below, height = _facts(label, bottom + 28)
    hardware = dict(facts(label))["Hardware"]
    spoken = f"Energy class {label['letter']}: {energy(label['wh'])} per {label['per']}, {hardware}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="{FONT}">',
            f"<title>{escape(spoken)}</title>",
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="16" fill="#ffffff" '
            f'stroke="{LINE}"/>',
            *head,
            *arrows,
            *below,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, size: float, **style: str) -> str:
    """One line of text; ``style`` holds SVG attributes with ``_`` for ``-``."""
    attributes = {"fill": INK, **style}
    rest = " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" {rest}>{escape(text)}</text>'


def _head(label: Mapping[str, Any]) -> tuple[list[str], int]:
    heading = title(label) or label["set"]["task"].capitalize()
    lines = textwrap.wrap(heading, 25, max_lines=2, placeholder="…") or [""]
    drawn = [_text(MARGIN, 44, "ENERGY LABEL", 12, fill=SOFT, font_weight="600", letter_spacing="2")]
    y = 44
    for line in lines:
        y += 31
        drawn.append(_text(MARGIN, y, line, 24, font_weight="700"))
    y += 26
    task = f"{label['set']['task']}, per {label['per']}" if label["title"] else f"per {label['per']}"
    drawn.append(_text(MARGIN, y, task, 14, fill=SOFT))
    y += 20
    drawn.append(f'<line x1="{MARGIN}" y1="{y}" x2="{WIDTH - MARGIN}" y2="{y}" stroke="{LINE}"/>')
    return drawn, y + 22


def _arrows(label: Mapping[str, Any], top: int) -> tuple[list[str], int]:
    drawn = []
    for number, held in enumerate(ranges(label["set"]["borders_wh"])):
        drawn += _arrow(number, top + number * (ROW + GAP), held)
    drawn += _reach(label, top)
    drawn += _pointer(label, top)
    return drawn, top + len(LETTERS) * (ROW + GAP) - GAP


def _arrow(number: int, y: int, held: str) -> list[str]:
    letter, length = LETTERS[number], FIRST + number * STEP
    tip_x, body_x = MARGIN + length, MARGIN + length - TIP
    ink = INK if letter in DARK_TEXT else "#ffffff"
    shape = f"M{MARGIN + 4} {y}H{body_x}L{tip_x} {y + ROW / 2:g}L{body_x} {y + ROW}H{MARGIN + 4}"
    shape += f"a4 4 0 0 1 -4 -4V{y + 4}a4 4 0 0 1 4 -4Z"
    return [
        f'<path d="{shape}" fill="{COLOURS[number]}"/>',
        _text(MARGIN + 12, y + ROW / 2 + 4.5, held, 12.5, fill=ink, font_weight="500"),
        _text(body_x - 4, y + ROW / 2 + 8, letter, 22, fill=ink, font_weight="700", text_anchor="end"),
    ]


def _reach(label: Mapping[str, Any], top: int) -> list[str]:
    """A bracket over the classes that the uncertainty reaches, where it is more than one."""
    letters = label["letters"]
    if len(letters) == 1:
        return []
    first, last = (LETTERS.index(letter) for letter in (letters[0], letters[-1]))
    y0, y1 = top + first * (ROW + GAP) + 4, top + last * (ROW + GAP) + ROW - 4
    x = WIDTH - MARGIN - 118
    return [
        f'<path d="M{x + 8} {y0}H{x}V{y1}H{x + 8}" fill="none" stroke="{SOFT}" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    ]


def _pointer(label: Mapping[str, Any], top: int) -> list[str]:
    number = LETTERS.index(label["letter"])
    y = top + number * (ROW + GAP) + ROW / 2
    right, left, half = WIDTH - MARGIN, WIDTH - MARGIN - 104, 27
    shape = f"M{left} {y:g}L{left + 26} {y - half:g}H{right - 6}a6 6 0 0 1 6 6V{y + half - 6:g}"
    shape += f"a6 6 0 0 1 -6 6H{left + 26}Z"
    middle_x = (left + 20 + right) / 2
    return [
        f'<path d="{shape}" fill="{INK}"/>',
        _text(middle_x, y + 14, label["letter"], 40, fill="#ffffff", font_weight="700", text_anchor="middle"),
    ]


def _facts(label: Mapping[str, Any], top: int) -> tuple[list[str], int]:
    drawn = [f'<line x1="{MARGIN}" y1="{top}" x2="{WIDTH - MARGIN}" y2="{top}" stroke="{LINE}"/>']
    y = top + 46
    figure, _, unit = energy(label["wh"]).partition(" ")
    drawn.append(
        f'<text x="{MARGIN}" y="{y}" fill="{INK}">'
        f'<tspan font-size="36" font-weight="700">{escape(figure)}</tspan>'
        f'<tspan font-size="18" font-weight="600" dx="6">{escape(unit)}</tspan>'
        f'<tspan font-size="15" fill="{SOFT}" dx="8">per {escape(label["per"])}</tspan></text>'
    )
    y += 10
    for name, text in facts(label):
        y += 22
        drawn.append(_text(LABEL_X, y, name, 12.5, fill=SOFT))
        for number, line in enumerate(textwrap.wrap(text, 46) or [""]):
            y += 17 * (number > 0)
            drawn.append(_text(FACT_X, y, line, 12.5, font_weight="500"))
    y += 16
    for line in textwrap.wrap(source(label), 84):
        y += 13
        drawn.append(_text(MARGIN, y, line, 9.5, fill=SOFT))
    return drawn, y + 26
