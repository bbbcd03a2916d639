"""Rows about the machine's state: how it is once a second, and what of its settings changed till the end."""

from __future__ import annotations

import os
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
