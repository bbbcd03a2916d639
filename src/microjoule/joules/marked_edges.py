"""What a counter had counted where a program marks, and so where power may step.

Between two updates u1 <= T <= u2 around a mark T the count is not interpolated as if the power were steady
across it. The power on either side is known: from the updates next to the mark on that side, and from all
windows of the same names (:mod:`.regression`). So the count at T is told twice,

    from the left    C(u1) + P (T - u1),     u² = (P s1)² + ((T - u1) u_P)²
    from the right   C(u2) - P' (u2 - T),    u² = (P' s2)² + ((u2 - T) u_P')²

with s1, s2 how well the instants of the updates are known, and their mean by 1/u² is taken. Beside a pulse in
an idle machine that is the idle side almost alone, and what the pulse draws does not matter. Where several
marks lie between two updates, P (T - u1) is the sum over what ran there.

The figure of a window is the difference at its two marks, within its guaranteed interval as ever; adjoining
windows share a mark, so that they add up exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..arrays import distinct
from ..trace.series import I64
from .attribution import Span, States
from .brackets import F64
from .counter import Counter
from .estimate import Estimate
from .uncertainty import Component

NEAR = 5  # updates on one side from which the power there is taken
_SCATTER = 0.1  # of its power, from window to window, of a name whose windows show none of their own
_TRIPLES = np.arange(1, 4)  # updates on one side of a mark that tell how evenly they come
_FEWEST, _KEPT = 20, 0.98  # such updates; and the share of them that is no step of power by itself
_UNLOCKED = 1.6  # where reads beat with updates, the errors of a window's two marks add in the worst case
_REPLACED = ("edges", "swings", "phase", "steps")


class MarkedEdges(NamedTuple):
    """What a counter had counted at marks.

    Attributes:
        instants_ns: int64[n], ascending.
        position: int64[n], in the counter's ``2**-bits`` counts.
        u: float64[n], standard uncertainty, in counts.
    """

    instants_ns: I64
    position: I64
    u: F64

    def refined(
        self, counter: Counter, estimates: Sequence[Estimate], t0_ns: I64, t1_ns: I64
    ) -> list[Estimate]:
        """The energies of windows with the marks at their edges taken for steps; of others as they are."""
        at0, at1 = self._found(t0_ns), self._found(t1_ns)
        counts = counter.quantity(self.position[at1] - self.position[at0], counter.bits)
        scale = _scale(counter)
        value, u0, u1 = counts * counter.watts, self.u[at0] * scale, self.u[at1] * scale
        is_known = (self.instants_ns[at0] == t0_ns) & (self.instants_ns[at1] == t1_ns) & (t1_ns > t0_ns)
        is_known &= np.isfinite(u0) & np.isfinite(u1)
        found = list(estimates)
        of = f"{counter.channel.id}@{counter.machine}"
        for i in np.flatnonzero(is_known).tolist():
            one = estimates[i]
            if one.value is None:
                continue
            kept = tuple(c for c in one.components if c.name not in _REPLACED)
            edges = (
                Component("edges", -float(u0[i]), group=f"edge:{of}/{t0_ns[i]}"),
                Component("edges", float(u1[i]), group=f"edge:{of}/{t1_ns[i]}"),
            )
            within = min(max(float(value[i]), one.low), one.high)
            found[i] = replace(one, value=within, components=(*edges, *kept))
        return found

    def _found(self, t_ns: I64) -> I64:
        at = np.searchsorted(self.instants_ns, t_ns)
        return np.minimum(at, len(self.instants_ns) - 1)


def _scale(counter: Counter) -> float:
    return float(counter.channel.scale.unit) * counter.watts


def marked_edges(span: Span) -> MarkedEdges | None:
    """What a counter had counted at the marks of a trace; None: there are none inside the span.

    Args:
        span: The counter, its updates, and which names had a window open between them.
    """
    counter, occupancy, states = span.counter, span.occupancy, States.of(span)
    pieces = np.concatenate(occupancy.pieces)
    state = np.repeat(np.arange(len(occupancy.pieces)), [len(each) for each in occupancy.pieces])
    order = np.argsort(pieces[:, 0], kind="stable")
    pieces, state = pieces[order], state[order]
    if len(pieces) < 2:
        return None
    marks = pieces[1:, 0]
    per_j = 1.0 / _scale(counter)
    sides = _Sides(counter)
    watts, spread = states.watts[state] * per_j / 1e9, states.spread_w[state] * per_j / 1e9  # counts a ns
    before = sides.power(pieces[:-1], is_end=True)
    after = sides.power(pieces[1:], is_end=False)
    scatter = _scatters(state, [(before, slice(0, -1)), (after, slice(1, None))], watts, spread)
    p0, u0 = _either(before, watts[:-1], scatter[state[:-1]])
    p1, u1 = _either(after, watts[1:], scatter[state[1:]])
    k = np.clip(np.searchsorted(sides.at_ns, marks, "right") - 1, 0, len(sides.at_ns) - 2)
    left_ns, right_ns = sides.at_ns[k], sides.at_ns[k + 1]
    total = counter.steps.total[counter.changes]
    # All that ran between, by its own power; next to the mark by the power that the updates there show.
    sums = np.concatenate(([0.0], np.cumsum(watts * np.diff(pieces, axis=1)[:, 0])))
    doubts = np.concatenate(([0.0], np.cumsum(scatter[state] * np.diff(pieces, axis=1)[:, 0])))
    bounds = np.append(pieces[:, 0], pieces[-1, 1])

    def told(since: I64, until: I64, own_ns: I64, p: F64, u: F64, usual: F64, doubt: F64) -> tuple[F64, F64]:
        energy = np.interp(until, bounds, sums) - np.interp(since, bounds, sums) + (p - usual) * own_ns
        unsure = np.interp(until, bounds, doubts) - np.interp(since, bounds, doubts) + (u - doubt) * own_ns
        return energy, np.abs(unsure)

    own0 = np.minimum(marks - left_ns, pieces[:-1, 1] - pieces[:-1, 0])
    own1 = np.minimum(right_ns - marks, pieces[1:, 1] - pieces[1:, 0])
    gained0, unsure0 = told(left_ns, marks, own0, p0, u0, watts[:-1], scatter[state[:-1]])
    gained1, unsure1 = told(marks, right_ns, own1, p1, u1, watts[1:], scatter[state[1:]])
    whole = counter.quantum**2 / 12.0
    timing = counter.channel.timing
    uneven_ns = np.hypot(sides.uneven_ns(pieces), timing.half_lag_ns / np.sqrt(3.0))
    spread_ns = np.hypot(sides.spread_ns * np.where(sides.is_on_grid, 1.0, _UNLOCKED), uneven_ns)
    # Where the update was, and with it what is before and after it, is unsure by the power that is there.
    first, last = (
        watts[np.clip(np.searchsorted(bounds, each, "right") - 1, 0, len(watts) - 1)]
        for each in (left_ns, right_ns)
    )
    v0 = (np.maximum(first, 1e-300) * spread_ns[k]) ** 2 + unsure0**2 + whole
    v1 = (np.maximum(last, 1e-300) * spread_ns[k + 1]) ** 2 + unsure1**2 + whole
    w0 = v1 / (v0 + v1)
    position = total[k] + w0 * gained0 + (1.0 - w0) * (total[k + 1] - total[k] - gained1)
    u = np.sqrt(w0**2 * v0 + (1.0 - w0) ** 2 * v1)
    outside = (marks < sides.at_ns[0]) | (marks > sides.at_ns[-1])
    u[outside] = np.inf
    scaled = np.rint((position - total[k]) * 2.0**counter.bits).astype(np.int64) + (total[k] << counter.bits)
    return MarkedEdges(marks, np.maximum.accumulate(scaled), u)


class _Power(NamedTuple):
    """The power next to marks, as the updates there show it: counts a ns; u is infinite where none does."""

    value: F64
    u: F64


class _Sides:
    """The updates of a counter, and the power that they show on one side of a mark."""

    def __init__(self, counter: Counter) -> None:
        located = counter.located(np.arange(len(counter.changes)))
        self.at_ns: I64 = np.maximum.accumulate(located.t_ns)
        self.spread_ns: F64 = located.spread_ns
        self.is_on_grid = located.is_on_grid
        self.total: I64 = counter.steps.total[counter.changes]
        self._quantum = counter.quantum

    def uneven_ns(self, pieces: I64) -> float:
        """By how much updates come early or late, or show what was used late: from those near marks.

        Where the power is steady, an update between two others lies on the line through these, but for
        e = n1 - (n0 + n2)/2, of variance 3/2 u².
        """
        k = np.searchsorted(self.at_ns, pieces[1:, 0], "right") - 1
        middle = np.concatenate((k[:, None] - _TRIPLES, k[:, None] + 1 + _TRIPLES)).ravel()
        middle = distinct(middle[(middle > 0) & (middle < len(self.at_ns) - 1)])
        t0, t1, t2 = (self.at_ns[middle + i] for i in (-1, 0, 1))
        piece = np.searchsorted(pieces[:, 0], t0, "right")
        steady = (np.searchsorted(pieces[:, 0], t2, "left") == piece) & (t2 > t1) & (t1 > t0)
        middle, t0, t1, t2 = middle[steady], t0[steady], t1[steady], t2[steady]
        c0, c1, c2 = (self.total[middle + i] for i in (-1, 0, 1))
        rate = (c2 - c0) / np.maximum(t2 - t0, 1)
        off = (c1 - c0) - rate * (t1 - t0)
        some = rate > 0
        if some.sum() < _FEWEST:
            return 0.0
        square = np.sort((off[some] ** 2 - self._quantum**2 / 8.0) / (1.5 * rate[some] ** 2))
        return float(np.sqrt(max(square[: max(int(_KEPT * len(square)), 1)].mean(), 0.0)))

    def power(self, pieces: npt.NDArray[np.int64], *, is_end: bool) -> _Power:
        """The power at the ends, or at the beginnings, of pieces of time, from the updates inside them."""
        first = np.searchsorted(self.at_ns, pieces[:, 0], "left")
        last = np.searchsorted(self.at_ns, pieces[:, 1], "right") - 1
        if is_end:
            first = np.maximum(first, last - NEAR)
        else:
            last = np.minimum(last, first + NEAR)
        n = last - first
        some = n > 0
        first, last = np.where(some, first, 0), np.where(some, last, 1)
        apart_ns = np.maximum(self.at_ns[last] - self.at_ns[first], 1).astype(np.float64)
        value = (self.total[last] - self.total[first]) / apart_ns
        edges = value * np.hypot(self.spread_ns[first], self.spread_ns[last])
        u = np.hypot(edges, self._quantum / np.sqrt(6.0)) / apart_ns
        return _Power(np.where(some, value, 0.0), np.where(some, u, np.inf))


def _either(near: _Power, watts: F64, spread: F64) -> tuple[F64, F64]:
    """The power beside marks: as the updates there show it and as its name's windows do, by 1/u²."""
    w = 1.0 / np.maximum(near.u, 1e-300) ** 2
    w_all = 1.0 / np.maximum(spread, 1e-300) ** 2
    share = w / (w + w_all)
    return share * near.value + (1.0 - share) * watts, 1.0 / np.sqrt(w + w_all)


def _scatters(state: I64, seen: list[tuple[_Power, slice]], watts: F64, spread: F64) -> F64:
    """float64[states]: how much the power of a state's pieces scatters, beyond what measuring each does."""
    n = int(state.max()) + 1
    own = np.concatenate([state[part] for _, part in seen])
    value = np.concatenate([power.value - watts[part] for power, part in seen])
    u = np.concatenate([power.u for power, _ in seen])
    known = np.isfinite(u)
    count = np.bincount(own[known], minlength=n)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.bincount(own[known], value[known] ** 2 - u[known] ** 2, minlength=n) / count
    usual = np.zeros(n)
    doubt = np.zeros(n)
    usual[state], doubt[state] = watts, spread
    found = np.where(count >= 4, np.sqrt(np.maximum(np.nan_to_num(variance), 0.0)), _SCATTER * usual)
    return np.hypot(found, doubt)
