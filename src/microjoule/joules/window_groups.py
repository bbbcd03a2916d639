"""The windows of a trace by name: which the recording holds whole, and how long they are together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..trace.window import Window
from .occupancy import Events, Occupancy, together

NAMES = 200  # names beyond these, the ones with the least time, share one row
OTHERS = "(other names)"
CUT = "(cut windows)"


class WindowGroups(NamedTuple):
    """Windows by name, in the order in which names first appear.

    Attributes:
        every: All windows; of too many names those with the least time together.
        whole: Those inside the span. What it cuts is in ``CUT``: it has its own power and no part in figures.
        length_ns: Of each name in ``whole``, how long its windows are together.
    """

    every: Mapping[str, list[Window]]
    whole: Mapping[str, list[Window]]
    length_ns: Mapping[str, int]


def window_groups(windows: Sequence[Window], span: Window) -> WindowGroups:
    """Windows by name.

    Args:
        windows: Of a trace.
        span: From when to when the readings hold a window whole.
    """
    every = _grouped(windows)
    whole = _whole(every, span)
    return WindowGroups(every, whole, {name: _length_ns(group) for name, group in whole.items()})


def _length_ns(windows: Sequence[Window]) -> int:
    return sum(window.t1_ns - window.t0_ns for window in windows)


def _grouped(windows: Sequence[Window]) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    for window in windows:
        found.setdefault(window.name, []).append(window)
    if len(found) <= NAMES:
        return found
    by_time = sorted(found, key=lambda name: -_length_ns(found[name]))
    kept = set(by_time[: NAMES - 1])
    rest = [window for name, group in found.items() if name not in kept for window in group]
    return {name: group for name, group in found.items() if name in kept} | {OTHERS: rest}


def _whole(groups: Mapping[str, list[Window]], span: Window) -> dict[str, list[Window]]:
    inside: dict[str, list[Window]] = {}
    cut: list[Window] = []
    for name, group in groups.items():
        kept = [window for window in group if span.t0_ns <= window.t0_ns and window.t1_ns <= span.t1_ns]
        if kept:
            inside[name] = kept
        if len(kept) < len(group):
            cut += [w for w in group if not (span.t0_ns <= w.t0_ns and w.t1_ns <= span.t1_ns)]
    return inside | ({CUT: cut} if cut else {})


def occupied(groups: Mapping[str, list[Window]], span: Window) -> Occupancy:
    """The states of the span: which names had a window open.

    Args:
        groups: Windows by name.
        span: From when to when.
    """
    every = [window for group in groups.values() for window in group]
    number = np.repeat(np.arange(len(groups)), [len(group) for group in groups.values()])
    starts = np.array([window.t0_ns for window in every], np.int64)
    ends = np.array([window.t1_ns for window in every], np.int64)
    return together(
        Events(tuple(groups), number, starts, ends, np.zeros(len(every), np.int64)), span.t0_ns, span.t1_ns
    )
