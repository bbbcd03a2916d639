"""What is drawn while it goes on: levels now, and how power went lately. Plain data for a view."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from ..joules.estimates.sentence import places
from ..joules.estimates.total import covered
from ..units import NS_PER_S
from .level import Level

HISTORY = 400  # figures a channel: as many as the widest terminal shows


class Scene:
    """Remembers each channel's power from look to look."""

    def __init__(self) -> None:
        self._powers: dict[str, deque[float | None]] = {}

    def look(self, levels: Iterable[Level]) -> list[Mapping[str, Any]]:
        """A row a channel: name, watts now and lately, joules, and what went wrong."""
        levels = list(levels)
        counted = set(covered({one.channel.id: one.channel for one in levels if one.is_alive}))
        return [self._row(level, counted) for level in levels]

    def _row(self, level: Level, counted: set[str]) -> Mapping[str, Any]:
        powers = self._powers.setdefault(level.channel.id, deque(maxlen=HISTORY))
        powers.append(level.power_w)
        return {
            "name": level.channel.id,
            "place": level.channel.place,
            "power_w": level.power_w,
            "lately_w": [math.nan if power is None else power for power in powers],
            "energy_j": level.energy_j,
            "extra_j": level.extra_j,
            "lost_j": level.lost_j,
            "is_estimated": level.channel.trust.model is not None,
            "is_alive": level.is_alive,
            "is_counted": level.channel.id in counted,
            "readings": level.readings,
            "failed": level.failed,
            "missed": level.missed,
            "resets": level.resets,
            "times_off": level.times_off,
            "lane": level.channel.lane,
        }


def read_s(levels: Iterable[Level]) -> float:
    """For how long channels were read: the time in which their energy was used. 0: none was."""
    read = [one for one in levels if one.readings]
    if not read:
        return 0.0
    return (max(one.t_ns for one in read) - min(one.since_ns for one in read)) / NS_PER_S


def total(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The counted rows as one, as far back as all of them go; None: there is none.

    Its watts are missing where those of one row are.
    """
    counted = [row for row in rows if row["is_counted"]]
    if not counted:
        return None
    powers = [row["power_w"] for row in counted]
    n = min(len(row["lately_w"]) for row in counted)
    lately = zip(*(row["lately_w"][-n:] for row in counted), strict=True)
    return {
        "power_w": None if None in powers else math.fsum(powers),
        "lately_w": [math.fsum(each) for each in lately],
        "energy_j": math.fsum(row["energy_j"] for row in counted),
        "lost_j": math.fsum(row["lost_j"] for row in counted),
        "is_estimated": any(row["is_estimated"] for row in counted),
        "covers": places(row["place"] for row in counted),
    }
