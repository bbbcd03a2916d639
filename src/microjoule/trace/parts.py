"""A trace file part by part, for traces larger than memory.

A survey notes where each batch begins, so that any stretch of the file, put behind its opening, is a
stream of its own that can be decoded without what came before; and it reads the channel codes, which is
cheap, to find the rows that tell the windows.

Decision: parts are decoded on all cores, each by one thread, some ahead of where they are needed,
because decoding takes longer than all that follows; and of the columns only those that energies depend
on. The file is read and not mapped: mapped pages stay in memory. What was given up: files that are
damaged inside, or that replace their dictionary on the way, are not read in parts but whole.
"""

from __future__ import annotations

import os
from array import array as growing
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import distinct, filtered, numbers
from ..errors import NotInParts
from ..value_class import dataclass
from . import schema
from .crew import WORTH_THREADS_ROWS, Crew, Result
from .messages import CUT, Break, FileSource, Kind, Message, messages
from .opened import END_OF_STREAM, ONE_THREAD, check, is_ended, opened, sound_schema
from .series import I64, SeriesColumns
from .verify import Verifier, opening_is_right

_ENDS = (schema.SEAL, schema.CHECKSUM)
PART_BYTES = 1 << 19  # as in the file: about 200 000 readings, 7 MB decoded and 4 MB cut apart
PART_BATCHES = 64
WORKERS_MAX = 4  # each holds a part, and one more waits: more of them would not be flat in memory
END_BYTES = 1 << 16  # of a file's beginning and of its end; a batch each at least


@dataclass(frozen=True, eq=False)
class BatchSurvey:
    """What one pass over the channel codes of a file finds.

    Attributes:
        path: The file.
        opening: Its bytes in front of the first batch.
        offsets: int64, where each batch begins, and where the last one ends.
        columns: The places of those columns that the energies of its channels depend on; None: all.
        names: The canonical dictionary, which the checksums go by.
        sketch: All rows of the file's beginning and end; of the recorder's own rows between them those
            of windows, the last of its account, and the pairs of clocks where a channel has times of its own.
        is_truncated: The file stopped before the end of its stream.
        rows: Of the whole file.
    """

    path: Path
    opening: bytes
    offsets: I64
    columns: list[int] | None
    names: list[str]
    sketch: pa.Table
    is_truncated: bool
    rows: int


def parts(survey: BatchSurvey) -> Iterator[SeriesColumns]:
    """The rows of a file in their order, some batches at a time; only the columns that are needed.

    Raises:
        NotInParts: A batch cannot be decoded.
    """
    return map(SeriesColumns, tables(survey))


def tables(survey: BatchSurvey) -> Iterator[pa.Table]:
    """The rows of a file in their order, some batches at a time, in the survey's columns.

    Raises:
        NotInParts: A batch cannot be decoded.
    """
    places = _stretches(survey.offsets)
    workers = min(os.cpu_count() or 1, WORKERS_MAX) if survey.rows > WORTH_THREADS_ROWS else 0
    waiting: deque[Result[_Part]] = deque()
    number: int | None = 0
    with Crew(workers) as crew:
        waiting.extend(crew.submit(_part, survey, *each) for each in islice(places, max(workers, 1)))
        while waiting:
            first = waiting.popleft()
            waiting.extend(crew.submit(_part, survey, *each) for each in islice(places, 1))
            part = first.result()
            if part.number not in (None, number):
                raise NotInParts("a batch is missing")
            number = part.next
            yield part.table


class _Part(NamedTuple):
    """Some batches: their rows, the number of their first stretch, and that of the one after them."""

    table: pa.Table
    number: int | None
    next: int | None


def _part(survey: BatchSurvey, start: int, stop: int) -> _Part:
    # Read beside the others too: of a file that is not in memory that takes as long as the rest.
    with survey.path.open("rb") as file:
        file.seek(start)
        return _decoded(survey.opening, file.read(stop - start), survey.names, survey.columns)


class Stretch(NamedTuple):
    """Some neighbouring batches of a file, which can be read without the rest of it, on another machine too.

    Attributes:
        path: The file.
        opening: Its bytes in front of the first batch.
        begin: Where the first of the batches begins.
        end: Where the last one ends.
        names: The canonical dictionary, which the checksums go by.
    """

    path: Path
    opening: bytes
    begin: int
    end: int
    names: list[str]

    def rows(self) -> pa.Table:
        """All their rows.

        Raises:
            NotInParts: A batch cannot be decoded, or does not match its checksum.
            OSError: The file cannot be read.
        """
        with self.path.open("rb") as file:
            file.seek(self.begin)
            return _decoded(self.opening, file.read(self.end - self.begin), self.names).table


def stretches(of: BatchSurvey) -> list[Stretch]:
    """A file in stretches of some batches, in their order."""
    return [Stretch(of.path, of.opening, *each, of.names) for each in _stretches(of.offsets)]


def _stretches(offsets: I64) -> Iterator[tuple[int, int]]:
    """Neighbouring batches: where they begin and end."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + PART_BYTES, "right")) - 1
        last = min(max(last, first + 1), first + PART_BATCHES, len(offsets) - 1)
        yield int(offsets[first]), int(offsets[last])
        first = last


def _decoded(opening: bytes, data: bytes, names: list[str], columns: list[int] | None = None) -> _Part:
    try:
        options = pa.ipc.IpcReadOptions(included_fields=columns, **ONE_THREAD)
        with pa.ipc.open_stream(pa.py_buffer(opening + data), options=options) as reader:
            table = reader.read_all()
        check(table)
    except (pa.ArrowException, OSError) as error:
        raise NotInParts("a batch cannot be decoded") from error
    verifier = Verifier(table.schema, names)
    stretches = [each for batch in table.to_batches() for each in verifier.take(batch)]
    numbered = [each.number for each in stretches if each.number is not None]
    is_in_order = numbered == list(range(numbered[0], numbered[0] + len(numbered))) if numbered else True
    if verifier.forget() or not is_in_order or not all(each.is_right for each in stretches):
        raise NotInParts("a batch does not match its checksum")
    return _Part(table, numbered[0] if numbered else None, numbered[-1] + 1 if numbered else None)


def survey(path: Path) -> BatchSurvey:
    """What tells the windows of a file, without decoding all of it.

    Args:
        path: The file.

    Raises:
        NotInParts: It has no batch, is not as it was written, or replaces its dictionary.
        TraceError: It is no trace.
    """
    with opened(path) as (_, reader):
        of = reader.schema
    if not sound_schema(of, path)[1]:
        raise NotInParts("its facts make no sense")
    channels, _ = schema.opening(of, str(path))
    names = schema.dictionary(channels)
    places = {field.name: of.get_field_index(field.name) for field in schema.COLUMNS}
    has_clocks = any(c.timing.sensor_clock or c.place.device == "meter" for c in channels)
    opening, n_batches = _framed(path)
    ends = growing("q", [len(opening)])
    own: _OwnCodes | None = None
    needed: set[int] = set()
    last: dict[int, int] = {}
    codes = _codes(path, places["channel"], ends)
    rows = 0
    while some := list(islice(codes, PART_BATCHES)):
        own = own or _OwnCodes(some[0].dictionary, has_clocks)
        first = len(ends) - 1 - len(some)
        found, batches = own.of(some)
        last.update(zip(found.tolist(), (batches + first).tolist(), strict=True))
        needed.update((batches[own.is_wanted[found]] + first).tolist())
        rows += sum(map(len, some))
    if own is None:
        raise NotInParts("the file has no batch")
    if len(ends) - 1 != n_batches:
        raise NotInParts("a batch cannot be decoded")
    offsets = np.array(ends, np.int64)
    whole = np.flatnonzero((offsets[1:] < offsets[0] + END_BYTES) | (offsets[:-1] > offsets[-1] - END_BYTES))
    whole = distinct(whole, [0, len(offsets) - 2])
    with path.open("rb") as file:
        tables = []
        for number in sorted({*whole.tolist(), *needed, *last.values()}):
            file.seek(offsets[number])
            table = _decoded(opening, file.read(offsets[number + 1] - offsets[number]), names).table
            tables.append(table if number in whole else own.of_one(table))
    if not all(opening_is_right(tables[0], of)):
        raise NotInParts("its opening does not match its checksum")
    not_needed = {"label", *(() if has_clocks else ("sensor_ns",))}
    columns = [place for name, place in places.items() if name not in not_needed]
    is_whole = is_ended(path) and path.stat().st_size == offsets[-1] + len(END_OF_STREAM)
    is_whole = is_whole and own.is_sealed(last, len(offsets) - 2)
    return BatchSurvey(path, opening, offsets, columns, names, pa.concat_tables(tables), not is_whole, rows)


class _OwnCodes:
    """Finds the recorder's own rows, and tells which of them are wanted."""

    def __init__(self, dictionary: pa.Array, has_clocks: bool) -> None:
        self._dictionary = dictionary
        names = dictionary.to_pylist()
        wanted = {
            schema.BEGIN,
            schema.END,
            schema.GAP,
            schema.SUBJECT,
            schema.STATE,
            *(schema.CLOCKS if has_clocks else ()),
        }
        self._is_own = np.array([str(name).startswith("@") for name in names])
        self._first = int(self._is_own.argmax()) if self._is_own.any() else len(names)
        self.is_wanted = np.array([name in wanted for name in names])

    def of(self, columns: list[pa.DictionaryArray]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
        """Their codes in some batches, and in which of these each is."""
        whole = np.concatenate([numbers(column.indices) for column in columns])
        # They come last in the dictionary of every recorder: a comparison is quicker than a look-up.
        at = np.flatnonzero(whole >= self._first)
        is_known = not len(at) or int(whole[at].max()) < len(self._is_own)
        if not is_known or not all(column.dictionary.equals(self._dictionary) for column in columns):
            raise NotInParts("the dictionary changes within the file")
        at = at[self._is_own[whole[at]]]
        return whole[at], np.searchsorted(np.cumsum([len(column) for column in columns]), at, "right")

    def is_sealed(self, last: Mapping[int, int], last_batch: int) -> bool:
        """Whether a recording was ended: its seal is in the last batch, or it has no checksums at all."""
        names = self._dictionary.to_pylist()
        seal, check = (last.get(names.index(name)) if name in names else None for name in _ENDS)
        return check is None or (seal is not None and seal >= last_batch - 1)

    def of_one(self, table: pa.Table) -> pa.Table:
        """Their rows in one batch."""
        (batch,) = table.to_batches()
        kept = filtered(batch, self._is_own[numbers(batch.column("channel").indices)])
        return pa.Table.from_batches([kept])


def _codes(path: Path, place: int, ends: growing[int]) -> Iterator[pa.DictionaryArray]:
    """The channels of each batch that can be decoded, and no other column; ``ends`` gets where it ends."""
    options = pa.ipc.IpcReadOptions(included_fields=[place], **ONE_THREAD)
    with pa.OSFile(os.fspath(path)) as source, pa.ipc.open_stream(source, options=options) as reader:
        while True:
            try:
                column = reader.read_next_batch().column(0)
                column.validate()
                column.dictionary.validate(full=True)
            except (StopIteration, pa.ArrowException, OSError):
                return
            ends.append(source.tell())
            yield column


def _framed(path: Path) -> tuple[bytes, int]:
    """What stands in front of the first batch, the schema and the dictionary; and how many batches there are.

    Raises:
        NotInParts: There is none, or something else is between them.
    """
    begin, n = 0, 0
    with path.open("rb") as file:
        source = FileSource(file.fileno())
        for each in messages(source):
            if isinstance(each, Break) and not (each.why == CUT and each.end == source.size):
                raise NotInParts(f"there is something between its batches: {each.why}")
            if isinstance(each, Message) and each.kind is Kind.BATCH:
                begin, n = begin or each.begin, n + 1
            elif isinstance(each, Message) and n:
                raise NotInParts("the dictionary changes within the file")
        if not n:
            raise NotInParts("the file has no batch")
        return source.read(0, begin), n
