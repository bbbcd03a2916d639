"""One channel's account, which grows by the readings of each batch.

A counter's steps are those of :mod:`microjoule.joules.counters.unwrap`, from the last reading of one batch
to the first of the next as inside a batch. A gauge's energy is the integral of its readings at the time of
the read: the sensor's own time, which windows need, changes no total.

A counter's power is taken between readings that showed a change, over a second or four updates: between
any two readings it would swing by an update's worth.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..channel import Channel, Encoding
from ..joules.counters.identity import in_own_unit
from ..joules.counters.uncounted import likely_loss
from ..joules.counters.unwrap import counts, unchanged_ns, unwrap
from ..joules.estimates.total import is_energy, is_power
from ..joules.gauges.readings import Shape, shape
from ..trace.series import I64, U64
from ..units import NS_PER_S, seconds
from .level import Level, energy_j

POWER_NS = NS_PER_S  # a power is a mean over at least so long
UPDATES = 4  # or over so many updates of a slow counter
SILENT_NS = 3 * NS_PER_S  # no lane reads less than once a second
HOLE_NS = 2 * NS_PER_S  # what a gauge said holds no longer than this


class BatchReadings(NamedTuple):
    """Successive good readings, int64, uint32 and uint64 of one length; how often their event was off."""

    t_ns: I64
    read_ns: npt.NDArray[np.uint32]
    raw: U64
    times_off: int = 0

    def after(self, last: BatchReadings | None) -> BatchReadings:
        """These, behind the last one of those before."""
        if last is None:
            return self
        return BatchReadings(
            np.concatenate((last.t_ns, self.t_ns)),
            np.concatenate((last.read_ns, self.read_ns)),
            np.concatenate((last.raw, self.raw)),
            self.times_off,
        )

    def last(self) -> BatchReadings:
        """The last one alone."""
        return BatchReadings(self.t_ns[-1:], self.read_ns[-1:], self.raw[-1:])


class Tally(ABC):
    """The account of one channel.

    Args:
        channel: Whose.

    Attributes:
        channel: Whose.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._energy_counts = self._extra_counts = self._lost_counts = self._resets = 0
        self._times_off = 0
        self._good = self._failed = 0
        self._is_failing = False
        self._last: BatchReadings | None = None
        self._since_ns: int | None = None

    def add(self, found: BatchReadings, failed: int, ends_failing: bool) -> None:
        """Takes in what a batch has of the channel.

        Args:
            found: The good readings, in their order; they may be none.
            failed: How many others failed.
            ends_failing: Whether the last of all did.
        """
        self._failed += failed
        self._is_failing = ends_failing
        if len(found.t_ns):
            if self._since_ns is None:
                self._since_ns = int(found.t_ns[0])
            self._grow(found.after(self._last))
            self._good += len(found.t_ns)
            self._times_off += found.times_off
            self._last = found.last()
        if ends_failing:
            self._forget_power()

    def level(self, now_ns: int, missed: int) -> Level | None:
        """The account at a moment; None: the channel was never read, nor tried."""
        if not self._good + self._failed:
            return None
        t_ns = int(self._last.t_ns[0]) if self._last else now_ns
        is_known = self._last is not None and not self._is_failing and now_ns - t_ns <= SILENT_NS
        return Level(
            channel=self.channel,
            since_ns=t_ns if self._since_ns is None else self._since_ns,
            t_ns=t_ns,
            energy_counts=self._energy_counts,
            extra_counts=self._extra_counts,
            lost_counts=self._lost_counts,
            times_off=self._times_off,
            power_w=self._power_w() if is_known else None,
            readings=self._good,
            failed=self._failed,
            missed=missed,
            resets=self._resets,
        )

    @abstractmethod
    def _grow(self, found: BatchReadings) -> None:
        """Adds readings, the first of which was taken in before unless it is the first of all."""

    @abstractmethod
    def _power_w(self) -> float | None:
        """The power now, if it is known."""

    @abstractmethod
    def _forget_power(self) -> None:
        """What was read before tells no power any more."""


class _CountedTally(Tally):
    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._unchanged_ns: int | None = None
        self._span_ns = max(POWER_NS, UPDATES * (channel.timing.update_ns or 0))
        self._seen: deque[tuple[int, int]] = deque()  # time and count of each batch's last reading
        self._changes: deque[tuple[int, int]] = deque()  # and of its last that showed a change

    def _grow(self, found: BatchReadings) -> None:
        self.channel = in_own_unit(self.channel, found.raw)
        raw = counts(found.raw, self.channel)
        steps = unwrap(raw, found.t_ns, found.read_ns, self.channel, self._unchanged_ns)
        self._unchanged_ns = unchanged_ns(steps, found.t_ns, self._unchanged_ns)
        self._extra_counts += int(sum(steps.extra.tolist()))
        if found.times_off:
            most = likely_loss(found.t_ns, found.read_ns, steps, self.channel)
            self._lost_counts += found.times_off * most
        self._resets += len(steps.reset)
        if len(steps.reset):
            self._forget_power()
        before = self._energy_counts
        self._energy_counts += int(steps.total[-1])
        if len(steps.changes):
            at = steps.changes[-1]
            self._changes.append((int(found.t_ns[at]), before + int(steps.total[at])))
        self._seen.append((int(found.t_ns[-1]), self._energy_counts))
        since_ns = self._seen[-1][0] - self._span_ns
        for kept in (self._seen, self._changes):
            while len(kept) > 1 and kept[1][0] <= since_ns:
                kept.popleft()

    def _power_w(self) -> float | None:
        is_moving = len(self._changes) > 1 and self._changes[-1][0] > self._seen[-1][0] - self._span_ns
        over = self._changes if is_moving else self._seen
        if len(over) < 2:
            return None
        (t0_ns, first), (t1_ns, last) = over[0], over[-1]
        return energy_j(last - first, self.channel) / seconds(t1_ns - t0_ns)

    def _forget_power(self) -> None:
        self._seen.clear()
        self._changes.clear()


class _Integrated(Tally):
    def _grow(self, found: BatchReadings) -> None:
        t_ns = (found.t_ns + found.read_ns // 2).tolist()
        said = self._said(found.raw)
        hole_ns = max(HOLE_NS, 2 * self.channel.timing.update_max_ns)
        holds = shape(self.channel.timing) is Shape.HOLD
        for at in range(1, len(said)):
            dt_ns = t_ns[at] - t_ns[at - 1]
            if 0 < dt_ns <= hole_ns:  # of a longer silence nobody knows
                before = said[at] if holds else said[at - 1]
                self._energy_counts += (before + said[at]) * dt_ns // 2

    def _said(self, raw: U64) -> list[int]:
        """Watts in counts. Which sign stands for what a battery gives depends on its driver."""
        if self.channel.encoding is Encoding.SIGNED:
            return [abs(value) for value in raw.view(np.int64).tolist()]
        values: list[int] = raw.tolist()
        return values

    def _power_w(self) -> float | None:
        return None if self._last is None else float(self._said(self._last.raw)[0] * self.channel.scale.unit)

    def _forget_power(self) -> None:
        """A gauge's power is its last reading's, and whether that failed is known."""


def tally(channel: Channel) -> Tally | None:
    """An account for a channel; None: it tells neither energy nor power."""
    if is_energy(channel):
        return _CountedTally(channel)
    return _Integrated(channel) if is_power(channel) else None
