"""The power behind means of a past window that is longer than the time between two of them.

Each reading y_i is the mean of the W before its update u_i, so that E(u_i) - E(u_i - W) = W y_i. Between
two updates the power is taken to be constant, p_j in bin j, and then y = H p with H the share of each bin
in each window. That leaves patterns open which repeat themselves every W. What is asked of the p_j besides
is that they rarely change: changes d_j = p_j - p_(j-1) have a heavy-tailed prior (Student's t with 2
degrees of freedom), so that a step costs little and noise is smoothed away. Its maximum is found by
reweighting, from a prior that hardly smooths,

    minimise  Σ (y - H p)² / σ² + Σ w_j d_j²,   w_j = 3 / (2 s² + d_j²),

in cells of a dozen windows with a margin on either side, whose overlap keeps them together: patterns that
repeat themselves every W are the better known the more windows a cell has, unless the power found repeats
itself. The inverse of Hᵀ H / σ² + Dᵀ w D is then the covariance of the p_j, and so tells how well the energy
of any window is known: all but exactly where it is m W long, or begins and ends where the power rested for W,
and badly inside a load that never rests. What the fit leaves of the readings beyond their noise stands for
what is quicker than a bin.

A mean that stands still at idle, updated once a second, is no special case: its bins are as long as they
are. What it is the mean of then is less sure, and such readings weigh less where the power was not the
same.

One that stood still while it was read and then shows another power was not updated because its machine was
idle. Its missing readings leave a load open that comes round with them: of one of three updates it hides all
that one does. So where few updates come between standstills, what they hid is taken to be about the lowest
power that was read, p_j = P_0 ± s in their bins, with s a share of how far that is from the mean, and of P_0.
What a sensor holds for idle may be more than that everywhere: by how much all energies would move then, is in
their variance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...arrays import Bools, distinct
from ...trace.series import I64
from ..estimates.brackets import F64
from ..estimates.uncertainty import ROOT_12
from .banded import Banded, Eliminated
from .coming_round import Differences
from .irregular import scatters
from .profile import APART
from .running import FEW, local_mean
from .standstills import hidden, idle, still

_CELL, _DOZEN = 120, 12  # bins that a cell gives at least, and windows
_CELLS_KEPT = 32
_ROUNDS = 5
_AT_FIRST = 10.0  # times the scale: nothing is smoothed away before it was looked for
_DOF = 2.0
_MARGIN = 3.0  # windows on either side of a cell: what repeats itself every W is known by how many it has
_LOST = 0.28  # of (standstill x step of the reading): simulated, bursts between standstills
_EITHER = 3.0  # times the variance of what lies before an edge or behind it: the step is less than was used
_BURSTS = 2.0  # times the variance near standstills with few updates between them (_among_bursts)
_LATE_SHARE = 0.3  # of an unusually long time between two updates: where in it the sensor looked
_SHORT = 1.5  # windows below which a window's two ends are seen by the same readings
_OTHER = 3.0  # of the noise, by which a reading is another one; an equal one may be of the same power
_IDLE, _MORE = 0.07, 0.07  # of the lowest power and of how far it is from the mean; and what idle is more by
_STILL = 0.9  # of the window: a reading that comes so long after the last one ends a standstill
_DECIDED = 5.0  # in the logarithm of the prior's density: e^5 to 1
_SOLID = 1e-9
_AROUND = 4  # windows on either side in which power is compared with that of W before
_AGAIN, _SO_MUCH = 0.3, 0.3  # correlation with the power of W before, from which on it may repeat itself
_REPEATED = 1.5  # times the variance, more: of W in a row that are alike fewer tell
_IN_TWO, _ALIKE = 5.0, 0.2  # the same of two W; and of the correlation, from where to where
_SURELY = 0.8  # of it: more quickly power comes round as it was
_LEAST_NOISE = 0.1
_SLOW, _A_STEP = 8, 6.0  # differences on either side whose mean is no wander; and of their median, a step
_NOT_RULED_OUT = 0.1  # of the variance of differences: how well a minute tells it from noise
_MEDIAN_OF_SECOND = 0.6745 * np.sqrt(6.0)  # of independent noise: 1, -2, 1


class Cell(NamedTuple):
    """Some bins with all that their readings tell of them.

    Attributes:
        first: Number of its first bin, margin included.
        edges_s: float64[n + 1].
        watts: float64[n].
        known: The inverse of their covariance, 1 / W².
        rest2: Variance of the readings beyond their noise that no bins explain, W².
        moved_w: float64[n], by which they would be higher if what is taken for idle were.
    """

    first: int
    edges_s: F64
    watts: F64
    known: Eliminated
    rest2: float
    moved_w: F64


class Boxcar:
    """Bins of constant power from overlapping means.

    Args:
        t_s: float64[n], the instants of the updates, ascending; n is 2 or more.
        watts: float64[n], the means of the past ``window_s``.
        window_s: W.
        period_s: The usual time between two updates.
        noise_w: The largest noise of a reading, a standard uncertainty.
        late_s: float64[n], how well each update's instant is known.
        is_unread: bool[n], whether others may have come before it that nobody read; None: none has.

    Attributes:
        edges_s: float64[m + 1], of the bins.
        watts: float64[m], their power.
        differences: By how much readings differ, which no pattern that repeats itself every W changes.
        open_idle_w: What the machine draws at idle at most, if that matters and no reading shows it; else 0.
    """

    def __init__(
        self,
        t_s: F64,
        watts: F64,
        window_s: float,
        period_s: float,
        noise_w: float,
        late_s: F64,
        is_unread: Bools | None = None,
    ) -> None:
        self._t_s, self._y, self._window_s, self._period_s = t_s, watts, window_s, period_s
        self._noise_w = noise_w = min(noise_w, max(_scatter(watts), _LEAST_NOISE * noise_w))
        self._white_w = noise_w * window_s / period_s * np.sqrt(_not_noise(np.diff(watts)))
        self._begins_s, is_sure = _begins(t_s, watts, window_s, noise_w)
        gaps_s = np.diff(t_s, prepend=t_s[0])
        is_still = still(gaps_s > APART * period_s, is_unread)
        beyond_s = (gaps_s - 1.5 * period_s) * (is_still & ~is_sure)
        late_s = np.hypot(late_s, _LATE_SHARE * beyond_s)
        self._late = late_s / window_s
        hidden_j = hidden(gaps_s[1:], np.diff(watts), is_still[1:])
        self._hidden_j = np.concatenate(([0.0], hidden_j, [0.0]))
        self._lost_j = _LOST * np.cumsum(self._hidden_j[:-1])
        self._standstills = np.concatenate(([0], np.cumsum(self._hidden_j > 0)))
        self.edges_s = _edges(t_s, window_s, period_s)
        # An update between two standstills, the first of which lasted for W, saw idle power only.
        is_rest = is_still[:-1] & is_still[1:] & (gaps_s[:-1] >= _STILL * window_s)
        self._idle_w, self._idle_off_w = _idle_power(float(watts.min()), is_read=bool(is_rest.any()))
        is_other = np.abs(np.diff(watts)) > _OTHER * noise_w
        self._is_idle = idle(self.edges_s, t_s, is_other, is_still[1:], window_s)
        self.open_idle_w = 0.0 if is_rest.any() or not self._is_idle.any() else float(watts.min())
        self._beside = int(np.ceil(_MARGIN * window_s / period_s)) + 4
        self._given = max(_CELL, round(_DOZEN * window_s / period_s))
        # A change of the power shows in a reading as a share of it.
        changes = np.abs(np.diff(watts)) * window_s / np.diff(t_s)
        self._scale_w = max(float(np.median(changes)) / 2, noise_w)
        self._cell = lru_cache(_CELLS_KEPT)(self._solved)
        self.watts: F64
        self.watts, moved_w = np.concatenate(
            [self._own(start) for start in range(0, len(self.edges_s) - 1, self._given)], axis=1
        )
        self._moved_j = np.concatenate(([0.0], np.cumsum(moved_w * np.diff(self.edges_s))))
        # Of what a reading after a standstill is the mean is not sure. It counts for a period, and all may be
        # wrong in the same way.
        apart_w = np.abs(self._power_at(t_s - _SOLID) - self._power_at(self._begins_s))
        self._lost_j += np.cumsum(_LATE_SHARE * beyond_s * apart_w) * period_s / window_s
        at = np.clip(np.searchsorted(t_s, self.edges_s[1:] - _SOLID), 1, len(t_s) - 1) - 1
        again = _again(self.watts, round(window_s / period_s)) - _AGAIN
        step_w = np.diff(watts)
        is_scatter = (again > 0) | (scatters(step_w)[at] if len(t_s) > 3 else True)
        self.differences = Differences(step_w[at], is_scatter, window_s / period_s)
        again = again if len(t_s) >= FEW else np.ones(len(self.watts))  # nobody sees whether it does
        in_two = _in_two(self.watts, round(window_s / period_s))
        self._less_known: F64 = 1.0 + np.maximum(_REPEATED * np.clip(again / _SO_MUCH, 0.0, 1.0), in_two)

    def _power_at(self, t_s: F64) -> F64:
        """The power of the bins that hold instants."""
        bins = np.searchsorted(self.edges_s, t_s, "right") - 1
        found: F64 = self.watts[np.clip(bins, 0, len(self.watts) - 1)]
        return found

    def _own(self, start: int) -> F64:
        cell = self._cell(start)
        own = slice(start - cell.first, start - cell.first + self._given)
        return np.stack((cell.watts[own], cell.moved_w[own]))

    def _solved(self, start: int) -> Cell:
        """The cell that gives the bins from ``start`` on."""
        m = len(self.edges_s) - 1
        first, stop = max(start - self._beside, 0), min(start + self._given + self._beside, m)
        edges, n = self.edges_s[first : stop + 1], stop - first
        t_s = self._t_s
        seen = np.flatnonzero((self._begins_s >= edges[0] - _SOLID) & (t_s <= edges[-1] + _SOLID))
        if not len(seen):  # a hole of more than a cell
            near = float(np.interp((edges[0] + edges[-1]) / 2, t_s, self._y))
            unknown = Eliminated([np.eye(n) / max(near, self._noise_w) ** 2], [])
            return Cell(first, edges, np.full(n, near), unknown, 0.0, np.zeros(n))
        t_s, begins_s, late = t_s[seen], self._begins_s[seen], self._late[seen]
        shares = overlaps(edges, begins_s, t_s) / (t_s - begins_s)[:, None]
        mean = float(self._y[seen].mean())
        y = self._y[seen] - mean
        newest = np.clip(np.searchsorted(edges, t_s - _SOLID) - 1, 0, n - 1)
        oldest = np.clip(np.searchsorted(edges, begins_s) - 1, 0, n - 1)
        p: F64 = np.zeros(n)
        step2: F64 = np.zeros(n - 1)
        noise2: F64
        noise2, scale2 = self._noise_w**2 + (late * np.ptp(y)) ** 2, (_AT_FIRST * self._scale_w) ** 2
        below_w = mean - self._idle_w
        idle = self._is_idle[first:stop] / max(np.hypot(below_w, self._idle_w) * _IDLE, self._noise_w) ** 2
        solid = _SOLID / max(scale2, float(np.abs(y).max()) ** 2)
        system = Banded(shares, oldest, newest)
        for _ in range(_ROUNDS):
            weight = (_DOF + 1) / (_DOF * scale2 + step2)
            known = system.eliminated(1 / noise2, idle + solid, weight)
            p = known.solve(shares.T @ (y / noise2) - idle * below_w)
            step2 = np.diff(p) ** 2
            scale2 = max(float(np.median(step2)) if n > 1 else 0.0, self._scale_w**2)
            # A reading that came a little later has let go of one power and taken in another.
            noise2 = np.asarray(self._noise_w**2 + (late * (p[newest] - p[oldest])) ** 2, np.float64)
        rest2 = max(float(np.mean((y - shares @ p) ** 2 - noise2)), 0.0)
        moved_w = known.solve(idle) * self._idle_off_w
        return Cell(first, edges, p + mean, known, rest2, moved_w)

    def variance(self, t0_s: F64, t1_s: F64) -> F64:
        """The variance of the energies of windows, J², beyond that of what lies within a bin."""
        first, last = (np.minimum(np.searchsorted(self._t_s, t), len(self._t_s) - 1) for t in (t0_s, t1_s))
        found = (self._lost_j[last] - self._lost_j[first]) ** 2
        begun_j, ended_j = (np.interp(t, self.edges_s, self._moved_j) for t in (t0_s, t1_s))
        found += (ended_j - begun_j) ** 2
        for at, t in ((first, t0_s), (last, t1_s)):
            # What a standstill hides that a window begins or ends in lies on either side of the edge.
            gap_s = self._t_s[at] - self._t_s[np.maximum(at - 1, 0)]
            part = np.minimum((t1_s - t0_s) / np.maximum(gap_s, 1e-9), 0.5)
            found += np.where(t <= self._t_s[at], _EITHER * part * (1 - part) * self._hidden_j[at] ** 2, 0.0)
        is_short = t1_s - t0_s <= _SHORT * self._window_s
        near, far = np.flatnonzero(is_short), np.flatnonzero(~is_short)
        a, b = t0_s[near], t1_s[near]
        found[near] += self._of(a, lambda edges, at: overlaps(edges, a[at], b[at]))
        # Each end by itself: how far the energy up to it is from its mean over the W around it. Between these
        # two means lie the readings, whose noise is each one's own.
        found[far] += self._of_end(t0_s[far]) + self._of_end(t1_s[far])
        apart_s = self._t_s[last[far]] - self._t_s[first[far]]
        usual_s = apart_s / np.maximum(last[far] - first[far], 1)
        found[far] += self._noise_w**2 * usual_s * (t1_s - t0_s)[far]
        found += self._hidden_white(t1_s - t0_s)
        return found * self._among_bursts(t0_s, t1_s)

    def _hidden_white(self, length_s: F64) -> F64:
        """The variance of windows by power that wanders as quickly as bins and is taken for noise.

        All of m W is known of it but for the bins that a window begins and ends in.
        """
        window_s, bin_s = self._window_s, self._period_s
        between_s = length_s * (1.0 - length_s / window_s)
        hidden_s = np.maximum(between_s, np.minimum(length_s, bin_s))
        return np.asarray(self._white_w**2 * bin_s * hidden_s, np.float64)

    def _among_bursts(self, t0_s: F64, t1_s: F64) -> F64:
        """By how much the variance is larger where updates came between standstills only: bursts.

        That power rarely changes is then wrong: a burst is two changes, and when in the last second it was
        follows from readings that had stood still before. Of windows of two seconds both ends average it.
        """
        since = np.searchsorted(self._t_s, t0_s - self._window_s)
        until = np.searchsorted(self._t_s, t1_s + self._window_s, "right") + 1
        most = len(self._standstills) - 1
        some = self._standstills[np.minimum(until, most)] > self._standstills[np.minimum(since, most)]
        share = np.clip(2.0 - (t1_s - t0_s) / self._window_s, 0.0, 1.0)
        found: F64 = np.where(some, 1.0 + (_BURSTS - 1.0) * share, 1.0)
        return found

    def _of_end(self, t_s: F64) -> F64:
        return self._of(t_s, lambda edges, at: _leaning(edges, t_s[at], self._window_s))

    def _of(self, t_s: F64, weights: Callable[[F64, I64], F64]) -> F64:
        """The variances of linear functionals of the power around instants."""
        found = np.zeros(len(t_s))
        bins = np.clip(np.searchsorted(self.edges_s, t_s, "right") - 1, 0, len(self.edges_s) - 2)
        for start in distinct(bins // self._given * self._given).tolist():
            at = np.flatnonzero(bins // self._given * self._given == start)
            cell = self._cell(start)
            each = weights(cell.edges_s, at)
            found[at] = cell.known.variances(each.T) * self._less_known[bins[at]]
            found[at] += cell.rest2 * self._window_s**2
        return found


def _idle_power(lowest_w: float, *, is_read: bool) -> tuple[float, float]:
    """What a machine draws at idle, and the standard uncertainty of that, by its lowest mean of W.

    Where none is of idle power only, that is anywhere between nothing and the lowest.
    """
    return (lowest_w, _MORE * lowest_w) if is_read else (lowest_w / 2, lowest_w / ROOT_12)


def _again(watts: F64, lag: int) -> F64:
    """float64[m]: how far the power around each bin goes with that of so many bins before, -1 to 1."""
    off = watts - local_mean(watts, lag // 2)
    product, square = np.zeros(len(watts)), np.ones(len(watts))
    product[lag:] = off[lag:] * off[: max(len(off) - lag, 0)]
    square[lag:] = (off[lag:] ** 2 + off[: max(len(off) - lag, 0)] ** 2) / 2
    found: F64 = local_mean(product, _AROUND * lag) / np.maximum(local_mean(square, _AROUND * lag), _SOLID)
    return found


def _in_two(watts: F64, lag: int) -> F64:
    """float64[m]: what is less known of slow power that comes round in two windows, of so many bins each.

    Each second harmonic of it comes round in one, and no reading shows that.
    """
    found = _IN_TWO * np.clip((_again(watts, 2 * lag) - 2 * _AGAIN) / _ALIKE, 0.0, 1.0)
    for each in range(2, lag):  # what is quicker comes round before
        found[_again(watts, each) > _SURELY] = 0.0
    return found


def _begins(t_s: F64, watts: F64, window_s: float, noise_w: float) -> tuple[F64, Bools]:
    """float64[n]: since when each reading is the mean; and bool[n], whether the readings show it.

    Since W before it, but of a board that is updated once in W at idle. Two Ampere boards (A5000, RTX 3090,
    driver 535) show there, from the second standstill on, the mean since the last reading but one. The
    readings of each run of standstills decide, by the prior that power rarely changes: its doubled steps
    have to be much fewer.
    """
    begins_s, is_sure = t_s - window_s, np.zeros(len(t_s), np.bool_)
    still = np.diff(t_s, prepend=t_s[0]) >= _STILL * window_s
    ends = np.flatnonzero(np.diff(np.concatenate(([False], still, [False])).astype(np.int8)))
    for first, stop in ends.reshape(-1, 2).tolist():
        if stop - first < 2:
            continue
        plain = watts[first:stop]
        halved = plain.copy()
        for at in range(1, len(plain)):
            halved[at] = 2 * plain[at] - halved[at - 1]
        after = watts[stop : stop + 1]
        costs = [
            float(np.log1p((np.diff(np.concatenate((each, after))) / noise_w) ** 2 / _DOF).sum())
            for each in (plain, halved)
        ]
        if costs[0] - costs[1] > _DECIDED:
            begins_s[first + 1 : stop] = t_s[first - 1 : stop - 2]
            is_sure[first:stop] = True
    return begins_s, is_sure


def _not_noise(step_w: F64) -> float:
    """Which share of the variance of readings' differences may be of power that wanders from bin to bin.

    Of noise successive differences go together by r = -1/2; those of power that is another one in each bin by
    r = 0, as if each were σ W / T off where they are as far apart as readings of the noise σ. Steps of power
    and what it does slowly count for neither.
    """
    off = step_w - local_mean(step_w, _SLOW)
    off[np.abs(off) > _A_STEP * np.median(np.abs(off))] = 0.0
    squares = float(off @ off)
    share = 1.0 + 2.0 * float(off[1:] @ off[:-1]) / squares if squares else 0.0
    return min(max(share, _NOT_RULED_OUT), 1.0)


def _scatter(watts: F64) -> float:
    """The readings' noise by their second differences, which a ramp of a mean has none of."""
    second = np.abs(np.diff(watts, 2))
    return float(np.median(second)) / _MEDIAN_OF_SECOND if len(second) else np.inf


def _edges(t_s: F64, window_s: float, period_s: float) -> F64:
    """The updates, what came before the first in periods, and no bin much longer than a period."""
    before = t_s[0] - np.arange(int(np.ceil(window_s / period_s)) - 1, 0, -1) * period_s
    edges = np.concatenate(([t_s[0] - window_s], before[before > t_s[0] - window_s + _SOLID], t_s))
    gaps = np.diff(edges)
    parts = np.maximum(np.ceil(gaps / period_s - (APART - 1)), 1).astype(np.int64)
    index = np.repeat(np.arange(len(gaps)), parts)
    within = np.arange(len(index)) - np.repeat(np.cumsum(parts) - parts, parts)
    return np.append(edges[index] + within * (gaps / parts)[index], edges[-1])


def overlaps(edges_s: F64, t0_s: F64, t1_s: F64) -> F64:
    """float64[windows, bins]: seconds of each bin in each window."""
    found: F64 = np.diff(np.clip(edges_s, t0_s[:, None], t1_s[:, None]), axis=1)
    return found


def _leaning(edges_s: F64, t_s: F64, window_s: float) -> F64:
    """float64[instants, bins]: the energy up to instants less its mean over the window around them.

    The weight of the power at x from the instant is (x + W/2) / W before it and (x - W/2) / W after it.
    """
    half = window_s / 2
    x = edges_s - t_s[:, None]
    before = (np.clip(x, -half, 0) + half) ** 2
    after = (half - np.clip(x, 0, half)) ** 2
    return np.diff(before + after, axis=1) / (2 * window_s)
