"""The longest time between two updates that a counter's readings show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...trace.series import I64

_BLOCK = 1 << 14  # changes: their times fit the second-level cache
_NO_CHANGE = np.empty((3, 0), np.int64)


class Stillness:
    """The longest time between two updates that a counter's readings show, piece by piece.

    A counter may stand still because nothing is drawn. It was not updated for that long only if the step that
    ended it holds energy for as long: half of what the next step has to its time, at least, and more than one
    quantum. Where the counter changed only once, it may be as long as the readings around show no change.

    Args:
        quantum: The smallest step of the counter, in counts.
    """

    def __init__(self, quantum: int) -> None:
        self._quantum = quantum
        self._longest_ns = 0
        self._last = np.empty((3, 0), np.int64)  # of the last changes: the read before, the read, the total
        self._ends_ns = [0, 0]  # the first reading and the last

    def add(self, t_ns: I64, changes: I64, total: I64) -> None:
        """Takes the next readings.

        Args:
            t_ns: int64[m], when they began; the first one is the last one of those before.
            changes: int64[n], from 1 on.
            total: int64[m], what had been counted at each since the first reading of all.
        """
        if not len(t_ns):
            return
        self._ends_ns = [self._ends_ns[0] or int(t_ns[0]), int(t_ns[-1])]
        for start in range(0, len(changes), _BLOCK):
            some = changes[start : start + _BLOCK]
            if len(some) > 6 and int(some[-1] - some[0]) == len(some) - 1:  # it changed at each
                self._add(t_ns, some[:3], total)
                self._last = np.empty((3, 0), np.int64)
                some = some[-3:]
            self._add(t_ns, some, total)

    def _add(self, t_ns: I64, changes: I64, total: I64) -> None:
        before = np.concatenate((self._last[0], t_ns[changes - 1]))
        at = np.concatenate((self._last[1], t_ns[changes]))
        still = before[1:] - at[:-1]
        longer = np.flatnonzero(still[:-1] > self._longest_ns)
        if len(longer):  # few of them: what steps hold is looked up for these alone
            known = self._last.shape[1]
            counted = [
                np.where(
                    k < known,
                    self._last[2][np.minimum(k, known - 1)] if known else 0,
                    total[changes[np.maximum(k - known, 0)]],
                )
                for k in (longer, longer + 1, longer + 2)
            ]
            step, following = counted[1] - counted[0], counted[2] - counted[1]
            apart, then = at[longer + 1] - at[longer], at[longer + 2] - at[longer + 1]
            holds = (2.0 * step * then >= 1.0 * following * apart) & (step > self._quantum)
            self._longest_ns = max(self._longest_ns, int(still[longer][holds].max(initial=0)))
        last = slice(max(len(at) - 3, 0), None)
        counted_last = np.concatenate((self._last[2], total[changes[-3:]]))[-3:]
        self._last = np.stack((before[last], at[last], counted_last))

    def follow(self, before: I64, at: I64, total: I64) -> None:
        """Takes changes by the read before, the read and the total of each: few of them."""
        still = before[1:] - at[:-1]
        longer = np.flatnonzero(still[:-1] > self._longest_ns)
        step, apart = np.diff(total), np.diff(at)
        holds = 2.0 * step[longer] * apart[longer + 1] >= 1.0 * step[longer + 1] * apart[longer]
        holds &= step[longer] > self._quantum
        self._longest_ns = max(self._longest_ns, int(still[longer][holds].max(initial=0)))

    def longest_ns(self) -> int:
        """What was found so far."""
        before, at, total = self._last
        longest = self._longest_ns
        if len(at) == 1:
            longest = max(int(before[0]) - self._ends_ns[0], self._ends_ns[1] - int(at[0]))
        elif len(at) < 4:
            step = np.diff(total) > self._quantum
            longest = max(longest, int((before[1:] - at[:-1])[step].max(initial=0)))
        return longest


class Still(NamedTuple):
    """What a stretch of readings tells of stillness, so that stretches can be joined.

    Attributes:
        longest_ns: What its changes show, each with the two after it.
        first: int64[3, ≤ 3], of its first changes: the read before, the read, the total.
        last: int64[3, ≤ 3], the same of its last ones.
    """

    longest_ns: int = 0
    first: I64 = _NO_CHANGE
    last: I64 = _NO_CHANGE

    @classmethod
    def of(cls, quantum: int, t_ns: I64, changes: I64, total: I64) -> Still:
        """What readings tell, with the arguments of :class:`Stillness`."""
        found = Stillness(quantum)
        found.add(t_ns, changes, total)
        return cls(found._longest_ns, *(_columns(t_ns, some, total) for some in (changes[:3], changes[-3:])))

    def joined(self, seam: I64, other: Still, quantum: int) -> Still:
        """The same of this stretch and the next one.

        Args:
            seam: int64[3, ≤ 1]: the change between the two.
            other: Of the next stretch, its totals counted on from this one.
            quantum: The smallest step of the counter.
        """
        between = np.concatenate((self.last, seam, other.first), axis=1)
        found = Stillness(quantum)
        found._last, found._longest_ns = between[:, :0], max(self.longest_ns, other.longest_ns)
        found.follow(*between)
        first = np.concatenate((self.first, seam, other.first), axis=1)[:, :3]
        if self.first.shape[1] == 3:
            first = self.first
        last = other.last if other.last.shape[1] == 3 else between[:, -3:]
        return Still(found._longest_ns, first, last)

    def ended(self, quantum: int, ends_ns: tuple[int, int]) -> Stillness:
        """The stillness of a stretch that is all readings, with its first and its last one."""
        found = Stillness(quantum)
        found._longest_ns, found._last, found._ends_ns = self.longest_ns, self.last, list(ends_ns)
        return found


def _columns(t_ns: I64, changes: I64, total: I64) -> I64:
    return np.stack((t_ns[changes - 1], t_ns[changes], total[changes])) if len(changes) else _NO_CHANGE
