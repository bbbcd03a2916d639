"""Which windows of a trace a report lists one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...arrays import distinct
from ...errors import TraceError
from ...trace.series import I64
from ...trace.window import Window
from ...trace.window_columns import WindowColumns

if TYPE_CHECKING:
    from ..energy_trace import Trace

_OF_A_NAME = 3  # of each name listed even behind these, so that a rare window is not lost among many
_NAMES_MAX = 200  # to which that applies


def listed(windows: WindowColumns, windows_max: int | None) -> I64:
    """Which windows a summary lists, by number: the first so many, then the first few of each other name."""
    every = np.arange(len(windows))
    if windows_max is None:
        return every
    n_names = int(windows.name[:windows_max].max(initial=_NAMES_MAX - 1)) + 1  # numbered as they appear
    rare = [each[:_OF_A_NAME] for each in list(windows.by_name.values())[:n_names]]
    return distinct(every[:windows_max], *rare)


def listed_windows(trace: Trace, windows_max: int | None) -> tuple[list[Window], list[int]]:
    """Those windows, or the span of a trace that has none; and of each how many have its name."""
    return numbered(trace, listed(trace.window_columns, windows_max))


def numbered(trace: Trace, numbers: I64) -> tuple[list[Window], list[int]]:
    """The windows with some numbers, as of :func:`listed_windows`."""
    windows = trace.window_columns
    if not len(windows):
        span = list(span_of(trace))
        return span, [1] * len(span)
    of_name = np.bincount(windows.name)
    return list(windows.each(numbers)), of_name[windows.name[numbers]].tolist()


def span_of(trace: Trace) -> tuple[Window, ...]:
    """The span of a trace; empty where it has none."""
    try:
        return (trace.span,)
    except TraceError:
        return ()
