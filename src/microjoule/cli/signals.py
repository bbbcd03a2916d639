"""Waits for signals, also across a stop."""

from __future__ import annotations

import signal
from collections.abc import Collection


def awaited(mask: Collection[int], timeout_s: float) -> signal.struct_siginfo | None:
    """The signal of the mask that came within so many seconds; None: none did.

    Where the process was stopped (Ctrl-Z) for longer than that, CPython 3.11 gives what it never filled in:
    ``signal_sigtimedwait_impl`` leaves its loop once its deadline is over. A number outside the mask is
    dropped; one that chances to be in the mask cannot be told from a signal.
    """
    got = signal.sigtimedwait(mask, timeout_s)
    return got if got is not None and got.si_signo in mask else None
