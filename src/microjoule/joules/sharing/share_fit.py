"""Watts of an idle machine and of busy seconds, fitted to what one counter counted between looks.

Between two looks k and k + 1 the counter counted

    y_k = P_idle T_k + Σ_j c_j b_kj + noise

with T_k the time between them, b_kj the CPU seconds of somebody in it and c_j joules per CPU second, never
negative. The noise is that of :mod:`.regression`; where residuals of neighbouring looks are alike, as when a
CPU warms up or changes its clock, a mean over many of them is worth less than their number says: so the
interval widens by how much more sums over 4, 8 and 16 looks scatter than single ones would let them.

Power is not linear in CPU time: the first busy core wakes what all share, and two threads of one core draw
less than two cores. So other laws are tried beside it (:mod:`.share_laws`). The columns are fitted by the one
that explains the counter best, the others move the figures by their odds, and how far they would is the
component ``law``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.update_record import Updates
from ..estimates.uncertainty import NORMAL, RECTANGULAR, ROOT_3, Component, student
from ..profiling.regression import LEAST, Fit, fit
from .share_laws import Laws, Rows

F64 = npt.NDArray[np.float64]

BINS_MAX = 4_000  # looks that are fitted: more of them narrow nothing that matters
_LARGE = 50  # degrees of freedom from which Student's quantile is the normal one
_BLOCKS = (4, 8, 16)  # looks whose sums are compared with single ones
_BLOCKS_MIN = 6
_LOADED = 1e-6  # the least part of a direction that is no rounding
_OPEN = 0.25  # of the span's energy: what may move by so much from one to the other is not separable
_TINY = 1e-9


class Looks(NamedTuple):
    """What one counter counted between looks.

    Attributes:
        updates: Of the counter, one at each look.
        length_s: float64[n], between them.
        busy_s: float64[n, m], the CPU seconds of each column, or the events of the last ones.
        own: How many columns are of seconds; None: all.
        overlap_s: float64[n], for how long both threads of a core were busy, as far as it is known; None: it
            is not.
    """

    updates: Updates
    length_s: F64
    busy_s: F64
    own: int | None = None
    overlap_s: F64 | None = None


class ShareFit(NamedTuple):
    """The energies of columns over a span: that of the idle machine first.

    Attributes:
        of: What :func:`microjoule.joules.profiling.regression.fit` gives, for columns that were busy.
        used_s: float64[m + 1], the seconds of each column over the span.
        wider: By how much the scatter of sums widens the interval.
        bent_j: float64[m + 1], signed, by how much other laws move each energy of ``of``: in all nothing,
            and no energy below nothing.
        law_j: float64[m + 1], signed, standard uncertainty of which law holds.
        span_j: What the counter counted in the span.
        score: The Bayesian information criterion of the columns: the lower one explains better.
        group: Names the fit in correlation groups.
        step_w: By how much the power of the idle machine steps.
        edges_ns: int64[n + 1], the looks.
        idle_times: float64[n], between them, of the idle machine's mean power.
    """

    of: Fit
    used_s: F64
    wider: float
    bent_j: F64
    law_j: F64
    span_j: float
    score: float
    group: str
    step_w: float
    edges_ns: I64
    idle_times: F64

    def idle_s(self, t0_ns: int, t1_ns: int) -> float:
        """The seconds of a window, each as many times as the idle machine's power is its mean then."""
        if not self.step_w:
            return (t1_ns - t0_ns) / NS_PER_S
        edges = self.edges_ns - self.edges_ns[0]
        used = np.concatenate(([0.0], np.cumsum(self.idle_times * np.diff(edges))))
        t = np.array([t0_ns, t1_ns]) - self.edges_ns[0]
        outside = np.minimum(t, 0) * self.idle_times[0] + np.maximum(t - edges[-1], 0) * self.idle_times[-1]
        before, after = (np.interp(t, edges, used) + outside).tolist()
        return float(after - before) / NS_PER_S

    @property
    def watts(self) -> F64:
        """float64[m + 1]: joules per second, and per CPU second."""
        # Of a column that loses all it has, rounding leaves a trifle on either side of nothing.
        found: F64 = np.maximum(self.of.energy_j + self.bent_j, 0.0) / self.used_s
        return found

    def groups(self, owners: F64 | None = None) -> list[frozenset[int]]:
        """Columns that cannot be distinguished: a quarter of all energy may move between them.

        Args:
            owners: float64[k, m + 1], which part of each column is whose: then owners, not columns.
        """
        found = []
        directions = self.of.directions if owners is None else owners @ self.of.directions
        for number, u in enumerate(self.of.u_j):
            along = np.abs(directions[:, number])
            along[along <= _LOADED] = 0.0
            moved_j = np.zeros_like(along)
            moved_j[along > 0] = 2.0 * along[along > 0] * (u * self.wider if math.isfinite(u) else math.inf)
            members = np.flatnonzero(moved_j >= _OPEN * self.span_j)
            if len(members):
                found.append(frozenset(np.flatnonzero(moved_j >= 0.2 * moved_j[members].max()).tolist()))
        return found

    def energy_j(self, used_s: F64) -> float:
        """What so many seconds of each column used."""
        return float(used_s @ self.watts)

    def components(self, used_s: F64) -> list[Component]:
        """How far that may be wrong, by the fit and by its law."""
        part = used_s / self.used_s
        wider = self.wider * (student(self.of.dof) / 2.0 if self.of.dof < _LARGE else 1.0)
        along = part @ self.of.directions
        found = [
            Component("regression", float(a * u * wider), "A", NORMAL, math.inf, f"{self.group}/{number}")
            for number, (a, u) in enumerate(zip(along, self.of.u_j, strict=True))
            if abs(a) > _LOADED and math.isfinite(u)
        ]
        law_j = float(part @ self.law_j)
        found.append(Component("law", law_j, "B", RECTANGULAR, math.inf, f"law:{self.group}"))
        if self.step_w:
            # Power that goes from one level to the other evenly is off by up to half a step in a window.
            half_j = self.step_w / 2 * used_s[0] * max(1.0 - used_s[0] / self.used_s[0], 0.0)
            found.append(Component("step", float(half_j) / ROOT_3, form=RECTANGULAR))
        return found


def looks(of: Updates, instants_ns: I64) -> Updates:
    """What a counter counted between looks; where updates are rarer, between the looks nearest to them.

    The counter is interpolated at the looks, and not CPU time at the updates: an error in what is measured
    averages out, and one in what explains it makes every joule per CPU second too small.

    Args:
        of: All updates.
        instants_ns: int64, ascending, of the looks.
    """
    edges_ns = of.edges_ns
    first, last = (edges_ns[0], edges_ns[-1]) if len(edges_ns) else (0, -1)
    inside = instants_ns[(instants_ns >= first) & (instants_ns <= last)]
    if len(inside) < 2 or len(edges_ns) < 2:
        return Updates(edges_ns[:0], of.energy_j[:0], of.is_ok[:0], of.spread_s[:0], of.quantum_j)
    if len(edges_ns) < len(inside):
        inside = inside[np.unique(_nearest(inside, edges_ns))]
    inside = inside[:: max(1, math.ceil(len(inside) / BINS_MAX))]
    total = np.concatenate(([0.0], np.cumsum(of.energy_j)))
    doubts = np.concatenate(([0], np.cumsum(~of.is_ok)))
    before = np.searchsorted(edges_ns, inside, "right") - 1
    behind = np.searchsorted(edges_ns, inside, "left")
    nearest = _nearest(edges_ns, inside)
    away_s = np.abs(edges_ns[nearest] - inside) / NS_PER_S
    return Updates(
        inside,
        np.diff(np.interp(inside - edges_ns[0], edges_ns - edges_ns[0], total)),
        doubts[behind[1:]] == doubts[before[:-1]],
        np.hypot(of.spread_s[nearest], away_s / 2),
        of.quantum_j,
    )


def _nearest(to: I64, of: I64) -> I64:
    """int64: for each instant the number of the nearest of some others, at least two and ascending."""
    after = np.clip(np.searchsorted(to, of), 1, len(to) - 1)
    return after - (of - to[after - 1] < to[after] - of)


def is_enough(of: Looks) -> bool:
    """Whether there are looks enough to fit their columns."""
    return bool(of.updates.is_ok.sum() >= of.busy_s.shape[1] + 1 + LEAST)


def fitted(of: Looks, group: str) -> ShareFit:
    """The energies of an idle machine and of busy columns.

    Args:
        of: What was counted; :func:`is_enough`. A column that was never busy has no watts.
        group: Names the fit in correlation groups.
    """
    own = of.busy_s.shape[1] if of.own is None else of.own
    rows = Rows(of.length_s, of.busy_s, own, of.overlap_s)
    ok, energy_j = of.updates.is_ok, of.updates.energy_j
    laws = Laws(rows, energy_j, ok, _wider)
    design = laws.best.design
    amounts = _not_nothing(design.sum(axis=0))
    found = fit(of.updates, design, amounts, design, of.length_s)
    y, length_s = energy_j[ok], of.length_s[ok]
    rest = (y - design[ok] @ (found.energy_j / amounts)) / np.sqrt(length_s)
    bent_j, law_j = laws.moves_j(found.energy_j)
    left = max(float(rest @ rest), _TINY * float((y**2 / length_s).sum()))
    terms = design.shape[1] + laws.best.terms
    score = len(y) * math.log(left or 1.0) + terms * math.log(max(len(y), 1))
    used_s = _not_nothing(rows.design().sum(axis=0))
    return ShareFit(
        found, used_s, _wider(rest), bent_j, law_j, float(y.sum()), score, group,
        laws.step_w, of.updates.edges_ns, laws.idle_times,
    )  # fmt: skip


def _not_nothing(amounts: F64) -> F64:
    """Amounts, 1 of who was busy before the first look or after the last alone."""
    return np.where(amounts > 0, amounts, 1.0)


def _wider(rest: F64) -> float:
    """By how much sums of residuals scatter more than independent ones would; 1: no more."""
    single = float(np.mean(rest**2))
    found = 1.0
    for block in _BLOCKS:
        n = len(rest) // block
        if n >= _BLOCKS_MIN and single > 0:
            sums = rest[: n * block].reshape(n, block).sum(axis=1)
            found = max(found, float(np.mean(sums**2)) / (block * single))
    return math.sqrt(found)
