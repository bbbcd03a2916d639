"""The end of a notebook's cell that raised: the training in it is over, and no framework says so."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any


def after_failed_cell(end: Callable[[], None]) -> None:
    """Has ``end`` called once the cell that runs now has raised; outside of IPython nothing is done.

    Of a cell that ended well nothing is concluded: a thread that it started may still train.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or threading.current_thread() is not threading.main_thread():
        return

    def after(result: Any) -> None:
        shell.events.unregister("post_run_cell", after)
        if result.error_in_exec is not None:
            end()

    shell.events.register("post_run_cell", after)
