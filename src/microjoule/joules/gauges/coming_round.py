"""How many cycles an update a load shows whose readings come round, and for which part of them it is high.

Readings that go from one side of their middle to the other have an edge between two of them. From one edge to
another of the same kind are whole cycles, so that 2 k + 1 readings, or as many more as one cycle takes, tell
the cycles an update, φ, to φ over the time between. How often readings cross their middle tells φ to half a
crossing, 1 / 4 k.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arrays import Bools
from ..estimates.brackets import F64
from .irregular import unlike_one
from .running import LOCAL, extreme, local_mean, together

_FAR = 128  # in which loads that stay as they are show their cycles more closely
SLOWEST = 1 / (4 * LOCAL)  # cycles an update: a slower swing is taken for power that drifts
UNSURE = 1 / (4 * LOCAL)  # half a crossing of the middle among the updates in which they are counted
_CLEAR = 0.3  # of half the swing: nearer to the middle a reading is on no side
_ALTERNATE = -0.6  # r below which readings alternate; of independent ones it is -1/2
BY_EDGES = 0.352  # arccos(r) / 2 π: how many cycles an update are counted from edge to edge, at most
_PEAKED = 0.36  # by how much the top of a wave is beyond √(m4 / m2), of m4 / m2² - 1
_SHOWN = 0.5  # of twice a swing: differences that show less are mostly of noise
_STRICTLY_ONE = 0.05  # of what scattering differences have, which power that wanders a little has more of


class Differences(NamedTuple):
    """By how much successive means of longer times differ, of each bin of the power worked out from them.

    Attributes:
        watts: float64[n].
        is_scatter: bool[n]: whether no one sine explains them, or they hardly show what the power does.
        updates: How many updates those longer times have.
    """

    watts: F64
    is_scatter: Bools
    updates: float

    def half_w(self, phi: F64) -> F64:
        """float64[n]: half of what power of so many cycles an update swings by, at most; inf: they hide it.

        Means of n updates differ by the n-th part of what the power did n updates apart: of a sine
        2 |sin(π φ n)| of its amplitude. Rectangles stray as far as a sine π / 2 as large. Their means,
        with edges of φ cycles, show twice their amplitude if they are that far apart, or farther.
        """
        cycles = phi * self.updates
        sine = np.abs(np.sin(np.pi * cycles))
        shown = np.minimum(np.pi / 2 * sine, np.abs(cycles - np.rint(cycles)) / phi)
        half = height(self.watts) * self.updates / 2 / np.clip(shown, _SHOWN, 1.0)
        return np.where(self.is_scatter | (np.minimum(shown, sine) < _SHOWN), np.inf, half)


def height(off: F64) -> F64:
    """float64[n]: how far a wave goes from its middle among the values around, which have noise.

    That counts little in the moments of a wave: of a rectangle √(m4 / m2) is half its height and m4 / m2² is
    1; of a sine 0.87 and 1.5, of a triangle 0.77 and 1.8.
    """
    square, fourth = (np.maximum(local_mean(off**k), 1e-12) for k in (2, 4))
    of_moments = np.sqrt(fourth / square) * (1 + _PEAKED * (fourth / square**2 - 1))
    return np.asarray(np.minimum(extreme(np.abs(off), np.maximum), of_moments))


class Cycles(NamedTuple):
    """The cycles in which n readings come round.

    Attributes:
        each: float64[n], an update.
        unsure: float64[n], by how much more or less they may be.
        above: float64[n]: for which part of them readings are above their middle.
    """

    each: F64
    unsure: F64
    above: F64


def cycles_shown(watts: F64, middle: F64, seen: F64, of: Differences | None = None) -> Cycles:
    """How many cycles an update there are, at least: of the differences if one sine explains those.

    Args:
        watts: float64[n], one for each update.
        middle: float64[n], what they swing around.
        seen: float64[n], half of what they swing by.
        of: Where ``watts`` are worked out from means of longer times, by how much those differ.
    """
    found = _cycles(watts, middle, seen)
    if of is None:
        return found
    most = extreme(np.abs(of.watts), np.maximum)
    quicker = _cycles(of.watts, np.zeros(len(most)), most)
    is_one = (unlike_one(of.watts) < _STRICTLY_ONE) & ~of.is_scatter & (quicker.each > found.each)
    each, unsure = (np.where(is_one, quicker[i], found[i]) for i in range(2))
    return found._replace(each=each, unsure=unsure)


def _cycles(watts: F64, middle: F64, half: F64) -> Cycles:
    found = _between_edges(watts, middle, _CLEAR * half)
    r = together(np.diff(watts))
    r = np.append(r, r[-1:])
    each = np.where(r < _ALTERNATE, np.arccos(r) / (2 * np.pi), found.each)
    unsure = np.where(r < _ALTERNATE, UNSURE, found.unsure)
    return found._replace(each=np.maximum(each, SLOWEST), unsure=unsure)


def _between_edges(watts: F64, middle: F64, clear: F64) -> Cycles:
    """Whole cycles around each reading, or what crossings tell; nearer than ``clear`` one is on no side.

    An edge is known to half an update, and cycles no better than they differ among the updates around. Those
    that are the same farther around are known by the edges there.
    """
    each = np.arange(len(watts))
    side = np.where(np.abs(watts - middle) > clear, np.sign(watts - middle), 0.0)
    last = np.maximum.accumulate(np.where(side != 0, each, 0))
    is_edge = np.concatenate(([False], np.diff(side[last]) != 0))
    after = np.flatnonzero(is_edge)
    before = last[after - 1]
    rise_w = watts[after] - watts[before]
    part = np.clip((middle[after] - watts[before]) / np.where(rise_w == 0, 1.0, rise_w), 0.0, 1.0)
    edges, kinds, is_above = before + (after - before) * part, side[after], (watts > middle) / 1.0
    whole, spans, above = _whole_cycles(edges, kinds, is_above, LOCAL)
    shown = np.where(whole > 0, whole / spans, local_mean(is_edge / 1.0) / 2)
    known = np.where(whole > 0, 2 * shown / spans, UNSURE)
    unsure = np.maximum(known, _spanned(shown, LOCAL))
    far, far_spans, _ = _whole_cycles(edges, kinds, is_above, _FAR)
    farther = far / far_spans
    is_same = (whole > 0) & (_spanned(shown, _FAR) < known) & (np.abs(farther - shown) < known)
    return Cycles(
        np.where(is_same, farther, shown),
        np.where(is_same, 2 * farther / far_spans, np.minimum(unsure, UNSURE)),
        np.where(whole > 0, above / spans, local_mean(is_above)),
    )


def _spanned(x: F64, around: int) -> F64:
    return extreme(x, np.maximum, around) - extreme(x, np.minimum, around)


def _whole_cycles(edges: F64, kinds: F64, is_above: F64, around: int) -> tuple[F64, F64, F64]:
    """float64[n] each: whole cycles around each reading, of how many updates, and of how many above."""
    n, each = len(is_above), np.arange(len(is_above))
    sums, bounds = np.concatenate(([0.0], np.cumsum(is_above))), np.arange(n + 1) - 0.5
    whole, spans, above = np.zeros(n), np.zeros(n), np.zeros(n)
    for kind in (-1, 1):
        of_kind = edges[kinds == kind]
        if len(of_kind) < 2:
            continue
        here = np.clip(np.searchsorted(of_kind, each, "right"), 1, len(of_kind) - 1)
        first = np.minimum(np.searchsorted(of_kind, each - around), here - 1)
        until = np.maximum(np.searchsorted(of_kind, each + around, "right") - 1, here)
        begin, end = of_kind[first], of_kind[until]
        is_near = (begin < each + around) & (end > each - around)
        some = np.flatnonzero(is_near & (end - begin < max(1 / SLOWEST, 2 * around + 1)))
        begin, end = begin[some], end[some]
        whole[some] += until[some] - first[some]
        spans[some] += end - begin
        above[some] += np.interp(end, bounds, sums) - np.interp(begin, bounds, sums)
    return whole, np.maximum(spans, 1.0), above
