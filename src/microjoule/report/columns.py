"""Aligned columns of text: the one place where cells are padded for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..text_width import USUAL, cells, width
from .foreign_text import cut, safe
from .wrapping import wrapped

Row = Sequence[str]
GAP = "  "


def columns(
    rows: Sequence[Row],
    left: Collection[int] = (),
    *,
    indent: str = "",
    optional: Collection[int] = (),
    nothing: Collection[str] = ("",),
) -> list[str]:
    """Rows as lines with one width a column; figures to the right, words to the left.

    Args:
        rows: All with the same number of cells, the heading first.
        left: The columns that are aligned to the left; negative ones count from the end.
        indent: In front of each line.
        optional: Columns that are left out where no row below the heading has anything in them.
        nothing: The cells that count as nothing.

    Returns:
        A line a row, without blanks at its end. On a terminal that is too narrow for it a row is several
        lines, one for each of its cells, in one text.
    """
    if not rows:
        return []
    n = len(rows[0])
    shown = [c for c in range(n) if c not in optional or any(row[c] not in nothing for row in rows[1:])]
    widths = {c: max(cells(row[c]) for row in rows) for c in shown}

    def cell(row: Row, c: int) -> str:
        blank = " " * (widths[c] - cells(row[c]))
        return row[c] + blank if c in left or c - n in left else blank + row[c]

    lines = [(indent + GAP.join(cell(row, c) for c in shown)).rstrip() for row in rows]
    if width() >= USUAL or max(map(cells, lines)) <= width():
        return lines
    return stacked([[row[c] for c in shown] for row in rows], indent)


def stacked(rows: Sequence[Row], indent: str = "") -> list[str]:
    """Rows as texts, for tables of many columns: each other cell of a row in a line below its first one.

    Args:
        rows: As :func:`columns` takes them.
        indent: In front of each line.
    """
    head, *others = rows
    return [(indent + head[0]).rstrip(), *(_stacked(row, head, indent) for row in others)]


def _stacked(row: Row, head: Row, indent: str) -> str:
    """A row as its first cell and, beneath that, each other that is not empty, with its heading."""
    found = wrapped(indent + row[0], len(indent) + 4)
    for title, text in zip(head[1:], row[1:], strict=True):
        words = f"{title}: {text}" if title else text
        found += wrapped(f"{indent}  {words}", len(indent) + 4) if text else []
    return "\n".join(found)


def fitting(
    rows: Sequence[Row],
    width: int,
    written: Callable[[str], str],
    least_useful: Sequence[int],
    longest: Sequence[int],
) -> list[str]:
    """Rows as lines of at most so many characters: first shorter names, then fewer columns.

    Where not even that fits, lines are longer: a figure that is cut is another figure.

    Args:
        rows: All with the same number of cells, the heading first, each with its name in front.
        width: Columns of the terminal.
        written: Writes a text in the signs that the terminal has.
        least_useful: The columns that are left out in turn.
        longest: Characters of a name, tried in turn.
    """
    n = len(rows[0])
    lines: list[str] = []
    for gone in range(len(least_useful) + 1):
        kept = [c for c in range(n) if c not in least_useful[:gone]]
        for most in longest:
            texts = [[_short(written(row[0]), most, written), *map(written, row[1:])] for row in rows]
            lines = columns([[row[c] for c in kept] for row in texts], (0,), optional=range(1, len(kept)))
            if max(map(cells, lines)) <= width:
                return lines
    return lines


def _short(name: str, longest: int, written: Callable[[str], str]) -> str:
    """A name as the terminal shows it, which may have six letters for a sign that it lacks, cut there."""
    shown, end = safe(name), written("…")
    if cells(shown) <= longest:
        return shown
    return cut(shown, longest - cells(end) + 1).removesuffix("…") + end
