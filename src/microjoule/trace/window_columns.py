"""The windows of a trace as columns: what a million of them take is forty megabytes.

Decision: a :class:`Window` is made where somebody asks for one, and what was noted beside a name is read from
the trace's rows then. As objects a million windows took four times the memory, and looking through them
most of the time of a report. What was given up: attributes are parsed each time that they are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from .label import unlabel
from .marks import NONE, MarkColumns, paired
from .series import I64
from .window import Window

DEVICE_SPAN = "device_span_ns"
"""The attribute of a window whose instants a device told after the fact: from when to when it was."""
_AT_ONCE = 1 << 14  # windows whose labels are in memory at once

Attributes = dict[str, Any]


class WindowColumns:
    """Windows in the order in which they began.

    Args:
        begins: The ``@begin`` rows of a trace.
        ends: Its ``@end`` rows.
        last_ns: When its last reading began: a window without an end is closed there.

    Attributes:
        names: Each name once, in the order in which they first appear.
        name: int64[n], indices into ``names``.
        t0_ns: int64[n], ascending.
        t1_ns: int64[n].
        number: uint64[n].
        is_open: bool[n]: no end was recorded.
    """

    def __init__(self, begins: MarkColumns, ends: MarkColumns, last_ns: int) -> None:
        self._begins, self._ends = begins.label, ends.label
        self._begin, self._end = paired(begins, ends)
        self.is_open: npt.NDArray[np.bool_] = self._end == NONE
        self.number = begins.number[self._begin]
        self.t0_ns: I64 = begins.t_ns[self._begin]
        ended = np.append(ends.t_ns, last_ns)[self._end]
        self.t1_ns: I64 = np.where(self.is_open, np.maximum(self.t0_ns, last_ns), ended)
        self._place_on_devices()
        self.names, self.name = self._named()

    def __len__(self) -> int:
        return len(self.t0_ns)

    def closed(self, t1_ns: I64) -> WindowColumns:
        """The same windows with other ends."""
        found = WindowColumns.__new__(WindowColumns)
        found.__dict__.update(self.__dict__)
        found.t1_ns = t1_ns
        return found

    @cached_property
    def by_name(self) -> dict[str, I64]:
        """Of each name which windows have it, ascending."""
        order = np.argsort(self.name, kind="stable")
        ends = np.searchsorted(self.name[order], np.arange(len(self.names)), "right")
        return dict(zip(self.names, np.split(order, ends[:-1]), strict=True)) if self.names else {}

    def each(self, some: I64 | None = None) -> Iterator[Window]:
        """Windows, all or those with these numbers, made as they are asked for."""
        for block in _blocks(np.arange(len(self)) if some is None else some):
            noted, which = self.noted(block)
            rows = zip(
                *(
                    column[block].tolist()
                    for column in (self.name, self.t0_ns, self.t1_ns, self.number, self.is_open)
                ),
                which,
                strict=True,
            )
            for name, t0_ns, t1_ns, number, is_open, at in rows:
                yield Window(self.names[name], t0_ns, t1_ns, noted[at], number, is_open)

    def noted(self, some: I64) -> tuple[list[Attributes], list[int]]:
        """Different attributes of windows, and for each window which it has."""
        known: defaultdict[tuple[str, str | None], int] = defaultdict(count().__next__)
        which = list(map(known.__getitem__, self._labels(some)))
        return [_placed(_attributes(*labels), labels[1])[0] for labels in known], which

    def noted_blocks(self, some: I64) -> Iterator[tuple[list[Attributes], list[int]]]:
        """As :meth:`noted`, of so many windows at a time."""
        return map(self.noted, _blocks(some))

    def mentioning(self, word: str) -> I64:
        """Which windows have a word in a label, ascending; it need not be the name of an attribute."""
        if not (self._begins.may_contain(word) or self._ends.may_contain(word)):
            return np.empty(0, np.int64)
        found = [np.empty(0, np.int64)]
        for block in _blocks(np.arange(len(self))):
            is_in = [word in first or word in (last or "") for first, last in self._labels(block)]
            found += [block[is_in]]
        return np.concatenate(found)

    def _labels(self, some: I64) -> Iterator[tuple[str, str | None]]:
        """The labels of windows' two marks; None: there is no end."""
        end = self._end[some]
        has_end = end != NONE
        lasts: Iterable[str | None] = self._ends.at(end[has_end])
        if not has_end.all():
            there = iter(lasts)
            lasts = [next(there) if has else None for has in has_end.tolist()]
        return zip(self._begins.at(self._begin[some]), lasts, strict=True)

    def _named(self) -> tuple[tuple[str, ...], I64]:
        codes: dict[str, int] = {}
        found = np.empty(len(self), np.int64)
        for block in _blocks(np.arange(len(self))):
            labels = self._begins.at(self._begin[block])
            found[block] = [codes.setdefault(each.partition("\t")[0], len(codes)) for each in labels]
        return tuple(codes), found

    def _place_on_devices(self) -> None:
        """Gives windows the instants of their devices, where these are some; and sorts them again."""
        for block in _blocks(self.mentioning(DEVICE_SPAN)):
            for at, (first, last) in zip(block.tolist(), self._labels(block), strict=True):
                _, span = _placed(_attributes(first, last), last)
                if span is not None:
                    self.t0_ns[at], self.t1_ns[at] = span
        order = np.lexsort((self.number, self.t0_ns))
        if not np.array_equal(order, np.arange(len(order))):
            for column in ("_begin", "_end", "is_open", "number", "t0_ns", "t1_ns"):
                setattr(self, column, getattr(self, column)[order])


def _blocks(some: I64) -> Iterator[I64]:
    return (some[start : start + _AT_ONCE] for start in range(0, len(some), _AT_ONCE))


def _attributes(first: str, last: str | None) -> Attributes:
    attributes = unlabel(first)[1]
    return {**attributes, **unlabel(last)[1]} if last else attributes


def _placed(attributes: Attributes, last: str | None) -> tuple[Attributes, tuple[int, int] | None]:
    """Attributes less the instants of a device, and those instants; None: there are none, or no end."""
    span: Any = attributes.get(DEVICE_SPAN)  # what a file says may be anything
    is_span = isinstance(span, list) and len(span) == 2 and all(type(t) is int for t in span)
    if last is None or not is_span or not 0 <= span[0] <= span[1] < 1 << 63:
        return attributes, None
    return {key: value for key, value in attributes.items() if key != DEVICE_SPAN}, (span[0], span[1])
