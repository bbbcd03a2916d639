"""Windows as the bars of a flame chart: what is open inside another window lies in a row below it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..trace.series import I64
from ..trace.window_columns import WindowColumns

ROWS_MAX = 8  # windows of more threads than these share the last row


def window_bars(windows: WindowColumns, origin_ns: int) -> dict[str, Any]:
    """All windows as columns, by their beginning, and of those that begin together the longest first.

    Args:
        windows: Of a trace.
        origin_ns: The instant from which times are counted.

    Returns:
        ``names``, each once; and int64[n] arrays: ``name``, a number of ``names``; ``t0_ns``, ascending;
        ``length_ns``; ``row``, from 0, the first row in which nothing else is open then.
    """
    t0_ns, length_ns = windows.t0_ns - origin_ns, windows.t1_ns - windows.t0_ns
    order = np.lexsort((-length_ns, t0_ns))
    t0_ns, length_ns = t0_ns[order], length_ns[order]
    return {
        "names": list(windows.names),
        "name": windows.name[order],
        "t0_ns": t0_ns,
        "length_ns": length_ns,
        "row": _rows(t0_ns, t0_ns + length_ns),
    }


def _rows(t0_ns: I64, t1_ns: I64) -> I64:
    """Row by row: which window a row takes next depends on none but the one that it took last."""
    found = np.full(len(t0_ns), ROWS_MAX - 1)
    left = np.arange(len(t0_ns))
    for row in range(ROWS_MAX - 1):
        if not len(left):
            break
        begins = t0_ns[left]
        following = np.maximum(np.searchsorted(begins, t1_ns[left]), np.arange(1, len(left) + 1)).tolist()
        taken, at = [], 0
        while at < len(following):
            taken.append(at)
            at = following[at]
        found[left[taken]] = row
        left = np.delete(left, taken)
    return found
