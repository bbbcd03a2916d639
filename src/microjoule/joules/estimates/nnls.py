"""Least squares with no negative answer, by an active set (Lawson and Hanson, 1974).

Powers are never negative, and a fit that makes one so gives its joules to somebody else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

_ROUNDS = 10  # times the number of unknowns: the method ends by itself, rounding might not let it
_TINY = 1e-10  # of the largest gradient at the start: below it a gradient is rounding


def nnls(design: F64, target: F64) -> F64:
    """The ``x`` that is nowhere negative and makes ``|design x - target|`` least.

    Args:
        design: float64[n, m]. Where its columns depend on one another, one of the best answers is given.
        target: float64[n].

    Returns:
        float64[m].
    """
    m = design.shape[1]
    x = np.zeros(m)
    scale = np.sqrt((design**2).sum(axis=0))
    scale[scale == 0] = 1.0
    unit = design / scale
    is_free = np.zeros(m, bool)
    gradient = unit.T @ target
    tolerance = _TINY * max(float(np.abs(gradient).max(initial=0.0)), np.finfo(float).tiny)
    for _ in range(_ROUNDS * m):
        if is_free.all() or gradient[~is_free].max() <= tolerance:
            break
        is_free[np.argmax(np.where(is_free, -np.inf, gradient))] = True
        while True:
            best = np.zeros(m)
            best[is_free] = np.linalg.lstsq(unit[:, is_free], target, rcond=None)[0]
            is_below = is_free & (best <= 0)
            if not is_below.any():
                break
            # As far towards the best as nothing turns negative; what reaches zero first is held there.
            steps = np.full(m, np.inf)
            steps[is_below] = x[is_below] / np.maximum(x - best, np.finfo(float).tiny)[is_below]
            step = float(steps.min())
            x = x + step * (best - x)
            is_free &= ~(is_below & (steps <= step))
            x[~is_free] = 0.0
        x = best
        gradient = unit.T @ (target - unit @ x)
    found: F64 = x / scale
    return found
