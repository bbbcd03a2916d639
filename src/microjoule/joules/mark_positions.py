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

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from ..units import NS_PER_S
from .attribution import Span, Watts
from .between_marks import Pieces, PowerBeside, UpdatesAround, sums_of
from .brackets import F64
from .counter import Counter
from .marked_edges import Cause, MarkedEdges
from .unseen_scatter import unseen_scatter
from .update_times import AROUND

_SCATTER = 0.1  # of its power, at least, from window to window, of a name whose windows show none themselves
_SEEN = 4  # sides of windows, from which on they do
_MARKS = 1 << 16  # that are worked on at once


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
    updates = UpdatesAround(counter, every)
    beside = updates.power(every, is_end=True), updates.power(every, is_end=False)
    watts, doubt = states.watts[state] * per_j, states.spread_w[state] * per_j
    seen = [(beside[0], slice(0, -1)), (beside[1], slice(1, None))]
    bounds_ns = np.append(every[:, 0], every[-1, 1])
    scatter = _scatters(span, state, bounds_ns, seen, watts)[state]
    unsure = np.hypot(scatter, doubt)
    sums = (sums_of(bounds_ns, rate) for rate in (watts, unsure))
    pieces = Pieces(bounds_ns, state, watts, scatter, doubt, next(sums), unsure, next(sums))
    found = _all_counts(counter, pieces, updates, beside)
    k, number = found.k, np.arange(len(marks))
    causes = (
        Cause("edges", "update", k, found.u_before),
        Cause("edges", "update", k + 1, found.u_after),
        Cause("phase", "phase", k // (2 * AROUND), found.u_phase),
        Cause("power", "piece", number, found.u_left),
        Cause("power", "piece", number + 1, found.u_right),
        Cause("power", "mark", number, found.u_mark),
    )
    shared = _shared(span, pieces, per_j, (updates.at_ns[k], updates.at_ns[k + 1]), found)
    # Before the updates or after them: one choice for all marks, so that what windows have adds up.
    lag = max((found.lag_before, found.lag_after), key=lambda each: float(np.abs(np.diff(each)).sum()))
    span_ns = int(every[0, 0]), int(every[-1, 1])
    position = np.maximum.accumulate(found.position)
    return MarkedEdges(marks, position, found.is_known, causes, shared, lag[:, None], span_ns)


def _all_counts(
    counter: Counter, pieces: Pieces, updates: UpdatesAround, beside: tuple[PowerBeside, PowerBeside]
) -> _Counts:
    """The counts at all marks, so many at a time: a million at once would take a gigabyte meanwhile."""
    n = len(pieces.bounds_ns) - 2
    starts = range(0, n, _MARKS)
    parts = [_counts(counter, pieces, updates, beside, slice(at, min(at + _MARKS, n))) for at in starts]
    return _Counts(*map(np.concatenate, zip(*parts, strict=True)))


class _Counts(NamedTuple):
    """The counts at n marks, and what they rest on.

    Attributes:
        k: int64[n], the update before each mark.
        position: int64[n], in the counter's ``2**-bits`` counts.
        is_known: bool[n], whether there are updates on both sides.
        w0: float64[n], the weight of what the update before says; the one after has the rest.
        share0: float64[n], as of ``_Side`` of the update before; ``share1`` of the one after.
        own0_ns: float64[n], in the same way; ``own1_ns``.
        u_before: float64[n], in counts, as the other ``u_``: of the two updates, of their phase, of the two
            pieces of time, and of the mark itself.
        lag_before: float64[n], counts in half the lag before the updates; ``lag_after`` in that after them.
    """

    k: I64
    position: I64
    is_known: npt.NDArray[np.bool_]
    w0: F64
    share0: F64
    share1: F64
    own0_ns: F64
    own1_ns: F64
    u_before: F64
    u_after: F64
    u_phase: F64
    u_left: F64
    u_right: F64
    u_mark: F64
    lag_before: F64
    lag_after: F64


def _counts(
    counter: Counter,
    pieces: Pieces,
    updates: UpdatesAround,
    beside: tuple[PowerBeside, PowerBeside],
    some: slice,
) -> _Counts:
    """The counts at some of the marks."""
    marks = pieces.bounds_ns[1:-1][some]
    k = np.clip(np.searchsorted(updates.at_ns, marks, "right") - 1, 0, len(updates.at_ns) - 2)
    mean, spread = updates.counted_by(pieces, k)
    ends_ns = updates.at_ns[k], updates.at_ns[k + 1]
    before, after = (
        _side(pieces, some, beside[i], ends_ns[i], mean[i], spread[i], (-1, 1)[i]) for i in (0, 1)
    )
    v0, v1 = (each.edge**2 + each.near**2 + each.own**2 + each.rest**2 for each in (before, after))
    w0 = v1 / (v0 + v1)
    w1 = 1.0 - w0
    total = updates.total
    position = total[k] + w0 * before.gained + w1 * (total[k + 1] - total[k] - after.gained)
    scaled = np.rint((position - total[k]) * 2.0**counter.bits).astype(np.int64) + (total[k] << counter.bits)
    is_known = (marks >= updates.at_ns[0]) & (marks <= updates.at_ns[-1])
    scaled[is_known] = np.clip(scaled[is_known], *counter.limits(marks[is_known]))
    left_w, right_w = (pieces.watts[pieces.at(t_ns)] for t_ns in ends_ns)
    half_ns = round(counter.channel.timing.half_lag_ns)
    lag_before, lag_after = (
        w0 * _counted(pieces, ends_ns[0], ns) + w1 * _counted(pieces, ends_ns[1], ns)
        for ns in (-half_ns, half_ns)
    )
    return _Counts(
        k=k,
        position=scaled,
        is_known=is_known,
        w0=w0,
        share0=before.share,
        share1=after.share,
        own0_ns=before.own_ns,
        own1_ns=after.own_ns,
        u_before=w0 * before.edge,
        u_after=w1 * after.edge,
        u_phase=updates.phase_ns[k] * (w0 * left_w + w1 * right_w),
        u_left=w0 * (1.0 - before.share) * before.own_ns * pieces.scatter[:-1][some],
        u_right=-w1 * (1.0 - after.share) * after.own_ns * pieces.scatter[1:][some],
        u_mark=np.hypot(w0 * np.hypot(*_two(before)), w1 * np.hypot(*_two(after))),
        lag_before=lag_before,
        lag_after=lag_after,
    )


def _counted(pieces: Pieces, update_ns: I64, ns: int) -> F64:
    """float64[n]: the counts of so much time before updates, where it is negative, or after them."""
    return np.abs(pieces.energy(update_ns + ns) - pieces.energy(update_ns))


def _two(side: _Side) -> tuple[F64, F64]:
    return side.near, side.rest


def _side(
    pieces: Pieces,
    some: slice,
    near: PowerBeside,
    update_ns: I64,
    mean: F64,
    spread: F64,
    ahead: int,
) -> _Side:
    """What the updates before some marks tell of the counts there, or with ``ahead`` 1 those after them.

    Args:
        pieces: All of them.
        some: Which marks.
        near: The power beside all marks.
        update_ns: When the update was.
        mean: The counts up to it by the powers of the pieces.
        spread: How well that is known.
        ahead: -1 or 1.
    """
    beside = slice(0, -1) if ahead < 0 else slice(1, None)
    watts, scatter, doubt = (part[beside][some] for part in (pieces.watts, pieces.scatter, pieces.doubt))
    marks, near = pieces.bounds_ns[1:-1][some], PowerBeside(near.value[some], near.u[some])
    length = (pieces.bounds_ns[1:] - pieces.bounds_ns[:-1])[beside][some]
    own_ns = np.clip(np.abs(update_ns - marks), 0, length).astype(np.float64)
    of_name = np.maximum(np.hypot(scatter, doubt), 1e-300)
    share = of_name**2 / (of_name**2 + np.maximum(near.u, 1e-300) ** 2)
    counted = ahead * (mean - pieces.energy(marks)) + share * (near.value - watts) * own_ns
    beyond = np.abs(pieces.doubted(update_ns) - pieces.doubted(marks))
    return _Side(
        gained=counted,
        edge=spread,
        near=np.where(share > 0, share * np.where(np.isfinite(near.u), near.u, 0.0), 0.0) * own_ns,
        own=(1.0 - share) * of_name * own_ns,
        rest=np.maximum(beyond - of_name * own_ns, 0.0),
        share=share,
        own_ns=own_ns,
    )


def _shared(
    span: Span,
    pieces: Pieces,
    per_j: float,
    updates_ns: tuple[I64, I64],
    counts: _Counts,
) -> F64:
    """float64[n, r]: by how much the counts at marks move along each direction that the fit leaves open."""
    w0, near0, near1 = counts.w0, counts.share0 * counts.own0_ns, counts.share1 * counts.own1_ns
    column = np.full(len(span.occupancy.states), -1)
    for number, states in enumerate(span.columns):
        column[states] = number
    of_piece = column[pieces.state]
    held = np.zeros((len(w0), len(span.columns)))
    around = [(pieces.at(t_ns), t_ns) for t_ns in updates_ns]
    for number in range(len(span.columns)):
        is_so = of_piece == number
        sums = sums_of(pieces.bounds_ns, is_so)
        for start in range(0, len(w0), _MARKS):
            some = slice(start, start + _MARKS)
            since, until = (
                sums[at[some]] + is_so[at[some]] * (t_ns[some] - pieces.bounds_ns[at[some]])
                for at, t_ns in around
            )
            mark = sums[1:-1][some]  # each mark bounds two pieces
            # What the updates next to the mark tell of the power beside it rests on no name.
            own0 = np.where(is_so[:-1][some], near0[some], 0.0)
            own1 = np.where(is_so[1:][some], near1[some], 0.0)
            weight = w0[some]
            held[some, number] = weight * (mark - since - own0) - (1.0 - weight) * (until - mark - own1)
    fit = span.fit
    u_j = np.where(np.isfinite(fit.u_j), fit.u_j, span.mean_w * span.seen_s)
    found: F64 = held @ (fit.directions * u_j / span.time_s[:, None]) * per_j
    return found


def _scatters(
    span: Span, state: I64, bounds_ns: I64, seen: list[tuple[PowerBeside, slice]], watts: F64
) -> F64:
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
    is_seen, share = count >= _SEEN, _SCATTER
    if not is_seen.all():
        share = max(share, unseen_scatter(span, state, np.diff(bounds_ns), is_seen) or 0.0)
    return np.where(is_seen, np.sqrt(np.maximum(np.nan_to_num(variance), 0.0)), share * usual)
