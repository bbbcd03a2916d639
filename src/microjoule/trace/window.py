"""A window: a named half-open interval of a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from ..errors import BadWindow
from ..value_class import dataclass

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


def listed(windows: Iterable[str | Window]) -> list[str | Window]:
    """Windows or names as a list, of whatever gives them one after another.

    Raises:
        BadWindow: It is one window or one name, or nothing that gives any.
    """
    if isinstance(windows, str | Window) or not isinstance(windows, Iterable):
        raise BadWindow(f"{windows!r} is not a list of windows", "Give a list: `trace.named(name)`")
    return list(windows)
