"""A window that is recorded: a native mark that can also decorate. Loaded with the first ring of marks."""

from __future__ import annotations

from .._native import Mark

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _R = TypeVar("_R")


class RecordedWindow(Mark):
    """A mark on a ring. As a decorator it looks for the recorder at each call, as any window does."""

    __slots__ = ()

    def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, _R]:
        """The function, each call of it a window."""
        from ..trace.label import unlabel
        from .decorated import decorated

        name, attributes = unlabel(self.label)
        return decorated(function, name, attributes, None)
