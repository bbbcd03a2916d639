"""What a counter lacks where the kernel had its perf event off, as somebody else opened one. Pure.

An update that comes between the last read of an event and its first one after it is on again is in no count
(csrc/reader_perf.c). Interrupts are off meanwhile, so that it is one update each time at most: no more than
the power in an update's time. Readings tell how often that was, but not what was lost, which is mostly
nothing: an event is off for some microseconds, and updates are a millisecond apart.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ...channel import Channel, largest_rate
from ...channel.reading_status import is_read, is_uncounted, times_off
from ...trace.series import I64, Series
from ...units import NS_PER_MS, NS_PER_S
from ..estimates.brackets import F64
from ..estimates.uncertainty import BOUNDED, ROOT_3, Component
from .lessons import Lessons

if TYPE_CHECKING:
    from ..estimates.estimate import Estimate
    from .counter import Counter
    from .unwrap import Steps

NAME = "uncounted"  # of the component
_OFF_NS = NS_PER_MS  # longer than an event is off; of counters that are up to date at every read
_AROUND_NS = NS_PER_S // 50  # on each side, from which the power is taken: the largest one
_JOINED_NS = NS_PER_S // 10
_NONE = np.empty(0, np.int64)


class Uncounted(NamedTuple):
    """Stretches of readings in which a counter's event was off.

    Attributes:
        since_ns: int64, the reading before each stretch.
        until_ns: int64, its last reading.
        times: int64, how often the event was off, or at least was.
        is_open: bool, whether no reading said how often.
    """

    since_ns: I64 = _NONE
    until_ns: I64 = _NONE
    times: I64 = _NONE
    is_open: npt.NDArray[np.bool_] = np.empty(0, np.bool_)


NEVER = Uncounted()


def uncounted(series: Series) -> Uncounted:
    """The stretches that readings tell: from those without a number up to one with one (csrc/microjoule.h).

    Where a trace ends before that one, or its read failed, a stretch is open: up to the next reading.
    """
    if series.status.strides == (0,) or not is_uncounted(series.status).any():
        return NEVER
    read = np.flatnonzero(is_read(series.status))  # failed ones tell nothing
    status, t_ns = series.status[read], series.t_ns[read]
    at = np.flatnonzero(is_uncounted(status))
    times = times_off(status[at])
    # A stretch goes on from a reading without a number to the next one, if that tells anything.
    goes_on = (times[:-1] == 0) & (np.diff(at) == 1)
    first = at[np.concatenate(([True], ~goes_on))]
    last = at[np.concatenate((~goes_on, [True]))]
    times = times_off(status[last])
    is_open = times == 0
    until_ns = t_ns[np.minimum(last + is_open, len(t_ns) - 1)]
    return _joined(Uncounted(t_ns[np.maximum(first - 1, 0)], until_ns, np.maximum(times, 1), is_open))


def _joined(found: Uncounted) -> Uncounted:
    """Those that follow one another as one, for a while: of a flood its time bounds what is lost."""
    adjoins = found.since_ns[1:] == found.until_ns[:-1]
    begins = np.concatenate(([True], ~adjoins))
    begun_ns = np.maximum.accumulate(np.where(begins, found.since_ns, 0))
    part = (found.since_ns - begun_ns) // _JOINED_NS
    first = np.flatnonzero(begins | (np.diff(part, prepend=0) != 0))
    last = np.append(first[1:], len(part)) - 1
    times = np.add.reduceat(found.times, first)
    is_open = np.logical_or.reduceat(found.is_open, first)
    return Uncounted(found.since_ns[first], found.until_ns[last], times, is_open)


def likely_loss(t_ns: I64, read_ns: npt.NDArray[np.uint32], steps: Steps, channel: Channel) -> int:
    """Counts: what an interruption in some readings may have kept from being counted, likely at most.

    As of :class:`Losses`; where they show no update, at the largest power that is plausible.

    Args:
        t_ns: int64[n], when the readings began.
        read_ns: uint32[n], how long they took.
        steps: What was counted by then.
        channel: Whose.
    """
    total, changes, rate = steps.total, steps.changes, largest_rate(channel) / NS_PER_S
    update_ns = _likely_ns(Lessons(channel, t_ns, read_ns, total, changes).learned.usual_ns)
    if len(changes):
        rate = min(rate, float(_power(t_ns, total, changes, update_ns, (t_ns[:1], t_ns[-1:]))[0]))
    return math.ceil(rate * update_ns) + channel.scale.quantum


def _likely_ns(usual_ns: int) -> int:
    """The time of which an interruption loses the energy: between two updates, or while the event is off."""
    return max(usual_ns, _OFF_NS)


def _power(t_ns: I64, total: I64, changes: I64, update_ns: int, stretches: tuple[I64, I64]) -> F64:
    """float64, counts per ns: the largest power near each stretch, of single updates and of the mean.

    A power that swings within milliseconds is in single updates only, and an update that is lost may be the
    largest of them.

    Args:
        t_ns: int64[n], when the readings began.
        total: int64[n], what was counted by then.
        changes: int64[m], the readings that showed an update.
        update_ns: The time between two updates.
        stretches: int64[k] each, when the stretches begin and end.
    """
    since_ns, until_ns = stretches
    edges_ns = [since_ns - _AROUND_NS, since_ns, until_ns, until_ns + _AROUND_NS]
    edges = np.clip(np.searchsorted(t_ns, edges_ns), 0, len(t_ns) - 1)
    power: F64 = (np.diff(total[edges], axis=0) / np.maximum(np.diff(t_ns[edges], axis=0), 1)).max(axis=0)
    apart_ns = t_ns[changes] - t_ns[np.concatenate((changes[:1] - 1, changes[:-1]))]
    single = np.append((total[changes] - total[changes - 1]) / np.maximum(apart_ns, update_ns), 0.0)
    ends = np.searchsorted(changes, [edges[0] + 1, edges[3] + 1])
    largest = np.maximum.reduceat(single, ends.T.ravel())[::2]
    return np.where(ends[1] > ends[0], np.maximum(power, largest), power)


class Losses:
    """What a counter may lack of the stretches in which its event was off.

    Args:
        counter: Whose.

    Attributes:
        times: How often its event was off.
        is_open: Whether it may have been oftener.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter, self._at = counter, counter.uncounted
        channel, at = counter.channel, self._at
        self.times, self.is_open = int(at.times.sum()), bool(at.is_open.any())
        if not len(at.times):
            return
        # By the count at readings alone: a figure of it would ask for its losses in turn.
        likely_ns, longest_ns = _likely_ns(counter.usual_ns), max(counter.update_max_ns, _OFF_NS)
        stretches = at.since_ns, at.until_ns
        power = _power(counter.t_ns, counter.steps.total, counter.steps.changes, likely_ns, stretches)
        rate, scale = largest_rate(channel) / NS_PER_S, float(channel.scale.unit)
        self._most = self._sums(np.full(len(power), rate), longest_ns, scale)
        self._likely = self._sums(np.minimum(power, rate), likely_ns, scale)

    def _sums(self, power: F64, update_ns: int, scale: float) -> F64:
        """Of each stretch an update each time, no more than its power in all its time, added up."""
        at, quantum = self._at, self._counter.quantum
        each = at.times * (power * update_ns + quantum)
        whole = power * (at.until_ns - at.since_ns + 2 * update_ns) + quantum
        most = np.where(at.is_open, whole, np.minimum(each, whole))
        return np.concatenate(([0.0], np.cumsum(most * scale)))

    def most(self, before: I64, after: I64) -> F64 | float:
        """The most that is lacking between two readings each, in the channel's quantity."""
        if not len(self._at.times):
            return 0.0
        t_ns = self._counter.t_ns
        end = len(t_ns) - 1
        first, last = self._between(t_ns[np.maximum(before, 0)], t_ns[np.minimum(after, end)])
        found: F64 = self._most[last] - self._most[first]
        return found

    def likely_most(self, t0_ns: I64, t1_ns: I64) -> F64:
        """The same of windows, by the power around each stretch."""
        if not len(self._at.times):
            return np.zeros(len(t0_ns))
        return self.likely_between(*self.touched(t0_ns, t1_ns))

    def likely_between(self, first: I64, last: I64) -> F64:
        """The same of the stretches from one number up to another."""
        found: F64 = self._likely[np.maximum(first, last)] - self._likely[first]
        return found

    def touched(self, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
        """Which stretches windows touch: the number of the first, and of the one after the last."""
        near_ns = self._counter.usual_ns
        return self._between(t0_ns - near_ns, t1_ns + near_ns)

    def _between(self, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
        """The numbers of the first stretch of each window, and of the one after its last."""
        ended = np.searchsorted(self._at.until_ns, t0_ns, "right")
        begun = np.searchsorted(self._at.since_ns, t1_ns, "left")
        return ended, np.maximum(begun, ended)

    def likely_apart(self, t0_ns: I64, t1_ns: I64) -> F64:
        """The same of windows in the order of time: of a stretch that several touch the first one has all."""
        if not len(self._at.times) or not len(t0_ns):
            return np.zeros(len(t0_ns))
        first, last = self.touched(t0_ns, t1_ns)
        first[1:] = np.maximum(first[1:], np.maximum.accumulate(last)[:-1])
        return self.likely_between(first, last)

    def components(self, t0_ns: I64, t1_ns: I64) -> list[Component]:
        """What may be lacking of all of some windows: up to all of a stretch, once, or nothing of it."""
        order = np.argsort(t0_ns, kind="stable")
        lacking = float(self.likely_apart(t0_ns[order], t1_ns[order]).sum())
        return [component(lacking)] if lacking else []

    def added_to(
        self, budgets: list[tuple[Component, ...]], t0_ns: I64, t1_ns: I64
    ) -> list[tuple[Component, ...]]:
        """The components of windows, each with what may be lacking of it: up to all of that, or nothing."""
        if not len(self._at.times):
            return budgets
        each = self.likely_most(t0_ns, t1_ns).tolist()
        return [
            (*budget, component(lacking)) if lacking else budget
            for budget, lacking in zip(budgets, each, strict=True)
        ]


class GroupLosses:
    """What may be lacking of groups of windows that come in order and in blocks: each loss once a group.

    Args:
        losses: Of the counter.
        groups: How many there are.

    Attributes:
        likely_most: float64[groups], in the channel's quantity.
    """

    def __init__(self, losses: Losses, groups: int) -> None:
        self._losses = losses
        self._done = np.zeros(groups, np.int64)  # stretches before these are in it already
        self.likely_most: F64 = np.zeros(groups)

    def add(self, group: I64, t0_ns: I64, t1_ns: I64) -> None:
        """Takes windows that follow those before in their group; one group after the other."""
        if self._losses.times and len(group):
            first, last = self._losses.touched(t0_ns, t1_ns)
            is_new = np.diff(group, prepend=-1) != 0
            done = np.where(is_new, self._done[group], np.concatenate(([0], last[:-1])))
            np.add.at(self.likely_most, group, self._losses.likely_between(np.maximum(first, done), last))
            np.maximum.at(self._done, group, last)


def once(losses: Losses, total: Estimate, t0_ns: I64, t1_ns: I64) -> Estimate:
    """A sum over windows that has what is lacking of a stretch once, where several of them touch it."""
    if total.value is None or not losses.times:
        return total
    others = (each for each in total.components if each.name != NAME)
    return replace(total, components=(*others, *losses.components(t0_ns, t1_ns)))


def component(lacking: float, group: str = "") -> Component:
    """What may be lacking at most, as a component; of one group are figures that may lack the same."""
    return Component(NAME, lacking / ROOT_3, form=BOUNDED, group=group)
