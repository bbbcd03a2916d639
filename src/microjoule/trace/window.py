"""A window: a named half-open interval of a trace, and how marks become windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..errors import BadWindow
from .label import unlabel

UNMARKED = -1


@dataclass(frozen=True, slots=True)
class Window:
    """The interval ``[t0_ns, t1_ns)`` of CLOCK_MONOTONIC, with a name.

    Attributes:
        name: What the person called it; several windows may share a name.
        t0_ns: Its first nanosecond.
        t1_ns: The first nanosecond after it.
        attributes: What the person noted beside the name; JSON values.
        number: Its number in the trace; ``UNMARKED`` where it was never recorded as marks.
        is_open: No end was recorded, so that it ends where the readings end.

    Raises:
        BadWindow: It ends before it begins.
    """

    name: str
    t0_ns: int
    t1_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    number: int = UNMARKED
    is_open: bool = False

    def __post_init__(self) -> None:
        if self.t1_ns < self.t0_ns:
            raise BadWindow(
                f"window {self.name!r} ends at {self.t1_ns} ns, before it begins at {self.t0_ns} ns",
                "Give the earlier time first; both are CLOCK_MONOTONIC in nanoseconds",
            )

    @property
    def duration_ns(self) -> int:
        """Its length in nanoseconds."""
        return self.t1_ns - self.t0_ns

    @property
    def is_marked(self) -> bool:
        """Whether a program marked it; else somebody chose its instants."""
        return self.number != UNMARKED


def united(windows: Iterable[Window]) -> list[Window]:
    """Windows without overlap that cover the same instants: what overlaps or adjoins becomes one window."""
    found: list[Window] = []
    for window in sorted(windows, key=lambda each: each.t0_ns):
        if found and window.t0_ns <= found[-1].t1_ns:
            found[-1] = replace(found[-1], t1_ns=max(found[-1].t1_ns, window.t1_ns))
        else:
            found.append(window)
    return found


class Mark(NamedTuple):
    """One ``@begin`` or ``@end`` row: ``number`` is the row's ``raw``."""

    t_ns: int
    is_begin: bool
    number: int
    label: str


def pair(marks: Iterable[Mark], last_ns: int) -> list[Window]:
    """The windows that marks describe, in the order in which they began.

    A begin without an end is a window all the same, closed at ``last_ns``: a kill loses none.
    An end without a begin has nothing to say where its window began, and gives none.

    Args:
        marks: Rows in any order; a row that is there twice counts once.
        last_ns: When the last reading of the trace began.
    """
    begun: dict[int, list[Mark]] = {}
    windows: list[tuple[Mark, Mark | None]] = []
    # An end sorts before a begin of the same instant, save its own: an empty window.
    ordered = sorted(set(marks), key=lambda mark: (mark.t_ns, mark.number, not mark.is_begin))
    for mark in ordered:
        if mark.is_begin:
            begun.setdefault(mark.number, []).append(mark)
        elif begun.get(mark.number):
            windows.append((begun[mark.number].pop(0), mark))
    windows.extend((mark, None) for left in begun.values() for mark in left)
    windows.sort(key=lambda both: (both[0].t_ns, both[0].number))
    return [_window(begin, end, last_ns) for begin, end in windows]


def _window(begin: Mark, end: Mark | None, last_ns: int) -> Window:
    name, attributes = unlabel(begin.label)
    if end is None:
        return Window(name, begin.t_ns, max(begin.t_ns, last_ns), attributes, begin.number, True)
    if end.label:
        attributes = {**attributes, **unlabel(end.label)[1]}
    return Window(name, begin.t_ns, end.t_ns, attributes, begin.number)
