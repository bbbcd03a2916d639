"""The energy label for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ..text_width import width
from .label_words import LETTERS, energy, facts, ranges, source, title

_FIRST, _STEP = 8, 3  # lengths of the bars, in characters
_WIDE = 60  # characters that bars of such steps take, with what is beside them
_COLOURS = (28, 70, 148, 220, 214, 202, 160)


def render(label: Mapping[str, Any]) -> str:
    """The label in plain characters."""
    return _render(label, lambda bar, _: bar)


def render_in_colour(label: Mapping[str, Any]) -> str:
    """The label with the colours of a terminal of 256."""
    return _render(label, lambda bar, number: f"\x1b[38;5;{_COLOURS[number]}m{bar}\x1b[0m")


def _render(label: Mapping[str, Any], paint: Any) -> str:  # noqa: ANN401 - two ways of colouring
    lines = [
        f"ENERGY  {title(label) or label['set']['task']}",
        f"{energy(label['wh'])} per {label['per']}",
        "",
    ]
    step = _STEP if width() >= _WIDE else 1
    for number, (letter, held) in enumerate(zip(LETTERS, ranges(label["set"]["borders_wh"]), strict=True)):
        bar = f" {letter} " + "█" * (_FIRST + number * step) + "▶"
        tail = f"◀ {letter}" if letter == label["letter"] else "·" if letter in label["letters"] else ""
        gap = " " * (_FIRST + len(LETTERS) * step + 4 - len(bar))
        lines.append(f"{paint(bar, number)}{gap} {held:<12} {tail}".rstrip())
    lines.append("")
    wide = max(len(name) for name, _ in facts(label))
    for name, text in [*facts(label), ("Source", source(label))]:
        indent = " " * (wide + 2)
        lines += textwrap.wrap(
            text,
            width(),
            initial_indent=f"{name:<{wide}}  ",
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
    return "\n".join(lines) + "\n"
