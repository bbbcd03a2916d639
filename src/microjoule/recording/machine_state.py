"""Rows about the machine's state: how it is once a second, and what of its settings changed till the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..host.conditions import Conditions
from ..host.state import read_state
from ..trace import schema
from ..trace.label import changed_label, now_label
from .native import now_ns


class MachineState:
    """The state of the machine that a plan's facts are of; of facts without one it has no rows.

    Args:
        facts: The plan's: ``state``, ``root``.
        own_s: Gives the CPU seconds that the recorder and what it measures have used until now.
    """

    def __init__(self, facts: Mapping[str, Any], own_s: Callable[[], float]) -> None:
        self._before: Mapping[str, Any] | None = facts.get("state")
        self._root = Path(str(facts.get("root", "/")))
        self._conditions = None if self._before is None else Conditions(self._root)
        self._own_s = own_s

    def now(self) -> list[schema.OwnRow]:
        """A row with what is so now."""
        found = {} if self._conditions is None else dict(self._conditions.read())
        if "busy_s" in found:
            found["other_programs_s"] = round(found.pop("busy_s") - self._own_s(), 3)
        return [(now_ns(), 0, schema.STATE, 0, now_label(found))] if found else []

    def last(self) -> list[schema.OwnRow]:
        """A row with the settings that are no longer what they were."""
        if self._before is None:
            return []
        return [(now_ns(), 0, schema.STATE, 0, changed_label(self._before, read_state(self._root)))]


def of_this_process() -> float:
    """The CPU seconds of this process, and of those that it started and that have ended."""
    return sum(os.times()[:4])


class MeasuredPrograms:
    """The CPU time of other processes that are measured, of each from ``begin`` to ``end``; from any thread.

    A process that ended without ``end`` keeps what it had used when it was last asked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: dict[int, list[float]] = {}  # by pid: how often it began, used before, used by now
        self._ended_s = 0.0

    def begin(self, pid: int) -> None:
        """Counts a process from now on; one that cannot be looked at is not counted."""
        used_s = _of_process(pid)
        with self._lock:
            if pid in self._begun:
                self._begun[pid][0] += 1
            elif used_s is not None:
                self._begun[pid] = [1, used_s, used_s]

    def end(self, pid: int) -> None:
        """Counts no more of a process than what it has used by now, once each of its beginnings has ended."""
        with self._lock:
            if pid not in self._begun:
                return
            self._begun[pid][0] -= 1
            if self._begun[pid][0] == 0:
                self._look(pid)
                _, before_s, now_s = self._begun.pop(pid)
                self._ended_s += now_s - before_s

    def used_s(self) -> float:
        """The CPU seconds of all until now, with those of their children that have ended."""
        with self._lock:
            for pid in self._begun:
                self._look(pid)
            return self._ended_s + sum(now_s - before_s for _, before_s, now_s in self._begun.values())

    def _look(self, pid: int) -> None:
        used_s = _of_process(pid)
        self._begun[pid][2] = max(self._begun[pid][2], used_s or 0.0)


def _of_process(pid: int) -> float | None:
    """The CPU seconds of a process and of its children that have ended; None: it is not seen here."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
