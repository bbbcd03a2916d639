"""``uj``, and ``python -m microjoule``.

While the command line is imported nothing is open, measured or written yet, so Ctrl-C ends the process at
once, with 130 as ever; by Python's own handler it would print where the import was.
"""

import os
import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """The ``uj`` command; returns its exit code."""
    # Who ignores Ctrl-C, as a job in the background does, goes on ignoring it.
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from .cli import main as answer

    try:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return answer()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
