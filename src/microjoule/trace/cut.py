"""Batches cut apart by channel while the next one is still being decoded.

A lane writes its channels in turns, so that a batch is a few stretches of rows in one order, and a
channel of a stretch is every k-th row of it. Channels that one read gave together share their times.

Decision: what is cut goes straight to where it stays, in arrays that are sized by the file, because
fresh memory costs more than the arithmetic, and decoding leaves a core free. Whatever is not plain
(failed readings, a device's own times, rows in another order) ends the cutting, and the table is
searched instead. What was given up: a single path.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import numbers

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

STRETCHES_MAX = 16  # in one batch: a lane is one stretch
_Number = TypeVar("_Number", bound=np.generic)


class Stretch(NamedTuple):
    """Rows ``start`` to ``stop`` of a batch, in which the channels ``ids`` take turns."""

    start: int
    stop: int
    ids: tuple[str, ...]


class Cut(NamedTuple):
    """One channel's readings, all of them good: ``t_ns``, ``read_ns`` and ``raw``."""

    t_ns: I64
    read_ns: npt.NDArray[np.uint32]
    raw: U64


class _Growing(Generic[_Number]):
    """An array that is written from its beginning and made larger where it is too small."""

    def __init__(self, dtype: type[_Number], room: int) -> None:
        self._whole: npt.NDArray[_Number] = np.empty(max(room, 1), dtype)
        self._n = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        end = self._n + len(values)
        if end > len(self._whole):
            larger = np.empty(2 * end, self._whole.dtype)
            larger[: self._n] = self.values()
            self._whole = larger
        self._whole[self._n : end] = values
        self._n = end

    def values(self) -> npt.NDArray[_Number]:
        return self._whole[: self._n]


class _Times:
    """The times of the channels that are read together."""

    def __init__(self, room: int) -> None:
        self.t_ns = _Growing(np.int64, room)
        self.read_ns = _Growing(np.uint32, room)

    def add(self, t_ns: npt.NDArray[Any], read_ns: npt.NDArray[Any]) -> None:
        self.t_ns.add(t_ns)
        self.read_ns.add(read_ns)


class Cutter:
    """Takes the batches of a trace one after another and cuts them apart by channel.

    Args:
        rows: About how many rows there will be; 0: not known.
    """

    def __init__(self, rows: int = 0) -> None:
        self._rows = rows
        self._is_plain = True
        self._dictionary: pa.Array | None = None
        self._own = np.empty(0, bool)
        self._code: npt.NDArray[np.uint16] = np.empty(0, np.uint16)
        self._stretches: list[Stretch] | None = []
        self._raw: dict[str, _Growing[np.uint64]] = {}
        self._times: dict[str, _Times] = {}
        self._together: dict[str, tuple[str, ...]] = {}
        self._own_rows: list[I64] = []
        self._n = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes the next batch; one that is not plain ends the cutting for good."""
        if not self._is_plain or not batch.num_rows:
            return
        self._is_plain = False  # until all of the batch is taken: half of one must never be shown
        stretches = self._cut(batch)
        if stretches is None:
            return
        t_ns, read_ns, raw = (numbers(batch.column(name)) for name in ("t_ns", "read_ns", "raw"))
        for start, stop, ids in stretches:
            self._take(ids, t_ns[start:stop], read_ns[start:stop], raw[start:stop])
        first_own = stretches[-1].stop if stretches else 0
        self._own_rows.append(np.arange(self._n + first_own, self._n + batch.num_rows))
        self._n += batch.num_rows
        self._is_plain = True

    def cuts(self) -> dict[str, Cut] | None:
        """Each channel's readings, as views of what was cut; None where that ended."""
        if not self._is_plain:
            return None
        found = {
            name: Cut(self._times[name].t_ns.values(), self._times[name].read_ns.values(), raw.values())
            for name, raw in self._raw.items()
        }
        ascends: dict[int, bool] = {}
        for name, cut in found.items():
            times = id(self._times[name])
            if times not in ascends:
                ascends[times] = bool((cut.t_ns[1:] > cut.t_ns[:-1]).all())
        return found if all(ascends.values()) else None

    def own_rows(self) -> I64 | None:
        """The row numbers of the recorder's own rows; None where cutting ended."""
        if not self._is_plain or not self._own_rows:
            return None
        return np.concatenate(self._own_rows)

    def _cut(self, batch: pa.RecordBatch) -> list[Stretch] | None:
        channel, status = batch.column("channel"), batch.column("status")
        if batch.column("raw").null_count or batch.column("sensor_ns").null_count < batch.num_rows:
            return None
        if numbers(status).any():
            return None
        if self._dictionary is None:
            self._dictionary = channel.dictionary
            self._own = np.array([name.startswith("@") for name in self._dictionary.to_pylist()])
        elif not channel.dictionary.equals(self._dictionary):
            return None
        code = numbers(channel.indices)
        if not np.array_equal(code, self._code):  # most batches are cut as the one before
            self._stretches = stretches(code, self._own, self._dictionary.to_pylist())
            self._code = code
        return self._stretches

    def _take(self, ids: tuple[str, ...], t_ns: I64, read_ns: npt.NDArray[Any], raw: U64) -> None:
        k = len(ids)
        for i, name in enumerate(ids):
            if name not in self._raw:
                self._raw[name] = _Growing(np.uint64, self._rows // k)
            self._raw[name].add(raw[i::k])
        # Times ascend in a round: where its first and last agree, one read gave all of it.
        is_group = len(raw) % k == 0 and bool((t_ns[::k] == t_ns[k - 1 :: k]).all())
        is_group = is_group and bool((read_ns[::k] == read_ns[k - 1 :: k]).all())
        if is_group and all(self._together.setdefault(name, ids) == ids for name in ids):
            if ids[0] not in self._times:
                self._times.update(dict.fromkeys(ids, _Times(self._rows // k)))
            self._times[ids[0]].add(t_ns[::k], read_ns[::k])
            return
        for i, name in enumerate(ids):
            self._alone(name, k).add(t_ns[i::k], read_ns[i::k])

    def _alone(self, name: str, k: int) -> _Times:
        """The times of one channel, taken out of those that it shared until now."""
        shared = self._times.get(name)
        if shared is None or len(self._together.get(name, ())) > 1:
            self._times[name] = _Times(self._rows // k)
            if shared is not None:
                self._times[name].add(shared.t_ns.values(), shared.read_ns.values())
        self._together[name] = (name,)
        return self._times[name]


def stretches(
    code: npt.NDArray[np.uint16], own: npt.NDArray[np.bool_], names: list[str]
) -> list[Stretch] | None:
    """The stretches of one batch, in the order of its rows; None: there is no such order.

    Args:
        code: uint16[n], the code of each row's channel.
        own: Which codes are the recorder's own: those may come after the stretches only.
        names: The channel of each code.
    """
    found: list[Stretch] = []
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
        found.append(Stretch(start, stop, tuple(names[each] for each in head)))
        start = stop
    return found if own[code[start:]].all() else None
