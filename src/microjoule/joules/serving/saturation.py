"""Shares of requests where power is not linear in what a server does.

A GPU near its power limit draws less for each further token. The coefficients of a linear fit are then mean
slopes, and requests that ran beside few others get too little. Beside the linear fit others are made,

    y_k = P_idle t_k + integral of g(L(t)) over update k,    g(L) = L / (1 + (kappa L)^p)^(1/p),

with the load L of the batch, which is linear in its states, and kappa by least squares. With p = 1 power
bends from the first watt on, with p = 2 nearer to its limit. L is taken in parts of each update, because a
step that computes a prompt is shorter than most counters' updates. A request has its part of the load at
each instant.

Where the readings refute a straight line clearly, shares follow the form that explains them better. Neither
form is right: half of what the other one would change is the *lack of fit*. Half of what the bend
changed, with half of what the strongest bend that readings allow would change, is the uncertainty of the
*saturation*. Where the readings do not refute a straight line shares are linear, and the lack of fit is
what the strongest bend would change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.update_record import Updates
from ..estimates.nnls import nnls
from .requests import IDLE, Work

F64 = npt.NDArray[np.float64]

_BENT = (0.0, 0.1, 0.3, 0.7, 1.5, 3.0)  # kappa by the usual load
_FINER = 4  # times that bends on either side of the best one are tried
_STRONGER, _STRONGER_BY = (1.0, 1.15, 1.3, 1.5), 0.01
_ALLOWED = 4.0  # by which the sum of squares, in its mean, may rise: two standard deviations of the bend
_CLEAR = 25.0  # by which it falls, in its mean, where power saturates: five of them
_FORMS = (1.0, 2.0)  # p
_MOST = 1e3  # kappa L: beyond it hardly anything is left of the slope, and rounds of a fit may run away
_ROUNDS = 8  # of taking the slope at the load from the round before
_LEAST = 0.05  # of the mean energy, as the least that an update's scatter is thought to be a part of
_PARTS, _MOST_PARTS = 16, 400_000  # of an update, and of all together


class Bent(NamedTuple):
    """A fit whose power saturates.

    Attributes:
        edges_ns: int64[k + 1], of parts of updates.
        ratio: float64[k], in each the power above idle by the load.
        per_unit_j: float64[m], what a unit of a state takes where there is no other load.
        bend: How much less each further watt of usual load draws: 0 where power is linear.
    """

    edges_ns: I64
    ratio: F64
    per_unit_j: F64
    bend: float

    def of_each(self, works: Mapping[str, Work], states: Sequence[str], n: int) -> F64:
        """float64[n + 1, m]: the energy of each of n requests, by state; the last row is idle's."""
        amounts = [works[state].of_each_weighted(n, self.edges_ns, self.ratio) for state in states]
        ends = self.edges_ns[[0, -1]]
        nobodys = [float(np.diff(works[state].until(ends))[0]) if state == IDLE else 0.0 for state in states]
        found: F64 = np.vstack((np.stack(amounts, axis=1), nobodys)) * self.per_unit_j
        return found


class Saturation(NamedTuple):
    """What the readings say of how power bends.

    Attributes:
        is_clear: Whether they refute a straight line.
        best: The likeliest bend, of the likelier form.
        other: That of the other form.
        strongest: The strongest one of the likelier form that they do not refute.
    """

    is_clear: bool
    best: Bent
    other: Bent
    strongest: Bent


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


class _Found(NamedTuple):
    """A bend, the sum of squares that it leaves, and what a unit of each state takes."""

    bend: float
    squares: float
    units: F64


def saturation(of: Updates, states: Sequence[str], works: Mapping[str, Work]) -> Saturation:
    """The fits of power that saturates.

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
    search = _Search(rows, start, 1.0 / usual_w if usual_w else 0.0)
    found = [search.best(p) for p in _FORMS]
    likelier = int(np.argmin([each.squares for each in found]))
    best, p = found[likelier], _FORMS[likelier]

    def whole(of: _Found, p: float) -> Bent:
        load = every @ np.where(rows.is_idle, 0.0, of.units) / t_s
        return Bent(edges, _ratio(np.clip(of.bend * search.kappa * load, 0.0, _MOST), p), of.units, of.bend)

    straight = search.by(0.0, p).squares
    return Saturation(
        is_clear=straight - best.squares > _CLEAR / len(rows.energy_j) * best.squares,
        best=whole(best, p),
        other=whole(found[1 - likelier], _FORMS[1 - likelier]),
        strongest=whole(search.strongest(p), p),
    )


class _Search:
    """Bends that were tried.

    Args:
        rows: What is fitted.
        start: float64[m], what a unit of a state takes where power is linear.
        kappa: One by the usual load.
    """

    def __init__(self, rows: _Rows, start: F64, kappa: float) -> None:
        self.kappa = kappa
        self._rows, self._start = rows, start
        self._found: dict[tuple[float, float], _Found] = {}

    def by(self, bend: float, p: float) -> _Found:
        """The fit with a bend."""
        key = (bend, p if bend else 0.0)
        if key not in self._found:
            self._found[key] = _Found(bend, *_bent_by(bend * self.kappa, p, self._rows, self._start))
        return self._found[key]

    def best(self, p: float) -> _Found:
        """The fit that leaves least."""
        known = list(_BENT)
        for _ in range(_FINER):
            best = min(known, key=lambda bend: self.by(bend, p).squares)
            at = known.index(best)
            beside = {known[max(at - 1, 0)], known[min(at + 1, len(known) - 1)]} - {best}
            known = sorted({*known, *((best + other) / 2 for other in beside)})
        return min((self.by(bend, p) for bend in known), key=lambda each: each.squares)

    def strongest(self, p: float) -> _Found:
        """The one of the strongest bend that the readings do not refute."""
        best = self.best(p)
        for by in _STRONGER:
            self.by(best.bend * by + _STRONGER_BY, p)
        most = best.squares * (1.0 + _ALLOWED / len(self._rows.energy_j))
        tried = [each for (_, form), each in self._found.items() if form in (p, 0.0)]
        return max((each for each in tried if each.squares <= most), key=lambda each: each.bend)


def _ratio(bent: F64, p: float) -> F64:
    """Power by load, where kappa L is this."""
    found: F64 = (1.0 + bent**p) ** (-1.0 / p)
    return found


def _bent_by(kappa: float, p: float, rows: _Rows, start: F64) -> tuple[float, F64]:
    """The sum of squares that a bend leaves, and what a unit of each state takes."""
    units, weight = start, rows.weight
    most_w = _MOST / kappa if kappa else np.inf
    for _ in range(_ROUNDS if kappa else 1):
        load = np.clip(rows.load_w(units), 0.0, most_w)
        ratio = _ratio(kappa * load, p)
        slope = ratio ** (p + 1.0)
        here_j = ((ratio - slope) * load * rows.t_s).sum(axis=1)
        steep = np.where(rows.is_idle, 1.0, slope[:, :, None])
        bent_design = (rows.design * steep).sum(axis=1)
        units = nnls(bent_design * weight[:, None], (rows.energy_j - here_j) * weight)
    load = np.clip(rows.load_w(units), 0.0, most_w)
    above_j = (load * _ratio(kappa * load, p) * rows.t_s).sum(axis=1)
    idle_j = rows.design[:, :, rows.is_idle].sum(axis=(1, 2)) * units[rows.is_idle].sum()
    return float((((rows.energy_j - idle_j - above_j) * weight) ** 2).sum()), units
