"""By how much shares of requests are off where power is not linear in what a server does.

A GPU near its power limit draws less for each further token. The fit's coefficients are then mean slopes, and
requests that ran beside few others get too little. Beside the linear fit another one is made,

    y_k = P_idle t_k + integral of g(L(t)) over update k,    g(L) = L / (1 + kappa L),

with the load L of the batch, which is linear in its states, and kappa by least squares. L is taken in parts
of each update, because a step that computes a prompt is shorter than most counters' updates. In this fit a
request has its part of the load at each instant. What its share then differs from the linear one is the *lack
of fit* of that: not a correction, because the form of g is one of many, but how much the form matters. It is
taken as a standard uncertainty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from ..units import NS_PER_S
from .nnls import nnls
from .requests import IDLE, Work
from .update_record import Updates

F64 = npt.NDArray[np.float64]

_BENT = (0.0, 0.1, 0.3, 0.7, 1.5, 3.0)  # kappa by the usual load
_FINER = 4  # times that bends on either side of the best one are tried
_STRONGER, _STRONGER_BY = (1.0, 1.15, 1.3, 1.5), 0.01
_ALLOWED = 4.0  # by which the sum of squares, in its mean, may rise: two standard deviations of the bend
_ROUNDS = 8  # of taking the slope at the load from the round before
_LEAST = 0.05  # of the mean energy, as the least that an update's scatter is thought to be a part of
_PARTS, _MOST_PARTS = 16, 400_000  # of an update, and of all together


class Bent(NamedTuple):
    """A fit whose power saturates.

    Attributes:
        edges_ns: int64[k + 1], of parts of updates.
        ratio: float64[k], in each the power above idle by the load.
        per_unit_j: float64[m], what a unit of a state takes where there is no other load; nothing of idle.
        bend: How much less each further watt of usual load draws: 0 where power is linear.
    """

    edges_ns: I64
    ratio: F64
    per_unit_j: F64
    bend: float

    def of_each(self, works: Mapping[str, Work], states: Sequence[str], n: int) -> F64:
        """float64[n, m]: the energy of each of n requests, by state."""
        amounts = [works[state].of_each_weighted(n, self.edges_ns, self.ratio) for state in states]
        return np.stack(amounts, axis=1) * self.per_unit_j


class _Rows(NamedTuple):
    """What is fitted.

    Attributes:
        design: float64[n, parts, m].
        t_s: float64[n, parts].
        energy_j: float64[n].
        weight: float64[n].
        is_idle: bool[m].
    """

    design: F64
    t_s: F64
    energy_j: F64
    weight: F64
    is_idle: npt.NDArray[np.bool_]

    def load_w(self, units: F64) -> F64:
        """float64[n, parts]: the load by what a unit of each state takes."""
        found: F64 = self.design[:, :, ~self.is_idle] @ units[~self.is_idle] / self.t_s
        return found


def bent(of: Updates, states: Sequence[str], works: Mapping[str, Work]) -> Bent:
    """The fit of power that saturates.

    Args:
        of: n updates.
        states: m of them.
        works: The work of each.
    """
    parts = max(1, min(_PARTS, _MOST_PARTS // len(of.energy_j)))
    inside = np.arange(parts) / parts
    edges = (of.edges_ns[:-1, None] + np.diff(of.edges_ns)[:, None] * inside).astype(np.int64).ravel()
    edges = np.append(edges, of.edges_ns[-1])
    every = np.stack([np.diff(works[state].until(edges)) for state in states], axis=1)
    t_s = np.diff(edges) / NS_PER_S
    rows = _Rows(
        every.reshape(-1, parts, len(states))[of.is_ok],
        t_s.reshape(-1, parts)[of.is_ok],
        of.energy_j[of.is_ok],
        1.0 / np.maximum(of.energy_j, _LEAST * of.energy_j[of.is_ok].mean())[of.is_ok],
        np.array([state == IDLE for state in states]),
    )
    start = nnls(rows.design.sum(axis=1) * rows.weight[:, None], rows.energy_j * rows.weight)
    load_w = rows.load_w(start)
    load_j = load_w * rows.t_s
    # The load that a joule of requests meets, in the mean: a server that idles mostly has a small mean load.
    usual_w = float((load_w * load_j).sum() / max(float(load_j.sum()), np.finfo(float).tiny))
    kappa = 1.0 / usual_w if usual_w else 0.0
    found = {bend: _bent_by(bend * kappa, rows, start) for bend in _BENT}
    for _ in range(_FINER):
        best = min(found, key=lambda each: found[each][0])
        known = sorted(found)
        at = known.index(best)
        beside = known[max(at - 1, 0)], known[min(at + 1, len(known) - 1)]
        for bend in {(best + other) / 2 for other in beside if other != best}:
            found[bend] = _bent_by(bend * kappa, rows, start)
    best = min(found, key=lambda each: found[each][0])
    for by in _STRONGER:
        found[best * by + _STRONGER_BY] = _bent_by((best * by + _STRONGER_BY) * kappa, rows, start)
    # The strongest bend that the readings do not refute: by that much shares may differ.
    most = found[best][0] * (1.0 + _ALLOWED / len(rows.energy_j))
    bend = max(each for each in found if found[each][0] <= most)
    units = found[bend][1]
    per_unit = np.where(rows.is_idle, 0.0, units)
    ratio = 1.0 / (1.0 + bend * kappa * (every @ per_unit) / t_s)
    return Bent(edges, ratio, per_unit, bend)


def _bent_by(kappa: float, rows: _Rows, start: F64) -> tuple[float, F64]:
    """The sum of squares that a bend leaves, and what a unit of each state takes."""
    units, weight = start, rows.weight
    for _ in range(_ROUNDS if kappa else 1):
        load = rows.load_w(units)
        slope = 1.0 / (1.0 + kappa * load) ** 2
        here_j = ((load / (1.0 + kappa * load) - slope * load) * rows.t_s).sum(axis=1)
        steep = np.where(rows.is_idle, 1.0, slope[:, :, None])
        bent_design = (rows.design * steep).sum(axis=1)
        units = nnls(bent_design * weight[:, None], (rows.energy_j - here_j) * weight)
    load = rows.load_w(units)
    above_j = (load / (1.0 + kappa * load) * rows.t_s).sum(axis=1)
    idle_j = rows.design[:, :, rows.is_idle].sum(axis=(1, 2)) * units[rows.is_idle].sum()
    return float((((rows.energy_j - idle_j - above_j) * weight) ** 2).sum()), units
