"""The energy of states too short to be bracketed, from many updates of a counter: generalised least squares.

Between two updates k and k + 1 the counter counted

    y_k = Σ_j P_j x_kj + (n_{k+1} - n_k) + w_k

with x_kj the time for which state j was so between them and P_j its mean power, never negative. Two kinds of
noise are told apart, because they average differently:

* *edges*, n_k: each update is known only to lie between two readings, and its count is cut off. One error
  moves two neighbours, in opposite directions: successive updates are anticorrelated, and over a span all but
  the two errors at its ends cancel. Its size is known before: P² gap²/12 + quantum²/12 (docs/methods.md).
* *power*, w_k: what the states leave unexplained, launches that are not alike. It is independent from update
  to update, with a variance that grows with the time between them.

The times x_kj are means over where the updates may have been. Taken at the likeliest instants alone they
would be those of launches as short as that doubt, of which some are in the update and some are not: with a
read as seldom as updates come, that bias was as large as the interval.

The covariance is tridiagonal. How much there is of the second is found by restricted maximum likelihood,
with the whole scale, so that the interval is that of the scatter that was seen. The states fill the span,
so the energies add up to what was measured, within the noise of its two ends.

Decision: a state's power is one number. That it varies from launch to launch widens the interval; that
it drifts, as with temperature, shows there too, but not as what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ...value_class import dataclass
from ..counters.update_record import Updates
from ..estimates.nnls import nnls
from ..estimates.uncertainty import NORMAL, ROOT_12, Component, student

F64 = npt.NDArray[np.float64]

COLUMNS = 64  # states beyond this many share one column: a design of all would not fit into memory
LEAST = 4  # updates more than states, below which scatter tells nothing and the known noise is taken
_LIKELY_ROWS = 4_000  # on which the share of the power's noise is found
_SHARES = np.concatenate(([0.0], np.logspace(-3, 3, 13)))  # of the power's noise, edges being one
_LARGE = 50  # degrees of freedom from which Student's quantile is the normal one
LOADED = 1e-6  # the least part of a direction that is no rounding
_RANK = 1e-9  # singular values below this, of the largest, are rounding
_PLACES = 8  # at which an update is thought to have been
_AT_ONCE = 128  # rows, below which no library starts threads
_ROUNDS = 3  # of taking the power at each edge from the fit before


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The energies of states over a span.

    Attributes:
        energy_j: float64[m].
        directions: float64[m, r]: orthogonal combinations of energies, in columns, the best known last.
        u_j: float64[r], standard uncertainty along each; infinite where nothing is known.
        dof: Degrees of freedom of ``u_j``; infinite where the noise was not estimated.
        shift_j: float64[m], by how much the energies move if the events are that much later than thought.
        edge_u_j: float64[n + 1], standard uncertainty of what had been counted at each update, fitted or not.
        rows: Updates that were fitted.
        power_share: Of the noise of one update's energy, the share that is not its edges'.
        score: Twice the negative log-likelihood, restricted, up to a constant; infinite: it was not found.
    """

    energy_j: F64
    directions: F64
    u_j: F64
    dof: float
    shift_j: F64
    edge_u_j: F64
    rows: int
    power_share: float
    score: float

    def components(self, chosen: F64, of: str) -> list[Component]:
        """The uncertainty of a combination of energies, a direction a component.

        So sums of combinations have their own uncertainty.

        Args:
            chosen: float64[m], how much of each energy the combination has.
            of: What was fitted, as a name that no other fit has.
        """
        # All directions have one scale, estimated once: that cannot be said of components, whose degrees of
        # freedom are taken as their own. So Student's quantile is put into u, and the form is normal.
        wider = student(self.dof) / 2.0 if self.dof < _LARGE else 1.0
        kind = "A" if math.isfinite(self.dof) else "B"
        parts = chosen @ self.directions
        return [
            Component("regression", float(part * u * wider), kind, NORMAL, math.inf, f"{of}/{number}")
            for number, (part, u) in enumerate(zip(parts, self.u_j, strict=True))
            if abs(part) > LOADED and math.isfinite(u)
        ]

    def is_open(self, chosen: F64) -> bool:
        """Whether a combination holds something that no fitted update saw."""
        return bool((np.abs(chosen @ self.directions[:, np.isinf(self.u_j)]) > LOADED).any())


def between_updates(until: Callable[[I64], F64], of: Updates, late_ns: int = 0) -> F64:
    """float64[n, m]: how much of m things there was between neighbouring updates.

    They are means over where the updates may have been: a state shorter than that, taken at the likeliest
    instant alone, would look as if it had another power.

    Args:
        until: Gives float64[k, m], how much there was of each before k instants.
        of: The n updates.
        late_ns: By how much things are taken to be later.
    """
    parts = [np.diff(until(edges_ns - late_ns), axis=0) for edges_ns in places_ns(of)]
    return sum(parts[1:], parts[0].astype(np.float64)) / len(parts)


def places_ns(of: Updates) -> list[I64]:
    """int64[n + 1] each: where the updates may have been, from the earliest to the latest."""
    width_ns = of.spread_s * (ROOT_12 * NS_PER_S)
    return [
        of.edges_ns + np.rint(width_ns * ((part + 0.5) / _PLACES - 0.5)).astype(np.int64)
        for part in range(_PLACES)
    ]


def fit(of: Updates, design_s: F64, time_s: F64, shifted_s: F64, span_s: F64 | None = None) -> Fit:
    """The energies of states from what a counter counted.

    Args:
        of: n updates' energies.
        design_s: float64[n, m], the time of each state between them.
        time_s: float64[m], the time of each state in the whole span: its energy is its power times this.
        shifted_s: ``design_s`` if the events are that much later than thought.
        span_s: float64[n], the time between updates, where the columns are amounts (tokens, say) that add up
            to no time. "Power" is then what a unit of an amount takes.
    """
    rows = np.flatnonzero(of.is_ok)
    x, y = design_s[rows], of.energy_j[rows]
    lengths_s = x.sum(axis=1) if span_s is None else span_s[rows]
    mean_w = float(y.sum() / lengths_s.sum())
    powers = np.full(x.shape[1], mean_w)
    if span_s is not None:
        powers = mean_w * lengths_s.sum() / (time_s * len(time_s))
    noise = _Noise(of, rows, lengths_s)

    def watts(design: F64, over_s: F64 | None) -> F64:
        if over_s is None:
            return np.sqrt(_powers_squared(design, powers, mean_w))
        found: F64 = np.maximum(design @ powers / over_s, 0.01 * mean_w)
        return found

    share, score, spare = 0.0, math.inf, len(rows) - x.shape[1]
    unit = x / time_s
    energies = powers * time_s
    for _ in range(_ROUNDS):
        noise = noise.at(watts(x, None if span_s is None else lengths_s))
        if spare >= LEAST:
            share, score = _likeliest(noise, unit, y)
        r = _triangle(noise.whitened(np.column_stack((unit, y)), share)[0])
        energies = nnls(r[:, :-1], r[:, -1])
        powers = energies / time_s
    _, sizes, directions = np.linalg.svd(r[:, :-1], full_matrices=True)
    is_known = sizes > _RANK * sizes.max(initial=0.0)
    rank = int(is_known.sum())
    scale, dof = 1.0, math.inf
    if spare >= LEAST:
        dof = float(len(rows) - rank)
        # A power that fits the updates' grid leaves no scatter at all; the count is cut off all the same.
        scale = max(math.sqrt(_rest(r) / dof), noise.quantum_share(share))
    u_j = np.full(len(directions), np.inf)
    u_j[: len(sizes)][is_known] = scale / sizes[is_known]
    if span_s is not None and math.isfinite(dof) and is_known.any():
        white = noise.whitened(np.column_stack((unit, y)), share)[0]
        directions, u_j = _uneven(white[:, :-1], white[:, -1] - white[:, :-1] @ energies, u_j, directions)
    moved = _triangle(noise.whitened(np.column_stack((shifted_s[rows] / time_s, y)), share)[0])
    shift_j = nnls(moved[:, :-1], moved[:, -1]) - energies
    edges = float(np.mean(noise.diagonal))
    power_share = share * noise.unit / (edges + share * noise.unit) if edges else float(share > 0)
    order = np.argsort(-u_j, kind="stable")
    edge_u_j = scale * _edge_u_j(of, watts(design_s, span_s))
    return Fit(
        energies, directions.T[:, order], u_j[order], dof, shift_j, edge_u_j, len(rows), power_share, score
    )


def _uneven(design: F64, left: F64, u_j: F64, directions: F64) -> tuple[F64, F64]:
    """Directions, in rows, and uncertainties that also hold where noise grows with some column.

    The covariance of White (1980), ``(XᵀX)⁻¹ Xᵀ diag(e²) X (XᵀX)⁻¹``, along its own principal directions;
    along each the larger of it and of that of even noise.

    Args:
        design: float64[n, m], whitened.
        left: float64[n], what the fit leaves of the whitened energies.
        u_j: float64[m], of even noise, along ``directions``; infinite where nothing is known.
        directions: float64[m, m].
    """
    known = np.isfinite(u_j)
    along = directions[known]
    projected = design @ along.T
    bread = np.linalg.inv(projected.T @ projected)
    uneven = bread @ ((projected * left[:, None] ** 2).T @ projected) @ bread
    variance, turned = np.linalg.eigh(uneven * (len(left) / max(len(left) - len(along), 1)))
    even = (turned**2 * (u_j[known] ** 2)[:, None]).sum(axis=0)
    found = np.concatenate((np.sqrt(np.maximum(variance, even)), u_j[~known]))
    return np.concatenate((turned.T @ along, directions[~known])), found


def _edge_u_j(of: Updates, watts: F64) -> F64:
    """float64[n + 1]: by the power on either side of each update, whichever is more."""
    around = np.maximum(np.append(watts[0], watts), np.append(watts, watts[-1]))
    found: F64 = np.hypot(around * of.spread_s, of.quantum_j / ROOT_12)
    return found


def _powers_squared(x: F64, powers: F64, mean_w: float) -> F64:
    """float64[n]: the mean square of the power around each update; never nothing.

    Times that rounding has left a little below zero weigh as much as if they were above.
    """
    time_s = np.abs(x)
    found: F64 = time_s @ powers**2 / np.maximum(time_s.sum(axis=1), np.finfo(float).tiny)
    return np.maximum(found, (0.01 * mean_w) ** 2)


def _triangle(of: F64) -> F64:
    """The upper triangle of a QR factorisation: all that lengths and angles of the columns come to.

    Of many rows it is that of the triangles of some at a time. A library that works on all at once with
    several threads takes up to a hundred times as long where they have to wait for a processor.
    """
    width = of.shape[1]
    n = max(_AT_ONCE, 2 * width)
    while len(of) > 2 * n:
        whole = len(of) // n * n
        triangles = np.asarray(np.linalg.qr(of[:whole].reshape(-1, n, width), mode="r"))
        of = np.concatenate((triangles.reshape(-1, width), of[whole:]))
    return np.asarray(np.linalg.qr(of, mode="r"))


def _rest(triangle: F64) -> float:
    """The least sum of squares that the last column leaves of the others, whatever their sign."""
    best = np.linalg.lstsq(triangle[:, :-1], triangle[:, -1], rcond=_RANK)[0]
    return float(((triangle[:, -1] - triangle[:, :-1] @ best) ** 2).sum())


class _Noise:
    """The tridiagonal covariance of updates' energies.

    Args:
        of: All updates.
        rows: Which of them are fitted.
        span_s: float64[n], the length of each.
    """

    def __init__(self, of: Updates, rows: I64, span_s: F64) -> None:
        self._of, self._rows, self._span_s = of, rows, span_s
        self._is_next = np.append(np.diff(rows) == 1, False)
        self.diagonal: F64 = np.zeros(0)
        self.beside: F64 = np.zeros(0)
        self.unit = 0.0

    def at(self, watts: F64) -> _Noise:
        """The noise where the power between updates is this."""
        found = _Noise(self._of, self._rows, self._span_s)
        spread, cut = self._of.spread_s, self._of.quantum_j**2 / 12
        left = (watts * spread[self._rows]) ** 2 + cut
        right = (watts * spread[self._rows + 1]) ** 2 + cut
        # The update between two rows has one error, of the power on either side of it.
        shared = np.where(self._is_next, (right + np.append(left[1:], 0.0)) / 2, 0.0)
        right = np.where(self._is_next, shared, right)
        left = np.where(np.append(False, self._is_next[:-1]), np.append(0.0, shared[:-1]), left)
        found.diagonal, found.beside = left + right, -shared
        found.unit = float(np.mean(found.diagonal))
        return found

    def quantum_share(self, share: float) -> float:
        """The rounding of an update's count, as a part of the noise that is expected of it."""
        expected = float(np.mean(self.diagonal)) + share * self.unit
        return math.sqrt(2 * self._of.quantum_j**2 / 12 / expected) if expected else 0.0

    def first(self, n: int) -> _Noise:
        """The noise of the first n rows."""
        found = _Noise(self._of, self._rows[:n], self._span_s[:n])
        found.diagonal, found.beside, found.unit = self.diagonal[:n], self.beside[:n], self.unit
        return found

    def whitened(self, columns: F64, share: float) -> tuple[F64, float]:
        """Columns in which the noise is independent and of size one, and the log of the determinant.

        By the Cholesky factor of the tridiagonal matrix, which :func:`_solved` inverts.
        """
        lengths = np.maximum(self._span_s / self._span_s.mean(), 0.0)  # rounding leaves some below
        diagonal = self.diagonal + share * self.unit * lengths
        # Edges alone make a matrix that is only just definite: rounding must not turn it.
        least = np.maximum(diagonal * 1e-12, np.finfo(float).tiny).tolist()
        pivots: list[float] = []
        pivot, before = 1.0, 0.0
        for own, floor, beside in zip(diagonal.tolist(), least, self.beside.tolist(), strict=True):
            pivot = own - before * before / pivot
            if pivot < floor:  # noqa: PLR1730 - a call of max takes as long as all the rest
                pivot = floor
            pivots.append(pivot)
            before = beside
        found = np.array(pivots)
        steps = np.append(0.0, -self.beside[:-1] / found[:-1])[: len(found)]
        return _solved(steps, columns) / np.sqrt(found)[:, None], float(np.log(found).sum())


def _solved(steps: F64, columns: F64) -> F64:
    """The x with x_i = columns_i + steps_i x_{i-1}, for all rows at once.

    (1 - N)⁻¹ = (1 + N)(1 + N²)(1 + N⁴)…, where N takes each row's step of the row before: after k factors the
    last 2^k rows are in each row.
    """
    x, reach, width = columns.copy(), steps.copy(), 1
    while width < len(x) and reach.any():
        x[width:] += reach[width:, None] * x[:-width].copy()
        reach[width:] = reach[width:] * reach[:-width]
        reach[:width] = 0.0
        width *= 2
    return x


def _likeliest(noise: _Noise, unit: F64, y: F64) -> tuple[float, float]:
    """The share of power's noise that makes the scatter most likely, by restricted likelihood; its score."""
    n = min(len(y), _LIKELY_ROWS)
    some = noise.first(n)
    used = np.flatnonzero(unit[:n].any(axis=0))
    columns = np.column_stack((unit[:n, used], y[:n]))

    def minus_log(share: float) -> float:
        white, log_determinant = some.whitened(columns, share)
        r = _triangle(white)
        sizes: F64 = np.linalg.svd(r[:, :-1])[1]
        sizes = sizes[sizes > _RANK * sizes.max(initial=0.0)]
        rest = _rest(r)
        spare = n - len(sizes)
        if rest <= 0 or spare < 1:
            return math.inf
        return log_determinant + 2 * float(np.log(sizes).sum()) + spare * math.log(rest)

    scores = [minus_log(share) for share in _SHARES]
    best = int(np.argmin(scores))
    return float(_SHARES[best]), scores[best]
