"""What a counter and a gauge of one device show of the same power, by the lag between them. Pure.

Where a counter is updated several times in each of a gauge's periods, it is looked at as the gauge looks:
what a reading P_k, of the time from a_k to b_k, should have been at the lag L is

    (C(b_k + L) - C(a_k + L)) / (b_k - a_k).

So a gauge that looks at a part of the time shows the lag under any load that the counter follows, quicker
than the gauge's own period or in step with it. What C strays by between two updates is kept (``hidden``).

Where it is not, the gauge's energy between the counter's updates is compared. What the gauge does not look at
is open then, and a block of samples tells nothing where that is as much as the power changes. Steps of a load
in step with the sensor lie all early or all late in that time: by ``locked_ns`` at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.neighbourhood import SEGMENTS
from ..counters.slow_updates import swung
from ..counters.update_times import AROUND
from ..estimates.brackets import F64
from ..gauges.aliasing import swings
from ..gauges.gauge import Gauge
from ..gauges.gauge_brackets import left_open
from ..gauges.readings import Shape
from ..gauges.running import local_mean

Bools = npt.NDArray[np.bool_]

LITTLE = 0.45  # of how the power changes: a block of which no lag leaves less tells none
_OPEN = 1.0  # of it, which a gauge leaves open in a block that tells no lag
MOSTLY = 0.85  # of its readings, for an alias
_BLOCKS, FEWEST = 16, 4
_LEAST, _MOST = 8, 256  # samples of a block
_LOOKS = 256  # instants at which a counter is asked for the alias of a load
_FINER = 2.5  # updates of a counter in one of a gauge, from which on it shows what the gauge looks at
_PLACES = 1.5  # updates of a gauge in one of a counter, from which on it shows what the counter does not
_REGULAR = 0.7  # of a period, by which two reads may make an update look early or late
_COHERENT = 0.3  # mean resultant length from which on updates are a timer's
_BENT = 1.65  # median size of second differences of noise of 1
_JITTER = 0.02  # of a timer, that makes noise of a count
_TURNS = np.linspace(0, 1, 40, endpoint=False)  # of a period, tried for the lag


class Samples(NamedTuple):
    """Blocks of samples of one power by both, at each lag of some.

    Attributes:
        sums: float64[6, shifts, blocks]: sums of products of what is known, one, and what is explained by
            them, x u y: xx xu xy uu uy yy.
        n: Samples of a block.
        hidden: float64[shifts, blocks], sums of squares of what x may be off by.
        locked_ns: By how much all of it may be off together.
        is_exact: Whether aliases of a load are alike in both.
    """

    sums: F64
    n: int
    hidden: F64
    locked_ns: float
    is_exact: bool


def samples(counter: Counter, edges_ns: I64, total: I64, gauge: Gauge, shifts_ns: I64) -> Iterator[Samples]:
    """The samples of a counter and a gauge, those that tell more first; none where they are too few.

    Args:
        counter: The counter.
        edges_ns: int64[n], its updates.
        total: int64[n], what had been counted by then.
        gauge: The gauge.
        shifts_ns: int64[shifts], the lags.
    """
    edges_ns = _evened(edges_ns, counter.usual_ns)
    is_later = np.diff(edges_ns, prepend=edges_ns[:1] - 1) > 0
    updates = edges_ns[is_later], total[is_later]
    if len(updates[0]) < 2:
        return
    looks = looked(gauge)
    if looks is not None and _FINER * counter.usual_ns <= gauge.readings.period_ns:
        found = _looked_at(counter, updates, (*looks, gauge.readings.watts[1:]), shifts_ns)
        if found is None:
            return
        yield found
    # Where reads come late, what a quick counter counted while a gauge looked is known too badly.
    between = _between(counter, updates, gauge, shifts_ns)
    if between is not None:
        yield between


def _evened(edges_ns: I64, period_ns: int) -> I64:
    """int64[n]: updates where those around them say that they were, if they come regularly.

    Each lies anywhere between two reads, and what a quick counter counted in one period tells no power before
    that is taken out. Of successive updates the mean instant is that of the middle one; of those of which
    some are missing, the mean phase. What all are off by together stays.
    """
    n = len(edges_ns)
    if n <= 2 * AROUND or not period_ns:
        return edges_ns
    t = (edges_ns - edges_ns[0]).astype(np.float64)
    missing = np.concatenate(([0], np.cumsum(np.abs(np.diff(t) / period_ns - 1) > _REGULAR)))
    at = np.arange(n)
    low, high = at - AROUND, at + AROUND
    is_whole = (low >= 0) & (high < n)
    is_whole &= missing[np.minimum(high, n - 1)] == missing[np.maximum(low, 0)]
    turns = np.exp(2j * np.pi / period_ns * t)
    x, y = (local_mean(part, AROUND) for part in (turns.real, turns.imag))
    late = np.angle(turns * (x - 1j * y)) * (period_ns / (2 * np.pi))
    late = np.where(np.hypot(x, y) > _COHERENT, late, 0.0)
    late = np.where(is_whole, t - local_mean(t, AROUND), late)
    found: I64 = np.maximum.accumulate(edges_ns - np.rint(late).astype(np.int64))
    return found


def looked(gauge: Gauge) -> tuple[I64, I64] | None:
    """int64[n - 1] each: from when to when each reading but the first looked; None: nobody knows."""
    readings = gauge.readings
    if readings.shape not in (Shape.HOLD, Shape.BOXCAR):
        return None
    ends, window_ns = readings.t_ns[1:], readings.window_ns or 0
    starts = ends - window_ns
    if readings.shape is Shape.HOLD:
        starts = readings.t_ns[:-1] if readings.coverage >= 1 else np.maximum(starts, readings.t_ns[:-1])
    return starts, ends


def _looked_at(
    counter: Counter, updates: tuple[I64, I64], looks: tuple[I64, I64, F64], shifts: I64
) -> Samples | None:
    """By the readings of a gauge: the counter's power while each of them looked."""
    edges, total = updates
    starts, ends, watts = looks
    inside = (starts + shifts[0] >= edges[0]) & (ends + shifts[-1] <= edges[-1]) & (ends > starts)
    starts, ends, watts = starts[inside], ends[inside], watts[inside]
    first, size = _blocks(watts)
    if len(first) < FEWEST:
        return None
    at = first[:, None] + np.arange(size)
    energy_j = counter.quantity(total - total[0], 0)
    period_s = np.diff(edges) / NS_PER_S
    own_w = np.diff(energy_j) / period_s
    k = np.clip(np.searchsorted(edges, ends[at], "right") - 1, 0, len(own_w) - 1)
    if np.mean(_may_be_fast(counter, own_w)[k]) > MOSTLY or _may_be_in_step(counter, updates, ends[at]):
        return None
    bounds = np.stack((starts[at], ends[at]))[None] + shifts[:, None, None, None]
    length_s = (ends - starts)[at] / NS_PER_S
    power = np.diff(np.interp(bounds, edges, energy_j), axis=1)[:, 0] / length_s
    stray_j = np.append(_stray_w(own_w) * period_s, 0.0)[np.searchsorted(edges, bounds, "right") - 1]
    hidden = ((stray_j**2).sum(1) / length_s**2).sum(2)
    return Samples(_sums(power, np.ones(size), watts[at]), size, hidden, 0.0, True)


def _stray_w(watts: F64) -> F64:
    """float64[n]: how far the energy may stray from a straight line between two updates, over their time.

    One step from the power before, P, to that after, Q, makes the mean p between them and strays by
    T (p - P) (Q - p) / (Q - P). A mean that is not between them is of a pulse, anywhere inside, and strays by
    half of its energy.
    """
    before, after = _beside(watts)
    low, high = np.minimum(before, after), np.maximum(before, after)
    step = np.maximum(watts - low, 0.0) * np.maximum(high - watts, 0.0) / np.maximum(high - low, 1e-300)
    found: F64 = np.maximum(step, np.maximum(low - watts, watts - high) / 2)
    return found


def _beside(watts: F64) -> tuple[F64, F64]:
    return np.concatenate((watts[:1], watts[:-1])), np.append(watts[1:], watts[-1:])


def _may_be_fast(counter: Counter, watts: F64) -> Bools:
    """bool[n]: whether what a counter shows between updates may be a load near its own frequency."""
    before, after = _beside(watts)
    usual_w = float(np.median(watts))
    noise_w = min(float(np.median(np.abs(after - 2 * watts + before))) / _BENT, _JITTER * usual_w)
    limit_w = counter.channel.trust.power_limit_w or 2 * float(watts.max())
    return swings(watts, 1.0, limit_w, noise_w).half_w > 0


def _may_be_in_step(counter: Counter, updates: tuple[I64, I64], t_ns: I64) -> bool:
    """Whether most of what a counter shows at instants may be the alias of a load nearly in step with it.

    When it was used is in no count then, and a gauge that looks at a part of the time shows another alias.
    """
    edges, total = updates
    if len(edges) <= len(SEGMENTS):
        return False
    watts = np.diff(counter.quantity(total - total[0], 0)) / (np.diff(edges) / NS_PER_S)
    some = np.sort(t_ns, axis=None)[:: max(1, t_ns.size // _LOOKS)]
    k = np.clip(np.searchsorted(edges, some, "right") - 1, AROUND, len(watts) - AROUND - 1)
    around = watts[k[:, None] + SEGMENTS]
    usual_ns = np.full(len(k), float(counter.usual_ns))
    limit_w = counter.channel.trust.power_limit_w or np.inf
    quantum = float(counter.quantity(np.array([counter.quantum]), 0)[0]) * NS_PER_S
    hidden = swung(around, np.ones(around.shape, bool), usual_ns, limit_w, quantum)
    return bool(np.mean(hidden.size > 0) > MOSTLY)


def _between(counter: Counter, updates: tuple[I64, I64], gauge: Gauge, shifts: I64) -> Samples | None:
    """By the updates of a counter: the gauge's energy between them."""
    edges, total = updates
    span = gauge.span_ns or (0, 0)
    inside = (edges - shifts[-1] >= span[0]) & (edges - shifts[0] <= span[1])
    edges, total = edges[inside], total[inside]
    # Between two updates of a finer counter the gauge says nothing, and when each was adds noise.
    apart = max(round(gauge.readings.period_ns / max(counter.usual_ns, 1)), 1)
    edges, total = edges[::apart], total[::apart]
    first, size = _blocks(np.diff(total) / np.maximum(np.diff(edges), 1))
    if len(first) < FEWEST:
        return None
    at = first[:, None] + np.arange(size + 1)
    gained = np.diff(counter.quantity(total[at] - total[at[:, :1]], 0), axis=1)
    time_s = np.diff(edges[at], axis=1) / NS_PER_S
    middle = edges[at] - shifts[len(shifts) // 2]
    if gauge.readings.period_ns > counter.usual_ns / _PLACES and _may_be_in_step(counter, updates, middle):
        return None
    tells = _tells(gauge, middle, gained, time_s)
    if np.count_nonzero(tells) < FEWEST:
        return None
    at, gained, time_s = at[tells], gained[tells], time_s[tells]
    asked = edges[at] - shifts[:, None, None]
    shown = np.diff(gauge.joules_until(asked.ravel()).reshape(asked.shape), axis=2)
    locked_ns = _locked_ns(gauge, middle[tells], gained / time_s)
    return Samples(_sums(shown, time_s, gained), size, np.zeros((len(shifts), len(at))), locked_ns, False)


def _tells(gauge: Gauge, edges_ns: I64, gained: F64, time_s: F64) -> Bools:
    """bool[blocks]: in which blocks a gauge leaves less open than what the counter changes by."""
    brackets = gauge.energies(edges_ns[:, :-1].ravel(), edges_ns[:, 1:].ravel())
    unseen = left_open(brackets).reshape(gained.shape).sum(1)
    changing = gained - time_s * (gained.sum(1) / time_s.sum(1))[:, None]
    return np.asarray(unseen < _OPEN * (changing**2).sum(1))


def _locked_ns(gauge: Gauge, edges_ns: I64, watts: F64) -> float:
    """By how much steps of power may all fall at the same part of what a gauge does not look at.

    A step in a gap of its looks is taken to lie in the middle. Steps at random instants lie early and late;
    those of a load in step with the sensor, all early, or all late. When each was, the counter tells up to
    one time for all of them, its lag, and the worst of these counts.

    Args:
        gauge: The gauge.
        edges_ns: int64[blocks, n + 1], updates of the counter.
        watts: float64[blocks, n], between them.
    """
    looks = looked(gauge)
    if looks is None or gauge.readings.coverage >= 1:
        return 0.0
    before, here, after = watts[:, :-2], watts[:, 1:-1], watts[:, 2:]
    step = after - before
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.clip(np.nan_to_num((after - here) / step), 0.0, 1.0)
    t_ns = edges_ns[:, 1:-2] + part * np.diff(edges_ns[:, 1:-1], axis=1)
    ends = gauge.readings.t_ns
    k = np.clip(np.searchsorted(ends, t_ns) - 1, 0, len(ends) - 2)
    phase = (t_ns - ends[k]) / np.maximum(ends[k + 1] - ends[k], 1)
    gap = 1.0 - gauge.readings.coverage
    turned = (phase.ravel() + _TURNS[:, None]) % 1.0
    early = np.where(turned < gap, gap / 2 - turned, 0.0)
    # A step shows in the differences of three updates, and most in that of the one that it falls into.
    size = np.pad(np.abs(step), ((0, 0), (1, 1)))
    is_most = (size[:, 1:-1] >= size[:, :-2]) & (size[:, 1:-1] >= size[:, 2:])
    weight = np.where(is_most, step**2, 0.0).ravel()
    most = float(np.abs(early @ weight).max()) / max(float(weight.sum()), 1e-300)
    return most * gauge.readings.period_ns


def _blocks(power: F64) -> tuple[I64, int]:
    """Where blocks of successive samples begin, those in which the power varies most; and their length."""
    n = len(power)
    size = int(np.clip(n // _BLOCKS, _LEAST, _MOST))
    if n < size:
        return np.empty(0, np.int64), size
    starts = np.arange(0, n - size + 1, size)
    varied = power[starts[:, None] + np.arange(size)].var(1)
    return np.sort(starts[np.argsort(-varied, kind="stable")[:_BLOCKS]]), size


def _sums(x: F64, u: F64, y: F64) -> F64:
    """float64[6, shifts, blocks]: sums of products over the samples of blocks: xx xu xy uu uy yy."""
    u, y = np.broadcast_to(u, x.shape), np.broadcast_to(y, x.shape)
    pairs = ((x, x), (x, u), (x, y), (u, u), (u, y), (y, y))
    return np.stack([np.einsum("sbk,sbk->sb", a, b) for a, b in pairs])
