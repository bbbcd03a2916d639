"""How wide texts for people are: 79 characters, or what the command line knows of the terminal.

Decision: a context variable, which a command sets once, at its start. Nearly each report breaks lines
somewhere, and a width that is handed down to all of them would be an argument of two hundred functions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

USUAL = 79
_WIDE = ("W", "F")
_LEAST, _MOST = 40, 100  # columns of a terminal: shorter lines hold no figure, longer ones are hard to read
_width = ContextVar("width", default=USUAL)


def width() -> int:
    """Characters that a line may have."""
    return _width.get()


def cells(text: str) -> int:
    """Columns of a terminal that a text takes: two a wide character (UAX #11), none a combining mark."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in _WIDE)
        for each in text
    )


@contextmanager
def on_terminal(columns: int | None) -> Iterator[None]:
    """Texts fit a terminal meanwhile, but for its last column.

    Args:
        columns: Of the terminal; None: there is none.
    """
    before = _width.set(USUAL if columns is None else min(max(columns, _LEAST), _MOST) - 1)
    try:
        yield
    finally:
        _width.reset(before)
