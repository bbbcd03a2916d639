"""A slow or averaging meter against a quicker one: lag, averaging window, gain and offset, with intervals.

Each reading of the meter is taken for

    y = offset + gain · (E(t - lag) - E(t - lag - window)) / window

where E is the energy that the quicker one had counted: a mean of its power over a window that ended a while
before. For given lag and window this is a straight line, whose squares are least in closed form; so a coarse
grid over lag and window finds the valleys, and Gauss-Newton their bottoms; the lowest one counts. Where the
time of a reading is uncertain, its mean power is the mean over all that this time may be. Near a step of
power a reading is as uncertain as its time, so that the line is drawn with lower weights there:
else the gain came out too small (errors in the regressor). The standard errors are those of the sandwich with
Newey and West's weights (Econometrica 55, 1987), because readings share an averaging window, so that
residuals are neither equal nor independent. What residuals do not show, the display's step, is added, and so
is what the times leave open of lag and window.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...errors import TooFewUpdates
from ...trace.series import I64
from ...units import NS_PER_S
from ...value_class import dataclass
from ..estimates.uncertainty import student

F64 = npt.NDArray[np.float64]

READINGS_MIN = 20
LAG_MIN_S, LAG_MAX_S = -0.5, 5.0
WINDOW_MAX_S = 10.0
_LAGS, _WINDOWS = 56, 12
_VALLEYS, _ROUNDS, _FINER = 4, 2, 11
_SHORTEST_S = 1e-3  # a shorter window is a momentary value
_STEPS = 40
_STEEP = 0.3  # of the fastest change, from which on a reading shows how sure its time is
_ROOM = 0.1  # of the window that was found, which the last refinement may add to it
_SMALL = 1e-9
_HALF = 12**-0.5  # standard uncertainty of a rectangle of width 1
_MEDIAN_OF_NORMAL = 0.6745
# Gauss and Legendre's three instants of a rectangle of standard deviation 1, and their weights.
_NODES = ((-(1.8**0.5), 5 / 18), (0.0, 8 / 18), (1.8**0.5, 5 / 18))


@dataclass(frozen=True, slots=True)
class Fitted:
    """One figure with its standard uncertainty, and what makes a 95 % interval of that."""

    value: float
    u: float
    k: float = 2.0

    @property
    def U(self) -> float:  # noqa: N802 - the GUM's own symbol
        """Half of the 95 % interval."""
        return self.k * self.u


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFit:
    """What a meter does beside a quicker one.

    Attributes:
        gain: Watts of the meter for each watt of the quicker one.
        offset_w: Watts of the meter where the quicker one shows none.
        lag_s: How long after the end of its averaging window a value appears.
        window_s: What each value is the mean of; ``u`` 0: too short to be told.
        n: Readings.
        residual_w: Root mean square of what is left.
        explained: Share of the meter's variance that the quicker one explains, 0 to 1.
        mean_w: The quicker one's mean power over all readings.
        mean_meter_w: The meter's.
        at_mean_w: The line at ``mean_w``: what a long window is uncertain by.
    """

    gain: Fitted
    offset_w: Fitted
    lag_s: Fitted
    window_s: Fitted
    n: int
    residual_w: float
    explained: float
    mean_w: float
    mean_meter_w: float
    at_mean_w: Fitted

    def with_times(self, together_s: float) -> ReferenceFit:
        """The same where all readings' times share an error of this standard uncertainty: one of the lag."""
        lag = self.lag_s
        return replace(self, lag_s=replace(lag, u=float(np.hypot(lag.u, together_s))))


class Cumulative:
    """Energy over time, from which mean powers are read.

    Args:
        t_s: float64[n], ascending.
        joules: float64[n], counted until then.
    """

    def __init__(self, t_s: F64, joules: F64) -> None:
        self.t_s, self._joules = t_s, joules

    def mean_w(self, ends_s: F64, window_s: float) -> F64:
        """float64: the mean power of windows that end at instants."""
        until, before = np.interp(np.stack((ends_s, ends_s - window_s)), self.t_s, self._joules)
        mean: F64 = (until - before) / window_s
        return mean


def fit(
    t_ns: I64,
    watts: F64,
    spread_s: F64,
    energy_t_ns: I64,
    energy_j: F64,
    step_w: float = 0.0,
    reach_s: float = LAG_MAX_S + WINDOW_MAX_S,
) -> ReferenceFit:
    """Fits a meter's readings to a quicker one's energy.

    Args:
        t_ns: int64[n], when the meter showed what it shows.
        watts: float64[n], that.
        spread_s: float64[n], the standard uncertainty of when.
        energy_t_ns: int64[m], ascending instants.
        energy_j: float64[m], what the quicker one had counted until then.
        step_w: The meter's display step.
        reach_s: The longest lag and window together; so much of the beginning has no reading that counts
            while they are looked for.

    Raises:
        TooFewUpdates: There are not enough readings beside the quicker one, or its power never changed.
    """
    origin_ns = int(energy_t_ns[0]) if len(energy_t_ns) else 0
    of = Cumulative((energy_t_ns - origin_ns) / NS_PER_S, energy_j.astype(np.float64))
    t_s = (t_ns - origin_ns) / NS_PER_S
    # A long window that nothing shows would cost the readings of its length.
    span_s = float(of.t_s[-1]) if len(of.t_s) else 0.0
    reach_s = min(reach_s, span_s / 3)
    inside = (t_s - reach_s >= 0) & (t_s - LAG_MIN_S <= span_s)
    if inside.sum() < READINGS_MIN:
        raise TooFewUpdates(
            f"The meter has {inside.sum()} readings beside the counters, and {READINGS_MIN} are needed",
            "Measure for longer, or read the meter more often",
        )
    if not np.ptp(of.mean_w(t_s[inside], min(1.0, reach_s))) or not np.ptp(watts[inside]):
        raise TooFewUpdates("The power did not change", "Run a load that goes on and off")
    beside = _Beside(of, t_s[inside], watts[inside], spread_s[inside])
    most_s = (reach_s / 2, min(WINDOW_MAX_S, reach_s / 2))
    valleys = [_refined(beside, start, most_s) for start in _coarse(beside, reach_s)]
    at = min(valleys, key=lambda each: beside.line(each)[2])
    # The lag and window that were found leave room for readings that the longest ones did not.
    lag_s, window_s = (float(each) for each in at)
    room_s = _ROOM * window_s + 3 * float(spread_s.max())
    inside = (t_s - lag_s - window_s >= room_s) & (t_s - lag_s + room_s <= span_s)
    beside = _Beside(of, t_s[inside], watts[inside], spread_s[inside])
    at = _refined(beside, at, (lag_s + room_s / 2, window_s + room_s / 2))
    in_time = _uncertain(beside, at, step_w)
    beside.weigh(at)
    return _described(beside, at, in_time, step_w)


class _Beside:
    """The readings of a meter beside a quicker one: what both say for some lag and window.

    Attributes:
        y: float64[n], watts of the meter.
        spread_s: float64[n], how uncertain their times are.
        weight: float64[n], of each reading; 1 on average.
    """

    def __init__(self, of: Cumulative, t_s: F64, y: F64, spread_s: F64) -> None:
        self._of, self._t_s, self.spread_s = of, t_s, spread_s
        self.y = y
        self.weight = np.ones(len(y))
        self._is_late = bool((spread_s > 0).any())

    def x(self, at: F64, shift_s: float | F64 = 0.0) -> F64:
        """float64[n]: the quicker one's mean power behind each reading, for (lag, window).

        That which is to be expected where the reading's time is anywhere within its spread.
        """
        ends_s, window_s = self._t_s - at[0] + shift_s, float(at[1])
        if not self._is_late:
            return self._of.mean_w(ends_s, window_s)
        late = self._of.mean_w(np.stack([ends_s + z * self.spread_s for z, _ in _NODES]), window_s)
        return np.asarray(sum(w * each for (_, w), each in zip(_NODES, late, strict=True)))

    def line(self, at: F64) -> tuple[float, float, float]:
        """(offset, gain, sum of squares) of the straight line, for (lag, window)."""
        x, y, weight = self.x(at), self.y, self.weight
        n = weight.sum()
        mean_x, mean_y = float(weight @ x) / n, float(weight @ y) / n
        dx, dy = x - mean_x, y - mean_y
        xx = float(weight @ dx**2)
        gain = float(weight @ (dx * dy)) / xx if xx > _SMALL else 0.0
        return float(mean_y - gain * mean_x), gain, float(weight @ (dy - gain * dx) ** 2)

    def open_w(self, at: F64) -> F64:
        """float64[n]: the standard uncertainty of each reading by when it was."""
        _, gain, _ = self.line(at)
        late = [self._of.mean_w(self._t_s - at[0] + z * self.spread_s, float(at[1])) for z, _ in _NODES]
        mean = sum(w * each for (_, w), each in zip(_NODES, late, strict=True))
        square = sum(w * (each - mean) ** 2 for (_, w), each in zip(_NODES, late, strict=True))
        return np.asarray(abs(gain) * np.sqrt(square))

    def weigh(self, at: F64) -> None:
        """Gives each reading the weight of its variance, what its time leaves open included."""
        self.weight = np.ones(len(self.y))
        offset, gain, _ = self.line(at)
        rest = np.abs(self.y - offset - gain * self.x(at))
        open_w = self.open_w(at)
        change = np.abs(gain) * np.abs(self.by_lag(at))  # W/s
        calm = (open_w <= np.median(open_w)) & (change <= np.median(change))
        noise_w = max(float(np.median(rest[calm])) / _MEDIAN_OF_NORMAL, _SMALL)
        steep = change > _STEEP * change.max(initial=0.0)
        # A sensor whose mean is not quite that of a window shows it at steps, as if its times were less sure.
        off_s = rest[steep] / change[steep] / _MEDIAN_OF_NORMAL if change.any() else np.zeros(1)
        stated_s = float(np.median(open_w[steep] / change[steep])) if change.any() else 0.0
        unsure_s = max(float(np.median(off_s)) ** 2 - stated_s**2, 0.0) ** 0.5
        weight = 1 / (noise_w**2 + open_w**2 + (unsure_s * change) ** 2)
        self.weight = weight / weight.mean()

    def by_lag(self, at: F64) -> F64:
        """float64[n]: by how much a longer lag changes the quicker one's mean power, W/s."""
        h = max(0.01 * float(at[1]), 2e-3)
        return (self.x(at, -h) - self.x(at, h)) / (2 * h)


def _coarse(beside: _Beside, reach_s: float) -> list[F64]:
    """(lag, window) in some valleys: the best places of a grid over all, each with finer grids around.

    A long window and a short one in its middle look much alike, so that there are several valleys.
    """
    longest_s = min(WINDOW_MAX_S, reach_s / 2)
    lags = np.linspace(LAG_MIN_S, min(LAG_MAX_S, reach_s / 2), _LAGS)
    windows = np.geomspace(_SHORTEST_S * 10, longest_s, _WINDOWS)
    squares = np.array([[beside.line(np.array([lag, window]))[2] for lag in lags] for window in windows])
    of_window = squares.argmin(1)
    found = []
    for k in np.argsort(squares.min(1))[:_VALLEYS].tolist():
        best, reach = np.array([lags[of_window[k]], windows[k]]), float(lags[1] - lags[0])
        factor = float(windows[1] / windows[0])
        for _ in range(_ROUNDS):
            near = best[0] + reach * np.linspace(-1, 1, _FINER)
            lasting = np.clip(best[1] * factor ** np.linspace(-1, 1, _FINER), _SHORTEST_S, longest_s)
            places = [np.array([lag, window]) for lag in near for window in lasting]
            best = min(places, key=lambda at: beside.line(at)[2])
            reach, factor = reach / 4, factor**0.25
        found.append(best)
    return found


def _refined(beside: _Beside, at: F64, most_s: tuple[float, float]) -> F64:
    """(lag, window) at the bottom: Gauss-Newton, whose steps are halved until they help."""
    limits = np.array([[LAG_MIN_S, _SHORTEST_S], most_s])
    squares = beside.line(at)[2]
    for _ in range(_STEPS):
        jacobian, rest = _jacobian(beside, at)
        root = np.sqrt(beside.weight)
        step = np.linalg.lstsq(jacobian * root[:, None], rest * root, rcond=1e-10)[0][2:]
        tried, tried_squares = at, squares
        for share in 0.5 ** np.arange(8):
            tried = np.clip(at + share * step, *limits)
            tried_squares = beside.line(tried)[2]
            if tried_squares < squares:
                break
        if not tried_squares < squares * (1 - 1e-9):
            break
        at, squares = tried, tried_squares
    return at


def _jacobian(beside: _Beside, at: F64) -> tuple[F64, F64]:
    """Derivatives by offset, gain, lag and window, float64[n, 4], and what is left of the readings."""
    window_s = float(at[1])
    x = beside.x(at)
    offset, gain, _ = beside.line(at)
    g = min(max(0.01 * window_s, 2e-3), window_s / 2)
    by_lag = beside.by_lag(at)
    longer, shorter = (np.array([at[0], window_s + each]) for each in (g, -g))
    by_window = (beside.x(longer) - beside.x(shorter)) / (2 * g)
    ones = np.ones(len(beside.y))
    return np.column_stack((ones, x, gain * by_lag, gain * by_window)), beside.y - offset - gain * x


def _uncertain(beside: _Beside, at: F64, step_w: float) -> list[tuple[float, float]]:
    """Standard uncertainty and k of offset, gain, lag and window; of a momentary value without the last.

    Few readings speak of lag and window, and their residuals are often too small by chance. What the spread
    of their times and the step of the display make of it is therefore added.
    """
    jacobian, rest = _jacobian(beside, at)
    root = np.sqrt(beside.weight)
    free = (jacobian[:, :3] if _is_momentary(at) else jacobian) * root[:, None]
    u = np.sqrt(np.maximum(np.diag(_sandwich(free, rest * root)), 0.0))
    informing = [_informing(column) for column in _apart(free)]
    known = np.hypot(beside.open_w(at), step_w * _HALF) * root
    pull = np.linalg.pinv(free)
    u[2:] = np.hypot(u[2:], np.sqrt(((pull * known) ** 2).sum(1))[2:])
    wider = _of_few(len(free))
    return [
        (float(each), wider * student(max(n - free.shape[1], 1.0)))
        for each, n in zip(u, informing, strict=True)
    ]


def _is_momentary(at: F64) -> bool:
    return bool(at[1] <= 2 * _SHORTEST_S)


def _described(beside: _Beside, at: F64, in_time: list[tuple[float, float]], step_w: float) -> ReferenceFit:
    """The figures: lag and window as they were found, the line with each reading's weight."""
    jacobian, rest = _jacobian(beside, at)
    x, y, weight = jacobian[:, 1], beside.y, beside.weight
    offset, gain, _ = beside.line(at)
    (u_offset, k_offset), (u_gain, k_gain), *_ = _uncertain(beside, at, 0.0)
    # Steady powers are shown off by up to half a step, each time the same: residuals do not show it.
    step_u_w = step_w * _HALF
    mean_w = float(weight @ x) / float(weight.sum())
    sd_w = float(np.sqrt(weight @ (x - mean_w) ** 2 / weight.sum()))
    u_gain = float(np.hypot(u_gain, step_u_w / sd_w))
    u_offset = float(np.hypot(u_offset, step_u_w * np.hypot(1.0, mean_w / sd_w)))
    u_mean = float(np.hypot(np.sqrt(weight @ rest**2 / weight.sum() / len(y)), step_u_w))
    lag, window = in_time[2], in_time[3] if len(in_time) > 3 else (0.0, 2.0)
    squares, variance = float(rest @ rest), float(((y - y.mean()) ** 2).sum())
    return ReferenceFit(
        gain=Fitted(gain, u_gain, k_gain),
        offset_w=Fitted(offset, u_offset, k_offset),
        lag_s=Fitted(float(at[0]), *lag),
        window_s=Fitted(float(at[1]), *window),
        n=len(y),
        residual_w=float(np.sqrt(squares / len(y))),
        explained=max(1 - squares / variance, 0.0),
        mean_w=mean_w,
        mean_meter_w=float(y.mean()),
        at_mean_w=Fitted(offset + gain * mean_w, u_mean, k_gain),
    )


def _apart(jacobian: F64) -> list[F64]:
    """What each figure alone does to the readings: its column, without what the others do as well."""
    found = []
    for at in range(jacobian.shape[1]):
        others = np.delete(jacobian, at, 1)
        found.append(jacobian[:, at] - others @ np.linalg.lstsq(others, jacobian[:, at], rcond=1e-10)[0])
    return found


def _informing(column: F64) -> float:
    """How many readings speak of a figure (Kish's effective number): of a lag those near a step of power."""
    weight = column**2
    total = float((weight**2).sum())
    return float(weight.sum()) ** 2 / total if total > 0 else 0.0


def _sandwich(jacobian: F64, rest: F64) -> F64:
    """The covariance of least squares whose residuals are unequal and depend on their neighbours."""
    n = len(jacobian)
    scale = np.maximum(np.linalg.norm(jacobian, axis=0), _SMALL)
    bread = np.linalg.pinv((jacobian / scale).T @ (jacobian / scale))
    # HC3 (MacKinnon and White 1985): a reading that pulls the line towards itself has a residual too small.
    pull = np.einsum("ij,jk,ik->i", jacobian / scale, bread, jacobian / scale)
    scores = (jacobian / scale) * (rest / np.maximum(1 - pull, 0.05))[:, None]
    meat = scores.T @ scores
    reach = _reach(n)
    for lag in range(1, reach + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (reach + 1)) * (cross + cross.T)
    covariance: F64 = bread @ meat @ bread / np.outer(scale, scale)
    return covariance


def _reach(n: int) -> int:
    """How many readings further on residuals are taken to depend on each other."""
    return round(math.cbrt(n))


def _of_few(n: int) -> float:
    """By how much an interval is wider because the dependence of n residuals was estimated too.

    Kiefer and Vogelsang, Econometric Theory 21 (2005), table 1: the 97.5 % quantile for Bartlett's weights.
    """
    b = (_reach(n) + 1) / n
    return (1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3) / 1.96
