"""The readings of one channel, cut out of a table in which all channels interleave.

Where ``cut.py`` has cut the batches apart as they came, that is all; any other table is searched by the
dictionary codes of its rows.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import is_valid, numbers
from ..channel.reading_status import is_uncounted
from ..value_class import dataclass
from .cut import Cutter

NO_TIME = np.iinfo(np.int64).min

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One channel's readings, in ascending ``t_ns``, each (channel, t_ns) once.

    Attributes:
        t_ns: int64, when each read began.
        read_ns: uint32, how long it took.
        raw: uint64, what the interface said; 0 where the read failed.
        status: uint16, 0, ``UNCOUNTED`` and more, or the code of the failed read.
        valid: Whether the read succeeded; None: all did.
        sensor_ns: int64, the device's own time, ``NO_TIME`` where a row has none; None: no row has.
    """

    t_ns: I64
    read_ns: npt.NDArray[np.uint32]
    raw: U64
    status: npt.NDArray[np.uint16]
    valid: Bools | None = None
    sensor_ns: I64 | None = None

    def __len__(self) -> int:
        return len(self.t_ns)


def codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.uint16], list[str]]:
    """The codes of a dictionary column, and the values they stand for."""
    if column.num_chunks == 0:
        return np.empty(0, np.uint16), []
    # One array of all chunks: arrow brings unequal dictionaries together on the way.
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.unify_dictionaries().chunk(0)
    return numbers(whole.indices).astype(np.uint16, copy=False), whole.dictionary.to_pylist()


class SeriesColumns:
    """The columns of a table as whole numpy arrays, each made when it is first needed.

    Args:
        table: The rows.
        cutter: Has taken the table's batches; None: the table is searched.

    Attributes:
        n: How many rows there are.
    """

    def __init__(self, table: pa.Table, cutter: Cutter | None = None) -> None:
        self._table = table
        self._own_rows = None if cutter is None else cutter.own_rows()
        self._cuts = None if cutter is None else cutter.cuts()
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self.n = table.num_rows

    @cached_property
    def _coded(self) -> tuple[npt.NDArray[np.uint16], list[str]]:
        return codes(self._table.column("channel"))

    @property
    def codes(self) -> npt.NDArray[np.uint16]:
        """uint16[n]: the code of each row's channel."""
        return self._coded[0]

    @cached_property
    def _code(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self._coded[1])}

    def array(self, name: str, fill: int = 0) -> npt.NDArray[Any]:
        """A column without its nulls, which become ``fill``."""
        if name not in self._arrays:
            self._arrays[name] = numbers(self._table.column(name), fill)
        return self._arrays[name]

    def valid(self) -> Bools | None:
        """Which rows carry a reading; None: all."""
        if not self._table.column("raw").null_count:
            return None
        if "valid" not in self._arrays:
            self._arrays["valid"] = is_valid(self._table.column("raw"))
        return self._arrays["valid"]

    def rows(self, channel_id: str) -> I64:
        """The row numbers of one channel, in the order of the file."""
        code = self._code.get(channel_id)
        if code is None:
            return np.empty(0, np.int64)
        if channel_id.startswith("@") and self._own_rows is not None:
            mine: I64 = self._own_rows[self.codes[self._own_rows] == code]
            return mine
        return np.flatnonzero(self.codes == code)

    def activity(self, name: str) -> tuple[I64, I64, I64]:
        """int64 each, of the rows of activity: whose, when, and the CPU time in ns (:mod:`.activity`)."""
        rows = self.rows(name)
        taken = (self._taken(column, rows).astype(np.int64) for column in ("read_ns", "t_ns", "raw"))
        return tuple(taken)  # type: ignore[return-value]

    def series(self, channel_id: str) -> Series:
        """The readings of one channel, ascending and each once, whatever order the rows have."""
        if self._cuts is not None and channel_id in self._cuts:
            cut = self._cuts[channel_id]
            return Series(cut.t_ns, cut.read_ns, cut.raw, np.broadcast_to(np.uint16(0), len(cut.raw)))
        rows = self.rows(channel_id)
        t_ns = self._taken("t_ns", rows)
        if len(t_ns) > 1 and not bool((t_ns[1:] > t_ns[:-1]).all()):
            rows = self._ordered(rows)
            t_ns = self._taken("t_ns", rows)
        valid = self.valid()
        mine = None if valid is None else valid[rows]
        sensor = None
        if self._has_sensor_ns:
            sensor = self._taken("sensor_ns", rows, NO_TIME)
            sensor = sensor if (sensor != NO_TIME).any() else None
        return Series(
            t_ns=t_ns,
            read_ns=self._taken("read_ns", rows),
            raw=self._taken("raw", rows),
            status=self._status(rows),
            valid=None if mine is None or mine.all() else mine,
            sensor_ns=sensor,
        )

    def _taken(self, name: str, rows: I64, fill: int = 0) -> npt.NDArray[Any]:
        # The rows come from a search of the same table, so that clipping never acts: it is the
        # mode of take that needs no second look at every index.
        return self.array(name, fill).take(rows, mode="clip")

    def _status(self, rows: I64) -> npt.NDArray[np.uint16]:
        if not self.has_failures:
            return np.broadcast_to(np.uint16(0), len(rows))  # no memory for what is zero throughout
        return self._taken("status", rows)

    @cached_property
    def _has_sensor_ns(self) -> bool:
        """Whether any row has a device's own time; of a table taken for its energies it may be left out."""
        has_column = "sensor_ns" in self._table.column_names
        return has_column and self._table.column("sensor_ns").null_count < self.n

    @cached_property
    def has_failures(self) -> bool:
        """Whether any row of the table tells of a failed read."""
        return bool(self.array("status").any())

    def _ordered(self, rows: I64) -> I64:
        t_ns, raw, valid = self.array("t_ns")[rows], self.array("raw")[rows], self.valid()
        failed = np.zeros(len(rows), bool) if valid is None else ~valid[rows]
        # Of two rows of one instant the successful one stays; raw makes the choice independent of
        # the order in which files were merged.
        order = np.lexsort((raw, failed, t_ns))
        rows, t_ns = rows[order], t_ns[order]
        first = np.ones(len(rows), bool)
        first[1:] = t_ns[1:] != t_ns[:-1]
        return rows[first]


def failed(series: Series) -> dict[int, int]:
    """How many reads of a series failed, by their codes."""
    if series.status.strides == (0,):  # one value stands for all
        return {int(series.status[0]): len(series)} if len(series) and series.status[0] else {}
    codes, counts = np.unique(series.status[~is_uncounted(series.status)], return_counts=True)
    return {code: n for code, n in zip(codes.tolist(), counts.tolist(), strict=True) if code}
