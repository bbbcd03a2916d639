"""The whole of a run: what `uj run` and `uj record` recorded, without the recorder's own time around it."""

from __future__ import annotations

from typing import Protocol, TypeVar

OUTERMOST = ("run", "record")  # what `uj run` and `uj record` call the window about all others


class TimeSpan(Protocol):
    """What is asked of a window here."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def t1_ns(self) -> int:
        """The first nanosecond after it."""

    @property
    def is_open(self) -> bool:
        """Whether no end was recorded."""


W = TypeVar("W", bound=TimeSpan)
W_co = TypeVar("W_co", bound=TimeSpan, covariant=True)


class Recorded(Protocol[W_co]):
    """What is asked of a trace here."""

    @property
    def windows(self) -> tuple[W_co, ...]:
        """Its windows, in the order in which they began."""

    @property
    def span(self) -> W_co:
        """The time in which all its channels were read."""


def whole(trace: Recorded[W]) -> W:
    """The window that `uj run` or `uj record` laid about everything, or else the span of the readings.

    It is the first that began and holds all the others: one that the program itself calls `run` does not
    pass for it.

    Raises:
        TraceError: There is no such window, and no time in which all channels were read.
    """
    windows = trace.windows
    first = windows[0] if windows else None
    if first is None or first.name not in OUTERMOST:
        return trace.span
    is_about_all = first.is_open or all(each.t1_ns <= first.t1_ns for each in windows)
    return first if is_about_all else trace.span


def doubts(is_truncated: bool, is_damaged: bool, is_open: bool) -> tuple[str, ...]:
    """What a figure of a recording that did not end well must say, in sentences; empty where it ended."""
    found = ["the trace was cut short: its whole part is counted"] if is_truncated else []
    if is_damaged:
        found.append("the trace is damaged: its intact part is counted")
    if is_open:
        found.append("the window never ended: counted up to the last reading")
    return tuple(found)
