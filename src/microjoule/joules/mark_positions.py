"""What a counter had counted where a program marks, and so where power may step.

Between two updates u1 <= T <= u2 around a mark T the count is not interpolated as if the power were steady
across it. What ran between is known, piece by piece, and the power of each piece: from the updates inside it,
and from all windows of the same names (:mod:`.regression`). With S(t) the energy that these powers come to,
the count at T is read twice,

    from the left    C(u1) + S(T) - E[S(u1)]
    from the right   C(u2) - (E[S(u2)] - S(T))

and their mean by 1/u² is taken. E is the mean over where the update may have been, before or after the mark:
at its likeliest instant alone a pulse that lies in the doubt would look as if it were in the update or not in
it. Beside a pulse in an idle machine that is the idle side almost alone, and what the pulse draws does not
matter.

Why a count is wrong: an update was elsewhere, by the standard deviation of S over where it may have been, and
its count is cut off; the grid of all updates around was elsewhere, which moves the counts at marks near one
another alike; the power of a piece was not that of its name, by as much as those of the name scatter;
the power of a name is itself known to the fit's covariance alone, which all marks share.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..trace.series import I64
from ..units import NS_PER_S
from .attribution import Span, Watts
from .brackets import F64
from .counter import Counter
from .marked_edges import Cause, MarkedEdges
from .update_times import AROUND, FIRST

NEAR = 5  # updates on one side from which the power there is taken
_SCATTER = 0.1  # of its power, from window to window, of a name whose windows show none of their own
_TRIPLES = (-3, -2, -1, 2, 3, 4)  # updates around a mark that tell how evenly they come
_FEWEST, _KEPT = 20, 0.98  # such updates; and the share of them that is no step of power by itself
_UNLOCKED = 1.6  # where reads beat with updates, the errors of a window's two marks add in the worst case
_PLACES = 8  # at which an update is thought to have been
_ROOT_3 = math.sqrt(3.0)


class _Pieces(NamedTuple):
    """The time of a trace between marks.

    Attributes:
        bounds_ns: int64[n + 1], from the first piece's beginning to the last one's end.
        state: int64[n], what was under way.
        watts: float64[n], the power of all pieces of the state, in counts a nanosecond.
        scatter: float64[n], by how much the power of the state's pieces scatters.
        doubt: float64[n], how well ``watts`` is known.
        sums: float64[n + 1], the counts up to the bounds by these powers.
    """

    bounds_ns: I64
    state: I64
    watts: F64
    scatter: F64
    doubt: F64
    sums: F64

    def energy(self, t_ns: I64 | F64) -> F64:
        """The counts up to instants by these powers, which go on beyond the ends."""
        return _until(t_ns, self.bounds_ns, self.sums, self.watts)

    def at(self, t_ns: I64) -> I64:
        """The piece around each instant."""
        return np.clip(np.searchsorted(self.bounds_ns, t_ns, "right") - 1, 0, len(self.state) - 1)


def _sums(bounds_ns: I64, rate: F64) -> F64:
    """float64[n + 1]: what pieces of these rates come to, up to each of their bounds."""
    return np.concatenate(([0.0], np.cumsum(rate * np.diff(bounds_ns))))


def _until(t_ns: I64 | F64, bounds_ns: I64, sums: F64, rate: F64) -> F64:
    """What they come to up to instants; the first rate and the last one go on beyond the bounds."""
    found: F64 = np.interp(t_ns, bounds_ns, sums)
    found += np.maximum(t_ns - bounds_ns[-1], 0) * rate[-1]
    found += np.minimum(t_ns - bounds_ns[0], 0) * rate[0]
    return found


class _Side(NamedTuple):
    """What one side tells of the counts at n marks: float64[n] each, in counts.

    Attributes:
        gained: What was counted between the update there and the mark.
        edge: Standard uncertainty of where that update was.
        near: And of the power beside the mark, as the updates next to it show it.
        own: And of that power, as far as its name's windows tell it and it scatters among them.
        rest: And of the power of other pieces between.
        share: Of the power beside the mark, the share that the updates next to it tell.
        own_ns: For how long it was on.
    """

    gained: F64
    edge: F64
    near: F64
    own: F64
    rest: F64
    share: F64
    own_ns: F64


def marked_edges(span: Span) -> MarkedEdges | None:
    """What a counter had counted at the marks of a trace; None: there are none inside the span.

    Args:
        span: The counter, its updates, and which names had a window open between them.
    """
    counter, states = span.counter, Watts.of(span)
    of_span = next(span.occupancy.blocks())  # windows are in memory: all at once
    every, state = np.stack((of_span.t0_ns, of_span.t1_ns), axis=1), of_span.state
    if len(every) < 2:
        return None
    marks = every[1:, 0]
    per_j = 1.0 / (float(counter.channel.scale.unit) * counter.watts) / NS_PER_S
    updates = _Updates(counter, every)
    beside = updates.power(every, is_end=True), updates.power(every, is_end=False)
    watts, doubt = states.watts[state] * per_j, states.spread_w[state] * per_j
    seen = [(beside[0], slice(0, -1)), (beside[1], slice(1, None))]
    bounds_ns = np.append(every[:, 0], every[-1, 1])
    scatter = _scatters(state, seen, watts)[state]
    pieces = _Pieces(bounds_ns, state, watts, scatter, doubt, _sums(bounds_ns, watts))
    k = np.clip(np.searchsorted(updates.at_ns, marks, "right") - 1, 0, len(updates.at_ns) - 2)
    mean, spread = updates.counted_by(pieces, k)
    before = _side(pieces, beside[0], marks, updates.at_ns[k], mean[0], spread[0], -1)
    after = _side(pieces, beside[1], marks, updates.at_ns[k + 1], mean[1], spread[1], 1)
    v0, v1 = (each.edge**2 + each.near**2 + each.own**2 + each.rest**2 for each in (before, after))
    w0 = v1 / (v0 + v1)
    w1 = 1.0 - w0
    total = updates.total
    position = total[k] + w0 * before.gained + w1 * (total[k + 1] - total[k] - after.gained)
    scaled = np.rint((position - total[k]) * 2.0**counter.bits).astype(np.int64) + (total[k] << counter.bits)
    is_known = (marks >= updates.at_ns[0]) & (marks <= updates.at_ns[-1])
    scaled[is_known] = np.clip(scaled[is_known], *counter.limits(marks[is_known]))
    number = np.arange(len(marks))
    left_w, right_w = (watts[pieces.at(updates.at_ns[at])] for at in (k, k + 1))
    causes = (
        Cause("edges", "update", k, w0 * before.edge),
        Cause("edges", "update", k + 1, w1 * after.edge),
        Cause("phase", "phase", k // (2 * AROUND), updates.phase_ns[k] * (w0 * left_w + w1 * right_w)),
        Cause("power", "piece", number, w0 * (1.0 - before.share) * before.own_ns * scatter[:-1]),
        Cause("power", "piece", number + 1, -w1 * (1.0 - after.share) * after.own_ns * scatter[1:]),
        Cause("power", "mark", number, np.hypot(w0 * np.hypot(*_two(before)), w1 * np.hypot(*_two(after)))),
    )
    shared = _shared(span, pieces, per_j, (updates.at_ns[k], updates.at_ns[k + 1]), (before, after), w0)
    # Before the updates or after them: one choice for all marks, so that what windows have adds up.
    half_ns = round(counter.channel.timing.half_lag_ns)
    around = [
        w0 * _counted(pieces, updates.at_ns[k], ns) + w1 * _counted(pieces, updates.at_ns[k + 1], ns)
        for ns in (-half_ns, half_ns)
    ]
    lag = max(around, key=lambda each: float(np.abs(np.diff(each)).sum()))
    span_ns = int(every[0, 0]), int(every[-1, 1])
    return MarkedEdges(marks, np.maximum.accumulate(scaled), is_known, causes, shared, lag, span_ns)


def _counted(pieces: _Pieces, update_ns: I64, ns: int) -> F64:
    """float64[n]: the counts of so much time before updates, where it is negative, or after them."""
    return np.abs(pieces.energy(update_ns + ns) - pieces.energy(update_ns))


def _two(side: _Side) -> tuple[F64, F64]:
    return side.near, side.rest


def _side(
    pieces: _Pieces, near: _Power, marks: I64, update_ns: I64, mean: F64, spread: F64, ahead: int
) -> _Side:
    """What the updates before marks tell of the counts there, or with ``ahead`` 1 those after them."""
    own = slice(0, -1) if ahead < 0 else slice(1, None)
    watts, scatter, doubt = pieces.watts[own], pieces.scatter[own], pieces.doubt[own]
    length = np.diff(pieces.bounds_ns)[own]
    own_ns = np.clip(np.abs(update_ns - marks), 0, length).astype(np.float64)
    of_name = np.maximum(np.hypot(scatter, doubt), 1e-300)
    share = of_name**2 / (of_name**2 + np.maximum(near.u, 1e-300) ** 2)
    counted = ahead * (mean - pieces.energy(marks)) + share * (near.value - watts) * own_ns
    both = np.hypot(pieces.scatter, pieces.doubt)
    sums = _sums(pieces.bounds_ns, both)
    unsure = np.abs(np.subtract(*(_until(t_ns, pieces.bounds_ns, sums, both) for t_ns in (update_ns, marks))))
    return _Side(
        gained=counted,
        edge=spread,
        near=np.where(share > 0, share * np.where(np.isfinite(near.u), near.u, 0.0), 0.0) * own_ns,
        own=(1.0 - share) * of_name * own_ns,
        rest=np.maximum(unsure - of_name * own_ns, 0.0),
        share=share,
        own_ns=own_ns,
    )


def _shared(
    span: Span,
    pieces: _Pieces,
    per_j: float,
    updates_ns: tuple[I64, I64],
    sides: tuple[_Side, _Side],
    w0: F64,
) -> F64:
    """float64[n, r]: by how much the counts at marks move along each direction that the fit leaves open."""
    before, after = sides
    column = np.full(len(span.occupancy.states), -1)
    for number, states in enumerate(span.columns):
        column[states] = number
    of_piece = column[pieces.state]
    held = np.zeros((len(w0), len(span.columns)))
    around = [(at, t_ns - pieces.bounds_ns[at]) for t_ns, at in ((t, pieces.at(t)) for t in updates_ns)]
    for number in range(len(span.columns)):
        is_so = (of_piece == number).astype(np.float64)
        sums = _sums(pieces.bounds_ns, is_so)
        since, until = (sums[at] + is_so[at] * beyond_ns for at, beyond_ns in around)
        at = sums[1:-1]  # each mark bounds two pieces
        # What the updates next to the mark tell of the power beside it rests on no name.
        own0 = np.where(of_piece[:-1] == number, before.share * before.own_ns, 0.0)
        own1 = np.where(of_piece[1:] == number, after.share * after.own_ns, 0.0)
        held[:, number] = w0 * (at - since - own0) - (1.0 - w0) * (until - at - own1)
    fit = span.fit
    u_j = np.where(np.isfinite(fit.u_j), fit.u_j, span.mean_w * span.seen_s)
    found: F64 = held @ (fit.directions * u_j / span.time_s[:, None]) * per_j
    return found


class _Power(NamedTuple):
    """The power next to marks, as the updates there show it: counts a ns; u is infinite where none does."""

    value: F64
    u: F64


class _Updates:
    """The updates of a counter: when they were, how well that is known, and what was counted by then.

    Args:
        counter: The counter.
        pieces: int64[n, 2], the time between marks.
    """

    def __init__(self, counter: Counter, pieces: I64) -> None:
        located = counter.located(np.arange(len(counter.changes)))
        self.at_ns: I64 = np.maximum.accumulate(located.t_ns)
        self.total: I64 = counter.steps.total[counter.changes]
        self._quantum = counter.quantum
        self._own_ns: F64 = located.spread_ns
        # All updates around share the phase of their grid: no difference between them shows it.
        self.phase_ns: F64 = np.where(located.is_on_grid, located.phase_ns, 0.0)
        each_ns = np.where(located.is_on_grid, located.jitter_ns, located.own_ns)
        timing = counter.channel.timing
        declared_ns = np.hypot(each_ns, timing.half_lag_ns / _ROOT_3)
        uneven_ns = self._uneven_ns(pieces)  # where it was, and what it shows late, together
        self._spread_ns: F64 = declared_ns if uneven_ns is None else np.maximum(each_ns, uneven_ns)
        self._worst = np.where(located.is_on_grid, 1.0, _UNLOCKED)

    def counted_by(self, pieces: _Pieces, k: I64) -> tuple[tuple[F64, F64], tuple[F64, F64]]:
        """The energy up to updates ``k`` and ``k + 1`` by the powers of pieces, and how well it is known.

        Both are taken over where these updates may have been.
        """
        some = self._these(k, k + 1)
        half_ns = _ROOT_3 * self._spread_ns[some]
        places = (np.arange(_PLACES) + 0.5) / _PLACES * 2.0 - 1.0
        each = np.array([pieces.energy(self.at_ns[some] + half_ns * place) for place in places])
        mean = each.mean(0)
        spread = np.sqrt(each.var(0) * self._worst[some] ** 2 + self._quantum**2 / 12.0)
        rank = np.zeros(len(self.at_ns), np.int64)
        rank[some] = np.arange(len(some))
        first, second = rank[k], rank[k + 1]
        return (mean[first], mean[second]), (spread[first], spread[second])

    def _these(self, *numbers: I64) -> I64:
        """The different ones of some updates, ascending: without a sort, of which there may be a million."""
        is_meant = np.zeros(len(self.at_ns), np.bool_)
        for each in numbers:
            is_meant[each] = True
        return np.flatnonzero(is_meant)

    def _uneven_ns(self, pieces: I64) -> float | None:
        """By how much updates come early or late, or show what was used late: from those near marks.

        Where the power is steady, an update between two others lies on the line through these, but for
        e = n1 - (n0 + n2)/2, of variance 3/2 u². Those near marks are taken, and where they are too few the
        first ones of the trace, which a stream keeps as well.
        """
        k = np.searchsorted(self.at_ns, pieces[1:, 0], "right") - 1
        last = len(self.at_ns) - 1
        middle = self._these(*(np.clip(k + at, 0, last) for at in _TRIPLES))
        middle = middle[(middle > 0) & (middle < last)]
        if len(middle) < _FEWEST:
            middle = np.arange(1, last)[:FIRST]
        t0, t1, t2 = (self.at_ns[middle + i] for i in (-1, 0, 1))
        piece = np.searchsorted(pieces[:, 0], t0, "right")
        steady = (np.searchsorted(pieces[:, 0], t2, "left") == piece) & (t2 > t1) & (t1 > t0)
        middle, t0, t1, t2 = middle[steady], t0[steady], t1[steady], t2[steady]
        c0, c1, c2 = (self.total[middle + i] for i in (-1, 0, 1))
        rate = (c2 - c0) / np.maximum(t2 - t0, 1)
        off = (c1 - c0) - rate * (t1 - t0)
        some = rate > 0
        if some.sum() < _FEWEST:
            return None
        square = np.sort((off[some] ** 2 - self._quantum**2 / 8.0) / (1.5 * rate[some] ** 2))
        return float(np.sqrt(max(square[: max(int(_KEPT * len(square)), 1)].mean(), 0.0)))

    def power(self, pieces: I64, *, is_end: bool) -> _Power:
        """The power at the ends, or at the beginnings, of pieces of time, from the updates inside them.

        An update that may have been outside is left out.
        """
        first = np.searchsorted(self.at_ns, pieces[:, 0], "left")
        last = np.searchsorted(self.at_ns, pieces[:, 1], "right") - 1
        top = len(self.at_ns) - 1
        half_ns = _ROOT_3 * self._own_ns
        at = np.minimum(first, top)
        first = first + (self.at_ns[at] - half_ns[at] < pieces[:, 0])
        at = np.maximum(last, 0)
        last = last - (self.at_ns[at] + half_ns[at] > pieces[:, 1])
        if is_end:
            first = np.maximum(first, last - NEAR)
        else:
            last = np.minimum(last, first + NEAR)
        some = last > first
        first, last = np.where(some, first, 0), np.where(some, last, min(1, top))
        apart_ns = np.maximum(self.at_ns[last] - self.at_ns[first], 1).astype(np.float64)
        value = (self.total[last] - self.total[first]) / apart_ns
        edges = value * np.hypot(self._spread_ns[first], self._spread_ns[last])
        u = np.hypot(edges, self._quantum / math.sqrt(6.0)) / apart_ns
        found = _Power(np.where(some, value, 0.0), np.where(some, u, np.inf))
        return found._replace(
            **{name: part[:-1] if is_end else part[1:] for name, part in found._asdict().items()}
        )


def _scatters(state: I64, seen: list[tuple[_Power, slice]], watts: F64) -> F64:
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
    usual[state] = watts
    return np.where(count >= 4, np.sqrt(np.maximum(np.nan_to_num(variance), 0.0)), _SCATTER * usual)
