"""The marks of a recording: those of this process, and those of other programs.

Decision: two rings. The recorder's own process marks into memory that no other program has, so that whatever
the command of ``uj run`` does to the memory that it was given, the window of the whole run is kept. What was
given up: the marks of both are in the order of their rings, not of their times.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping

from .marking import namespace
from .native import Marks

_Mark = tuple[str, int, int, str]

OTHERS = 1 << 63  # numbers of others' windows begin here, whatever they claim to be
PAUSE_S = 0.05
REST_S = 1.2  # a little longer than a writer that was killed holds up the marks behind its own
REST_MAX = 1 << 17  # marks: programs that go on marking do not keep a recording from its end


class MarkRings:
    """The rings of one recorder; one thread at a time takes marks from them.

    Attributes:
        own: What this process, and its forked children, mark into.
    """

    def __init__(self) -> None:
        self.own = Marks()
        self._others: Marks | None = None
        self._forwarded: deque[_Mark] = deque()
        self._forwarded_losses: Counter[str] = Counter()

    def share(self) -> str | None:
        """The address by which other programs open a ring of theirs; None: no memory can be shared here."""
        if self._others is None:
            self._others = Marks("")
        address = self._others.address
        return f"{address}:{namespace()}" if address else None

    def forward(self, marks: Iterable[_Mark], losses: Mapping[str, int]) -> None:
        """Takes marks in that were drained from another process's ring, and how many were lost there."""
        self._forwarded.extend(marks)
        self._forwarded_losses.update(losses)

    def drain(self) -> list[_Mark]:
        """The marks that wait, as kind, ``t_ns``, number and label; at most what the rings hold."""
        marks = self.own.drain()
        marks += [self._forwarded.popleft() for _ in range(len(self._forwarded))]
        if self._others is not None:
            others = self._others.drain()
            marks += [(kind, t_ns, OTHERS | number, label) for kind, t_ns, number, label in others]
        return marks

    def drain_rest(self) -> list[_Mark]:
        """The last marks. Where a program was killed while it marked, those behind are waited for."""
        marks = self.drain()
        until = time.monotonic() + REST_S
        while self._is_waiting() and len(marks) < REST_MAX and time.monotonic() < until:
            time.sleep(PAUSE_S)
            marks += self.drain()
        return marks

    def losses(self) -> dict[str, int]:
        """How many marks are not there, by cause: the names are those of ``schema.MARK_COUNTS``."""
        losses = self.own.losses()
        others = {} if self._others is None else self._others.losses()
        # A count of others is a word of memory that they can write to.
        more = self._forwarded_losses
        return {
            cause: min(count + others.get(cause, 0) + more[cause], OTHERS) for cause, count in losses.items()
        }

    def _is_waiting(self) -> bool:
        return bool(self.own.waiting or (self._others is not None and self._others.waiting))
