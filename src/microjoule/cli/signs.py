"""Signs that a stream's encoding lacks, written with the letters that it has: ``+/-`` for ``±``."""

from __future__ import annotations

import codecs
from types import MappingProxyType
from typing import TextIO

ERRORS = "microjoule-signs"

_LETTERS = MappingProxyType(
    {
        "±": "+/-", "…": "..", "–": "-", "—": "-", "×": "x", "·": "*", "µ": "u", "μ": "u", "≥": ">=",
        "≤": "<=", "≈": "~", "→": "->", "∞": "inf", "²": "2", "₂": "2", "•": "*", "’": "'", "°": "deg ",
        "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%", "█": "#",
    }
)  # fmt: skip


def register() -> None:
    """Makes the codec error handler ``ERRORS`` known; harmless when repeated."""
    codecs.register_error(ERRORS, _replaced)


def shown_on(stream: TextIO, text: str) -> str:
    """The text as a stream will show it, so that columns can be as wide as they will be."""
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, ERRORS).decode(encoding)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    written = (_LETTERS.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lost)
    return "".join(written), error.end
