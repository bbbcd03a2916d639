"""The whole of a run: what `uj run` and `uj record` recorded, without the recorder's own time around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...trace.window import Window
    from ..energy_trace import Trace

RECORDING = "record"
OUTERMOST = ("run", RECORDING)  # what `uj run` and `uj record` call the window about all others


def whole(trace: Trace) -> Window:
    """The window that `uj run` or `uj record` laid about everything, or else the span of the readings.

    It is the first that began and holds all the others: one that the program itself calls `run` does not
    pass for it.

    Raises:
        TraceError: There is no such window, and no time in which all channels were read.
    """
    windows = trace.window_columns
    if not len(windows) or windows.names[0] not in OUTERMOST:
        return trace.span
    is_about_all = windows.is_open[0] or windows.t1_ns.max() <= windows.t1_ns[0]
    return next(windows.each()) if is_about_all else trace.span


def doubts(is_truncated: bool, is_damaged: bool, is_open: bool) -> tuple[str, ...]:
    """What a figure of a recording that did not end well must say, in sentences; empty where it ended."""
    found = ["the trace was cut short: its whole part is counted"] if is_truncated else []
    if is_damaged:
        found.append("the trace is damaged: its intact part is counted")
    if is_open:
        found.append("the window never ended: counted up to the last reading")
    return tuple(found)
