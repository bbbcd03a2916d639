"""By how much a counter trails the energy it reports, learnt from the power steps at a program's marks. Pure.

A program marks where its power changes. Around a mark T the count is a straight line before and another one
after. Where they meet is the step as the counter shows it,

    s = (b_after - b_before) / (P_before - P_after),

and s - T is the lag: the value at which the likelihood of two straight lines has its maximum, with the
powers profiled out. Its standard uncertainty is that of the two lines at s over the step, or the scatter from
mark to mark where that is more.

What a mark causes comes after it. So a *rise* of power at a beginning trails the mark by the lag or more: it
bounds the lag from above. A *fall* at an end trails the last work by the lag, and the mark by the lag or
less: it bounds it from below. Each bound has five standard uncertainties to spare where guaranteed intervals
rest on it, and two at 95 %.

The declared lag is what is thought of a whole family of processors. So a bound that the steps give takes its
place where it is sharper, be it shorter or longer. Where it is not, steps that trail their marks by more than
the declared lag make the lag longer all the same. A few of them are no measurement: a load that goes up and
down has a step soon after some mark by chance. Intervals allow for such a lag, and figures are left as they
are; those at 95 % do not where power fell at ends within the declared lag, because then it may have risen
late. When ``uj record`` began and ended, no program's power stepped.

Decision: only marks with steady power on both sides count, for five updates at most, so that a trace taken
piece by piece gives the same lag as one in memory. What was given up: steps closer together than that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...arrays import distinct
from ...channel import Timing
from ...trace.series import I64
from ...trace.window_columns import WindowColumns
from ...units import NS_PER_MS, NS_PER_US
from ..estimates.run_window import RECORDING
from ..estimates.uncertainty import ROOT_12
from .update_times import F64, Bools, UpdateTimes

MARKS = 256  # the first so many of a trace
_SIDE = 5  # updates on one side of a step, at most
_FEWEST = 3  # and at least
_STEPS = 8  # steps of one kind, below which a lag is not called measured
_FARTHEST = 2  # declared lags after a mark in which its step is looked for
_FARTHER_NS = 2 * NS_PER_MS  # and so much later, of a counter that trails by more than anybody declares
_CLEAR = 6.0  # standard uncertainties that the power must change by
_SURE = 5.0  # standard uncertainties that a bound has to spare
_LIKELY = 2.0  # for 95 %
_OF_FEW = 3.5  # where steps are too few to measure it: what it moves rests on the powers beside them, too
_SLACK_NS = 5 * NS_PER_US  # of a read, and of taking the mark
_OUTLIER = 6.0  # median absolute deviations
ALIKE = 0.7  # of what is not known of the phase; steps that scatter less fell on one phase of the updates
SHARED = 0.25  # of it, that does not average in any case
_SOURCE = "measured at the power steps of this trace"


class Marks(NamedTuple):
    """int64[n] and int64[m], ascending: where windows begin and where they end."""

    begins_ns: I64
    ends_ns: I64

    @classmethod
    def of(cls, windows: WindowColumns) -> Marks:
        """Those of the windows of a program: of all but the one that ``uj record`` lays about everything."""
        first = int(len(windows) > 0 and windows.names[windows.name[0]] == RECORDING)
        ends_ns = windows.t1_ns[first:][~windows.is_open[first:]]
        return cls(np.sort(windows.t0_ns[first:]), np.sort(ends_ns))

    def instants_ns(self) -> I64:
        """The first ``MARKS`` of all."""
        return distinct(self.begins_ns, self.ends_ns)[:MARKS]


class _Steps(NamedTuple):
    """The steps of power at n marks: float64[n] and bool[n]."""

    lag_ns: F64  # from the mark to the step as the counter shows it
    u_ns: F64  # standard uncertainty, each by itself
    phase_ns: F64  # and of all whose updates have one phase
    rises: Bools
    is_clear: Bools


class _Side(NamedTuple):
    """A straight line through the updates on one side of n marks: float64[n] each."""

    n: F64
    t_ns: F64  # mean time, from the mark
    counted: F64  # mean count
    power: F64  # counts a nanosecond
    one: F64  # standard uncertainty of one count
    stiff: F64  # sum of squares of the times
    phase_ns: F64  # what is not known of all these updates together
    is_straight: Bools

    def variance(self, x_ns: F64) -> F64:
        return self.one**2 * (1 / np.maximum(self.n, 1) + (x_ns - self.t_ns) ** 2 / self.stiff)


def learnt(timing: Timing, times: UpdateTimes, total: I64, quantum: int, marks: Marks) -> Timing:
    """The timing with the lag that the steps at marks show; as it is where they show none.

    Args:
        timing: What was declared.
        times: The counter's updates.
        total: int64[m], what had been counted at each reading.
        quantum: The smallest step of the counter, in counts.
        marks: Of the program.
    """
    at = marks.instants_ns()
    if not timing.lag_ns or not len(at) or len(times) < 2 * _STEPS:
        return timing
    farthest_ns = _FARTHEST * timing.lag_ns
    near, far = (_steps(times, total, quantum, at, ns) for ns in (farthest_ns, farthest_ns + _FARTHER_NS))
    # What a step between the two leaves of a line that should have begun after it passes for noise.
    is_far = far.is_clear & (~near.is_clear | (far.lag_ns + _LIKELY * far.u_ns > farthest_ns))
    steps = _Steps(*(np.where(is_far, *both) for both in zip(far, near, strict=True)))
    of_rise = _mean(steps, steps.is_clear & steps.rises & _among(at, marks.begins_ns))
    of_fall = _mean(steps, steps.is_clear & ~steps.rises & _among(at, marks.ends_ns))
    (least, most), likely = (_bounds(timing, of_rise, of_fall, u) for u in (_SURE, _LIKELY))
    longer = [each for each in (of_rise, of_fall) if each and each.lag_ns > timing.lag_ns]
    allowed_ns, likely_ns = (max((each.most_ns(u) for each in longer), default=0) for u in (_SURE, _OF_FEW))
    if of_fall is not None and of_fall.most_ns(_SURE) <= timing.lag_ns:
        likely_ns = 0  # power rose late
    if most <= least or most <= 0:  # the steps are not the marks'
        return timing
    if (least, most) == likely == (timing.lag_min_ns, timing.lag_ns):
        return timing.with_longest_lag(allowed_ns, likely_ns)
    found = timing.with_lag(least, most, _SOURCE)
    if least <= likely[0] < likely[1] <= most:
        found = found.with_likely_lag(*likely, _SOURCE)
    return found.with_longest_lag(allowed_ns, likely_ns)


def _bounds(timing: Timing, of_rise: _Mean | None, of_fall: _Mean | None, sure: float) -> tuple[int, int]:
    """Between which two the lag lies, with so many standard uncertainties to spare."""
    least, most, declared_ns = timing.lag_min_ns, timing.lag_ns, timing.lag_ns - timing.lag_min_ns
    if of_fall is not None and of_fall.is_measured:
        least = max(least, of_fall.least_ns(sure))
    if of_rise is not None and of_rise.is_measured:
        bound = of_rise.most_ns(sure)
        most = bound if of_rise.half_ns(sure) < declared_ns else min(most, bound)
    measured = (each for each in (of_rise, of_fall) if each and each.is_measured)
    return least, max(most, *(each.most_ns(sure) for each in measured if each.lag_ns > timing.lag_ns), 0)


def _among(values: I64, ordered: I64) -> Bools:
    found: Bools = np.searchsorted(ordered, values, "right") > np.searchsorted(ordered, values, "left")
    return found


class _Mean(NamedTuple):
    """The mean lag of some steps.

    Attributes:
        lag_ns: The mean.
        u_ns: Its standard uncertainty.
        is_measured: Whether steps are enough for a lag to be called measured.
    """

    lag_ns: float
    u_ns: float
    is_measured: bool

    def half_ns(self, sure: float) -> float:
        """By how much the lag that they show can be more or less, with so many uncertainties to spare."""
        return sure * self.u_ns + _SLACK_NS

    def least_ns(self, sure: float) -> int:
        """The shortest lag that they leave possible."""
        return math.floor(self.lag_ns - self.half_ns(sure))

    def most_ns(self, sure: float) -> int:
        """The longest one."""
        return math.ceil(self.lag_ns + self.half_ns(sure))


def _mean(steps: _Steps, these: Bools) -> _Mean | None:
    """The mean lag of some steps; None: there are none."""
    lag, u = steps.lag_ns[these], steps.u_ns[these]
    if not len(lag):
        return None
    is_measured = len(lag) >= _STEPS
    middle = float(np.median(lag))
    far = np.abs(lag - middle)
    usual = far <= _OUTLIER * max(float(np.median(far)), float(np.median(u)))
    lag, u = lag[usual], u[usual]
    n, expected = len(lag), float(np.median(u))
    scatter = float(np.std(lag, ddof=1)) if n > 1 else 0.0
    alone = max(scatter, expected) / math.sqrt(n)
    phase = float(np.median(steps.phase_ns[these]))
    # How few steps scatter does not tell whether they fell on one phase.
    common = phase * (SHARED if is_measured and scatter >= ALIKE * phase else 1.0)
    return _Mean(float(np.mean(lag)), math.hypot(alone, common), is_measured)


def _steps(times: UpdateTimes, total: I64, quantum: int, at: I64, farthest_ns: int) -> _Steps:
    """The steps at marks, each looked for up to so long after it."""
    first = times.read_by(at)
    last = times.read_by(at + farthest_ns)
    previous = np.concatenate(([np.iinfo(np.int64).min // 2], at[:-1] + farthest_ns))
    following = np.append(at[1:], np.iinfo(np.int64).max)
    before = _side(times, total, quantum, at, first - np.arange(_SIDE, 0, -1)[:, None], (previous, at))
    behind = last + np.arange(1, _SIDE + 1)[:, None]
    after = _side(times, total, quantum, at, behind, (at + farthest_ns, following))
    change = after.power - before.power
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        level = (after.counted - after.power * after.t_ns) - (before.counted - before.power * before.t_ns)
        lag = -level / change
        u = np.sqrt(before.variance(lag) + after.variance(lag)) / np.abs(change)
        u_change = np.sqrt(before.one**2 / before.stiff + after.one**2 / after.stiff)
        is_clear = np.isfinite(lag) & (np.abs(change) > _CLEAR * u_change)
        usual = times.learned.usual_ns
        is_clear &= (lag > -usual) & (lag < farthest_ns + usual) & (u < usual)
    is_clear &= before.is_straight & after.is_straight
    lag, u = np.where(is_clear, lag, 0.0), np.where(is_clear, u, 1.0)
    return _Steps(lag, u, np.maximum(before.phase_ns, after.phase_ns), change > 0, is_clear)


def _side(times: UpdateTimes, total: I64, quantum: int, at: I64, k: I64, within: tuple[I64, I64]) -> _Side:
    """The line through the updates ``k`` (int64[side, n]) as far as they lie within two instants."""
    last = len(times) - 1
    inside = (k >= 1) & (k <= last)  # of the first update nobody knows what came before
    k = np.clip(k, 0, last)
    found = times.located(k.ravel())
    t_ns, spread = found.t_ns.reshape(k.shape), found.spread_ns.reshape(k.shape)
    earliest, latest, _ = times.brackets(k)
    inside &= (earliest >= within[0]) & (latest <= within[1])
    origin = total[times.changes[np.clip(times.read_by(at), 0, last)]]
    t = (t_ns - at).astype(np.float64)
    count = (total[times.changes[k]] - origin).astype(np.float64)
    n = inside.sum(0).astype(np.float64)
    some = np.maximum(n, 1)
    mean_t, mean_c = (np.where(inside, each, 0.0).sum(0) / some for each in (t, count))
    off_t, off_c = np.where(inside, t - mean_t, 0.0), np.where(inside, count - mean_c, 0.0)
    stiff = np.maximum((off_t**2).sum(0), 1.0)
    power = (off_t * off_c).sum(0) / stiff
    one = np.hypot(power * np.where(inside, spread, 0.0).max(0), quantum / ROOT_12)
    left = off_c - power * off_t
    is_straight = (n >= _FEWEST) & ((left**2).sum(0) <= 9 * one**2 * some)
    phase = np.where(inside, found.phase_ns.reshape(k.shape), 0.0).max(0)
    return _Side(n, mean_t, mean_c, power, np.maximum(one, 1e-300), stiff, phase, is_straight)
