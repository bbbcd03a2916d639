"""What a trace says of the state of its machine: settings at its start and end, and how it was meanwhile.

Settings at the start are the fact ``state``. A row ``@state`` is written once a second with what changes
(clock, temperature, …), and one at the end with each setting that is no longer what it was: the ``label`` is
``now<TAB>{json}`` or ``changed<TAB>{json}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .label import CHANGED, NOW, unlabel

CLOCK = re.compile(r"cpu_\d+_hz")


class State(NamedTuple):
    """The state of a machine during a recording.

    Attributes:
        settings: At its start, by name.
        changed: Those that were others at its end, by name; their value then, or None where there was none.
        readings: What was so at some instants: ``t_ns``, and values by name.
    """

    settings: Mapping[str, Any]
    changed: Mapping[str, Any]
    readings: tuple[tuple[int, Mapping[str, float]], ...]

    def values(self, name: str) -> list[float]:
        """The values of a name, in the order of their times."""
        return [reading[name] for _, reading in self.readings if name in reading]

    def clocks(self) -> list[list[float]]:
        """The clocks of the cores, Hz, each second that they were read."""
        found = [
            [hz for name, hz in reading.items() if CLOCK.fullmatch(name)] for _, reading in self.readings
        ]
        return [cores for cores in found if cores]


def state(settings: Any, rows: Iterable[tuple[int, str | None]]) -> State:  # noqa: ANN401 - of a foreign file
    """The state that facts and rows tell.

    Args:
        settings: The fact ``state``.
        rows: ``t_ns`` and label of each row ``@state``.
    """
    changed: dict[str, Any] = {}
    readings = []
    for t_ns, text in rows:
        kind, values = unlabel(text or "")
        if kind == CHANGED:
            changed.update(values)
        elif kind == NOW:
            known = {k: float(v) for k, v in values.items() if isinstance(v, int | float)}
            readings.append((t_ns, known))
    return State(settings if isinstance(settings, dict) else {}, changed, tuple(readings))
