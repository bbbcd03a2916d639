"""Least squares whose unknowns meet only near ones: normal equations in blocks along their diagonal.

With no row of the design longer than a block, a block meets itself and the next one only, and elimination
from the first to the last (Golub and Van Loan, Matrix Computations, 4.5.1) takes n b² operations where that
of the whole matrix K takes n³: S_1 = K_11, S_(k+1) = K_(k+1,k+1) - Bᵀ S_k⁻¹ B with B = K_(k,k+1). Each is
solved and none inverted: with inverses rounding grows as the condition of K, which is 1e9 under means of many
bins, and with solutions as its root (Demmel, Higham, Schreiber, Numer. Linear Algebra Appl. 2, 1995).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ..estimates.brackets import F64

_BLOCK = 60  # unknowns, at least: smaller blocks take longer to ask for than to solve


class Eliminated(NamedTuple):
    """A symmetric, positive definite matrix K after elimination.

    Attributes:
        left: S_k of each block: what the blocks before it leave of K there.
        ahead: S_k⁻¹ K_(k,k+1) of each block but the last.
    """

    left: list[F64]
    ahead: list[F64]

    def solve(self, target: F64) -> F64:
        """float64[n]: K⁻¹ target."""
        found = self._forward(target)
        for k in reversed(range(len(found))):
            found[k] = np.asarray(np.linalg.solve(self.left[k], found[k]), np.float64)
            if k < len(self.ahead):
                found[k] -= self.ahead[k] @ found[k + 1]
        return np.concatenate(found)

    def variances(self, weights: F64) -> F64:
        """float64[m]: wᵀ K⁻¹ w of each column of float64[n, m]."""
        parts = zip(self.left, self._forward(weights), strict=True)
        found: F64 = np.sum([(part * np.linalg.solve(left, part)).sum(0) for left, part in parts], axis=0)
        return found

    def _forward(self, target: F64) -> list[F64]:
        """What the blocks before each leave of a target there."""
        ends = np.cumsum([len(left) for left in self.left])
        found = np.split(target, ends[:-1])
        for k, ahead in enumerate(self.ahead):
            found[k + 1] = found[k + 1] - ahead.T @ found[k]
        return found


class Banded:
    """Normal equations of a design whose rows have their entries beside one another.

    Args:
        design: float64[rows, n].
        first: int64[rows], the first column in which a row has an entry.
        last: int64[rows], the last one.
    """

    def __init__(self, design: F64, first: I64, last: I64) -> None:
        self._n = design.shape[1]
        self._size = size = max(int((last - first).max()), _BLOCK)
        self._starts = range(0, self._n, size)
        self._rows = [np.flatnonzero((first < at + size) & (last >= at)) for at in self._starts]
        self._designs = [
            design[rows, at : at + 2 * size] for rows, at in zip(self._rows, self._starts, strict=True)
        ]

    def eliminated(self, weight: F64, own: F64, alike: F64) -> Eliminated:
        """Of K = Aᵀ diag(weight) A + diag(own) + Dᵀ diag(alike) D with D the successive differences.

        Args:
            weight: float64[rows].
            own: float64[n].
            alike: float64[n - 1].
        """
        diagonal = own + np.append(alike, 0.0) + np.concatenate(([0.0], alike))
        left: list[F64] = []
        ahead: list[F64] = []
        met: F64 = np.empty((0, 0))
        for at, rows, each in zip(self._starts, self._rows, self._designs, strict=True):
            n = min(self._size, self._n - at)
            known = (each[:, :n] * weight[rows, None]).T @ each  # the block, and the one beside it
            width = known.shape[1]
            known.flat[:: width + 1] += diagonal[at : at + n]
            known.flat[1 :: width + 1] -= alike[at : at + n]
            known.flat[width :: width + 1] -= alike[at : at + n - 1]
            if ahead:
                known[:, :n] -= met.T @ ahead[-1]
            left.append(known[:, :n])
            met = known[:, n:]
            if width > n:
                ahead.append(np.asarray(np.linalg.solve(left[-1], met), np.float64))
        return Eliminated(left, ahead)
