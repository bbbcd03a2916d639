"""The events of a profile as they are met, in columns: names and tracks once each, times in nanoseconds.

What cannot have been as it says is counted by reason and left out: a negative duration, a time stamp that is
no number, a time days away from all others (a time stamp of 0). On a GPU's stream kernels run one after
another; one whose end lies beyond many of those that follow has a corrupt end and is cut where the next one
begins.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from ...joules.occupancy import Events
from ...trace.series import I64
from ...units import NS_PER_S, NS_PER_US
from .chrome import Document
from .profile import KERNELS, KINDS, Tally

NEGATIVE = "negative duration"
NO_TIME = "no time"
FAR = "a time far from all others"
CUT = "an end beyond later kernels of its stream, cut there"

_FAR_NS = 7 * 86_400 * NS_PER_S
_COVERED = 16  # kernels of its stream that a whole kernel may overlap, as those of a graph do
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
    """Events in columns."""

    def __init__(self) -> None:
        self.names, self.tracks = Numbers(), Numbers()
        self.impossible: Counter[str] = Counter()
        self._columns = [array("q") for _ in range(6)]  # name, t0, t1, track, kind, device

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(
        self, name: str, kind: str, track: object, t0_ns: int | None, long_ns: int | None, device: int = -1
    ) -> None:
        """Takes an event, or counts why it cannot have been."""
        if t0_ns is None or long_ns is None:
            self.impossible[NO_TIME] += 1
        elif long_ns < 0:
            self.impossible[NEGATIVE] += 1
        else:
            row = (
                self.names.of(name),
                t0_ns,
                t0_ns + long_ns,
                self.tracks.of(track),
                KINDS.index(kind),
                device,
            )
            for column, value in zip(self._columns, row, strict=True):
                column.append(value)

    def finished(self, document: Document | None, read: int) -> tuple[Events, I64, I64, Tally]:
        """The events, their kinds and devices, and what became of those that were read.

        Args:
            document: The Chrome trace that they are of, if it is one.
            read: How many events there were in all.
        """
        name, t0, t1, track, kind, device = (np.array(column, np.int64) for column in self._columns)
        if len(t0):
            is_near = np.abs(t0 - np.int64(np.median(t0))) < _FAR_NS
            if not is_near.all():
                self.impossible[FAR] += int((~is_near).sum())
                name, t0, t1, track, kind, device = (
                    column[is_near] for column in (name, t0, t1, track, kind, device)
                )
            t1 = self._cut(t0, t1, track, kind)
        used = len(t0)
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
        return Events(tuple(self.names.known), name, t0, t1, track), kind, device, tally

    def _cut(self, t0: I64, t1: I64, track: I64, kind: I64) -> I64:
        """The ends, those of kernels that cover many later ones of their stream cut at the next one."""
        found = t1.copy()
        kernels = np.flatnonzero(np.isin(kind, [KINDS.index(each) for each in KERNELS]))
        order = kernels[np.lexsort((t0[kernels], track[kernels]))]
        edges = np.flatnonzero(np.diff(track[order])) + 1
        for mine in np.split(order, edges):
            starts = t0[mine]
            begun = np.searchsorted(starts, t1[mine], "left")
            here = np.arange(len(mine))
            wrong = np.flatnonzero(begun - here - 1 > _COVERED)
            found[mine[wrong]] = starts[np.minimum(wrong + 1, len(mine) - 1)]
            if len(wrong):
                self.impossible[CUT] += len(wrong)
        return found
