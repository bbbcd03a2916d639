"""Whether the rows of a trace are those that were written: its stretches against their checksums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..arrays import numbers
from . import checksum, schema


class Damage(NamedTuple):
    """A part of a trace that cannot be believed and is left out.

    Attributes:
        what: Which: "batch 17", "2 batches (17 to 18)", "the facts".
        t0_ns: The last time before it that is known; None: there is none.
        t1_ns: The first time after it that is known; None: there is none.
        why: How that is known.
    """

    what: str
    t0_ns: int | None
    t1_ns: int | None
    why: str


class Stretch(NamedTuple):
    """Rows that were written at once.

    Attributes:
        rows: All of them, their checksums included.
        number: What they say which they are; None: they have no checksum.
        is_right: Whether their checksums are right.
    """

    rows: pa.RecordBatch
    number: int | None
    is_right: bool


class Verifier:
    """Cuts the batches of a trace into its stretches and verifies each.

    Args:
        found: The schema of the trace.
        names: The canonical names of its channels: ``schema.dictionary``.

    Attributes:
        has_checksums: Whether the trace is one that has them.
    """

    def __init__(self, found: pa.Schema, names: Sequence[str]) -> None:
        self.has_checksums = schema.KEY_CHECKSUMS in (found.metadata or {})
        self._names = list(names)
        self._dictionary: pa.Array | None = None
        self._places = np.empty(0, np.uint16)
        self._code = self._labels_code = -1
        self._waiting: list[pa.RecordBatch] = []

    def take(self, batch: pa.RecordBatch) -> Iterator[Stretch]:
        """The stretches that a batch ends; what follows the last of them waits for the next batch.

        Without ``label`` and ``sensor_ns`` those two are not verified.
        """
        self._know(batch.column("channel").dictionary)
        ends = np.flatnonzero(numbers(batch.column("channel").indices) == self._code).tolist()
        # The rows tell it as well: a file that has lost the word in its opening is damaged, not without them.
        self.has_checksums = self.has_checksums or bool(ends)
        if not self.has_checksums:
            yield Stretch(batch, None, True)
            return
        start = 0
        for end in ends:
            yield self._ended(batch.slice(start, end + 1 - start))
            start = end + 1
        if start < batch.num_rows:
            self._waiting.append(batch.slice(start))

    def forget(self) -> bool:
        """Gives up what waits, because what follows it is missing; whether there was anything."""
        waited, self._waiting = bool(self._waiting), []
        return waited

    def _ended(self, last: pa.RecordBatch) -> Stretch:
        whole = checksum.joined([*self._waiting, last])
        self._waiting = []
        n = whole.num_rows
        check = whole.slice(n - 1)
        (number,) = numbers(check.column("read_ns")).tolist()
        (raw,) = numbers(check.column("raw")).tolist()
        is_right = raw == checksum.of_rows(whole.slice(0, n - 1), self._places)
        if is_right and {"label", "sensor_ns"} <= set(whole.schema.names):
            is_right = self._are_labels_right(whole.slice(0, n - 1))
        return Stretch(whole, int(number), is_right)

    def _are_labels_right(self, rows: pa.RecordBatch) -> bool:
        n = rows.num_rows
        if n and numbers(rows.column("channel").indices)[-1] == self._labels_code:
            (raw,) = numbers(rows.slice(n - 1).column("raw")).tolist()
            return bool(raw == checksum.of_labels(rows.slice(0, n - 1)))
        return checksum.of_labels(rows) is None

    def _know(self, dictionary: pa.Array) -> None:
        if self._dictionary is not None and self._dictionary.equals(dictionary):
            return
        self._dictionary = dictionary
        names = dictionary.to_pylist()
        self._places = checksum.places(names, self._names)
        codes = {name: code for code, name in enumerate(names)}
        self._code = codes.get(schema.CHECKSUM, -1)
        self._labels_code = codes.get(schema.CHECKSUM_LABELS, -1)


def opening_is_right(rows: pa.RecordBatch | pa.Table, found: pa.Schema) -> tuple[bool, bool]:
    """Whether the channel table, and whether the facts are those that were written; both, where none says."""
    for batch in rows.to_batches() if isinstance(rows, pa.Table) else [rows]:
        names = batch.column("channel").dictionary.to_pylist()
        if schema.OPENING not in names:
            continue
        codes = numbers(batch.column("channel").indices)
        at = np.flatnonzero(codes == names.index(schema.OPENING))
        for raw in numbers(batch.column("raw"))[at].tolist():
            said, is_so = int(raw), checksum.of_opening(found.metadata)
            mask = (1 << checksum.FACTS_SHIFT) - 1
            return said & mask == is_so & mask, said >> checksum.FACTS_SHIFT == is_so >> checksum.FACTS_SHIFT
    return True, True
