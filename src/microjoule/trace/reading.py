"""A trace file into a table: everything in it that can be believed, and the names of what cannot.

A file that is as it was written is decoded in one go, and verified and cut apart beside it. One that is not
is read again message by message: what is whole and right stays, whatever lies in between.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ..arrays import numbers
from . import schema
from .crew import WORTH_THREADS_BYTES, Crew, Result
from .cut import Cutter
from .messages import CUT, Break, FileSource, Kind, Message, messages
from .opened import check, is_ended, opened, sound_schema, without_facts
from .verify import Damage, Stretch, Verifier, opening_is_right


class Reading(NamedTuple):
    """What a file gave.

    Attributes:
        table: All rows that can be believed.
        is_truncated: The recording was not ended, or its end is missing.
        damage: What is left out, in the order of the file.
        bytes_kept: How many bytes of the file hold those rows.
        cutter: Has taken all of them.
    """

    table: pa.Table
    is_truncated: bool
    damage: tuple[Damage, ...]
    bytes_kept: int
    cutter: Cutter


class _NotAsWritten(Exception):
    """Something in the file is not as it was written."""


def read(path: Path) -> Reading:
    """All that a file gives.

    Raises:
        TraceError: It is missing, empty, foreign, cut before its opening ended, or of another format; or
            nothing in it can be believed.
    """
    with opened(path) as (source, reader):
        sound, are_facts_sound = sound_schema(reader.schema, path)
        channels, _ = schema.opening(sound, str(path))
        verifier = Verifier(sound, schema.dictionary(channels))
        try:
            batches, kept, cutter = _in_one_go(source, reader, verifier, path)
            damage: list[Damage] = []
        except _NotAsWritten:
            batches, kept, damage = _salvaged(path, verifier)
            cutter = Cutter()
            for batch in batches:
                cutter.add(batch)
    if not batches and damage:
        raise schema.damaged(str(path), f"{damage[0].what}: {damage[0].why}")
    table = pa.Table.from_batches(batches, reader.schema)
    is_table_right, are_facts_right = opening_is_right(table, reader.schema)
    if not is_table_right:
        raise schema.damaged(str(path), "its channel table does not match its checksum")
    if not (are_facts_sound and are_facts_right):
        table = table.replace_schema_metadata(without_facts(reader.schema).metadata)
        damage.insert(0, Damage("the facts", None, None, "they do not match their checksum"))
    is_sealed = is_ended(path) and (not verifier.has_checksums or _has_seal(batches))
    size = path.stat().st_size
    return Reading(table, not is_sealed, tuple(damage), size if is_sealed and not damage else kept, cutter)


def _in_one_go(
    source: pa.NativeFile, reader: pa.RecordBatchStreamReader, verifier: Verifier, path: Path
) -> tuple[list[pa.RecordBatch], int, Cutter]:
    """The batches of a file that is as it was written, or that was cut and is so up to there.

    Raises:
        _NotAsWritten: It is not.
    """
    framed = _framed(path)
    size, first = source.size(), source.tell()
    batches: list[pa.RecordBatch] = []
    taker = _Taker(Cutter(), verifier)
    checks: list[Result[None]] = []
    # Decoding holds neither the GIL nor a second core: batches are checked and cut apart beside it.
    with Crew(1 if size > WORTH_THREADS_BYTES else 0) as beside:
        for _ in framed:
            try:
                batch = reader.read_next_batch()
            except (StopIteration, pa.ArrowException, OSError) as error:
                raise _NotAsWritten from error
            if not batches and source.tell() > first:
                taker = _Taker(Cutter(batch.num_rows * (size - first) // (source.tell() - first)), verifier)
            batches.append(batch)
            checks.append(beside.submit(taker.take, batch))
    for each in checks:
        try:
            each.result()
        except pa.ArrowInvalid as error:
            raise _NotAsWritten from error
    if verifier.forget():
        raise _NotAsWritten
    return batches, framed[-1].end if framed else first, taker.cutter


class _Taker:
    """Checks, verifies and cuts apart one batch after another."""

    def __init__(self, cutter: Cutter, verifier: Verifier) -> None:
        self.cutter = cutter
        self._verifier = verifier
        self._number = 0

    def take(self, batch: pa.RecordBatch) -> None:
        check(batch)
        for stretch in self._verifier.take(batch):
            if not stretch.is_right or stretch.number not in (None, self._number):
                raise _NotAsWritten
            self._number += 1
        self.cutter.add(batch)


def _framed(path: Path) -> list[Message]:
    """The messages of the batches of a file that is whole, or cut at its end.

    Raises:
        _NotAsWritten: There is anything else in it.
    """
    found: list[Message] = []
    with path.open("rb") as file:
        source = FileSource(file.fileno())
        for each in messages(source):
            if isinstance(each, Break) and not _is_cut(each, source):
                raise _NotAsWritten
            if isinstance(each, Message) and each.kind is Kind.BATCH:
                found.append(each)
            elif isinstance(each, Message) and found:
                raise _NotAsWritten  # a dictionary amid the batches
    return found


def _salvaged(path: Path, verifier: Verifier) -> tuple[list[pa.RecordBatch], int, list[Damage]]:
    """The batches of a file that are right, how many of its bytes they are, and what is between them."""
    verifier.forget()
    salvage = _Salvage()
    opening, n = b"", 0
    with path.open("rb") as file:
        source = FileSource(file.fileno())
        for each in messages(source):
            if isinstance(each, Break):
                verifier.forget()
                salvage.lose(each.why, is_at_end=_is_cut(each, source))
            elif isinstance(each, Message) and each.kind is not Kind.BATCH:
                opening += source.read(each.begin, each.end - each.begin)
            elif isinstance(each, Message):
                data = source.read(each.begin, each.end - each.begin)
                try:
                    batch = _decoded(opening, data)
                except (pa.ArrowException, OSError, MemoryError) as error:
                    verifier.forget()
                    salvage.lose(str(error).partition("\n")[0] or type(error).__name__)
                    n += 1
                    continue
                for stretch in verifier.take(batch):
                    salvage.take(stretch._replace(number=n if stretch.number is None else stretch.number))
                    salvage.bytes_kept += len(data)
                n += 1
    if verifier.forget():
        salvage.lose("its checksum is missing")
    return salvage.batches, len(opening) + salvage.bytes_kept, salvage.finished()


def _is_cut(each: Break, source: FileSource) -> bool:
    """Whether it is the end of a file that was cut: nothing whole follows."""
    return each.why == CUT and each.end == source.size


def _decoded(opening: bytes, data: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(pa.py_buffer(opening + data)) as reader:
        batch = reader.read_next_batch()
    check(batch)
    return batch


class _Salvage:
    """Collects stretches, and what is missing between them."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []
        self.bytes_kept = 0
        self._damage: list[Damage] = []
        self._next = 0
        self._last_ns: int | None = None
        self._lost: list[str] = []

    def take(self, stretch: Stretch) -> None:
        """Takes the next stretch of the file."""
        number = stretch.number or 0
        if not stretch.is_right:
            self.lose("it does not match its checksum")
        elif number < self._next:
            self.lose(f"it says that it is batch {number} once more")
        else:
            t_ns = numbers(stretch.rows.column("t_ns"))
            if number > self._next or self._lost:
                self._name(number, int(t_ns.min()))
            self.batches.append(stretch.rows)
            self._next, self._last_ns = number + 1, int(t_ns.max())

    def lose(self, why: str, is_at_end: bool = False) -> None:
        """Notes that something is missing here; the end of a file that was cut is no damage."""
        if not is_at_end:
            self._lost.append(why)

    def finished(self) -> list[Damage]:
        """All damage."""
        if self._lost:
            self._name(self._next + 1, None)
        return self._damage

    def _name(self, number: int, until_ns: int | None) -> None:
        """Names what lies between the last stretch and one with this number."""
        n = number - self._next
        what = f"batch {self._next}" if n == 1 else f"{n} batches ({self._next} to {number - 1})"
        if n <= 0:
            what = f"something between batches {self._next - 1} and {self._next}"
        why = "; ".join(dict.fromkeys(self._lost)) or "missing"
        t0_ns = self._last_ns
        if t0_ns is not None and until_ns is not None:  # a batch may begin before the one in front of it ends
            t0_ns, until_ns = sorted((t0_ns, until_ns))
        self._damage.append(Damage(what, t0_ns, until_ns, why))
        self._lost.clear()


def _has_seal(batches: list[pa.RecordBatch]) -> bool:
    """Whether the last two rows are a seal and its checksum, whatever batches they are in."""
    last: list[str] = []
    for batch in reversed(batches):
        last = batch.column("channel").slice(max(batch.num_rows - 2, 0)).to_pylist() + last
        if len(last) >= 2:
            break
    return last[-2:] == [schema.SEAL, schema.CHECKSUM]
