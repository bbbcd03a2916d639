"""What was measured, what was estimated and what is left out, as a drawing: three columns of boxes.

Colour never stands alone: measured boxes have a full outline, estimated ones a dashed one, and what is left
out has none, so that the drawing reads in black and white too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from html import escape

from .foreign_text import safe

WIDTH, MARGIN, GAP = 960, 24, 24
COLUMN = (WIDTH - 2 * MARGIN - 2 * GAP) // 3
LINE, PAD = 17, 12
LETTERS = 38  # that fit into a column, on the safe side
INK, SOFT = "#16202e", "#5d6a7c"
FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
STYLES = {
    "measured": ("Measured", "by counters and sensors", f'fill="#e2f2ea" stroke="{INK}" stroke-width="1.5"'),
    "estimated": (
        "Estimated",
        "from time, tables and factors",
        f'fill="#fdf3dc" stroke="{INK}" stroke-width="1.5" stroke-dasharray="6 4"',
    ),
    "excluded": ("Left out", "not in the figures", 'fill="#eceff3" stroke="none"'),
}


def render(title: str, parts: Iterable[tuple[str, str, str]]) -> str:
    """The drawing as one SVG document.

    Args:
        title: Its heading, a sentence.
        parts: Of each part its name, a key of ``STYLES``, and a remark.
    """
    rows = list(dict.fromkeys(parts))
    head = textwrap.wrap(safe(title), 96, max_lines=3, placeholder="…")
    top = 32 + LINE * len(head) + 24
    drawn, bottoms = [], []
    for number, kind in enumerate(STYLES):
        boxes, bottom = _column(
            MARGIN + number * (COLUMN + GAP), top, kind, [r for r in rows if r[1] == kind]
        )
        drawn += boxes
        bottoms.append(bottom)
    height = max(bottoms) + MARGIN
    spoken = "; ".join(
        f"{STYLES[kind][0]}: {', '.join(safe(name) for name, each, _ in rows if each == kind) or 'nothing'}"
        for kind in STYLES
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="{FONT}">',
            f"<title>{escape(spoken)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            *(_text(MARGIN, 40 + LINE * i, line, 14, INK, bold=i == 0) for i, line in enumerate(head)),
            *drawn,
            "</svg>\n",
        ]
    )


def _column(x: int, y: int, kind: str, rows: Sequence[tuple[str, str, str]]) -> tuple[list[str], int]:
    word, meaning, style = STYLES[kind]
    drawn = [_text(x, y, word, 16, INK, bold=True), _text(x, y + LINE, meaning, 12, SOFT)]
    y += LINE + 14
    for name, _, remark in rows or [("nothing", kind, "")]:
        names = textwrap.wrap(safe(name), LETTERS - 4, max_lines=2, placeholder="…") or [""]
        remarks = textwrap.wrap(safe(remark), LETTERS + 4, max_lines=5, placeholder="…")
        height = 2 * PAD + LINE * (len(names) + len(remarks)) - 4
        drawn.append(f'<rect x="{x}" y="{y}" width="{COLUMN}" height="{height}" rx="8" {style}/>')
        at = y + PAD + 11
        for i, line in enumerate([*names, *remarks]):
            is_name = i < len(names)
            size, ink = (14, INK) if is_name else (12, SOFT)
            drawn.append(_text(x + PAD, at, line, size, ink, bold=is_name))
            at += LINE
        y += height + 10
    return drawn, y


def _text(x: int, y: int, text: str, size: int, ink: str, *, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{ink}"{weight}>{escape(text)}</text>'
