"""The mean power of each of some states, fitted over updates, and which powers that leaves open."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..counters.update_record import Updates
from .regression import LOADED, Fit, fit

F64 = npt.NDArray[np.float64]

_OPEN = 2.0  # standard uncertainties by which a direction may move a power


class StateFit:
    """A fit of states' powers.

    Args:
        of: n updates.
        design_s: float64[n, m], how long each state lasted between them.
        late_s: The same if the states are later than thought by their standard uncertainty.

    Attributes:
        inside: int64[k], the states that some update saw: one column of the fit each.
        time_s: float64[k], how long each lasted.
        fit: Their energies.
        mean_w: The mean power.
        seen_s: How long all of them lasted.
    """

    def __init__(self, of: Updates, design_s: F64, late_s: F64) -> None:
        # Where the ends of the span are is not known to the nanosecond: what lies there alone is not in it.
        self.inside = np.flatnonzero(design_s.any(axis=0))
        self._design, self._late = design_s[:, self.inside], late_s[:, self.inside]
        self.time_s: F64 = self._design.sum(axis=0)
        self.fit: Fit = fit(of, self._design, self.time_s, self._late)
        self._updates = of
        self._is_seen = self._design[of.is_ok].any(axis=0)
        self.mean_w = float(of.energy_j[of.is_ok].sum() / self._design[of.is_ok].sum())
        self.seen_s = float(self.time_s.sum())

    def scatter_w(self, chosen: F64) -> float:
        """Standard uncertainty of a combination of powers, by the scatter of those updates that show them.

        That of the fit takes each update to scatter alike. Of powers next to a short window that scatters all
        updates do, and no others. The covariance of White (1980), with that of neighbours, which share an
        update's error.

        Args:
            chosen: float64[k], how much of each power the combination has.
        """
        of, x = self._updates, self._design[self._updates.is_ok]
        left_j = of.energy_j[of.is_ok] - x @ (self.fit.energy_j / self.time_s)
        off = x @ (np.linalg.pinv(x.T @ x, hermitian=True) @ chosen) * left_j
        alone, beside = float(off @ off), 2.0 * float(off[1:] @ off[:-1])
        return math.sqrt(max(alone, alone + beside) * len(x) / max(len(x) - len(chosen), 1))

    def groups(self) -> list[frozenset[int]]:
        """Columns whose powers the fit leaves open against one another, and those that share a column."""
        found = []
        for number, u in enumerate(self.fit.u_j):
            along = np.abs(self.fit.directions[:, number])
            if math.isinf(u):
                members = np.flatnonzero((along > LOADED) & self._is_seen)
            else:
                moved_w = _OPEN * along * u / self.time_s
                members = np.flatnonzero((moved_w >= self.mean_w) & self._is_seen & (along > LOADED))
            if len(members) > 1:
                found.append(frozenset(members.tolist()))
        return found
