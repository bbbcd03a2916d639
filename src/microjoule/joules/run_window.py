"""The whole of a run: what `uj run` and `uj record` recorded, without the recorder's own time around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..trace.series import I64
    from ..trace.window import Window
    from .counter import Counter
    from .energy_trace import Trace

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


def widened(counter: Counter, trace: Trace, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
    """Windows of the counter of a command, those edges moved that are edges of its run.

    Its readings come each 10 ms, and a command may begin and end between two. To interpolate at the edges of
    its run would give most of such a command's CPU time to the milliseconds around it. But before it the
    counter stood at zero, and after it at its last count, so the edges may be moved to readings outside,
    where the count is known. A command that leaves children behind goes on counting: then its end stays.

    Args:
        counter: Of the command.
        trace: Whose run it is.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.
    """
    run = whole(trace)
    n, total = len(counter), counter.steps.total
    ends_ns = counter.t_ns + counter.read_ns(np.arange(n))
    # Interpolation puts the count of a reading halfway between it and the one before: hence one more.
    first = max(int(np.searchsorted(ends_ns, run.t0_ns, "right")) - 2, 0)
    last = int(np.searchsorted(counter.t_ns, run.t1_ns, "left"))
    if n and ends_ns[first] <= run.t0_ns and total[first] == 0:
        t0_ns = np.where(t0_ns == run.t0_ns, counter.t_ns[first], t0_ns)
    if last < n and total[last] == total[-1]:
        t1_ns = np.where(t1_ns == run.t1_ns, ends_ns[last], t1_ns)
    return t0_ns, t1_ns


def doubts(is_truncated: bool, is_damaged: bool, is_open: bool) -> tuple[str, ...]:
    """What a figure of a recording that did not end well must say, in sentences; empty where it ended."""
    found = ["the trace was cut short: its whole part is counted"] if is_truncated else []
    if is_damaged:
        found.append("the trace is damaged: its intact part is counted")
    if is_open:
        found.append("the window never ended: counted up to the last reading")
    return tuple(found)
