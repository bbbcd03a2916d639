"""A trace into an archive: first its readings, then its file of the catalogue, with which it is there."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ArchiveError
from ..footprint.chosen_factors import Terms
from ..joules.long_traces.streamed import stream_energies
from ..version import VERSION
from . import catalogue, readings
from .layout import FORMAT, READINGS, WINDOWS, Entry, content_of, recording_of, same_day
from .store import Store

ADDED, THERE, REPLACED = "added", "there already", "added in place of a shorter copy"
RESTORED = "written again: a file of it was missing or damaged"


class Added(NamedTuple):
    """What became of a trace.

    Attributes:
        entry: Where it is.
        outcome: ``ADDED``, ``THERE``, ``REPLACED`` or ``RESTORED``.
        readings: How many rows it has.
        is_truncated: The recording was cut short: its whole part is there.
        is_damaged: Parts of it could not be believed, and are left out.
    """

    entry: Entry
    outcome: str
    readings: int
    is_truncated: bool = False
    is_damaged: bool = False


def add(store: Store, path: Path, project: str, terms: Terms, windows_max: int | None = 1000) -> Added:
    """Adds a trace; does nothing where the same recording is there, whole, as long as this one or longer.

    Args:
        store: The archive.
        path: A trace, ``.arrows`` or ``.parquet``. Of a cut or damaged one the whole part is added.
        project: Whose it is.
        terms: The factors of the footprint.
        windows_max: How many windows the catalogue lists one by one; None: all. It has all by name.

    Raises:
        TraceError: It is no trace, or of a later version.
        ArchiveError: The store cannot be read or written. What was there is as it was.
    """
    trace = stream_energies(path)
    entry = Entry(
        date=catalogue.day_of(trace),
        project=project,
        host=catalogue.host_of(trace)[0],
        recording=recording_of(trace.table),
        content=content_of(path),
    )
    others = [each for each in same_day(store, entry) if each.recording == entry.recording]
    alike = [each for each in others if each.content == entry.content]
    there = next((each for each in alike if _readings(store, each)), None)
    if there is not None:
        return Added(there, THERE, 0)
    entry = alike[0] if alike else entry
    with tempfile.TemporaryFile() as file:
        n = readings.write(path, file)
        longest = max(((_readings(store, each), each) for each in others), default=None)
        if longest is not None and longest[0] >= n and not alike:
            return Added(longest[1], THERE, n)
        size = file.tell()
        store.write(entry.name(READINGS), file)
    stored = catalogue.Stored(entry, n, size, VERSION)
    found = catalogue.packed(catalogue.rows(trace, stored, terms, windows_max))
    store.write(entry.name(WINDOWS), io.BytesIO(found))
    outcome = RESTORED if alike else REPLACED if others else ADDED
    return Added(entry, outcome, n, trace.is_truncated, bool(trace.damage))


def _readings(store: Store, entry: Entry) -> int:
    """How many rows a trace has that is there; 0 where one of its files is missing or damaged."""
    try:
        with store.opened(entry.name(WINDOWS)) as file:
            found = pq.read_table(file)
        first = found.slice(0, 1).to_pylist()[0]
        is_later = first["format"] > FORMAT  # nothing that this version could write in its place
        is_whole = is_later or store.size(entry.name(READINGS)) == first["bytes"]
        return int(first["readings"]) if is_whole else 0
    except (ArchiveError, pa.ArrowException, OSError, LookupError):
        return 0
