"""The end of a training by an exception that nobody caught: it is over, and no framework says so."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any


def after_failed_cell(end: Callable[[], None]) -> Callable[[], None]:
    """Has ``end`` called once an exception has ended a notebook's cell, a script or a command at a prompt.

    Of a cell or a command that ended well nothing is concluded: a thread that it started may still train.
    In other threads nothing is done.

    Returns:
        What to call once the training is over: nothing waits for an exception any longer.
    """
    if threading.current_thread() is not threading.main_thread():
        return _nothing
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return _after_uncaught(end)

    def after(result: Any) -> None:
        shell.events.unregister("post_run_cell", after)
        if result.error_in_exec is not None:
            end()

    shell.events.register("post_run_cell", after)
    return _nothing  # it takes itself away when the cell ends


def _nothing() -> None: ...


def _after_uncaught(end: Callable[[], None]) -> Callable[[], None]:
    before = sys.excepthook

    def forget() -> None:
        if sys.excepthook is ended:  # else somebody has put theirs around it, and it stays
            sys.excepthook = before

    def ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        forget()
        try:
            end()
        finally:
            before(kind, error, trace)

    sys.excepthook = ended
    return forget
