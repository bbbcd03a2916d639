"""How much the power of pieces scatters that no update sees alone: by what powers leave unexplained. Pure.

Between two updates the counter counted the pieces there. If their power is off by the share r of that of
their name, each by itself, the powers of the names leave there

    E[e²] = quantum²/6 + common² + a (apart² - common²) + b T + r² Σ (P t)²,

the sum being over the pieces. The two updates were elsewhere than thought, each by itself (*apart*), or both
by as much (*common*), as where reads beat with updates: there a steady power leaves nothing, and a is small;
it is 1 at most. What other power scatters in the time T is b. All three, never negative, are a regression of
e² over all updates, each weighed by the variance that is expected of it: 2 E[e²]², as of a normal e.

Where updates hardly show r, it may be all that they do not rule out: its standard uncertainty is added to r².
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..estimates.nnls import nnls
from ..estimates.uncertainty import ROOT_3

F64 = npt.NDArray[np.float64]

_ROUNDS = 4  # of weighing each by the variance that the round before expects of it
MOST = 1.0 / ROOT_3  # a power that may be anything from nothing to twice that of its name
_FEWEST = 20  # updates without such pieces, below which they tell nothing of other power
_RANK = 1e-12  # singular values below this, of the largest, are rounding
_ROOT_HALF = math.sqrt(0.5)
_APART, _, _PIECES = range(3)  # columns of the regression; between them the time


class Left(NamedTuple):
    """What the powers of names leave between n pairs of updates, in counts squared: float64[n] each.

    Attributes:
        square: Of what was counted and they do not explain.
        apart: The variance of it if both updates were elsewhere, each by itself.
        common: And if both were by as much.
        cut: And because counts are cut off.
        time_ns: How long it was.
        pieces: The sum of the squares of what the pieces came to that are asked for.
    """

    square: F64
    apart: F64
    common: F64
    cut: float
    time_ns: F64
    pieces: F64


def unseen_scatter(left: Left) -> float:
    """The standard deviation of pieces' powers that is not ruled out, as a share of them."""
    known, apart = left.cut + left.common, np.maximum(left.apart - left.common, 0.0)
    is_other_seen = np.count_nonzero(left.pieces == 0) >= _FEWEST
    # Where nothing tells other power from what pieces scatter, it is taken to be theirs.
    columns = np.stack((apart, left.time_ns * is_other_seen, left.pieces), axis=1)
    size = columns.mean(axis=0)
    if size[_PIECES] == 0:
        return MOST
    size[size == 0] = 1.0
    columns /= size
    found, variance = _regression(columns, left.square, known, size[_APART])
    if found[_APART] > size[_APART]:
        known, columns[:, _APART] = known + apart, 0.0
        found, variance = _regression(columns, left.square, known, size[_APART])
    square = float(found[_PIECES])
    scatter, most = (math.sqrt(each / size[_PIECES]) for each in (square, square + math.sqrt(variance)))
    return max(min(most, MOST), min(scatter, 1.0))


def _regression(columns: F64, square: F64, known: F64, all_apart: float) -> tuple[F64, float]:
    """float64[3], what each column has of the squares beyond what is known; and the variance of the pieces'.

    Before any square is looked at, the first is somewhere from nothing to ``all_apart``.
    """
    expected, found = known + columns[:, _APART] * all_apart, np.zeros(3)
    for _ in range(_ROUNDS):
        weight = _ROOT_HALF / np.maximum(expected, np.finfo(float).tiny)
        found = nnls(columns * weight[:, None], (square - known) * weight)
        expected = known + columns @ found
    white = columns * (_ROOT_HALF / np.maximum(expected, np.finfo(float).tiny))[:, None]
    information = white.T @ white
    information[_APART, _APART] += 12.0 / all_apart**2
    return found, float(np.linalg.pinv(information, _RANK, hermitian=True)[_PIECES, _PIECES])
