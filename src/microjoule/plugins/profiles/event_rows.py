"""The events of a profile in order, gone through block by block: memory does not grow with their number.

As they are met, many at once are sorted and kept in a file (:mod:`microjoule.spool`); then these runs are
merged. What only all events together tell is found on the way: which times are days away from all others, and
which kernels have a corrupt end. On a GPU's stream kernels run one after another; one whose end lies beyond
many of those that follow is cut where the next one begins.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ...spool import Rows, Spool, in_order
from ...trace.series import I64
from ...units import NS_PER_S
from .kinds import KERNELS, KINDS

ROW = np.dtype(
    [
        ("t0_ns", np.int64),
        ("t1_ns", np.int64),
        ("device", np.int64),
        ("name", np.int32),
        ("track", np.int32),
        ("kind", np.int64),
    ]
)
_FAR_NS = 7 * 86_400 * NS_PER_S
_BITS = 46  # 2^46 ns are 20 hours: how finely the time of most events is looked for
_COVERED = 16  # kernels of its stream that a whole kernel may overlap, as those of a graph do
_RUN = 1 << 18  # events that are sorted at once
_READ = 1 << 11  # events of a run that are read at once
_KERNELS = [KINDS.index(each) for each in KERNELS]


class Unordered:
    """Events as they are met, in any order."""

    def __init__(self) -> None:
        self._columns = [array("q") for _ in ROW.names or ()]
        self._runs = Spool(ROW)
        self._ends = [0]
        self._in_spans: Counter[int] = Counter()

    def add(self, row: tuple[int, int, int, int, int, int]) -> None:
        """Takes an event: a number for each field of ``ROW``."""
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        if len(self._columns[0]) == _RUN:
            self._flush()

    def _flush(self) -> None:
        rows = np.empty(len(self._columns[0]), ROW)
        for field, column in zip(ROW.names or (), self._columns, strict=True):
            rows[field] = np.frombuffer(column, np.int64) if len(column) else 0
            del column[:]
        self._runs.add(rows[np.argsort(rows["t0_ns"], kind="stable")])
        self._ends.append(len(self._runs))
        spans, counts = np.unique(rows["t0_ns"] >> _BITS, return_counts=True)
        self._in_spans.update(dict(zip(spans.tolist(), counts.tolist(), strict=True)))

    def ordered(self) -> Ordered:
        """All of them, in order; these are let go."""
        self._flush()
        runs = zip(self._ends, self._ends[1:], strict=False)
        near_ns = self._usual_ns()
        found = Ordered()
        for rows in in_order([self._runs.blocks(first, last, _READ) for first, last in runs]):
            is_near = np.abs(rows["t0_ns"] - near_ns) < _FAR_NS
            found.take(rows[is_near])
            found.far += int((~is_near).sum())
        found.ended()
        return found

    def _usual_ns(self) -> int:
        """About when the event is that half of all are before."""
        left = len(self._runs) // 2
        for span, n in sorted(self._in_spans.items()):
            left -= n
            if left < 0:
                return (2 * span + 1) << (_BITS - 1)
        return 0


class Ordered:
    """Events ascending in ``t0_ns``, of one instant the longest first.

    Attributes:
        far: Events that were left out: their times are days away from all others.
        cut: Kernels whose end was corrupt.
        counts: Events by kind, an index into ``KINDS``, and device.
        span_ns: From the first event to the end of the last.
    """

    def __init__(self) -> None:
        self.far = self.cut = 0
        self.counts: Counter[tuple[int, int]] = Counter()
        self.span_ns = 0, 0
        self._rows = Spool(ROW)
        self._streams = _Streams()
        self._cut_at, self._cut_ns = np.empty(0, np.int64), np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Rows) -> None:
        """Takes the next events, all of an instant at once."""
        rows = rows[np.lexsort((-rows["t1_ns"], rows["t0_ns"]))]
        self._streams.add(rows, len(self._rows))
        self._rows.add(rows)

    def ended(self) -> None:
        """Says that all events came."""
        self._cut_at, self._cut_ns = self._streams.corrupt()
        self.cut = len(self._cut_at)
        first = last = None
        for rows in self.blocks():
            first = int(rows["t0_ns"][0]) if first is None else first
            last = max(int(rows["t1_ns"].max()), int(rows["t1_ns"][0]) if last is None else last)
            pairs, counts = np.unique(np.stack((rows["kind"], rows["device"])), axis=1, return_counts=True)
            for kind, device, n in zip(*pairs.tolist(), counts.tolist(), strict=True):
                self.counts[kind, device] += n
        if first is not None and last is not None:
            self.span_ns = first, last

    def blocks(self) -> Iterator[Rows]:
        """The events, some at once."""
        at = 0
        for as_read in self._rows.blocks():
            low, high = np.searchsorted(self._cut_at, (at, at + len(as_read)))
            rows = as_read
            if high > low:
                rows = as_read.copy()
                rows["t1_ns"][self._cut_at[low:high] - at] = self._cut_ns[low:high]
            at += len(rows)
            yield rows


class _Streams:
    """The last kernels of each stream, and which of those before have an end that cannot be."""

    def __init__(self) -> None:
        self._last = np.empty(0, ROW)
        self._last_at = np.empty(0, np.int64)
        self._found: list[tuple[I64, I64]] = []

    def add(self, rows: Rows, first: int) -> None:
        """Takes the next events.

        Args:
            rows: The events, ascending.
            first: The number of the first one.
        """
        mine = np.flatnonzero(np.isin(rows["kind"], _KERNELS))
        if not len(mine):
            return
        both = np.concatenate((self._last, rows[mine]))
        at = np.concatenate((self._last_at, mine + first))
        order = np.argsort(both["track"], kind="stable")
        track, t0, t1, at = both["track"][order], both["t0_ns"][order], both["t1_ns"][order], at[order]
        far = _COVERED + 1
        is_wrong = (track[far:] == track[:-far]) & (t0[far:] < t1[:-far])
        wrong = np.flatnonzero(is_wrong)
        if len(wrong):
            self._found.append((at[wrong], t0[wrong + 1]))
        # Of each stream those whose later ones did not all come.
        behind = np.searchsorted(track, track, "right") - np.arange(len(track))
        kept = behind <= far
        self._last, self._last_at = both[order][kept], at[kept]

    def corrupt(self) -> tuple[I64, I64]:
        """int64[n] each: which events, by their numbers, and where their streams went on."""
        if not self._found:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        at, ns = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        order = np.argsort(at)
        return at[order], ns[order]


def fields(rows: Rows) -> Sequence[I64]:
    """int64[n] each: name, beginning, end, track."""
    return [rows[field].astype(np.int64) for field in ("name", "t0_ns", "t1_ns", "track")]
