"""Power that is no multiple of CPU time: laws that are tried beside the linear one.

Between two looks each column j, of a program or a few, was busy for b_j seconds of T. By the linear law it
drew c_j b_j joules above the idle machine. By another law it drew

    c_j b_j h_j,    h_j = h(b, T; s),

where h depends on who else was busy and s, its strength, is fitted. So power that all share is divided in
proportion of c_j b_j h_j, as linear power is: whoever runs beside another pays for its own seconds what they
cost there.

Which law holds is judged by what it leaves of the counter. None of them is what a processor does, so the odds
are flattened: laws that explain nearly as much are nearly as likely, and how far they and their strengths
would move a figure is a component of its uncertainty, beside a quarter of what the best one moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..profiling.regression import LEAST

F64 = npt.NDArray[np.float64]

_TINY = 1e-9
_RIDGE = 1e-12  # of the largest square: columns that are alike share what they explain
_ROUNDS = 3  # of taking the weights of columns from the fit before
_FINER = 4  # parts of a step between two strengths, in each of two passes
_PLACES = 17  # at which the idle machine's power may have stepped
_NUDGE = 0.03  # by which a strength is moved to see what depends on it
_NUDGES = np.array([-_NUDGE, 0.0, _NUDGE])
_STRENGTH_MAX_U = 0.5
_OF_MOVE = 0.25  # of what the laws move, standard uncertainty of that
_FLAT = 4.0  # by which the logarithm of odds is divided
_ENOUGH = 0.25  # of a CPU that others have, from which on they disturb fully
_LEAST_LOAD = 1e-3  # of a core, below which a power of it means nothing


class Rows(NamedTuple):
    """What explains a counter between looks.

    Attributes:
        length_s: float64[n].
        amount: float64[n, m]: the CPU seconds of own columns first, then events.
        own: How many columns are of seconds.
        overlap_s: float64[n], for how long both threads of a core were busy; None: it is not known.
        weighted_s: float64[n, own], the CPU seconds, each column's in proportion of its power, and as many in
            all; None: they are not known yet.
        times: float64[n, own], how many times its linear power each column draws by a law that is taken to
            hold; 1 in place of ``own``, or of both.
    """

    length_s: F64
    amount: F64
    own: int
    overlap_s: F64 | None = None
    weighted_s: F64 | None = None
    times: F64 | float = 1.0

    @property
    def busy_s(self) -> F64:
        """float64[n, own]: the CPU seconds."""
        return self.amount[:, : self.own]

    def design(self, times: F64 | float = 1.0) -> F64:
        """float64[..., n, m + 1]: the length and all amounts, seconds so many times more."""
        seconds = self.busy_s * (self.times * times)
        shape = seconds.shape[:-1]
        length = np.broadcast_to(self.length_s[:, None], (*shape, 1))
        events = np.broadcast_to(self.amount[:, self.own :], (*shape, self.amount.shape[1] - self.own))
        return np.concatenate((length, seconds, events), axis=-1)


class Law(NamedTuple):
    """How many times its linear power each column draws.

    Attributes:
        times: Of rows and strengths float64[k, 1, 1]: float64[k, n, own], or 1 in place of ``own``.
        strengths: Those that are tried first, ascending; with 0 the law is the linear one.
        is_weighted: Whether it needs the weights of columns, and so the fit before.
    """

    times: Callable[[Rows, F64], F64]
    strengths: tuple[float, ...]
    is_weighted: bool


class Tried(NamedTuple):
    """One law, fitted.

    Attributes:
        design: float64[n, m + 1], of all rows.
        times: float64[n, own], or 1 in place of ``own``: how many times its linear power each column draws.
        terms: How many strengths were fitted for it.
        energy_j: float64[m + 1], of each column over all rows.
        left: float64[k], weighted, what it leaves of the rows that are fitted.
        moved_j: float64[m + 1], by how much the energies move with the standard uncertainty of its strength,
            never negative.
        step_w: By how much the idle machine's power steps.
    """

    design: F64
    times: F64
    terms: int
    energy_j: F64
    left: F64
    moved_j: F64
    step_w: float = 0.0


def _of_load(rows: Rows, strength: F64) -> F64:
    """Power as a power of load: turbo and heat above 1, what the first core wakes for all below it."""
    busy_s = rows.busy_s if rows.weighted_s is None else rows.weighted_s
    cores = busy_s.sum(axis=1, keepdims=True) / rows.length_s[:, None]
    found: F64 = np.where(cores > 0, np.maximum(cores, _LEAST_LOAD), 1.0) ** strength
    return found


def _of_first_core(rows: Rows, strength: F64) -> F64:
    """One core costs another power than those after it."""
    busy_s = rows.busy_s.sum(axis=1, keepdims=True)
    found: F64 = 1.0 + strength * np.minimum(1.0, rows.length_s[:, None] / np.maximum(busy_s, _TINY))
    return found


def _beside(rows: Rows, strength: F64) -> F64:
    """Who runs beside another has another power, the more the other runs: they share caches and memory."""
    return 1.0 + strength * np.minimum(1.0, _others(rows))


def _disturbed(rows: Rows, strength: F64) -> F64:
    """The same, and a little of the other is enough: threads of one core."""
    return 1.0 + strength * np.minimum(1.0, _others(rows) / _ENOUGH)


def _others(rows: Rows) -> F64:
    """float64[n, own]: how many CPUs others than each column had."""
    busy_s = rows.busy_s
    found: F64 = (busy_s.sum(axis=1, keepdims=True) - busy_s) / rows.length_s[:, None]
    return found


def _of_threads(rows: Rows, strength: F64) -> F64:
    """The same of threads of one core, whose times are known."""
    busy_s = np.maximum(rows.busy_s.sum(axis=1), _TINY)
    overlap_s = np.zeros_like(busy_s) if rows.overlap_s is None else rows.overlap_s
    found: F64 = 1.0 + strength * np.minimum(1.0, 2.0 * overlap_s / busy_s)[:, None]
    return found


_FACTORS = (-0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
LAWS = (
    Law(_of_load, (-0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9), True),
    Law(_of_first_core, _FACTORS, False),
    Law(_beside, _FACTORS, False),
    Law(_disturbed, _FACTORS, False),
)
OF_THREADS = Law(_of_threads, _FACTORS, False)


class Laws:
    """All laws, fitted to what a counter counted; the linear one first.

    Args:
        rows: What explains it.
        energy_j: float64[n], what was counted.
        is_ok: bool[n], which rows are fitted.
        wider: Gives of residuals by how much their sums scatter more than independent ones would.
    """

    def __init__(
        self, rows: Rows, energy_j: F64, is_ok: npt.NDArray[np.bool_], wider: Callable[[F64], float]
    ) -> None:
        self._rows, self._is_ok = rows, is_ok
        self._weight = 1.0 / np.sqrt(rows.length_s[is_ok])
        self._target = energy_j[is_ok] * self._weight
        linear = self._linear()
        self.tried = [linear]
        n, m = int(is_ok.sum()), linear.design.shape[1]
        squares = float(linear.left @ linear.left)
        if n - m - 1 >= LEAST and squares > 0 and rows.busy_s[is_ok].any():
            laws = LAWS if rows.overlap_s is None else (*LAWS, OF_THREADS)
            self.tried += [self._fitted(law, rows, linear) for law in laws]
            if n - m - 2 >= LEAST:
                self.tried += [self._of_two(laws, rows), self._with_a_step()]
        self.odds = self._odds(n, wider)
        self.best = self.tried[int(np.argmax(self.odds))]

    @property
    def step_w(self) -> float:
        """By how much the idle machine's power steps, a mean over laws by their odds; never negative."""
        return float(self.odds @ [abs(each.step_w) for each in self.tried])

    @property
    def idle_times(self) -> F64:
        """float64[n]: how many times its mean power the idle machine draws in each row, a mean over laws."""
        idle_s = np.array([each.design[:, 0] for each in self.tried])
        length_s = self._rows.length_s
        found: F64 = self.odds @ (idle_s / idle_s.sum(axis=1, keepdims=True)) * length_s.sum() / length_s
        return found

    def moves_j(self, energy_j: F64) -> tuple[F64, F64]:
        """By how much the other laws move energies that were fitted by the best one.

        Args:
            energy_j: float64[m + 1].

        Returns:
            float64[m + 1], signed: the mean over laws, by their odds; and the standard uncertainty from not
            knowing which law holds, whose sign says who gains where others lose.
        """
        moves = np.array(
            [possible(energy_j + each.energy_j - self.best.energy_j, energy_j) for each in self.tried]
        )
        moves -= energy_j
        mean: F64 = self.odds @ moves
        variance = self.odds @ ((moves - mean) ** 2 + np.array([each.moved_j for each in self.tried]) ** 2)
        bent = mean - moves[0]
        # The strength of a law moves energies as the law itself does: they gain or lose as it bends them.
        sign = np.where(bent < 0, -1.0, 1.0)
        return mean, sign * np.sqrt(variance + (_OF_MOVE * bent) ** 2)

    def _linear(self) -> Tried:
        design = self._rows.design()
        found, left = self._least(design[None])
        none = np.zeros(design.shape[1])
        return Tried(design, np.ones((len(design), 1)), 0, found[0] * design.sum(axis=0), left[0], none)

    def _fitted(self, law: Law, rows: Rows, before: Tried) -> Tried:
        """A law, on top of the one before, at the strength that leaves least."""
        used = before.design.sum(axis=0)
        watts = np.divide(before.energy_j, used, out=np.zeros_like(used), where=used > 0)
        for _ in range(_ROUNDS if law.is_weighted else 1):
            weighted = rows._replace(weighted_s=self._weighted_s(watts))
            strength = self._strongest(law, weighted)
            designs, found, left, moved = self._at(law, weighted, strength + _NUDGES)
            watts = found[1]
        squares = (left**2).sum(axis=1)
        bend = float(squares[0] - 2.0 * squares[1] + squares[2]) / _NUDGE**2
        spare = max(left.shape[1] - designs.shape[2] - before.terms - 1, 1)
        u = math.sqrt(2.0 * float(squares[1]) / spare / bend) if bend > 0 else _STRENGTH_MAX_U
        moved_j = (moved[2] - moved[0]) / (2 * _NUDGE) * min(u, _STRENGTH_MAX_U)
        times = before.times * law.times(weighted, np.full((1, 1, 1), strength))[0]
        return Tried(
            designs[1], times, before.terms + 1, moved[1], left[1], np.hypot(moved_j, before.moved_j)
        )

    def _of_two(self, laws: Sequence[Law], rows: Rows) -> Tried:
        """Power may bend for two reasons at once: by load, and by the law that explains most beside it."""
        load = self.tried[1]
        bent = rows._replace(times=load.times)
        pairs = [(self._fitted(law, bent, load), law) for law in laws[1:]]
        both, second = min(pairs, key=lambda pair: float(pair[0].left @ pair[0].left))
        none = np.zeros_like(both.moved_j)
        by_second = both._replace(times=both.times / load.times, terms=1, moved_j=none)
        again = self._fitted(laws[0], rows._replace(times=by_second.times), by_second)
        by_load = again._replace(times=again.times / by_second.times, terms=1)
        return self._fitted(second, rows._replace(times=by_load.times), by_load)

    def _with_a_step(self) -> Tried:
        """The idle machine's power steps once, where that explains most: a fan, a clock, a device woke."""
        linear = self.tried[0]
        length_s = self._rows.length_s
        first, last, apart = 0.1 * len(length_s), 0.9 * len(length_s), len(length_s)
        while apart > 1:  # about the best place more closely, down to a row
            places = np.unique(np.linspace(first, last, _PLACES).astype(np.int64))
            later_s = length_s * (np.arange(len(length_s)) >= places[:, None])
            designs = np.stack([np.column_stack((linear.design, each)) for each in later_s])
            found, left = self._least(designs)
            best = int(np.argmin((left**2).sum(axis=1)))
            apart = int(np.diff(places).max(initial=1))
            first, last = max(first, places[best] - apart), min(last, places[best] + apart)
        watts, step_w = found[best, :-1], float(found[best, -1])
        if min(watts[0], watts[0] + step_w) <= 0:
            return linear
        used = linear.design.sum(axis=0)
        own = np.eye(len(used))[0] * float(later_s[best].sum())
        # How the others go with the step, and how well that is known, by the covariance of all.
        x = designs[best][self._is_ok] * self._weight[:, None]
        inverse = np.linalg.pinv(x.T @ x)
        along = inverse[:-1, -1] / inverse[-1, -1] * used + own
        u_w = math.sqrt(inverse[-1, -1] * float(left[best] @ left[best]) / max(len(x) - x.shape[1] - 1, 1))
        design = linear.design.copy()
        design[:, 0] += step_w / watts[0] * later_s[best]
        energy_j = watts * used + step_w * own
        return Tried(design, linear.times, 2, energy_j, left[best], np.abs(along) * u_w, step_w)

    def _strongest(self, law: Law, rows: Rows) -> float:
        """The strength that leaves least."""
        tried, strength = np.array(law.strengths), 0.0
        for _ in range(3):
            _, _, left, _ = self._at(law, rows, tried)
            best = int(np.argmin((left**2).sum(axis=1)))
            strength = float(tried[best])
            around = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]
            tried = np.linspace(*around, 2 * _FINER + 1)
        return strength

    def _at(self, law: Law, rows: Rows, strengths: F64) -> tuple[F64, F64, F64, F64]:
        designs = rows.design(law.times(rows, strengths[:, None, None]))
        found, left = self._least(designs)
        return designs, found, left, found * designs.sum(axis=1)

    def _weighted_s(self, watts: F64) -> F64:
        """float64[n, own]: busy seconds, each column's in proportion of its power; as many in all."""
        busy_s, own = self._rows.busy_s, np.maximum(watts[1 : self._rows.own + 1], 0.0)
        total = float(busy_s.sum(axis=0) @ own)
        return busy_s * (own * float(busy_s.sum()) / total) if total > 0 else busy_s

    def _least(self, designs: F64) -> tuple[F64, F64]:
        """Weighted least squares of several designs: float64[k, m + 1] and what they leave, float64[k, n]."""
        x = designs[:, self._is_ok] * self._weight[:, None]
        scale = np.maximum(np.abs(x).max(axis=1), np.finfo(float).tiny)
        x = x / scale[:, None]
        square = np.swapaxes(x, 1, 2) @ x
        ridge = _RIDGE * max(float(square.max(initial=0.0)), 1.0) * np.eye(x.shape[2])
        found = np.linalg.solve(square + ridge, (np.swapaxes(x, 1, 2) @ self._target)[..., None])
        left = self._target - (x @ found)[..., 0]
        return found[..., 0] / scale, left

    def _odds(self, n: int, wider: Callable[[F64], float]) -> F64:
        """How likely each law is: exp(-B / 2), flattened, with B = n ln S + k ln n.

        S are the squares that it leaves, k its strengths. Looks in a row are alike: n of them say as
        much as n / wider² that are not.
        """
        squares = np.array([float(each.left @ each.left) for each in self.tried])
        if len(squares) == 1:
            return np.ones(1)
        squares = np.maximum(squares, squares[0] * _TINY)
        alike = wider(self.tried[int(np.argmin(squares))].left)
        terms = np.array([each.terms for each in self.tried])
        score = -(n / alike**2 * np.log(squares / squares[0]) + terms * math.log(n)) / 2
        found: F64 = np.exp((score - score.max()) / _FLAT)
        found /= found.sum()
        return found


def possible(wanted_j: F64, energy_j: F64) -> F64:
    """The energies that a law wants, none below nothing, and in all no more or less than there were."""
    found = np.maximum(wanted_j, 0.0)
    total_j = found.sum()
    return found * (energy_j.sum() / total_j) if total_j > 0 else energy_j
