r"""Words of others in a report: names and attributes that a program or a person chose.

Decision: control characters are written out (``\x1b``), because a terminal obeys them and XML forbids
them; and in a terminal a name is cut, because one of a thousand characters pushes all figures away. In a cell
of CSV a text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import unicodedata

from ..text_width import cells, width

LONGEST = 60
_FIGURE = 12  # columns of a figure beside a name

_UNSAFE = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")  # Cn: what is no character, such as U+FFFE
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # what a formula begins with (OWASP, CSV injection)


def safe(text: str) -> str:
    """The text with each control character written out."""
    if text.isprintable():
        return text
    return "".join(_written(each) if unicodedata.category(each) in _UNSAFE else each for each in text)


def cut(text: str, longest: int = LONGEST) -> str:
    """The same, and no wider than so many columns of a terminal."""
    shown = safe(text)
    if cells(shown) <= longest:
        return shown
    kept = shown[: longest - 1]
    while cells(kept) >= longest:
        kept = kept[:-1]
    return f"{kept}…"


def beside_a_figure() -> int:
    """How wide a name may be in a line of the terminal that has a figure too."""
    return min(LONGEST, width() - _FIGURE)


def in_cell(text: str) -> str:
    """The text as a cell of CSV that no spreadsheet takes for a formula; numbers are left as they are."""
    if not text.lstrip().startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
