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

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.update_times import AROUND
from ..estimates.brackets import F64
from ..profiling.attribution import Span, Watts
from .between_marks import AT_ONCE, Counted, Pieces, PowerBeside, UpdatesAround, sums_of
from .mark_closure import closure
from .marked_edges import Cause, MarkedEdges
from .unseen_scatter import MOST, unseen_scatter

_SCATTER = 0.1  # of its power, at least, from window to window, of a name whose windows show none themselves
_SIDES = 2  # of a window
_ROUNDS = 4  # of weighing each by the variance that the round before expects of it
_SEEN = 4  # sides of windows, from which on they do


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
    sums = sums_of(bounds_ns, watts)
    # Its doubts are not asked for by what tells how powers scatter.
    pieces = Pieces(bounds_ns, state, watts, doubt, doubt, sums, doubt, sums)
    scatter = _scatters(updates, pieces, seen)[state]
    unsure = np.hypot(scatter, doubt)
    pieces = pieces._replace(scatter=scatter, unsure=unsure, unsure_sums=sums_of(bounds_ns, unsure))
    found = _all_counts(counter, pieces, updates, beside, _Sharing.of(span, per_j))
    k = found["k"]
    half_ns = counter.channel.timing.half_lag_ns
    of_lag = half_ns * np.abs(np.diff(watts[: len(marks) + 1]))
    unlike = closure(state, found["apart"], found["variance"], found["lesser"], of_lag)
    causes = (
        Cause("edges", "update", found["u_before"], k),
        Cause("edges", "update", found["u_after"], k, further=1),
        Cause("phase", "phase", found["u_phase"], k, together=2 * AROUND),
        Cause("phase", "bend", found["u_bend"], k, together=2 * AROUND),
        Cause("power", "piece", found["u_left"]),
        Cause("power", "piece", found["u_right"], further=1),
        Cause("steps", "kind", unlike.common, unlike.kind),
        Cause("power", "mark", np.hypot(found["u_mark"], unlike.alone)),
    )
    lag = np.stack((found["lag_before"], found["lag_after"]), axis=1)
    span_ns = int(every[0, 0]), int(every[-1, 1])
    position = np.maximum.accumulate(found["position"])
    return MarkedEdges(marks.copy(), position, found["is_known"], causes, found["shared"], lag, span_ns)


def _all_counts(
    counter: Counter,
    pieces: Pieces,
    updates: UpdatesAround,
    beside: tuple[PowerBeside, PowerBeside],
    sharing: _Sharing,
) -> dict[str, npt.NDArray[Any]]:
    """What is kept of the counts at all marks, and ``shared`` of :class:`MarkedEdges`.

    So many marks at a time, and no more of each than it is known to: a million at once took a gigabyte.
    """
    n = len(pieces.bounds_ns) - 2
    found: dict[str, npt.NDArray[Any]] = {name: np.empty(n, dtype) for name, dtype in _KEPT.items()}
    found["shared"] = np.empty((n, sharing.along.shape[1]), np.float32)
    for start in range(0, n, AT_ONCE):
        some = slice(start, min(start + AT_ONCE, n))
        counts = _counts(counter, pieces, updates, beside, some)
        for name in _KEPT:
            found[name][some] = getattr(counts, name)
        found["shared"][some] = _shared(sharing, pieces, updates, counts, some)
    return found


class _Counts(NamedTuple):
    """The counts at n marks, and what they rest on.

    Attributes:
        k: int64[n], the update before each mark.
        position: int64[n], in the counter's ``2**-bits`` counts.
        is_known: bool[n], whether there are updates on both sides.
        w0: float64[n], the weight of what the update before says; the one after has the rest.
        near0_ns: float64[n], ``share`` times ``own_ns`` of the update before; ``near1_ns`` of the one after.
        u_before: float64[n], in counts, as the other ``u_``: of the two updates, of their phase and of what
            steps bend of it, of the two pieces of time, and of the mark itself.
        apart: By how much the count by the update before is more than that by the one after.
        variance: Of that, as it is known of each mark, counts².
        lesser: Of the two weights.
        lag_before: float64[n], counts in half the lag before the updates; ``lag_after`` in that after them.
    """

    k: I64
    position: I64
    is_known: npt.NDArray[np.bool_]
    w0: F64
    near0_ns: F64
    near1_ns: F64
    u_before: F64
    u_after: F64
    u_phase: F64
    u_bend: F64
    u_left: F64
    u_right: F64
    u_mark: F64
    apart: F64
    variance: F64
    lesser: F64
    lag_before: F64
    lag_after: F64


_KEPT: dict[str, type] = {
    "k": np.int32,
    "position": np.int64,
    "is_known": np.bool_,
    **dict.fromkeys(("u_before", "u_after", "u_phase", "u_bend", "u_left", "u_right", "u_mark"), np.float32),
    **dict.fromkeys(("apart", "variance", "lesser", "lag_before", "lag_after"), np.float32),
}


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
    counted = updates.counted_by(pieces, k)
    ends_ns = updates.at_ns[k], updates.at_ns[k + 1]
    before, after = (_side(pieces, some, beside[i], ends_ns[i], counted[i], (-1, 1)[i]) for i in (0, 1))
    v0, v1 = (
        side.edge**2 + of.bend**2 + side.near**2 + side.own**2 + side.rest**2
        for side, of in zip((before, after), counted, strict=True)
    )
    w0 = v1 / (v0 + v1)
    w1 = 1.0 - w0
    total = updates.total
    position = total[k] + w0 * before.gained + w1 * (total[k + 1] - total[k] - after.gained)
    scaled = np.rint((position - total[k]) * 2.0**counter.bits).astype(np.int64) + (total[k] << counter.bits)
    is_known = (marks >= updates.at_ns[0]) & (marks <= updates.at_ns[-1])
    scaled[is_known] = np.clip(scaled[is_known], *counter.limits(marks[is_known]))
    half_ns = round(counter.channel.timing.half_lag_ns)
    local = _Local.of(pieces, some, beside, (before.share, after.share))
    lag_before, lag_after = (
        w0 * local.counted(ends_ns[0], ns) + w1 * local.counted(ends_ns[1], ns) for ns in (-half_ns, half_ns)
    )
    return _Counts(
        k=k,
        position=scaled,
        is_known=is_known,
        w0=w0,
        near0_ns=before.share * before.own_ns,
        near1_ns=after.share * after.own_ns,
        u_before=w0 * before.edge,
        u_after=w1 * after.edge,
        u_phase=w0 * counted[0].phase + w1 * counted[1].phase,
        u_bend=w0 * counted[0].bend + w1 * counted[1].bend,
        u_left=w0 * (1.0 - before.share) * before.own_ns * pieces.scatter[:-1][some],
        u_right=-w1 * (1.0 - after.share) * after.own_ns * pieces.scatter[1:][some],
        u_mark=np.hypot(w0 * np.hypot(*_two(before)), w1 * np.hypot(*_two(after))),
        apart=np.where(is_known, before.gained + after.gained - (total[k + 1] - total[k]), np.nan),
        variance=v0 + v1,
        lesser=np.minimum(w0, w1),
        lag_before=lag_before,
        lag_after=lag_after,
    )


class _Local(NamedTuple):
    """The powers around n marks: of pieces of time, and in the two next to a mark what updates show there.

    Attributes:
        pieces: All of them.
        marks: int64[n].
        lengths_ns: int64[n], of the piece before each mark, and of the one after it.
        more: float64[n], the power of these beyond that of their names.
    """

    pieces: Pieces
    marks: I64
    lengths_ns: tuple[I64, I64]
    more: tuple[F64, F64]

    @classmethod
    def of(
        cls, pieces: Pieces, some: slice, beside: tuple[PowerBeside, PowerBeside], share: tuple[F64, F64]
    ) -> _Local:
        """Around some marks, where so much of the power beside them is what updates show."""
        lengths_ns, sides = np.diff(pieces.bounds_ns), (slice(0, -1), slice(1, None))
        watts = [pieces.watts[side][some] for side in sides]
        more = [share[i] * (beside[i].value[some] - watts[i]) for i in (0, 1)]
        before, after = (lengths_ns[side][some] for side in sides)
        return cls(pieces, pieces.bounds_ns[1:-1][some], (before, after), (more[0], more[1]))

    def counted(self, update_ns: I64, ns: int) -> F64:
        """float64[n]: the counts of so much time before updates, where it is negative, or after them."""
        if not ns:
            return np.zeros(len(update_ns))
        found: F64 = np.abs(self._energy(update_ns + ns) - self._energy(update_ns))
        return found

    def _energy(self, t_ns: I64) -> F64:
        off_ns = t_ns - self.marks
        before_ns, after_ns = np.clip(off_ns, -self.lengths_ns[0], 0), np.clip(off_ns, 0, self.lengths_ns[1])
        more: F64 = self.more[0] * before_ns + self.more[1] * after_ns
        return self.pieces.energy(t_ns) + more


def _two(side: _Side) -> tuple[F64, F64]:
    return side.near, side.rest


def _side(
    pieces: Pieces,
    some: slice,
    near: PowerBeside,
    update_ns: I64,
    counted: Counted,
    ahead: int,
) -> _Side:
    """What the updates before some marks tell of the counts there, or with ``ahead`` 1 those after them.

    Args:
        pieces: All of them.
        some: Which marks.
        near: The power beside all marks.
        update_ns: When the update was.
        counted: Up to it, by the powers of the pieces.
        ahead: -1 or 1.
    """
    beside = slice(0, -1) if ahead < 0 else slice(1, None)
    watts, scatter, doubt = (part[beside][some] for part in (pieces.watts, pieces.scatter, pieces.doubt))
    marks, near = pieces.bounds_ns[1:-1][some], PowerBeside(near.value[some], near.u[some])
    length = (pieces.bounds_ns[1:] - pieces.bounds_ns[:-1])[beside][some]
    own_ns = np.clip(np.abs(update_ns - marks), 0, length).astype(np.float64)
    of_name = np.maximum(np.hypot(scatter, doubt), 1e-300)
    share = of_name**2 / (of_name**2 + np.maximum(near.u, 1e-300) ** 2)
    gained = ahead * (counted.mean - pieces.sums[1:-1][some]) + share * (near.value - watts) * own_ns
    beyond = np.abs(pieces.doubted(update_ns) - pieces.unsure_sums[1:-1][some])
    return _Side(
        gained=gained,
        edge=counted.spread,
        near=np.where(share > 0, share * np.where(np.isfinite(near.u), near.u, 0.0), 0.0) * own_ns,
        own=(1.0 - share) * of_name * own_ns,
        rest=np.maximum(beyond - of_name * own_ns, 0.0),
        share=share,
        own_ns=own_ns,
    )


class _Sharing(NamedTuple):
    """What the fit leaves open of the powers, which all marks share.

    Attributes:
        column: int64[states], the fit's column of each state; -1: none.
        along: float64[columns, r], counts that each nanosecond of a column moves along a direction.
    """

    column: I64
    along: F64

    @classmethod
    def of(cls, span: Span, per_j: float) -> _Sharing:
        """Of a fit, with so many counts in a joule and nanosecond of a second."""
        column = np.full(len(span.occupancy.states), -1)
        for number, states in enumerate(span.columns):
            column[states] = number
        fit = span.fit
        u_j = np.where(np.isfinite(fit.u_j), fit.u_j, span.mean_w * span.seen_s)
        return cls(column, fit.directions * u_j / span.time_s[:, None] * per_j)


def _shared(sharing: _Sharing, pieces: Pieces, updates: UpdatesAround, counts: _Counts, some: slice) -> F64:
    """float64[m, r]: by how much the counts at some marks move along each direction that is left open."""
    at_ns = updates.at_ns[counts.k], updates.at_ns[counts.k + 1]
    pieces_at = [pieces.at(t_ns) for t_ns in at_ns]
    first, last = min(int(pieces_at[0][0]), some.start), max(int(pieces_at[1][-1]), some.stop) + 1
    bounds_ns, of_piece = pieces.bounds_ns[first : last + 1], sharing.column[pieces.state[first:last]]
    around = [(at - first, t_ns - pieces.bounds_ns[at]) for at, t_ns in zip(pieces_at, at_ns, strict=True)]
    left, right = (slice(some.start + side - first, some.stop + side - first) for side in (0, 1))
    held = np.empty((len(counts.k), len(sharing.along)))
    for number in range(len(sharing.along)):
        is_so = of_piece == number
        sums = sums_of(bounds_ns, is_so)
        since, until = (sums[at] + is_so[at] * into_ns for at, into_ns in around)
        mark = sums[right]  # each mark bounds two pieces
        # What the updates next to the mark tell of the power beside it rests on no name.
        own0, own1 = is_so[left] * counts.near0_ns, is_so[right] * counts.near1_ns
        held[:, number] = counts.w0 * (mark - since - own0) - (1.0 - counts.w0) * (until - mark - own1)
    return held @ sharing.along


def _scatters(updates: UpdatesAround, pieces: Pieces, seen: list[tuple[PowerBeside, slice]]) -> F64:
    """float64[states]: how much the power of a state's pieces scatters, beyond what measuring each does."""
    state, watts = pieces.state, pieces.watts
    n = int(state.max()) + 1
    own = np.concatenate([state[part] for _, part in seen])
    value = np.concatenate([power.value - watts[part] for power, part in seen])
    u = np.concatenate([power.u for power, _ in seen])
    known = np.isfinite(u)
    own, square, noise = own[known], value[known] ** 2, u[known] ** 2
    count, variance = np.bincount(own, minlength=n), np.zeros(n)
    weights = np.ones(n)
    for _ in range(_ROUNDS):
        # Of each square by the variance that is expected of it, so that a window of many updates tells more.
        weight = 1.0 / (variance[own] + noise) ** 2
        weights = np.where(count > 0, np.bincount(own, weight, n), 1.0)
        variance = np.maximum(np.bincount(own, weight * (square - noise), n) / weights, 0.0)
    usual = np.zeros(n)
    usual[state] = watts
    # What they do not rule out; the two sides of a window may rest on the same updates.
    most = np.minimum(np.sqrt(variance + np.sqrt(2.0 * _SIDES / weights)), MOST * usual)
    is_seen, share = count >= _SEEN, _SCATTER
    if not is_seen.all():
        is_asked = ~is_seen[state]
        for power, part in seen:
            is_asked[part] &= ~np.isfinite(power.u)
        share = max(share, unseen_scatter(updates.left(pieces, is_asked)))
    # Of one side or two: at the least what these show, as where work goes on beyond the last mark.
    return np.maximum(np.sqrt(variance), np.where(is_seen, most, share * usual))
