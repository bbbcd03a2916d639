"""A bounded trace: full rate near marks, 10 Hz elsewhere.

For the trace that nobody asked to keep. Counters add up in hardware, so a window's energy depends
on the readings next to its edges alone; those within a second of a mark are all kept, and of the
rest one each tenth of a second. Kept as well, so that the analysis sees all that it would have
seen: failed readings, both sides of a step back and of an update that is far from others, of a counter that
may turn within a few tenths of a second a reading in each quarter of that time, and every reading of a gauge,
whose energy is nowhere but in its samples.

Readings wait until all marks near them must have come in, then pass in their old order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from ..arrays import filtered, numbers
from ..channel import Channel, Kind, turn_ns
from ..units import NS_PER_S

NEAR_NS = NS_PER_S  # readings this near to a mark are all kept
BIN_NS = NS_PER_S // 10
TURN_SHARE = 4  # readings left of each turn of a counter: neighbours may lie two bins apart
HOLD_NS = 3 * NS_PER_S  # more than NEAR_NS and the time that a mark takes to get here


class Thinner:
    """Holds batches back for a while and lets through what the analysis needs.

    Args:
        channels: The file's channels, in the order of their codes.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._is_counter = np.array([channel.kind is Kind.COUNTER for channel in channels])
        self._bin_ns = [_bin_ns(channel) for channel in channels]
        self._held: deque[tuple[int, pa.RecordBatch]] = deque()
        self._marks_ns: list[int] = []
        self._last_bin: dict[int, int] = {}
        self._last_update: dict[int, tuple[int, np.uint64]] = {}  # when it was, and the last count

    def push(self, batch: pa.RecordBatch) -> None:
        """Takes a batch of readings (not of marks) in."""
        if batch.num_rows:
            last_ns = batch.column("t_ns")[-1].as_py()
            self._held.append((last_ns, batch))

    def mark(self, t_ns: int) -> None:
        """Says that there is a mark at this time."""
        index = bisect_left(self._marks_ns, t_ns)
        self._marks_ns.insert(index, t_ns)

    def ready(self, now_ns: int) -> Iterator[pa.RecordBatch]:
        """The batches whose marks must all have come by now, thinned."""
        while self._held and self._held[0][0] < now_ns - HOLD_NS:
            yield self._thin(self._held.popleft()[1])
        oldest_ns = now_ns - 2 * HOLD_NS
        if self._held:
            oldest_ns = min(oldest_ns, self._held[0][1].column("t_ns")[0].as_py())
        del self._marks_ns[: bisect_left(self._marks_ns, oldest_ns - NEAR_NS)]

    def rest(self) -> Iterator[pa.RecordBatch]:
        """All batches still held, thinned; for the end of a recording."""
        while self._held:
            yield self._thin(self._held.popleft()[1])

    def whole(self) -> Iterator[pa.RecordBatch]:
        """All batches still held, as they are: marks near them may be on their way."""
        while self._held:
            yield self._held.popleft()[1]

    def _thin(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        t_ns = numbers(batch.column("t_ns"))
        codes = numbers(batch.column("channel").indices)
        keep = self._near_a_mark(t_ns) | (numbers(batch.column("status")) != 0)
        keep |= ~self._is_counter[codes]
        raw = numbers(batch.column("raw"))
        for code in np.flatnonzero(np.bincount(codes)):
            rows = np.flatnonzero(codes == code)
            if self._is_counter[code]:
                keep[rows] |= self._worth_keeping(int(code), t_ns[rows], raw[rows])
        return filtered(batch, keep)

    def _near_a_mark(self, t_ns: np.ndarray) -> np.ndarray:
        if not self._marks_ns:
            return np.zeros(len(t_ns), bool)
        marks = np.array([-(1 << 62), *self._marks_ns, 1 << 62])
        after = np.searchsorted(marks, t_ns)
        near: np.ndarray = np.minimum(marks[after] - t_ns, t_ns - marks[after - 1]) <= NEAR_NS
        return near

    def _worth_keeping(self, code: int, t_ns: np.ndarray, raw: np.ndarray) -> np.ndarray:
        bins = t_ns // self._bin_ns[code]
        first = np.empty(len(bins), bool)
        first[0] = bins[0] != self._last_bin.get(code)
        first[1:] = bins[1:] != bins[:-1]
        self._last_bin[code] = int(bins[-1])
        back = raw[1:] < raw[:-1]
        first[1:] |= back
        first[:-1] |= back
        # Between two updates far apart a window's figure rests on when they were. How far the next is from
        # the last one here is not known yet.
        last_ns, last_raw = self._last_update.get(code, (int(t_ns[0]) - 2 * NEAR_NS, raw[0]))
        at = np.flatnonzero(np.diff(raw, prepend=last_raw))
        if len(at):
            is_far = np.diff(t_ns[at], prepend=last_ns, append=t_ns[-1] + 2 * NEAR_NS) > NEAR_NS
            alone = at[is_far[1:] | is_far[:-1]]
            first[alone] = first[alone - 1] = True  # before the first reading is the last: it stays anyhow
            last_ns = int(t_ns[at[-1]])
        self._last_update[code] = last_ns, raw[-1]
        first[-1] = True  # the other side of a step back may open the next batch
        return first


def _bin_ns(channel: Channel) -> int:
    """Of how long a time one reading is enough."""
    return int(max(min(BIN_NS, turn_ns(channel) / TURN_SHARE), 1))
