"""The windows of a trace by name: which the recording holds whole, and how long they are together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ...trace.window import Window
from ...trace.window_columns import WindowColumns
from .occupancy import Events, Occupancy, together
from .reserved_names import CUT_WINDOWS, OTHER_NAMES, quoted

NAMES = 200  # names beyond these, the ones with the least time, share one row


class WindowGroups(NamedTuple):
    """Windows by name, reserved ones quoted, in the order in which names first appear.

    Attributes:
        every: The numbers of all windows; of too many names those with the least time together.
        whole: Of those inside the span. What it cuts is in ``CUT_WINDOWS``: with its own power, and no part
            in figures.
        length_ns: Of each name in ``whole``, how long its windows are together.
    """

    every: Mapping[str, I64]
    whole: Mapping[str, I64]
    length_ns: Mapping[str, int]


def window_groups(windows: WindowColumns, span: Window) -> WindowGroups:
    """Windows by name.

    Args:
        windows: Of a trace.
        span: From when to when the readings hold a window whole.
    """
    lengths_ns = windows.t1_ns - windows.t0_ns
    every = _grouped(windows, lengths_ns)
    is_whole = (windows.t0_ns >= span.t0_ns) & (windows.t1_ns <= span.t1_ns)
    inside = {name: group[is_whole[group]] for name, group in every.items() if is_whole[group].any()}
    cut = np.concatenate([np.empty(0, np.int64), *(group[~is_whole[group]] for group in every.values())])
    whole = inside | ({CUT_WINDOWS: cut} if len(cut) else {})
    return WindowGroups(every, whole, {name: int(lengths_ns[group].sum()) for name, group in whole.items()})


def _grouped(windows: WindowColumns, lengths_ns: I64) -> dict[str, I64]:
    found = {quoted(name): group for name, group in windows.by_name.items()}
    if len(found) <= NAMES:
        return found
    by_time = sorted(found, key=lambda name: -int(lengths_ns[found[name]].sum()))
    kept = set(by_time[: NAMES - 1])
    rest = np.concatenate([group for name, group in found.items() if name not in kept])
    return {name: group for name, group in found.items() if name in kept} | {OTHER_NAMES: rest}


def occupied(windows: WindowColumns, groups: Mapping[str, I64], span: Window) -> Occupancy:
    """The states of the span: which names had a window open.

    Args:
        windows: Of a trace.
        groups: Their numbers by name.
        span: From when to when.
    """
    every = np.concatenate([np.empty(0, np.int64), *groups.values()])
    name = np.repeat(np.arange(len(groups)), [len(group) for group in groups.values()])
    nowhere = np.zeros(len(every), np.int64)
    events = Events(tuple(groups), name, windows.t0_ns[every], windows.t1_ns[every], nowhere)
    return together(events, span.t0_ns, span.t1_ns)
