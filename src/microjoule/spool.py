"""Rows that are gone through in order, more of them than fit into memory.

Beyond a few megabytes they are in a file without a name, which the system removes with the process. It is
where ``TMPDIR`` says; where that folder is in memory, as /tmp is on some systems, so are the rows.
"""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import CannotWrite

Rows = npt.NDArray[Any]  # of a structured type: a field for each column
BLOCK = 1 << 16  # rows that are gone through at once
_IN_MEMORY = 1 << 22  # bytes; more are in the file
_KEY = "t0_ns"


class Spool:
    """Rows of one type, in the order in which they came.

    Args:
        dtype: Of a row: a structured type.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it lives as long as this does
        weakref.finalize(self, _closed, self._file)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, rows: Rows) -> None:
        """Takes rows.

        Raises:
            CannotWrite: There is no room for them.
        """
        try:
            self._file.seek(self._n * self.dtype.itemsize)
            self._file.write(rows.tobytes())
            self._file.flush()  # a full disk is met here, and not as the rows are read
        except OSError as error:
            raise CannotWrite(
                f"cannot keep {self._n + len(rows)} events in {tempfile.gettempdir()}: {error.strerror}",
                "Make room there, or name another folder: TMPDIR=/folder uj ...",
            ) from error
        self._n += len(rows)

    def blocks(self, first: int = 0, last: int | None = None, size: int = BLOCK) -> Iterator[Rows]:
        """Rows in their order, some at once.

        Args:
            first: The number of the first one.
            last: That of the one after the last; None: all.
            size: How many at once, at most.
        """
        end = self._n if last is None else last
        for at in range(first, end, size):
            self._file.seek(at * self.dtype.itemsize)
            n = min(size, end - at)
            yield np.frombuffer(self._file.read(n * self.dtype.itemsize), self.dtype)


def _closed(file: tempfile.SpooledTemporaryFile[bytes]) -> None:
    with contextlib.suppress(OSError):  # of what the disk had no room for, which was said
        file.close()


def in_order(sources: Sequence[Iterator[Rows]]) -> Iterator[Rows]:
    """The rows of several sources by their field ``t0_ns``, some at once; those of one instant all at once.

    Rows of one instant are in the order of the sources.

    Args:
        sources: Each ascending.
    """
    every = [_Source(rows) for rows in sources]
    going_on = [each for each in every if each.more()]
    while going_on:
        # Up to where the one that was read the least far stands, nothing earlier can come any more.
        safe_ns = min(each.last_ns for each in going_on)
        yield from _sorted([each.before(safe_ns) for each in every if len(each.head)])
        going_on = [each for each in going_on if each.last_ns > safe_ns or each.more()]
        every = [each for each in every if len(each.head)]
    yield from _sorted([each.head for each in every])


class _Source:
    """A source, and what was read of it and not given yet."""

    def __init__(self, rows: Iterator[Rows]) -> None:
        self._rows = rows
        self.head: Rows = _NOTHING

    @property
    def last_ns(self) -> int:
        """Up to when it was read."""
        return int(self.head[_KEY][-1])

    def more(self) -> bool:
        """Reads on; whether there was more."""
        found = next(self._rows, None)
        if found is not None:
            self.head = np.concatenate((self.head, found)) if len(self.head) else found
        return found is not None

    def before(self, t_ns: int) -> Rows:
        """Gives what is before an instant."""
        cut = int(np.searchsorted(self.head[_KEY], t_ns, "left"))
        given, self.head = self.head[:cut], self.head[cut:]
        return given


def _sorted(parts: Sequence[Rows]) -> Iterator[Rows]:
    some = [part for part in parts if len(part)]
    if len(some) == 1:
        yield some[0]
    elif some:
        rows = np.concatenate(some)
        yield rows[np.argsort(rows[_KEY], kind="stable")]


_NOTHING: Rows = np.empty(0, np.dtype([(_KEY, np.int64)]))
