"""Lines that fit a terminal of 80 columns: the one place where prose is broken for it."""

from __future__ import annotations

import textwrap

WIDTH = 79


def wrapped(text: str, indent: int = 0) -> list[str]:
    """The text over as many lines as it needs, those after the first one indented; a URL stays whole."""
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
