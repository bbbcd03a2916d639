"""The events of a profile as they are met: names and tracks once each, times in nanoseconds.

What cannot have been as it says is counted by reason and left out: a negative duration, a time stamp that is
no number, a time days away from all others (a time stamp of 0). A kernel with a corrupt end is cut
(:mod:`.event_rows`).
"""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from ...units import NS_PER_US
from .chrome import Document
from .event_rows import Ordered, Unordered
from .kinds import KINDS
from .profile import Tally

NEGATIVE = "negative duration"
NO_TIME = "no time"
FAR = "a time far from all others"
CUT = "an end beyond later kernels of its stream, cut there"

_NUMBER_OF = {kind: number for number, kind in enumerate(KINDS)}
_LARGEST = 1 << 62


class Numbers:
    """Things by the order in which they were first met."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def of(self, thing: Any) -> int:  # noqa: ANN401 - names, or pairs of ids
        """The number of a thing."""
        return self.known.setdefault(thing, len(self.known))


def microseconds(value: object) -> int | None:
    """Nanoseconds of a time in microseconds, a number or its text; None where it is neither."""
    try:
        if isinstance(value, str):
            found = int(Decimal(value) * NS_PER_US)
        elif isinstance(value, float):
            # Whole microseconds apart: a float of the time since 1970 has no nanoseconds left.
            whole = math.floor(value)
            found = whole * NS_PER_US + round((value - whole) * NS_PER_US)
        elif isinstance(value, int):
            found = value * NS_PER_US
        else:
            return None
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return found if -_LARGEST < found < _LARGEST else None


def whole_number(value: object) -> int | None:
    """An id that is a number or the text of one; None where it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        found = int(value)
    except ValueError:
        return None
    return found if -_LARGEST < found < _LARGEST else None


class Collecting:
    """Events in rows."""

    def __init__(self) -> None:
        self.names, self.tracks = Numbers(), Numbers()
        self.impossible: Counter[str] = Counter()
        self._rows = Unordered()

    def add(
        self, name: str, kind: str, track: object, t0_ns: int | None, long_ns: int | None, device: int = -1
    ) -> None:
        """Takes an event, or counts why it cannot have been."""
        if t0_ns is None or long_ns is None:
            self.impossible[NO_TIME] += 1
        elif long_ns < 0:
            self.impossible[NEGATIVE] += 1
        else:
            numbers = self.names.of(name), self.tracks.of(track), _NUMBER_OF[kind]
            self._rows.add((t0_ns, t0_ns + long_ns, device, *numbers))

    def finished(self, document: Document | None, read: int) -> tuple[tuple[str, ...], Ordered, Tally]:
        """The names, the events, and what became of those that were read.

        Args:
            document: The Chrome trace that they are of, if it is one.
            read: How many events there were in all.
        """
        events = self._rows.ordered()
        for reason, count in ((FAR, events.far), (CUT, events.cut)):
            if count:
                self.impossible[reason] += count
        used = len(events)
        unreadable = document.unreadable if document else 0
        wrong = sum(count for reason, count in self.impossible.items() if reason != CUT)
        tally = Tally(
            read,
            used,
            max(read - used - wrong - unreadable, 0),
            document.repaired if document else 0,
            unreadable,
            dict(self.impossible),
        )
        return tuple(self.names.known), events, tally
