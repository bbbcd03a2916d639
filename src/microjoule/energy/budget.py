"""The components of uncertainty of a counter's energies (science.md C1, C5).

Of each edge of a window:

* *edges*: the updates around it are known to lie between two readings. The count is interpolated
  between them, so that with p counts a second and a fraction f of the way from the left update to
  the right one, u² = p² ((1 - f)² s_l² + f² s_r²), s² being the gap between readings squared over
  12, and the declared lag's likewise. Where the gap g is about as long as the updates are apart (T),
  neighbours trail their readings by much the same, so a correlation of (g/T)² joins the two. And
  the power may have stepped between the updates: from P to P', somewhere, moves the count by at
  most f (1 - f) |P' - P| T; over all f that is √(1/30) |P' - P| T, and P and P' are looked up on
  either side, less what their own noise makes of a steady power.
* *quantisation*: a count is cut off, by anything up to a quantum: q/√12. Where a quantum is more
  than an update's energy, the counter shows it as soon as it is full: then that energy in its place.
* *read time*: the value was true somewhere inside the read: p r/√12.

Of the whole window the *gain* and *offset* of the sensor, and the power *model*.

Both edge components carry the instant in their group, signed minus for a beginning: adjoining
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
    from .counter import Brackets, Counter

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_ROOT_12 = math.sqrt(12.0)
_ROOT_3 = math.sqrt(3.0)
_AROUND = 3  # updates on either side over which the power at an edge is taken: one alone is too noisy
_STEP_SHARE = math.sqrt(1 / 30)  # the root mean square of f (1 - f) over f from 0 to 1


class Edges(NamedTuple):
    """Standard uncertainties of the count at n instants: float64[n], in counts."""

    edges: F64
    quantisation: F64
    read_time: F64


def edges(counter: Counter, t_ns: I64) -> Edges:
    """How well the count of a counter is known at instants, its sensor apart."""
    quantum = np.full(len(t_ns), counter.quantum / _ROOT_12)
    changes = counter.changes
    if len(changes) < 2:
        return Edges(np.zeros(len(t_ns)), quantum, np.zeros(len(t_ns)))
    last = len(changes) - 1
    around = counter.segments(t_ns)
    here = np.clip(around.right, 1, last)
    p = _rate(counter, here - 1 - _AROUND, here + _AROUND)
    quantum = np.minimum(quantum, p * (counter.channel.timing.update_ns or math.inf) / _ROOT_12)
    left, right = _spread_ns(counter, here - 1), _spread_ns(counter, np.minimum(around.right, last))
    f, length_ns = around.part, np.maximum(around.length_ns, 1)
    alike = np.minimum(_ROOT_12 * right / length_ns, 1.0) ** 2
    shares = ((1 - f) * left) ** 2 + (f * right) ** 2 + 2 * alike * f * (1 - f) * left * right
    located = p * np.sqrt(shares)
    before, after = _rate(counter, here - 2, here - 1), _rate(counter, here, here + 1)
    noise = 2 * p**2 * (left**2 + right**2) / length_ns**2
    step = np.sqrt(np.maximum((after - before) ** 2 - noise, 0.0)) * length_ns * _STEP_SHARE
    read_ns = counter.read_ns(changes[here])
    return Edges(np.hypot(located, step), quantum, p * read_ns / _ROOT_12)


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
    spread: F64 = np.hypot(gap_ns, counter.channel.timing.lag_ns) / _ROOT_12
    return spread


def budgets(counter: Counter, brackets: Brackets) -> list[tuple[Component, ...]]:
    """The components of each window; none where it has no value."""
    scale = float(counter.channel.scale.unit) * (
        model.value_w if (model := counter.channel.trust.model) else 1.0
    )
    begin, end = edges(counter, brackets.t0_ns), edges(counter, brackets.t1_ns)
    name = counter.channel.id
    columns = [
        (column * scale).tolist()
        for column in (
            begin.edges,
            end.edges,
            begin.quantisation,
            end.quantisation,
            begin.read_time,
            end.read_time,
        )
    ]
    windows = zip(
        brackets.t0_ns.tolist(), brackets.t1_ns.tolist(), brackets.value.tolist(), *columns, strict=True
    )
    found: list[tuple[Component, ...]] = []
    for t0, t1, value, e0, e1, q0, q1, r0, r1 in windows:
        if value != value or t0 == t1:
            found.append(())
            continue
        at, to = f"{name}@{t0}", f"{name}@{t1}"
        found.append(
            (
                Component("edges", -e0, form=RECTANGULAR, group=f"edge:{at}"),
                Component("edges", e1, form=RECTANGULAR, group=f"edge:{to}"),
                Component("quantisation", -q0, form=RECTANGULAR, group=f"quantum:{at}"),
                Component("quantisation", q1, form=RECTANGULAR, group=f"quantum:{to}"),
                Component("read time", -r0, form=RECTANGULAR, group=f"read:{at}"),
                Component("read time", r1, form=RECTANGULAR, group=f"read:{to}"),
                *_sensor(counter, value, seconds(t1 - t0)),
            )
        )
    return found


def _sensor(counter: Counter, value: float, duration_s: float) -> list[Component]:
    """What the sensor, or the model in its place, adds; one group each for all of its windows."""
    trust, of = counter.channel.trust, counter.channel.physical_id
    found = []
    if trust.model is not None:
        half = value * (trust.model.high_w - trust.model.low_w) / 2 / trust.model.value_w
        found.append(Component("model", half / _ROOT_3, form=RECTANGULAR, group=f"model:{of}"))
    if trust.sensor is not None:
        sensor = trust.sensor
        divisor = 1.0 if sensor.form == NORMAL else _ROOT_3
        found.append(Component("gain", value * sensor.gain / divisor, form=sensor.form, group=f"gain:{of}"))
        if sensor.offset_w:
            offset = sensor.offset_w * duration_s / divisor
            found.append(Component("offset", offset, form=sensor.form, group=f"offset:{of}"))
    return found
