"""The stored readings of a trace in parts, which any machine that reaches the store can read by itself."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ArchiveError
from ..joules.energy_trace import Trace
from ..joules.long_traces.fragments import Runner, integrated
from .layout import READINGS, Entry
from .store import Store


class RowGroup(NamedTuple):
    """A part of a trace: some hundred thousand successive rows.

    Attributes:
        address: Of the archive.
        name: Of the file of the trace's readings.
        number: Of the row group in it.
    """

    address: str
    name: str
    number: int

    def rows(self) -> pa.Table:
        """All its rows.

        Raises:
            ArchiveError: They cannot be read.
        """
        try:
            with Store(self.address).opened(self.name) as file, pq.ParquetFile(file) as readings:
                return readings.read_row_group(self.number)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.name, error) from error


def row_groups(store: Store, entry: Entry) -> list[RowGroup]:
    """The parts of a trace, in its order.

    Raises:
        ArchiveError: Its readings are not there, or are damaged.
    """
    name = entry.name(READINGS)
    try:
        with store.opened(name) as file, pq.ParquetFile(file) as readings:
            n = readings.num_row_groups
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(name, error) from error
    return [RowGroup(store.address, name, number) for number in range(n)]


def stored_trace(store: Store, entry: Entry, runner: Runner | None = None) -> Trace:
    """A trace of an archive, ready to say what its windows used.

    Args:
        store: The archive.
        entry: Which trace.
        runner: Where to integrate it; None: here.

    Raises:
        ArchiveError: Its readings are not there, or are damaged.
        TraceError: They are no trace.
    """
    return integrated(row_groups(store, entry), runner)


def _unreadable(name: str, error: Exception) -> ArchiveError:
    why = str(error).partition("\n")[0].rstrip(". ")
    return ArchiveError(f"{name} cannot be read: {why}", "Add the trace again")
