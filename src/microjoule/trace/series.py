"""The readings of one channel, cut out of a table in which all channels interleave.

Decision: a stretch in which channels take turns, as a lane writes it, is cut apart by strides and the
pieces joined, so that no byte is copied twice, and channels that one read gave together share their
times: fresh memory costs more than the arithmetic. Any other table is cut by comparing the dictionary
codes of all rows. What was given up: a single path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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
        status: uint16, 0 or the code of the failed read.
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
    return whole.indices.to_numpy().astype(np.uint16, copy=False), whole.dictionary.to_pylist()


class Columns:
    """The columns of a table as whole numpy arrays, each made when it is first needed."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._arrays: dict[str, npt.NDArray[Any]] = {}

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

    @cached_property
    def _turns(self) -> list[Turns] | None:
        return turns(self._table)

    @cached_property
    def _times(self) -> dict[tuple[str, ...], tuple[I64, npt.NDArray[np.uint32]]]:
        """``t_ns`` and ``read_ns`` of the channels that were read together, by their ids."""
        return {}

    @cached_property
    def _batches(self) -> dict[str, list[npt.NDArray[Any]]]:
        return {
            name: [c.to_numpy() for c in self._table.column(name).chunks]
            for name in ("t_ns", "read_ns", "raw")
        }

    def array(self, name: str, fill: int = 0) -> npt.NDArray[Any]:
        """A column without its nulls, which become ``fill``."""
        if name not in self._arrays:
            column = self._table.column(name)
            if column.null_count:
                column = pc.fill_null(column, pa.scalar(fill, column.type))
            self._arrays[name] = column.to_numpy()
        return self._arrays[name]

    def valid(self) -> Bools | None:
        """Which rows carry a reading; None: all."""
        if not self._table.column("raw").null_count:
            return None
        if "valid" not in self._arrays:
            self._arrays["valid"] = pc.is_valid(self._table.column("raw")).to_numpy()
        return self._arrays["valid"]

    def rows(self, channel_id: str) -> I64:
        """The row numbers of one channel, in the order of the file."""
        code = self._code.get(channel_id)
        if code is None:
            return np.empty(0, np.int64)
        return np.flatnonzero(self.codes == code)

    def series(self, channel_id: str) -> Series:
        """The readings of one channel, ascending and each once, whatever order the rows have."""
        strided = self._strided(channel_id)
        if strided is not None:
            return strided
        rows = self.rows(channel_id)
        t_ns = self._taken("t_ns", rows)
        if len(t_ns) > 1 and not bool((t_ns[1:] > t_ns[:-1]).all()):
            rows = self._ordered(rows)
            t_ns = self._taken("t_ns", rows)
        valid = self.valid()
        mine = None if valid is None else valid[rows]
        sensor = None
        if self._table.column("sensor_ns").null_count < self._table.num_rows:
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

    def _strided(self, channel_id: str) -> Series | None:
        """The readings of a channel that takes turns with others wherever it is; None: it does not."""
        if self._turns is None:
            return None
        mine = [turn for turn in self._turns if channel_id in turn.ids]
        if not mine:
            return None
        together = {turn.ids if turn.is_group else (channel_id,) for turn in mine}
        key = together.pop() if len(together) == 1 else (channel_id,)
        if key not in self._times:
            times = self._joined("t_ns", mine, channel_id), self._joined("read_ns", mine, channel_id)
            if not bool((times[0][1:] > times[0][:-1]).all()):
                return None
            self._times[key] = times
        t_ns, read_ns = self._times[key]
        status = np.broadcast_to(np.uint16(0), len(t_ns))
        return Series(t_ns, read_ns, self._joined("raw", mine, channel_id), status)

    def _joined(self, name: str, mine: list[Turns], channel_id: str) -> npt.NDArray[Any]:
        batches = self._batches[name]
        return np.concatenate(
            [
                batches[turn.batch][turn.start + turn.ids.index(channel_id) : turn.stop : len(turn.ids)]
                for turn in mine
            ]
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


class Turns(NamedTuple):
    """A stretch of a batch, rows ``start`` to ``stop``, in which channels take turns in one order.

    ``is_group``: each round is whole and of one time, as one read of a group of events gives it.
    """

    batch: int
    start: int
    stop: int
    ids: tuple[str, ...]
    is_group: bool


_Stretch = tuple[int, int, tuple[str, ...]]
STRETCHES_MAX = 16  # in one batch: a lane is one stretch


def turns(table: pa.Table) -> list[Turns] | None:
    """How channels take turns in a table.

    Returns:
        The stretches in the order of the rows; None where a batch is cut otherwise, or a row tells of
        a failure or carries the device's own time.
    """
    raw, sensor = table.column("raw"), table.column("sensor_ns")
    column = table.column("channel")
    same_cuts = [len(c) for c in raw.chunks] == [len(c) for c in column.chunks]
    if raw.null_count or sensor.null_count < len(sensor) or not same_cuts or not len(column):
        return None
    if pc.max(table.column("status")).as_py():
        return None
    column = column.unify_dictionaries()
    names = column.chunk(0).dictionary.to_pylist()
    own = np.array([name.startswith("@") for name in names])
    chunks = zip(column.chunks, *(table.column(name).chunks for name in ("t_ns", "read_ns")), strict=True)
    found: list[Turns] = []
    before = np.empty(0, np.uint16)
    cut: list[_Stretch] | None = None
    for batch, (channel, t_ns, read_ns) in enumerate(chunks):
        code = channel.indices.to_numpy(zero_copy_only=False)
        if cut is None or not np.array_equal(code, before):  # most batches are cut as the one before
            cut, before = _stretches(code, own, names), code
        if cut is None:
            return None
        times = t_ns.to_numpy(), read_ns.to_numpy()
        for start, stop, ids in cut:
            is_group = all(_is_even(each[start:stop], len(ids)) for each in times)
            found.append(Turns(batch, start, stop, ids, is_group))
    return found


def _stretches(code: npt.NDArray[np.uint16], own: Bools, names: list[str]) -> list[_Stretch] | None:
    """The stretches of one batch: start, stop and the ids of a round; None: there is no such order."""
    found: list[_Stretch] = []
    start = 0
    while start < len(code) and not own[code[start]]:
        rest = code[start:]
        again = np.flatnonzero(rest[1 : len(own) + 1] == rest[0])
        period = int(again[0]) + 1 if len(again) else len(rest)
        head = rest[:period].tolist()
        differs = rest[period:] != rest[:-period]
        stop = start + period + (int(differs.argmax()) if differs.any() else len(differs))
        if len(set(head)) < period or own[head].any() or len(found) == STRETCHES_MAX:
            return None
        found.append((start, stop, tuple(names[each] for each in head)))
        start = stop
    # After the stretches only the recorder's own rows may come.
    return found if own[code[start:]].all() else None


def _is_even(values: npt.NDArray[Any], period: int) -> bool:
    """Whether the values come in whole rounds whose first and last are equal: times ascend in a round."""
    return len(values) % period == 0 and bool((values[::period] == values[period - 1 :: period]).all())
