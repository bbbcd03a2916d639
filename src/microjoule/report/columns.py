"""Aligned columns of text: the one place where cells are padded for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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
        A line a row, without blanks at its end.
    """
    if not rows:
        return []
    n = len(rows[0])
    shown = [c for c in range(n) if c not in optional or any(row[c] not in nothing for row in rows[1:])]
    widths = {c: max(len(row[c]) for row in rows) for c in shown}

    def cell(row: Row, c: int) -> str:
        return row[c].ljust(widths[c]) if c in left or c - n in left else row[c].rjust(widths[c])

    return [(indent + GAP.join(cell(row, c) for c in shown)).rstrip() for row in rows]
