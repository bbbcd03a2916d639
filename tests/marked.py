"""Windows made of marks, without a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from microjoule.arrays import Texts, text
from microjoule.trace.marks import MarkColumns
from microjoule.trace.window import Window
from microjoule.trace.window_columns import WindowColumns

MarkRow = tuple[int, int, str | None]  # t_ns, number, label


def marks(found: Sequence[MarkRow]) -> MarkColumns:
    """Rows as columns."""
    t_ns, number, label = (list(each) for each in zip(*found, strict=True)) if found else ([], [], [])
    labels = Texts(text(label), np.arange(len(label)))
    return MarkColumns(np.array(t_ns, np.int64), np.array(number, np.uint64), labels)


def marked(begins: Sequence[MarkRow], ends: Sequence[MarkRow], last_ns: int = 30) -> list[Window]:
    """The windows of ``@begin`` and ``@end`` rows."""
    return list(WindowColumns(marks(begins), marks(ends), last_ns).each())


def columns(windows: Iterable[tuple[str, int, int]]) -> WindowColumns:
    """The windows of names, beginnings and ends."""
    rows = list(enumerate(windows))
    begins = [(t0_ns, number, name) for number, (name, t0_ns, _) in rows]
    ends = [(t1_ns, number, None) for number, (_, _, t1_ns) in rows]
    return WindowColumns(marks(begins), marks(ends), 0)
