"""The ``@begin`` and ``@end`` rows of a trace, and which of them are one window."""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..arrays import Texts, distinct
from .series import I64

NONE = -1


class MarkColumns(NamedTuple):
    """Some ``@begin`` or ``@end`` rows of a trace, column by column.

    Attributes:
        t_ns: int64[n].
        number: uint64[n].
        label: n texts.
    """

    t_ns: I64
    number: npt.NDArray[np.uint64]
    label: Texts


def paired(begins: MarkColumns, ends: MarkColumns) -> tuple[I64, I64]:
    """Which marks are one window, in the order in which windows began: rows of ``begins`` and of ``ends``.

    A begin without an end is a window all the same, of which the end is ``NONE``: a kill loses none.
    An end without a begin has nothing to say where its window began, and gives none. A row that is there
    twice counts once.
    """
    order = np.argsort(ends.number, kind="stable")
    ended = ends.number[order]
    if (ended[1:] == ended[:-1]).any() or len(distinct(begins.number)) < len(begins.number):
        return _row_by_row(begins, ends)
    at = np.searchsorted(ended, begins.number)
    mine = np.append(order, NONE)[at]
    if len(ended):
        end = np.maximum(mine, 0)
        mine = np.where((ends.number[end] == begins.number) & (ends.t_ns[end] >= begins.t_ns), mine, NONE)
    in_turn = np.lexsort((begins.number, begins.t_ns))
    return in_turn, mine[in_turn]


def _row_by_row(begins: MarkColumns, ends: MarkColumns) -> tuple[I64, I64]:
    """The same where a number is there more than once: each end is that of the first begin that has none."""
    # An end comes after a begin of the same instant and number, which together are an empty window.
    marks = sorted(
        row
        for is_end, some in ((False, begins), (True, ends))
        for row in zip(
            some.t_ns.tolist(),
            some.number.tolist(),
            [is_end] * len(some.t_ns),
            some.label.at(np.arange(len(some.t_ns))),
            range(len(some.t_ns)),
            strict=True,
        )
    )
    begun: dict[int, list[tuple[int, int]]] = {}
    windows: list[tuple[int, int, int, int]] = []
    before: tuple[int, int, bool, str] | None = None
    for t_ns, number, is_end, label, at in marks:
        if (t_ns, number, is_end, label) == before:
            continue
        before = t_ns, number, is_end, label
        if not is_end:
            begun.setdefault(number, []).append((t_ns, at))
        elif begun.get(number):
            windows.append((begun[number][0][0], number, begun[number].pop(0)[1], at))
    windows.extend((t_ns, number, at, NONE) for number, left in begun.items() for t_ns, at in left)
    windows.sort(key=itemgetter(0, 1))
    columns = np.array([each[2:] for each in windows], np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]
