"""Rows about the machine's state: how it is once a second, and what of its settings changed till the end."""

from __future__ import annotations

from collections.abc import Mapping
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
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._before: Mapping[str, Any] | None = facts.get("state")
        self._root = Path(str(facts.get("root", "/")))
        self._conditions = None if self._before is None else Conditions(self._root)

    def now(self) -> list[schema.OwnRow]:
        """A row with what is so now."""
        found = {} if self._conditions is None else self._conditions.read()
        return [(now_ns(), 0, schema.STATE, 0, now_label(found))] if found else []

    def last(self) -> list[schema.OwnRow]:
        """A row with the settings that are no longer what they were."""
        if self._before is None:
            return []
        return [(now_ns(), 0, schema.STATE, 0, changed_label(self._before, read_state(self._root)))]
