"""When a counter's energy was used, between two of its updates, by a power gauge of the same device.

The counter says how much was used between its updates e0 and e1, and nothing of when. A gauge that is updated
oftener says when. At an instant T between the two the counter had therefore counted

    C(T) = C(e0) + s (C(e1) - C(e0)),    s = G(e0, T) / G(e0, e1),

G being the gauge's energy, so that the gauge's gain drops out. What the gauge leaves open on the two sides,
u0 and u1, is open in s: u(s) = √(((1 - s) u0)² + (s u1)²) / G(e0, e1). An update that is known to within σ
costs (1 - s) P σ or s P σ, P being the gauge's power there. What the lag leaves open costs what the gauge
shows in a part of it before or after the edges, where that is the most.

Only where the lag between the two was seen, so that they are on one axis of time. Of short windows a gauge's
own energy may leave less open, scaled to be the counter's over the recording (:mod:`.scaled_gauge`), and of
any the counter alone. What leaves least is taken. The guaranteed interval is the counter's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ..counters.counter import Counter
from ..counters.lags_left_open import farthest, tried_ns
from ..estimates.brackets import F64
from ..estimates.estimate import STATUSES, Estimate
from ..estimates.uncertainty import BOUNDED, RECTANGULAR, ROOT_3, Component
from ..gauges.gauge import Gauge, is_buffered
from ..gauges.gauge_brackets import left_open
from ..gauges.readings import Shape
from .scaled_gauge import Scale, scale, scaled

_FINER = 1.5  # gauge's updates in one of the counter's, from which on the gauge shows more
_REPLACED = ("edges", "phase", "swings", "steps", "lag")
_OK = STATUSES.index("ok")


class Finer(NamedTuple):
    """What shows what goes on between a counter's updates: a gauge, scaled by so much."""

    gauge: Gauge
    scale: Scale | None


class _Position(NamedTuple):
    """What had been counted at n instants."""

    joules: F64  # since the first reading
    u: F64  # by when it was used
    edges: F64  # by when the updates were
    lagged: F64  # [n, m], what was used between them and m others within half the lag, by the gauge
    is_known: npt.NDArray[np.bool_]


def finer(counter: Counter, gauges: Sequence[Gauge]) -> Finer | None:
    """What shows what goes on between a counter's updates; None: nothing does.

    Args:
        counter: The counter, with its lag as it was seen beside them.
        gauges: Of the same device.
    """
    best = finest(counter, gauges)
    return None if best is None else Finer(best, scale(counter, best))


def finest(counter: Counter, gauges: Sequence[Gauge]) -> Gauge | None:
    """The gauge that is updated oftenest of those that are clearly oftener than a counter; None: none is."""
    able = [
        gauge
        for gauge in gauges
        if (gauge.readings.shape in (Shape.HOLD, Shape.CHARGE) or is_buffered(gauge))
        and gauge.readings.longer is None
        and 0 < _FINER * gauge.readings.period_ns <= counter.usual_ns
    ]
    return min(able, key=lambda gauge: gauge.readings.period_ns, default=None)


def fused(
    counter: Counter, of: Finer, estimates: Sequence[Estimate], t0_ns: I64, t1_ns: I64
) -> list[Estimate]:
    """The energies of windows, of which a gauge says when they were used where that leaves less open.

    Args:
        counter: The counter.
        of: What is updated oftener.
        estimates: The counter's own of these windows.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.
    """
    ways = []
    if counter.channel.timing.likely_lag_ns is not None:
        ways.append(_with_edges(counter, of.gauge, estimates, t0_ns, t1_ns))
    if of.scale is not None:
        ways.append(scaled(of.gauge, of.scale, t0_ns, t1_ns))
    return [_of_least(own, others, counter.channel.id) for own, *others in zip(estimates, *ways, strict=True)]


def _of_least(own: Estimate, others: Sequence[Estimate], of: str) -> Estimate:
    """The one of some figures of which least is open, in the guaranteed interval of the first."""
    best = min((each for each in (own, *others) if each.is_ok), key=lambda each: each.U, default=own)
    if own.value is None or best.value is None or best is own:
        return own
    value, components = min(max(best.value, own.low), own.high), best.components
    apart = own.value - value
    if abs(apart) > own.U + best.U:  # nobody knows which one is wrong, in all windows
        group = f"disagreement:{of}"
        components = (*components, Component("disagreement", apart / ROOT_3, form=BOUNDED, group=group))
    return replace(own, value=value, components=components)


def _with_edges(
    counter: Counter, gauge: Gauge, estimates: Sequence[Estimate], t0_ns: I64, t1_ns: I64
) -> list[Estimate]:
    """The same with each edge placed between two updates by the gauge."""
    begin, end = _positions(counter, gauge, t0_ns), _positions(counter, gauge, t1_ns)
    of = f"{counter.channel.id}@{counter.machine}"
    found = list(estimates)
    # The counter's own updates are too far apart to show how the power stepped within its lag.
    lag = farthest(begin.lagged, end.lagged) / ROOT_3
    for i in np.flatnonzero(begin.is_known & end.is_known & (t1_ns > t0_ns)).tolist():
        one = estimates[i]
        if one.value is None:
            continue
        kept = tuple(each for each in one.components if each.name not in _REPLACED)
        placed = (
            Component("edges", -float(begin.edges[i]), form=RECTANGULAR, group=f"edge:{of}/{t0_ns[i]}"),
            Component("edges", float(end.edges[i]), form=RECTANGULAR, group=f"edge:{of}/{t1_ns[i]}"),
            Component("swings", -float(begin.u[i]), group=f"swings:{of}/{t0_ns[i]}"),
            Component("swings", float(end.u[i]), group=f"swings:{of}/{t1_ns[i]}"),
            Component("lag", float(lag[i]), form=BOUNDED, group=f"lag:{of}"),
        )
        value = float(end.joules[i] - begin.joules[i])
        found[i] = replace(one, value=value, components=(*placed, *kept))
    return found


def _positions(counter: Counter, gauge: Gauge, t_ns: I64) -> _Position:
    parts, shift = counter.segments(t_ns), counter.channel.timing.middle_lag_ns
    last = len(counter.changes) - 1
    e0 = np.concatenate([each.start.t_ns for each in parts]) - shift
    e1 = np.concatenate([each.end.t_ns for each in parts]) - shift
    base = counter.quantity(np.concatenate([each.base for each in parts]), 0)
    gained = counter.quantity(np.concatenate([each.gained for each in parts]), 0)
    is_plain = np.concatenate([(each.left >= 0) & (each.left < last) & ~each.is_gap for each in parts])
    t = np.clip(t_ns, e0, e1)
    left, right = gauge.energies(e0, t), gauge.energies(t, e1)
    whole = left.value + right.value
    v0, v1 = left_open(left), left_open(right)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = left.value / whole
        u_share = np.sqrt((1.0 - share) ** 2 * v0 + share**2 * v1) / whole
    is_known = is_plain & (left.status == _OK) & (right.status == _OK) & (whole > 0)
    share, u_share = np.where(is_known, share, 0.0), np.where(is_known, u_share, 0.0)
    s0, s1 = (np.concatenate([getattr(each, at).spread_ns for each in parts]) for at in ("start", "end"))
    gain = np.where(is_known, gained / np.where(is_known, whole, 1.0), 0.0)
    p0, p1 = (_power(gauge, at) * gain for at in (e0, e1))
    off = tried_ns(counter.channel.timing.half_lag_ns, gauge.readings.period_ns)
    off_ns = np.rint(np.concatenate((-off, off))).astype(np.int64)
    lagged = [np.sign(ns) * (gauge.joules_until(t_ns + ns) - gauge.joules_until(t_ns)) for ns in off_ns]
    return _Position(
        base + share * gained,
        np.minimum(u_share, 0.3) * gained,
        np.hypot((1.0 - share) * p0 * s0, share * p1 * s1),
        gain[:, None] * np.stack(lagged, axis=1),
        is_known,
    )


def _power(gauge: Gauge, t_ns: I64) -> F64:
    """float64[n]: joules a nanosecond in the two periods around instants."""
    around_ns = max(gauge.readings.period_ns, 1)
    found: F64 = (gauge.joules_until(t_ns + around_ns) - gauge.joules_until(t_ns - around_ns)) / around_ns / 2
    return found
