"""Readings taken in the calling thread, as fast as they come: to see a counter's updates as they happen.

A sampler's thread would compete with what is measured for a core, and its ring is read too late to
wait for an update. Here the program itself reads until a count changes, and only both sides of each
change are kept, so that a minute of it is no more than its updates.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from ..channel import Channel
from ..channel.reading_status import is_read
from ..joules.counters.counter import Counter
from ..recording.lane import Cadence, Lane
from ..recording.native import Columns, now_ns
from ..trace.series import Series
from ..units import nanoseconds, seconds

_NAP_S = 1e-3  # between two readings of an idle machine
_GIVE_UP = 4  # longest update periods without a change: the counter stands still
_PROMPT = 1 / 4  # of an update period: an update between reads that are nearer is seen as it comes
_SLOW = 2  # times what two reads took at least until then: where reads are slow, that is near
_LATE = 8  # updates seen late, after which the next is good enough


class Poller:
    """Reads counters in the calling thread.

    Args:
        channels: Counters, by lanes.

    Raises:
        MicrojouleError: A channel cannot be opened.
    """

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        names = list(dict.fromkeys(channel.lane for channel in channels))
        codes = {channel.id: code for code, channel in enumerate(channels)}
        self._channels = channels
        self._lanes = [
            Lane(name, [c for c in channels if c.lane == name], codes, Cadence(kernel=False))
            for name in names
        ]
        self._last: list[Columns | None] = [None] * len(names)
        self._is_kept = [False] * len(names)
        self._kept: list[Columns] = []
        self._prompt_ns = [round(_PROMPT * (c.timing.update_ns or c.timing.update_max_ns)) for c in channels]
        self._shortest_ns = [0] * len(names)  # between reads that showed a change; 0: none has
        self._lag_ns = max(channel.timing.lag_ns for channel in channels)
        self._patience_ns = _GIVE_UP * max(
            max(c.timing.update_max_ns, c.timing.update_ns or 0) + c.timing.lag_ns for c in channels
        )

    def poll(self) -> dict[int, bool]:
        """Reads each lane once; the codes of the channels that changed, and whether seen as they did."""
        changed: dict[int, bool] = {}
        for number in range(len(self._lanes)):
            changed |= self._poll_lane(number)
        return changed

    def _poll_lane(self, number: int) -> dict[int, bool]:
        sampler = self._lanes[number].sampler
        sampler.tick()
        drained, last = sampler.drain(), self._last[number]
        has_changed = last is None or drained.raw != last.raw
        if has_changed:
            if last is not None and not self._is_kept[number]:
                self._kept.append(last)
            self._kept.append(drained)
        self._last[number], self._is_kept[number] = drained, has_changed
        if last is None or not has_changed:
            return {}
        within_ns, shortest_ns = _span_ns(last, drained), self._shortest_ns[number]
        self._shortest_ns[number] = min(shortest_ns or within_ns, within_ns)
        return {
            code: within_ns <= max(self._prompt_ns[code], _SLOW * shortest_ns)
            for code in _changed(last, drained)
        }

    def spin_to_update(self) -> None:
        """Reads until each channel was seen to change as it did; returns at the change of the last of them.

        Each channel is waited for, because one update may fall between two reads of one lane: it changes the
        channel that is read after it, and the one before not yet. An update that came while the scheduler
        kept this thread away is passed over for the next one: it may have come at any time since the read
        before, and where updates and the scheduler's tick keep step, at the same time in every run, so that
        no number of runs would average it out. A counter that stands still for several times its longest
        period is waited for no longer, and one whose updates are always seen late neither.
        """
        self.poll()
        until_ns = now_ns() + self._patience_ns
        waiting, late = set(range(len(self._channels))), 0
        while waiting:
            # Looked at before the read: however long the scheduler keeps this thread away, one comes after.
            is_last = now_ns() >= until_ns
            changed = self.poll()
            waiting -= changed.keys()
            unseen = {code for code, is_seen in changed.items() if not is_seen}
            if unseen and late < _LATE:
                late, until_ns = late + 1, now_ns() + self._patience_ns
                waiting |= unseen
            elif is_last:
                return

    def spin_for(self, duration_s: float) -> None:
        """Reads for so long, and once however long the scheduler keeps this thread away."""
        until_ns = now_ns() + nanoseconds(duration_s)
        self.poll()
        while now_ns() < until_ns:
            self.poll()

    def spin_past_lag(self) -> None:
        """Reads until nothing of the time before this call can still be on its way."""
        self.spin_for(seconds(self._lag_ns))

    def idle_for(self, duration_s: float) -> None:
        """Sleeps for so long, with readings in between, one at least."""
        until_ns = now_ns() + nanoseconds(duration_s)
        self.poll()
        while now_ns() < until_ns:
            time.sleep(_NAP_S)
            self.poll()

    def counters(self) -> Mapping[str, Counter]:
        """The counters of all that was kept, by channel id."""
        kept = self._kept + [
            last
            for last, is_kept in zip(self._last, self._is_kept, strict=True)
            if last is not None and not is_kept
        ]
        t_ns, read_ns, raw, status, code = (
            np.concatenate([np.frombuffer(getattr(one, column), dtype)[: one.length] for one in kept])
            for column, dtype in _COLUMNS
        )
        found = {}
        for number, channel in enumerate(self._channels):
            rows = np.flatnonzero(code == number)
            rows = rows[np.argsort(t_ns[rows], kind="stable")]
            ok = is_read(status[rows])
            series = Series(t_ns[rows], read_ns[rows], raw[rows], status[rows], None if ok.all() else ok)
            found[channel.id] = Counter(series, channel)
        return found


def _changed(last: Columns, drained: Columns) -> set[int]:
    """The codes of the channels that two readings of a lane show with different counts."""
    before = _counts(last)
    return {code for code, raw in _counts(drained).items() if before[code] != raw}


def _counts(columns: Columns) -> dict[int, int]:
    """What a reading shows, by the code of the channel."""
    codes = np.frombuffer(columns.channel, np.uint16)[: columns.length]
    raw = np.frombuffer(columns.raw, np.uint64)[: columns.length]
    return dict(zip(codes.tolist(), raw.tolist(), strict=True))


def _span_ns(last: Columns, drained: Columns) -> int:
    """From when one reading of a lane began to when the other had ended."""
    begun_ns = np.frombuffer(last.t_ns, np.int64, 1)[0]
    end = drained.length - 1
    ended_ns = np.frombuffer(drained.t_ns, np.int64)[end] + np.frombuffer(drained.read_ns, np.uint32)[end]
    return int(ended_ns - begun_ns)


_COLUMNS = (
    ("t_ns", np.int64),
    ("read_ns", np.uint32),
    ("raw", np.uint64),
    ("status", np.uint16),
    ("channel", np.uint16),
)
