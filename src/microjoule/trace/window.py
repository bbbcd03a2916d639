"""A window: a named half-open interval of a trace, and how marks become windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..arrays import distinct
from ..errors import BadWindow
from ..value_class import dataclass
from .label import unlabel

UNMARKED = -1
DEVICE_SPAN = "device_span_ns"
"""The attribute of a window whose instants a device told after the fact: from when to when it was."""


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
    """One ``@begin`` or ``@end`` row: ``number`` is the row's ``raw``.

    Its fields are in the order in which marks are sorted: an end comes after a begin of the same instant and
    number, which together are an empty window.
    """

    t_ns: int
    number: int
    is_end: bool
    label: str


def pair(marks: Iterable[Mark], last_ns: int) -> list[Window]:
    """The windows that marks describe, in the order in which they began.

    A begin without an end is a window all the same, closed at ``last_ns``: a kill loses none.
    An end without a begin has nothing to say where its window began, and gives none.

    Args:
        marks: Rows in any order; a row that is there twice counts once.
        last_ns: When the last reading of the trace began.
    """
    begun: dict[int, list[tuple[int, str]]] = {}
    windows: list[tuple[int, int, str, tuple[int, str] | None]] = []
    before: tuple[int, int, bool, str] | None = None
    for row in sorted(marks):
        if row == before:
            continue
        before = row
        t_ns, number, is_end, label = row
        if not is_end:
            begun.setdefault(number, []).append((t_ns, label))
        elif begun.get(number):
            windows.append((begun[number][0][0], number, begun[number].pop(0)[1], (t_ns, label)))
    windows.extend((t_ns, number, label, None) for number, left in begun.items() for t_ns, label in left)
    windows.sort(key=itemgetter(0, 1))
    known: dict[str, tuple[str, dict[str, Any]]] = {}
    found = [_window(*each, last_ns, known) for each in windows]
    return sorted(found, key=_begun) if any(DEVICE_SPAN in label for label in known) else found


class MarkColumns(NamedTuple):
    """Some ``@begin`` or ``@end`` rows of a trace, column by column.

    Attributes:
        t_ns: int64[n].
        number: uint64[n].
        label: n texts; None: it has none.
    """

    t_ns: npt.NDArray[np.int64]
    number: npt.NDArray[np.uint64]
    label: list[str | None]

    def marks(self, *, is_end: bool) -> list[Mark]:
        """The same row by row."""
        rows = zip(self.t_ns.tolist(), self.number.tolist(), self.label, strict=True)
        return [Mark(t_ns, number, is_end, label or "") for t_ns, number, label in rows]


def paired(begins: MarkColumns, ends: MarkColumns, last_ns: int) -> list[Window]:
    """As :func:`pair`; where each number is there once, as nearly always, in a fifth of the time.

    Args:
        begins: ``@begin`` rows.
        ends: ``@end`` rows.
        last_ns: When the last reading of the trace began.
    """
    order = np.argsort(ends.number, kind="stable")
    ended = ends.number[order]
    if (ended[1:] == ended[:-1]).any() or len(distinct(begins.number)) < len(begins.number):
        return pair(begins.marks(is_end=False) + ends.marks(is_end=True), last_ns)
    at = np.searchsorted(ended, begins.number)
    mine = np.append(order, -1)[at]
    if len(ended):
        end = np.maximum(mine, 0)
        mine = np.where((ends.number[end] == begins.number) & (ends.t_ns[end] >= begins.t_ns), mine, -1)
    in_turn = np.lexsort((begins.number, begins.t_ns))
    times = [*ends.t_ns.tolist(), 0]
    known: dict[str, tuple[str, dict[str, Any]]] = {}
    found = [
        _window(
            t0_ns,
            number,
            begins.label[i] or "",
            (times[end], ends.label[end] or "") if end >= 0 else None,
            last_ns,
            known,
        )
        for i, t0_ns, number, end in zip(
            in_turn.tolist(),
            begins.t_ns[in_turn].tolist(),
            begins.number[in_turn].tolist(),
            mine[in_turn].tolist(),
            strict=True,
        )
    ]
    return sorted(found, key=_begun) if any(DEVICE_SPAN in label for label in known) else found


def _begun(window: Window) -> tuple[int, int]:
    return window.t0_ns, window.number


def _window(
    t0_ns: int,
    number: int,
    label: str,
    end: tuple[int, str] | None,
    last_ns: int,
    known: dict[str, tuple[str, dict[str, Any]]],
) -> Window:
    """A window of its marks; ``known`` are the labels that were taken apart before."""
    if label not in known:
        known[label] = unlabel(label)
    name, attributes = known[label]
    if end is None:
        return Window(name, t0_ns, max(t0_ns, last_ns), attributes, number, True)
    if end[1]:
        attributes = {**attributes, **unlabel(end[1])[1]}
    if DEVICE_SPAN in attributes:
        return _on_device(Window(name, t0_ns, end[0], attributes, number))
    return Window(name, t0_ns, end[0], attributes, number)


def _on_device(marked: Window) -> Window:
    """The window at the instants of its device, where these are some; what a file says may be anything."""
    span = marked.attributes[DEVICE_SPAN]
    is_span = isinstance(span, list) and len(span) == 2 and all(type(t) is int for t in span)
    if not is_span or not 0 <= span[0] <= span[1] < 1 << 63:
        return marked
    rest = {key: value for key, value in marked.attributes.items() if key != DEVICE_SPAN}
    return replace(marked, t0_ns=span[0], t1_ns=span[1], attributes=rest)
