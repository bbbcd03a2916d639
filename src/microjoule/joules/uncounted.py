"""What a counter lacks where the kernel had its perf event off, as somebody else opened one. Pure.

An update that comes between the last read of an event and its first one after it is on again is in no count
(csrc/reader_perf.c). Interrupts are off meanwhile, so that it is one update each time at most: no more than
the power in an update's time. Readings tell how often that was, but not what was lost, which is mostly
nothing: an event is off for some microseconds, and updates are a millisecond apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..channel import largest_rate
from ..channel.reading_status import is_uncounted, times_off
from ..trace.series import I64, Series
from ..units import NS_PER_MS, NS_PER_S
from .brackets import F64
from .uncertainty import BOUNDED, Component

if TYPE_CHECKING:
    from .counter import Counter

_OFF_NS = NS_PER_MS  # longer than an event is off; of counters that are up to date at every read
_AROUND_NS = NS_PER_S // 50  # on each side, from which the power is taken: the larger one
_JOINED_NS = NS_PER_S // 10
_NONE = np.empty(0, np.int64)


class Uncounted(NamedTuple):
    """Stretches of readings in which a counter's event was off.

    Attributes:
        since_ns: int64, the reading before each stretch.
        until_ns: int64, its last reading.
        times: int64, how often the event was off.
    """

    since_ns: I64 = _NONE
    until_ns: I64 = _NONE
    times: I64 = _NONE


NEVER = Uncounted()


def uncounted(series: Series) -> Uncounted:
    """The stretches that readings tell: those before one with a number have none (csrc/microjoule.h)."""
    if series.status.strides == (0,):
        return NEVER
    at = np.flatnonzero(is_uncounted(series.status))
    if not len(at):
        return NEVER
    times = times_off(series.status[at])
    # A stretch goes on from a reading without a number to the next one, if that tells anything.
    goes_on = (times[:-1] == 0) & (np.diff(at) == 1)
    first = at[np.concatenate(([True], ~goes_on))]
    last = at[np.concatenate((~goes_on, [True]))]
    since_ns, until_ns = series.t_ns[np.maximum(first - 1, 0)], series.t_ns[last]
    return _joined(Uncounted(since_ns, until_ns, times_off(series.status[last])))


def _joined(found: Uncounted) -> Uncounted:
    """Those that follow one another as one, for a while: of a flood its time bounds what is lost."""
    adjoins = found.since_ns[1:] == found.until_ns[:-1]
    begins = np.concatenate(([True], ~adjoins))
    begun_ns = np.maximum.accumulate(np.where(begins, found.since_ns, 0))
    part = (found.since_ns - begun_ns) // _JOINED_NS
    first = np.flatnonzero(begins | (np.diff(part, prepend=0) != 0))
    last = np.append(first[1:], len(part)) - 1
    return Uncounted(found.since_ns[first], found.until_ns[last], np.add.reduceat(found.times, first))


class Losses:
    """What a counter may lack of the stretches in which its event was off.

    Args:
        counter: Whose.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter, self._at = counter, counter.uncounted
        channel, at = counter.channel, self._at
        self.times = int(at.times.sum())
        if not self.times:
            return
        longest_ns = max(counter.update_max_ns, _OFF_NS)
        rate = largest_rate(channel) / NS_PER_S
        # By the count at readings alone: a figure of it would ask for its losses in turn.
        t_ns, total = counter.t_ns, counter.steps.total
        edges_ns = [at.since_ns - _AROUND_NS, at.since_ns, at.until_ns, at.until_ns + _AROUND_NS]
        edges = np.clip(np.searchsorted(t_ns, edges_ns), 0, len(t_ns) - 1)
        power = (np.diff(total[edges], axis=0) / np.maximum(np.diff(t_ns[edges], axis=0), 1)).max(axis=0)
        scale = float(channel.scale.unit)
        self._most = self._sums(np.full(len(power), rate), longest_ns, scale)
        self._likely = self._sums(np.minimum(power, rate), longest_ns, scale)

    def _sums(self, power: F64, update_ns: int, scale: float) -> F64:
        """Of each stretch an update each time, and no more than its power in all its time, added up."""
        at, quantum = self._at, self._counter.quantum
        each = at.times * (power * update_ns + quantum)
        whole = power * (at.until_ns - at.since_ns + 2 * update_ns) + quantum
        return np.concatenate(([0.0], np.cumsum(np.minimum(each, whole) * scale)))

    def _between(self, sums: F64, t0_ns: I64, t1_ns: I64) -> F64:
        ended = np.searchsorted(self._at.until_ns, t0_ns, "right")
        begun = np.searchsorted(self._at.since_ns, t1_ns, "left")
        found: F64 = sums[np.maximum(begun, ended)] - sums[ended]
        return found

    def most(self, before: I64, after: I64) -> F64 | float:
        """The most that is lacking between two readings each, in the channel's quantity."""
        if not self.times:
            return 0.0
        t_ns = self._counter.t_ns
        last = len(t_ns) - 1
        return self._between(self._most, t_ns[np.maximum(before, 0)], t_ns[np.minimum(after, last)])

    def likely_most(self, t0_ns: I64, t1_ns: I64) -> F64:
        """The same of windows, by the power around each stretch."""
        if not self.times:
            return np.zeros(len(t0_ns))
        near_ns = self._counter.usual_ns
        return self._between(self._likely, t0_ns - near_ns, t1_ns + near_ns)

    def added_to(
        self, budgets: list[tuple[Component, ...]], t0_ns: I64, t1_ns: I64
    ) -> list[tuple[Component, ...]]:
        """The components of windows, each with what may be lacking of it: up to all of that, or nothing."""
        if not self.times:
            return budgets
        lacking = (self.likely_most(t0_ns, t1_ns) / np.sqrt(3.0)).tolist()
        return [
            (*budget, Component("uncounted", u, form=BOUNDED)) if budget and u else budget
            for budget, u in zip(budgets, lacking, strict=True)
        ]
