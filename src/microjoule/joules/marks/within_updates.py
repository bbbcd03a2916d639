"""Sentences about windows that end within an update of the meter that a total takes. Pure.

An update shows how much energy was used, and not when. That power changes with the marks of a program is then
an assumption, which readings neither show nor refute: they are the same of power that is half as high for
twice as long. Windows close to one another are one stretch of time, of which the updates inside tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...trace.series import I64
from ...units import short_time
from ..counters.counter import Counter
from ..estimates.total import covered
from ..gauges.gauge import Gauge

if TYPE_CHECKING:
    from ..energy_trace import Trace

_CLOSE = 0.1  # of an update: power in so little time between two windows moves neither by much
_FEWEST = 5  # windows of a name that are worth a sentence
_OF_COUNTER = "± assumes that power changes at their marks"
_OF_GAUGE = "± includes that it may have been used beside them"


def sentences(trace: Trace) -> list[str]:
    """One of each meter in a total whose updates are farther apart than windows last."""
    taken = covered({name: trace.channels[name] for name in trace.energy_channels})
    meters = [trace.meter(name) for name in taken if name not in trace.dead]
    return [each for meter in meters if (each := _sentence(trace, meter))]


def _sentence(trace: Trace, meter: Counter | Gauge) -> str:
    (name, apart_ns), columns = _updates(trace, meter), trace.window_columns
    if not apart_ns or not len(columns):
        return ""
    whole = trace.mark_fits.groups.whole.values()
    of_names = [n_within(columns.t0_ns[of], columns.t1_ns[of], apart_ns) for of in whole]
    n, every = sum(each for each in of_names if each >= _FEWEST), short_time(apart_ns)
    if not n:
        return ""
    return (
        f"{n:,} windows are shorter than the update interval of {name} ({every}). An update shows how much "
        f"energy was used, not when: {_OF_COUNTER if isinstance(meter, Counter) else _OF_GAUGE}. Mark one "
        f"window around many of them, or begin each {every} earlier and end it {every} later"
    )


def _updates(trace: Trace, meter: Counter | Gauge) -> tuple[str, int]:
    """Whose updates tell when its energy was used, and how far they are apart; 0: nothing is measured."""
    name = meter.channel.id
    if isinstance(meter, Gauge):
        return name, meter.readings.period_ns if len(meter) > 1 else 0
    if meter.channel.trust.model is not None or not len(meter.changes):
        return name, 0
    of = trace.mark_fits.finer(name)
    return (name, meter.usual_ns) if of is None else (of.gauge.channel.id, of.gauge.readings.period_ns)


def n_within(t0_ns: I64, t1_ns: I64, apart_ns: int) -> int:
    """How many windows are of a stretch of time that ends before two updates are apart.

    Args:
        t0_ns: int64[n], when windows of one name begin.
        t1_ns: When they end.
        apart_ns: From one update to the next.
    """
    if not len(t0_ns):
        return 0
    order = np.argsort(t0_ns, kind="stable")
    begin, until = t0_ns[order], np.maximum.accumulate(t1_ns[order])
    first = np.flatnonzero(np.concatenate(([True], begin[1:] - until[:-1] > _CLOSE * apart_ns)))
    last = np.append(first[1:], len(begin)) - 1
    return int((last - first + 1)[until[last] - begin[first] < apart_ns].sum())
