"""A trace file part by part, for traces larger than memory.

A survey reads the channel codes alone, which is cheap, and notes where each batch begins; so any stretch
of the file, put behind its opening, is a stream of its own that can be decoded without what came before.

Decision: parts are decoded on all cores, each by one thread, some ahead of where they are needed,
because decoding takes longer than all that follows. The file is read and not mapped: mapped pages stay
in memory. What was given up: files that are damaged inside, or that replace their dictionary on the
way, are not read in parts but whole.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import schema
from .cut import Cutter
from .opened import check, is_ended, opened
from .series import Columns

PART_BYTES = 1 << 19  # as in the file: about 200 000 readings, 7 MB decoded and 4 MB cut apart
PART_BATCHES = 64
WORKERS_MAX = 4  # each holds a part, and one more waits: more of them would not be flat in memory
END_BYTES = 1 << 16  # of a file's beginning and of its end; a batch each at least
_ONE_THREAD = {"use_threads": False}  # a batch is small: shared out over cores it takes longer


class NotInParts(Exception):
    """The file cannot be taken part by part."""


@dataclass(frozen=True)
class Survey:
    """What one pass over the channel codes of a file finds.

    Attributes:
        path: The file.
        opening: Its bytes in front of the first batch.
        offsets: Where each batch begins, and where the last one ends.
        sketch: All rows of the file's beginning and end; of the recorder's own rows between them those
            of windows, the last of its account, and the pairs of clocks where a channel has times of its own.
        is_truncated: The file stopped before the end of its stream.
        rows: Of the whole file.
    """

    path: Path
    opening: bytes
    offsets: tuple[int, ...]
    sketch: pa.Table
    is_truncated: bool
    rows: int


def parts(survey: Survey) -> Iterator[Columns]:
    """The rows of a file in their order, some batches at a time.

    Raises:
        NotInParts: A batch cannot be decoded.
    """
    workers = min(os.cpu_count() or 1, WORKERS_MAX)
    waiting: deque[Future[Columns]] = deque()
    with survey.path.open("rb") as file, ThreadPoolExecutor(workers) as pool:
        file.seek(survey.offsets[0])
        for start, stop in _stretches(survey.offsets):
            waiting.append(pool.submit(_cut, survey.opening, file.read(stop - start)))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _stretches(offsets: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Neighbouring batches: where they begin and end."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + PART_BYTES, "right")) - 1
        last = min(max(last, first + 1), first + PART_BATCHES, len(offsets) - 1)
        yield offsets[first], offsets[last]
        first = last


def _cut(opening: bytes, batches: bytes) -> Columns:
    table = _decoded(opening, batches)
    cutter = Cutter(table.num_rows)
    for batch in table.to_batches():
        cutter.add(batch)
    return Columns(table, cutter)


def _decoded(opening: bytes, batches: bytes) -> pa.Table:
    try:
        stream = pa.py_buffer(opening + batches)
        with pa.ipc.open_stream(stream, options=pa.ipc.IpcReadOptions(**_ONE_THREAD)) as reader:
            table = reader.read_all()
        check(table)
    except (pa.ArrowException, OSError) as error:
        raise NotInParts from error
    return table


def survey(path: Path) -> Survey:
    """What tells the windows of a file, without decoding all of it.

    Args:
        path: The file.

    Raises:
        NotInParts: It has no batch, or replaces its dictionary.
        TraceError: It is no trace.
    """
    with opened(path) as (_, reader):
        place = reader.schema.get_field_index("channel")
        channels, _ = schema.opening(reader.schema, str(path))
    has_clocks = any(channel.timing.sensor_clock for channel in channels)
    opening = opening_of(path)
    offsets = [len(opening)]
    needed: set[int] = set()
    last: dict[int, int] = {}
    names: _Names | None = None
    rows, is_truncated = 0, not is_ended(path)
    for end, column in _codes(path, place):
        if column is None:
            is_truncated = True
            break
        names = names or _Names(column.dictionary, has_clocks)
        number = len(offsets) - 1
        own = names.own(column)
        last.update(dict.fromkeys(own.tolist(), number))
        if names.is_wanted[own].any():
            needed.add(number)
        offsets.append(end)
        rows += len(column)
    if names is None:
        raise NotInParts
    ends = np.array(offsets)
    whole = np.flatnonzero((ends[1:] < ends[0] + END_BYTES) | (ends[:-1] > ends[-1] - END_BYTES))
    whole = np.union1d(whole, [0, len(ends) - 2])
    with path.open("rb") as file:
        tables = []
        for number in sorted({*whole.tolist(), *needed, *last.values()}):
            file.seek(offsets[number])
            table = _decoded(opening, file.read(offsets[number + 1] - offsets[number]))
            tables.append(table if number in whole else table.filter(names.is_own_row(table)))
    return Survey(path, opening, tuple(offsets), pa.concat_tables(tables), is_truncated, rows)


class _Names:
    """Which of a file's channels are the recorder's own, and which of those are wanted."""

    def __init__(self, dictionary: pa.Array, has_clocks: bool) -> None:
        self._dictionary = dictionary
        names = dictionary.to_pylist()
        wanted = {schema.BEGIN, schema.END, *(schema.CLOCKS if has_clocks else ())}
        self._is_own = np.array([str(name).startswith("@") for name in names])
        self._first_own = int(self._is_own.argmax()) if self._is_own.any() else len(names)
        self.is_wanted = np.array([name in wanted for name in names])

    def own(self, column: pa.DictionaryArray) -> npt.NDArray[np.uint16]:
        """The codes of the recorder's own rows."""
        codes = column.indices.to_numpy(zero_copy_only=False)
        is_known = len(codes) == 0 or int(codes.max()) < len(self._is_own)
        if not is_known or not column.dictionary.equals(self._dictionary):
            raise NotInParts
        # They come last in the dictionary of every recorder: a comparison is quicker than a look-up.
        own: npt.NDArray[np.uint16] = codes[codes >= self._first_own]
        really: npt.NDArray[np.uint16] = own[self._is_own[own]]
        return really

    def is_own_row(self, table: pa.Table) -> pa.Array:
        """Which rows of one batch are the recorder's own."""
        return pa.array(self._is_own[table.column("channel").chunk(0).indices.to_numpy()])


def opening_of(path: Path) -> bytes:
    """What stands in front of the first batch: the schema and the dictionary.

    Raises:
        NotInParts: There is no batch.
    """
    with pa.OSFile(os.fspath(path)) as source:
        messages = pa.ipc.MessageReader.open_stream(source)
        end = 0
        try:
            while messages.read_next_message().type != "record batch":
                end = source.tell()
        except (StopIteration, pa.ArrowException, OSError) as error:
            raise NotInParts from error
        source.seek(0)
        return bytes(source.read(end))


def _codes(path: Path, place: int) -> Iterator[tuple[int, pa.DictionaryArray | None]]:
    """Where each batch ends, and its channels, None where that is cut; no other column is decoded."""
    options = pa.ipc.IpcReadOptions(included_fields=[place], **_ONE_THREAD)
    with pa.OSFile(os.fspath(path)) as source, pa.ipc.open_stream(source, options=options) as reader:
        while True:
            try:
                column = reader.read_next_batch().column(0)
            except StopIteration:
                return
            except (pa.ArrowException, OSError):
                yield source.tell(), None
                return
            yield source.tell(), column
