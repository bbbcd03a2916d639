"""By how much a counter trails the energy it reports, learnt from a power gauge of the same device. Pure.

A GPU's counter may trail by nothing, by one of its updates or by a tenth of a second, and its driver does not
say. Its power gauge does: where the power changes, what the counter gained between its updates at t_k,

    C(t_k) - C(t_k-1) = g (G(t_k - L) - G(t_k-1 - L)) + b (t_k - t_k-1) + rest,

follows the energy G of the gauge best at the lag L. The line g, b stands for the two sensors' gain and offset
and is profiled out, so that each L leaves a sum of squares, and the least of these tells L. How well it is
known is found by leaving out one block of updates after the other (jackknife), and by all lags that leave
little more than the least, a valley of its own included: a load that repeats within the declared lag looks
alike a period later. Nor does a gauge tell it that explains little and whose readings may be the alias of a
load near its own frequency. Where the power is steady nothing tells the lag, and it matters to no figure.

What is learnt is relative to the gauge, whose own lag is known to a part of its period only. So it places the
figure and is in its 95 % interval; the guaranteed interval allows all that was declared.

Decision: blocks are those in which the power varies most, of successive updates, so that a long trace costs
no more than a short one. What was given up: lags that drift.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..channel import Timing
from ..trace.series import I64
from ..units import NS_PER_MS
from .brackets import F64
from .counter import Counter
from .gauge import Gauge, is_buffered
from .readings import Shape
from .update_record import UpdateRecord

_STEP_NS = 4 * NS_PER_MS
_BLOCKS, _FEWEST = 16, 4
_LEAST, _MOST = 8, 256  # updates of a block
_SURE = 3.0  # standard uncertainties of a jackknife over some blocks, for 95 %
NEARLY = 8.0  # of the mean square that is left: a lag that leaves so much more is still possible
_VALLEY = 2.0  # of the least: a valley elsewhere that leaves no more may be the right one
_MOSTLY = 0.85  # of its readings, for an alias
_CLEAR = 0.2  # of what the worst lag leaves: a gauge that leaves less at the best one is no alias of the load
_GAINS = (0.5, 2.0)  # of the gauge against the counter; beyond them they measure two things
# Of a gauge's period, by how much its readings may trail the power: gauge.py has the logs that show it.
_OWN_LAG = {Shape.HOLD: 0.1, Shape.CHARGE: 0.1, Shape.BOXCAR: 0.5}

_OF_A_SAMPLE = 1.0  # in a driver's buffer: the mean of the time from the one before, or a momentary value


class SeenLag(NamedTuple):
    """A lag as a gauge shows it, in nanoseconds: the most likely one, and its half-width at 95 %."""

    lag_ns: float
    half_ns: float
    gauge: str


def lag_beside_gauge(counter: Counter, record: UpdateRecord, gauges: Iterable[Gauge]) -> Timing:
    """The timing of a counter with the lag that the quickest of some gauges shows; as it is where none does.

    Args:
        counter: The counter.
        record: Its updates.
        gauges: Of the same device.
    """
    timing = counter.channel.timing
    able = [gauge for gauge in gauges if _own_lag(gauge) is not None]
    # A mean of a past second is asked where there is nothing better.
    able.sort(key=lambda gauge: (_own_lag(gauge) or 0.0) * gauge.readings.period_ns)
    best = next((each for gauge in able if (each := seen(counter, record, gauge)) is not None), None)
    if best is None:
        return timing
    is_new = best.half_ns < timing.half_lag_ns
    if not is_new or not timing.lag_min_ns - best.half_ns <= best.lag_ns <= timing.lag_ns + best.half_ns:
        return timing
    longer = timing.with_longest_lag(round(best.lag_ns + best.half_ns))
    lag_ns = min(max(best.lag_ns, timing.lag_min_ns), timing.lag_ns)
    least, most = lag_ns - best.half_ns, lag_ns + best.half_ns
    return longer.with_likely_lag(round(least), round(most), f"measured against {best.gauge}")


def _own_lag(gauge: Gauge) -> float | None:
    """By how much of its period a gauge's readings may trail the power; None: nobody knows."""
    return _OF_A_SAMPLE if is_buffered(gauge) else _OWN_LAG.get(gauge.readings.shape)


def seen(counter: Counter, record: UpdateRecord, gauge: Gauge) -> SeenLag | None:
    """The lag of a counter by one gauge; None: it shows none."""
    own, span = _own_lag(gauge), gauge.span_ns
    declared_ns = counter.declared.lag_ns
    if own is None or span is None or not declared_ns:
        return None
    shifts = np.arange(-(declared_ns // 2), declared_ns * 3 // 2 + _STEP_NS, _STEP_NS)
    edges, widths, total = record.columns()
    edges = edges + counter.declared.middle_lag_ns
    inside = (edges - shifts[-1] >= span[0]) & (edges - shifts[0] <= span[1])
    edges, widths, total = edges[inside], widths[inside], total[inside]
    # Between two updates of a finer counter the gauge says nothing, and when each was adds noise.
    apart = max(round(gauge.readings.period_ns / max(counter.usual_ns, 1)), 1)
    edges, widths, total = edges[::apart], widths[::apart], total[::apart]
    starts, size = _blocks(edges, total)
    if len(starts) < _FEWEST:
        return None
    at = starts[:, None] + np.arange(size + 1)
    sums = _sums(edges[at], counter.quantity(total[at] - total[at[:, :1]], 0), gauge, shifts)
    every = np.ones(len(starts))
    lag, squares, gain = _best(sums, every, shifts)
    if lag is None or not _GAINS[0] < gain < _GAINS[1]:
        return None
    if squares.min() > _CLEAR * squares.max() and _is_alias(gauge, edges[at]):
        return None
    left_out = [_best(sums, every - (np.arange(len(starts)) == i), shifts)[0] for i in range(len(starts))]
    known = np.array([each for each in left_out if each is not None])
    if len(known) < len(starts):
        return None
    u = np.sqrt((len(known) - 1) / len(known) * ((known - known.mean()) ** 2).sum())
    possible = shifts[is_possible(squares, len(starts) * size)]
    wide = max(abs(possible[0] - lag), abs(possible[-1] - lag))
    located = float(np.median(widths)) / np.sqrt(12.0 * len(starts))
    half = max(_SURE * u, wide) + own * gauge.readings.period_ns + located
    return SeenLag(lag, float(half), gauge.channel.id)


def is_possible(squares: F64, n: int) -> npt.NDArray[np.bool_]:
    """Which of some lags are not ruled out by the sums of squares that they leave of n updates."""
    found: npt.NDArray[np.bool_] = squares <= squares.min() * (1 + NEARLY / n)
    is_valley = (squares[1:-1] <= squares[:-2]) & (squares[1:-1] <= squares[2:])
    found[1:-1] |= is_valley & (squares[1:-1] < _VALLEY * squares.min())
    return found


def _is_alias(gauge: Gauge, t_ns: I64) -> bool:
    """Whether nearly all of a gauge's readings may be the alias of a load near its own frequency."""
    at = np.searchsorted(gauge.readings.t_ns, t_ns.ravel())
    return bool(np.mean(gauge.swings.half_w[np.minimum(at, len(gauge) - 1)] > 0) > _MOSTLY)


def _blocks(edges_ns: I64, total: I64) -> tuple[I64, int]:
    """Where blocks of successive updates begin, those in which the power varies most; and their length."""
    n = len(edges_ns) - 1
    size = int(np.clip(n // _BLOCKS, _LEAST, _MOST))
    if n < size:
        return np.empty(0, np.int64), size
    starts = np.arange(0, n - size + 1, size)
    power = np.diff(total) / np.maximum(np.diff(edges_ns), 1)
    varied = power[starts[:, None] + np.arange(size)].var(1)
    return np.sort(starts[np.argsort(-varied, kind="stable")[:_BLOCKS]]), size


def _sums(edges_ns: I64, counted_j: F64, gauge: Gauge, shifts_ns: I64) -> F64:
    """float64[6, shifts, blocks]: sums of products of gauge, time and counter: gg gt gc tt tc cc."""
    asked = edges_ns[None] - shifts_ns[:, None, None]
    g = np.diff(gauge.joules_until(asked.ravel()).reshape(asked.shape), axis=2)
    t = np.broadcast_to(np.diff(edges_ns, axis=1) / 1e9, g.shape)
    c = np.broadcast_to(np.diff(counted_j, axis=1), g.shape)
    pairs = ((g, g), (g, t), (g, c), (t, t), (t, c), (c, c))
    return np.stack([np.einsum("sbk,sbk->sb", a, b) for a, b in pairs])


def _best(sums: F64, weights: F64, shifts_ns: I64) -> tuple[float | None, F64, float]:
    """The lag that leaves least, None at an end of those asked for; what each leaves; and the gain there."""
    gg, gt, gc, tt, tc, cc = sums @ weights
    scale = np.maximum(gg * tt - gt**2, 1e-12 * np.maximum(gg * tt, 1e-300))
    gain, base = (gc * tt - tc * gt) / scale, (tc * gg - gc * gt) / scale
    left = np.maximum(cc - gain * gc - base * tc, 0.0)
    lag_ns = of_least(left, shifts_ns)
    return lag_ns, left, 0.0 if lag_ns is None else float(gain[np.argmin(left)])


def of_least(left: F64, shifts_ns: I64) -> float | None:
    """Which of evenly spaced lags leaves least, by a parabola through three; None: one at an end."""
    i = int(np.argmin(left))
    if i in (0, len(left) - 1):
        return None
    before, here, after = left[i - 1 : i + 2].tolist()
    bend = before - 2 * here + after
    part = (before - after) / (2 * bend) if bend > 0 else 0.0
    return float(shifts_ns[i]) + part * float(shifts_ns[1] - shifts_ns[0])
