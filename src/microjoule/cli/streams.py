"""The standard streams, made such that no command fails for want of somebody who listens.

Decision: what cannot be written to standard error is let go, because there is nobody left to tell and
the exit code of ``uj run`` is the command's. What cannot be written to standard output is a failure:
it is what was asked for. A sign that a stream has no code for is written in letters: ``+/-`` for ``±``.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from ..errors import MicrojouleError
from . import signs

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Unheeded(io.RawIOBase):
    """A descriptor to write to, whether or not anybody reads."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        with contextlib.suppress(OSError):
            return os.write(self._number, data)
        return memoryview(data).nbytes


def steady() -> None:
    """Prepares both streams; harmless when repeated, and where somebody has put others in their place.

    A stream that is closed gets the null device: else ``print`` would take one for the other, and the
    next file that is opened would become the stream. A started command does not inherit it.
    """
    signs.register()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # it stays
    elif (own := sys.__stderr__) is sys.stderr and own is not None:
        raw = io.BufferedWriter(_Unheeded(own.fileno()))
        sys.stderr = io.TextIOWrapper(raw, own.encoding, signs.ERRORS, line_buffering=True)
    if sys.stdout is None:
        sys.stdout = open(os.devnull)  # noqa: SIM115  # for reading: a write fails
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=signs.ERRORS)


def columns(stream: TextIO) -> int | None:
    """Columns of the terminal that a stream is, or that ``COLUMNS`` says; None: it is none."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # a file, closed, or something without a descriptor
        return None


def flush() -> None:
    """Writes what waits for standard output.

    Raises:
        OSError: It cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon() -> None:
    """Gives standard output up, and what waits for it: the interpreter would try again at its end."""
    sys.stdout = None


def failure(error: OSError) -> MicrojouleError:
    """What to say of an operation that failed, which without a file's name was standard output's."""
    why = error.strerror or "it is closed"
    if error.filename is not None:
        return MicrojouleError(f"{error.filename}: {why}")
    return MicrojouleError(f"Cannot write to standard output: {why}", "Send it elsewhere")
