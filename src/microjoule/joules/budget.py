"""The components of uncertainty of a counter's energies (docs/methods.md).

Of each edge of a window:

* *edges*: the updates around it are known to lie between two readings. The count is interpolated
  between them, so that with p counts a second and a fraction f of the way from the left update to
  the right one, u² = p² ((1 - f)² s_l² + f² s_r²), s² being the gap between readings squared over
  12, and what scatter there is beyond it up to the declared lag's. Where the gap g is about as long
  as the updates are apart (T), neighbours trail their readings by much the same, so a correlation of
  (g/T)² joins the two. Where the power differs on the two sides, by P' - P, the count is
  interpolated with a kink (:func:`steps_inside`); of what is too near to the noise for that, a step
  somewhere moves the count by at most f (1 - f) |P' - P| T: √(1/30) of it over all f.
* *quantisation*: a count is cut off, by anything up to a quantum: q/√12. Where a quantum is more
  than an update's energy, the counter shows it as soon as it is full: then that energy in its place.
* *read time*: the value was true somewhere inside the read: p r/√12.

Of all edges of a channel together, signed:

* *lag*: the declared lag as one constant, p l/√12 with the power before the edge. It cancels in steady
  power and stays, however many they are, over windows that power steps bound.
* *steps*: of the steps that were not taken care of twice the mean, (P' - P) T/3: of windows that begin and
  end with their own steps it does not average. Of a window of an update or two what its own steps would
  lend to the time around it (:func:`_shared`).

Of the whole window the *gain* and *offset* of the sensor, and the power *model*.

The components of an edge carry the instant in their group, signed minus for a beginning: adjoining
windows share it, and their sum is as good as one window.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ..units import seconds
from .uncertainty import NORMAL, RECTANGULAR, Component

if TYPE_CHECKING:
    from .counter import Brackets, Counter, Segments

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_ROOT_12 = math.sqrt(12.0)
_ROOT_3 = math.sqrt(3.0)
_AROUND = 3  # updates on either side over which the power at an edge is taken: one alone is too noisy
_SIDE = 2  # likewise on one side of a step
_SCATTER = 4  # likewise for the scatter of their rates
_STEP_SHARE = math.sqrt(1 / 30)  # the root mean square of f (1 - f) over f from 0 to 1
_STEP_MEAN = 1 / 3  # twice its mean: the noise of the two sides hides a part of a step
_SHORT = 2  # updates between a window's edges, up to which what ran there has no power of its own to show
_STEP_TRUST = 0.5  # how much a kink that fits is believed: power that swings fits one as well


_OF_AN_EDGE = ("edges", "quantisation", "read_time")


class Edges(NamedTuple):
    """Standard uncertainties of the count at n instants: float64[n], in counts.

    Those of ``lag`` and ``steps`` are signed, and of one cause at all instants of a channel.
    """

    edges: F64
    quantisation: F64
    read_time: F64
    lag: F64
    steps: F64


def edges(counter: Counter, t_ns: I64) -> Edges:
    """How well the count of a counter is known at instants, its sensor apart."""
    quantum, none = np.full(len(t_ns), counter.quantum / _ROOT_12), np.zeros(len(t_ns))
    changes, timing = counter.changes, counter.channel.timing
    if len(changes) < 2:
        return Edges(none, quantum, none, none, none)
    last = len(changes) - 1
    around = counter.segments(t_ns)
    here = np.clip(around.right, 1, last)
    p = _rate(counter, here - 1 - _AROUND, here + _AROUND)
    quantum = np.minimum(quantum, p * (timing.update_ns or math.inf) / _ROOT_12)
    wobble_ns = _wobble_ns(counter, here, p)
    left = np.hypot(_spread_ns(counter, here - 1), wobble_ns)
    right = np.hypot(_spread_ns(counter, np.minimum(around.right, last)), wobble_ns)
    f, length_ns = around.part, np.maximum(around.length_ns, 1).astype(np.float64)
    alike = np.minimum(_ROOT_12 * right / length_ns, 1.0) ** 2
    shares = ((1 - f) * left) ** 2 + (f * right) ** 2 + 2 * alike * f * (1 - f) * left * right
    located = p * np.sqrt(shares)
    before, after, side_noise, _, trust = _kink(counter, around, here)
    noise = 2 * p**2 * (left**2 + right**2)
    next_to = (_rate(counter, here, here + 1) - _rate(counter, here - 2, here - 1)) * length_ns
    jump = np.sqrt(np.maximum(next_to**2 - noise, 0.0)) * (1.0 - trust * _STEP_TRUST) * _STEP_SHARE
    read_ns = counter.read_ns(changes[here])
    return Edges(
        np.hypot(located, jump),
        quantum,
        p * read_ns / _ROOT_12,
        before * timing.lag_ns / _ROOT_12,
        (1.0 - trust) * _beyond(after - before, side_noise / 4) * length_ns * _STEP_MEAN,
    )


def _wobble_ns(counter: Counter, here: I64, p: F64) -> F64:
    """How unevenly updates trail what they report, beyond what the readings leave open.

    From the scatter of the rates between the updates on either side, each side by itself so that a
    step is no scatter; never more than the declared lag allows.
    """
    if not counter.channel.timing.lag_ns:
        return np.zeros(len(here))
    sides = [
        np.stack([_rate(counter, at, at + 1) for at in (here + start + i for i in range(_SCATTER))])
        for start in (-1 - _SCATTER, 0)
    ]
    variance = (sides[0].var(axis=0, ddof=1) + sides[1].var(axis=0, ddof=1)) / 2
    n = len(counter.changes)
    first, end = np.clip(here - _SCATTER, 0, n - 1), np.clip(here + _SCATTER, 0, n - 1)
    span_ns = counter.update_ns(counter.changes[end]) - counter.update_ns(counter.changes[first])
    length_ns = span_ns / np.maximum(end - first, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scatter = np.where(p > 0, variance * length_ns**2 / (2 * p**2), 0.0)
    known = _spread_ns(counter, here) ** 2
    wobble: F64 = np.sqrt(np.clip(scatter - known, 0.0, counter.channel.timing.lag_ns**2 / 12))
    return wobble


def _beyond(values: F64, variance: F64) -> F64:
    """Values drawn towards zero by as much as noise of that variance explains of them."""
    of_noise = 2 * variance / np.maximum(np.maximum(values**2, 2 * variance), np.finfo(float).tiny)
    return values * (1.0 - of_noise)


class _Kink(NamedTuple):
    """A step between two updates: the power before and after it, when it came, how far to trust in it."""

    before: F64
    after: F64
    noise: F64  # four times that of the difference
    at_ns: F64  # from the left update on
    trust: F64  # 0 to 1


def _kink(counter: Counter, around: Segments, here: I64) -> _Kink:
    before, after, noise = _sides(counter, here, around)
    total, changes = counter.steps.total, counter.changes
    gained = total[changes[here]] - total[changes[here - 1]]
    difference = after - before
    with np.errstate(divide="ignore", invalid="ignore"):
        at_ns = (after * around.length_ns - gained) / difference
        trust = 1.0 - noise / difference**2
    is_inside = (around.left >= 1) & (around.right < len(counter.changes) - 1) & (gained > 0)
    is_inside &= (at_ns >= 0) & (at_ns <= around.length_ns)
    return _Kink(before, after, noise, at_ns, np.where(is_inside & (trust > 0), trust, 0.0))


def steps_inside(counter: Counter, around: Segments, gained: I64) -> F64:
    """By how much a power step between two updates moves the share of their counts at an instant.

    Where the power on the two sides of a segment differs by more than its noise, the count runs on at
    the one power up to an instant s, and at the other from there: s follows from what was gained. The
    nearer the difference is to the noise, the less of it is taken.

    Args:
        counter: The counter.
        around: The updates around n instants.
        gained: int64[n], the counts between these updates.

    Returns:
        float64[n], to be added to ``around.part``.
    """
    here = np.clip(around.right, 1, len(counter.changes) - 1)
    kink = _kink(counter, around, here)
    x = around.part * around.length_ns
    with np.errstate(divide="ignore", invalid="ignore"):
        until, since = np.minimum(x, kink.at_ns), np.maximum(x - kink.at_ns, 0.0)
        kinked = (kink.before * until + kink.after * since) / gained
    return kink.trust * np.where(kink.trust > 0, kinked - around.part, 0.0)


def _sides(counter: Counter, here: I64, around: Segments) -> tuple[F64, F64, F64]:
    """Counts a ns before and after the segments that end at updates ``here``; 4 times their noise."""
    before, after = _rate(counter, here - 1 - _SIDE, here - 1), _rate(counter, here, here + _SIDE)
    p = (before + after) / 2
    spread = _spread_ns(counter, here - 1) ** 2 + _spread_ns(counter, here) ** 2
    span_ns = _SIDE * np.maximum(around.length_ns, 1).astype(np.float64)  # its square leaves 64 bits
    return before, after, 8 * p**2 * spread / span_ns**2


def _rate(counter: Counter, first: I64, last: I64) -> F64:
    """Counts a nanosecond from one update to another, by their numbers; of equal ones their own step."""
    n = len(counter.changes)
    start, end = np.clip(first, 0, n - 2), np.clip(last, 1, n - 1)
    start, end = counter.changes[start], counter.changes[end]
    gap_ns = np.maximum(counter.update_ns(end) - counter.update_ns(start), 1)
    rate: F64 = (counter.steps.total[end] - counter.steps.total[start]) / gap_ns
    return rate


def _spread_ns(counter: Counter, update: I64) -> F64:
    """How well the instant of an update is known: a standard uncertainty."""
    at = counter.changes[update]
    earliest, latest = counter.update_span_ns(at)
    gap_ns = np.maximum(latest - earliest - counter.read_ns(at), 0)
    spread: F64 = gap_ns / _ROOT_12
    return spread


def budgets(counter: Counter, brackets: Brackets) -> list[tuple[Component, ...]]:
    """The components of each window; none where it has no value."""
    scale = float(counter.channel.scale.unit) * (
        model.value_w if (model := counter.channel.trust.model) else 1.0
    )
    begin, end = edges(counter, brackets.t0_ns), edges(counter, brackets.t1_ns)
    name = f"{counter.channel.id}@{counter.machine}"
    shared = _shared(counter, brackets, begin, end)
    own = [getattr(edge, part) * scale for part in _OF_AN_EDGE for edge in (begin, end)]
    # No cause can move the figure further than the guaranteed interval, which follows without a model.
    widest = (brackets.high - brackets.low) / _ROOT_12
    own += [each * scale for each in shared.values()]
    columns = [np.clip(column, -widest, widest).tolist() for column in own]
    times = brackets.t0_ns.tolist(), brackets.t1_ns.tolist(), brackets.value.tolist()
    found: list[tuple[Component, ...]] = []
    for t0, t1, value, e0, e1, q0, q1, r0, r1, lag, steps in zip(*times, *columns, strict=True):
        if math.isnan(value) or t0 == t1:
            found.append(())
            continue
        at, to = f"{name}/{t0}", f"{name}/{t1}"
        found.append(
            (
                Component("edges", -e0, form=RECTANGULAR, group=f"edge:{at}"),
                Component("edges", e1, form=RECTANGULAR, group=f"edge:{to}"),
                Component("quantisation", -q0, form=RECTANGULAR, group=f"quantum:{at}"),
                Component("quantisation", q1, form=RECTANGULAR, group=f"quantum:{to}"),
                Component("read time", -r0, form=RECTANGULAR, group=f"read:{at}"),
                Component("read time", r1, form=RECTANGULAR, group=f"read:{to}"),
                *([Component("lag", lag, form=RECTANGULAR, group=f"lag:{name}")] if lag else []),
                *([Component("steps", steps, form=RECTANGULAR, group=f"steps:{name}")] if steps else []),
                *sensor(counter, value, seconds(t1 - t0)),
            )
        )
    return found


def _shared(counter: Counter, brackets: Brackets, begin: Edges, end: Edges) -> dict[str, F64]:
    """What windows share of their edges' errors, in counts: ``lag`` and ``steps``.

    In a window of an update or two no update tells what ran there, so that the power at its edges says
    little. But the power some updates before and after it is known. If the power stepped at its edges,
    all that was gained between beyond that power would be the window's: what it has less of is ``steps``.
    """
    lag, steps = end.lag - begin.lag, end.steps - begin.steps
    if not len(counter.changes):
        return {"lag": lag, "steps": steps}
    changes, total = counter.changes, counter.steps.total
    last = len(changes) - 1
    begun, ended = counter.segments(brackets.t0_ns), counter.segments(brackets.t1_ns)
    reach = 1 if counter.channel.timing.lag_ns else 0  # what is shown an update late may be the window's
    left, right = begun.left - reach, ended.right + reach
    short = np.flatnonzero((ended.left - begun.left <= _SHORT) & (left >= _SIDE) & (right <= last - _SIDE))
    if not len(short):
        return {"lag": lag, "steps": steps}
    left, right = left[short], right[short]
    before, after = _rate(counter, left - _SIDE, left), _rate(counter, right, right + _SIDE)
    t0, t1 = brackets.t0_ns[short], brackets.t1_ns[short]
    left, right = changes[left], changes[right]
    at_left, at_right = counter.update_ns(left), counter.update_ns(right)
    middle = t0 + (t1 - t0) // 2
    without = before * (middle - at_left) + after * (at_right - middle)
    inside = (before + after) / 2 * (t1 - t0)
    plain = (counter.position(t1) - counter.position(t0)) * 2.0**-counter.bits
    lent = total[right] - total[left] - without + inside - plain
    lent = -_beyond(lent, (begin.edges**2 + end.edges**2)[short])
    steps[short] = np.where(np.abs(lent) > np.abs(steps[short]), lent, steps[short])
    return {"lag": lag, "steps": steps}


def sensor(counter: Counter, value: float, duration_s: float) -> list[Component]:
    """What the sensor, or the model in its place, adds; one group each for all of its windows."""
    trust, of = counter.channel.trust, f"{counter.channel.physical_id}@{counter.machine}"
    found = []
    if trust.model is not None:
        # A symmetric interval must reach the farther end; all that one table models errs together.
        model = trust.model
        half = value * max(model.high_w - model.value_w, model.value_w - model.low_w) / model.value_w
        group = f"model:{model.source}@{counter.machine}"
        found.append(Component("model", half / _ROOT_3, form=RECTANGULAR, group=group))
    if trust.sensor is not None:
        sensor = trust.sensor
        divisor = 1.0 if sensor.form == NORMAL else _ROOT_3
        found.append(Component("gain", value * sensor.gain / divisor, form=sensor.form, group=f"gain:{of}"))
        if sensor.offset_w:
            offset = sensor.offset_w * duration_s / divisor
            found.append(Component("offset", offset, form=sensor.form, group=f"offset:{of}"))
    return found
