"""Lines that fit the terminal: the one place where prose is broken for it."""

from __future__ import annotations

import re
import textwrap

from ..text_width import cells
from ..text_width import width as usual_width

_WHOLE = re.compile(r"`[^`]*`|\d [A-Za-zµ%]{1,4}\b")  # a command, and a number with its unit
_NO_BREAK, _SECOND_CELL = "\x00", "\x01"  # no report holds one


def wrapped(text: str, indent: int = 0, width: int | None = None) -> list[str]:
    """The text over as many lines as it needs, those after the first one indented.

    A URL stays whole, and so do a figure and a command in backquotes, which is to be copied.

    Args:
        text: One paragraph.
        indent: Blanks before each line but the first.
        width: Characters of a line; None: as many as the terminal has room for.
    """
    whole = _WHOLE.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)
    whole = "".join(each + _SECOND_CELL * (cells(each) - 1) for each in whole)
    lines = textwrap.wrap(
        whole,
        width or usual_width(),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_NO_BREAK, " ").replace(_SECOND_CELL, "") for line in lines]
