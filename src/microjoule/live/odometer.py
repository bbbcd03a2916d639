"""Counts that only go forward, over sessions that end and begin anew.

Within a session the totals carry wraps and pass over resets by themselves. A new session begins at zero;
here what came before is kept and the new is added to it. What was drawn in between nobody has seen, and
nobody adds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from .level import Level

_COUNTS = (
    *("energy_counts", "extra_counts", "lost_counts"),
    *("readings", "failed", "missed", "resets", "times_off"),
)


class Odometer:
    """Levels that never fall.

    A level of which any count is lower than before belongs to a session that began anew.

    Args:
        levels: Gives the levels of the session that runs; asked under a lock, so that two threads never
            see them in the wrong order.
    """

    def __init__(self, levels: Callable[[], Sequence[Level]]) -> None:
        self._levels = levels
        self._lock = threading.Lock()
        self._last: dict[str, Level] = {}
        self._before: dict[str, dict[str, int]] = {}

    def read(self) -> tuple[Level, ...]:
        """The levels now, each count no lower than at any earlier call.

        A channel that is no longer among the session's stays as it was, without a power.
        """
        with self._lock:
            gone = {name: replace(level, power_w=None) for name, level in self._last.items()}
            now = {level.channel.id: level for level in self._levels()}
            for name, level in now.items():
                self._carry(name, level)
            self._last = gone | now
            return tuple(self._added(level) for level in self._last.values())

    def _carry(self, name: str, level: Level) -> None:
        last = self._last.get(name)
        if last is None or all(getattr(level, count) >= getattr(last, count) for count in _COUNTS):
            return
        before = self._before.get(name, dict.fromkeys(_COUNTS, 0))
        self._before[name] = {count: before[count] + getattr(last, count) for count in _COUNTS}

    def _added(self, level: Level) -> Level:
        before = self._before.get(level.channel.id)
        if before is None:
            return level
        return replace(level, **{count: getattr(level, count) + before[count] for count in _COUNTS})
