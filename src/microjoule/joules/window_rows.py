"""Windows as the bars of a flame chart: what is open inside another window lies in a row below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..trace.window import Window

ROWS_MAX = 8  # windows of more threads than these share the last row


def window_bars(windows: Sequence[Window], origin_ns: int) -> dict[str, Any]:
    """All windows as columns, by their beginning, and of those that begin together the longest first.

    Args:
        windows: Of a trace.
        origin_ns: The instant from which times are counted.

    Returns:
        ``names``, each once; and int64[n] arrays: ``name``, a number of ``names``; ``t0_ns``, ascending;
        ``length_ns``; ``row``, from 0, the first row in which nothing else is open then.
    """
    names = list(dict.fromkeys(window.name for window in windows))
    number = {name: i for i, name in enumerate(names)}
    t0_ns = np.array([window.t0_ns for window in windows], np.int64) - origin_ns
    length_ns = np.array([window.duration_ns for window in windows], np.int64)
    order = np.lexsort((-length_ns, t0_ns))
    t0_ns, length_ns = t0_ns[order], length_ns[order]
    return {
        "names": names,
        "name": np.array([number[window.name] for window in windows], np.int64)[order],
        "t0_ns": t0_ns,
        "length_ns": length_ns,
        "row": _rows(t0_ns, t0_ns + length_ns),
    }


def _rows(t0_ns: npt.NDArray[np.int64], t1_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ends: list[int] = []
    found = np.empty(len(t0_ns), np.int64)
    for i, (begin, end) in enumerate(zip(t0_ns.tolist(), t1_ns.tolist(), strict=True)):
        free = (row for row, busy_until in enumerate(ends) if busy_until <= begin)
        row = next(free, len(ends))
        if row == len(ends) < ROWS_MAX:
            ends.append(end)
        found[i] = row = min(row, ROWS_MAX - 1)
        ends[row] = max(ends[row], end)
    return found
