"""What all readings of a counter together tell of its updates: from memory when asked, or piece by piece."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...channel import Channel
from ...trace.series import I64
from .stillness import Stillness
from .swings import Skeleton
from .unwrap import quantum
from .update_times import LEARN, Learned, brackets, learn

_NOTHING = np.empty(0, np.int64)


class Lessons:
    """What readings tell, each thing worked out when it is first asked for.

    Args:
        channel: The counter's channel, whose declared times count where the readings do not tell.
        t_ns: int64[m], when reads began.
        read_ns: uint32[m], how long they took.
        total: int64[m], what had been counted at each.
        changes: int64[n], the readings that differ from the one before them.
    """

    def __init__(
        self, channel: Channel, t_ns: I64, read_ns: npt.NDArray[np.uint32], total: I64, changes: I64
    ) -> None:
        self._channel = channel
        self._t_ns, self._read_ns, self._total, self._changes = t_ns, read_ns, total, changes

    @cached_property
    def learned(self) -> Learned:
        """What the first updates tell of when the counter is updated."""
        first = self._changes[:LEARN]
        steps = self._total[first] - self._total[first - 1]
        of_updates = brackets(self._t_ns, self._read_ns, first)
        return learn(*of_updates, declared_ns(self._channel), steps, quantum(self._channel))

    @cached_property
    def longest_ns(self) -> int:
        """The longest time between two updates that the readings show."""
        still = Stillness(quantum(self._channel))
        still.add(self._t_ns, self._changes, self._total)
        return still.longest_ns()

    @cached_property
    def skeleton(self) -> Skeleton:
        """How the power swings over long times."""
        found = Skeleton(int(self._t_ns[0]))
        found.add(self._t_ns[self._changes], self._total[self._changes])
        return found


class LessonsInPieces:
    """The same of readings that come in pieces.

    Args:
        channel: The counter's channel.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._still = Stillness(quantum(channel))
        self._skeleton: Skeleton | None = None
        self._first: list[tuple[I64, I64, I64]] = []  # earliest, latest, steps
        self._n = 0
        self.changed = 0  # how many of all readings differ from the one before them

    @classmethod
    def known(
        cls, channel: Channel, still: Stillness, skeleton: Skeleton, first: tuple[I64, I64, I64], changed: int
    ) -> LessonsInPieces:
        """The lessons of readings of which each thing was found before.

        Args:
            channel: The counter's channel.
            still: The longest time without an update.
            skeleton: How the power swings.
            first: Of the first ``LEARN`` changes the brackets and the steps.
            changed: How many readings differ from the one before them.
        """
        found = cls(channel)
        found._still, found._skeleton, found._first, found.changed = still, skeleton, [first], changed
        return found

    def add(self, t_ns: I64, read_ns: npt.NDArray[np.uint32], total: I64, changes: I64) -> None:
        """Takes a piece, which begins with the last reading of the one before."""
        if self._skeleton is None:
            self._skeleton = Skeleton(int(t_ns[0]))
        self._skeleton.add(t_ns[changes], total[changes])
        self._still.add(t_ns, changes, total)
        self.changed += len(changes)
        if self._n < LEARN:
            first = changes[:LEARN]
            self._first.append((*brackets(t_ns, read_ns, first), total[first] - total[first - 1]))
            self._n += len(first)

    @cached_property
    def learned(self) -> Learned:
        """As of :class:`Lessons`, once all pieces are in."""
        columns = zip(*self._first, strict=True) if self._first else ([_NOTHING],) * 3
        earliest, latest, steps = (np.concatenate(each) for each in columns)
        return learn(earliest, latest, declared_ns(self._channel), steps, quantum(self._channel))

    @property
    def longest_ns(self) -> int:
        """As of :class:`Lessons`."""
        return self._still.longest_ns()

    @property
    def skeleton(self) -> Skeleton:
        """As of :class:`Lessons`."""
        return self._skeleton or Skeleton(0)


def declared_ns(channel: Channel) -> int:
    """The usual time between two updates, as declared."""
    return channel.timing.update_ns or channel.timing.update_max_ns
