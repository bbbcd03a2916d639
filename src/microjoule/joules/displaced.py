"""What is counted between an instant and another near it: by how much an edge that moves changes a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..trace.series import I64
from .brackets import F64
from .nodes import Piece

if TYPE_CHECKING:
    from .energy_trace import Trace


class Displaced:
    """The energies that edges take with them when they move.

    Args:
        trace: The trace.
        piece: What counts of it.
    """

    def __init__(self, trace: Trace, piece: Piece) -> None:
        self._trace, self._piece = trace, piece

    def energy_j(self, t_ns: I64, by_ns: I64) -> F64:
        """float64[n]: what is counted from ``t_ns`` on for ``by_ns``; negative where that is; 0 outside.

        Args:
            t_ns: int64[n], instants.
            by_ns: int64[n], how far they move.
        """
        ends = np.stack((np.minimum(t_ns, t_ns + by_ns), np.maximum(t_ns, t_ns + by_ns)))
        begin, end = np.clip(ends, self._piece.t0_ns, self._piece.t1_ns)
        found = np.zeros(len(t_ns))
        there = np.flatnonzero(end > begin)
        for name in self._piece.channels if len(there) else ():
            joules = self._trace.mark_fits.values(name, begin[there], end[there])
            found[there] += np.nan_to_num(joules)
        return np.where(by_ns < 0, -found, found)
