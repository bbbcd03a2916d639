"""What a long command is at, on one line of standard error, and only where somebody sees it.

Decision: one line that each word replaces and that is gone at the end, so that nothing of it stands between
a terminal's results. Where standard error is no terminal it is silent: a log has no use for it. What was
given up: bars, rates and times left, which would have to be guessed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import streams

_ERASE = "\r\x1b[K"  # to the beginning of the line, and what stood there is gone

Say = Callable[[str], None]


@contextmanager
def progress() -> Iterator[Say]:
    """Takes a few words at a time for as long as a ``with`` lasts."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    shown = ""

    def say(words: str) -> None:
        nonlocal shown
        # A line that the terminal breaks could not be taken back.
        line = f"uj: {words}"[: (streams.columns(sys.stderr) or 80) - 1]
        if line != shown:
            shown = line
            print(_ERASE + line, end="", file=sys.stderr, flush=True)

    try:
        yield say
    finally:
        if shown:
            print(_ERASE, end="", file=sys.stderr, flush=True)


def share_of(what: object, say: Say) -> Callable[[float], None]:
    """Says how much of something was read, from 0 to 1."""
    return lambda share: say(f"reading {what}: {share:.0%}")
