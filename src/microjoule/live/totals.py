"""The accounts of all channels, fed by a recorder's batches and asked by anyone."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import is_valid, numbers
from ..channel import Channel
from ..channel.reading_status import times_off
from ..trace.schema import engine
from .level import Level
from .tally import BatchReadings, tally

if TYPE_CHECKING:
    import pyarrow as pa


class Totals:
    """What each channel has drawn since its first reading; any thread may feed or ask it.

    Args:
        channels: Those of the batches; such as tell neither energy nor power are passed over.
    """

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._tallies = {channel.id: made for channel in channels if (made := tally(channel))}
        self._missed_of = {engine(each.channel.lane, "missed"): 0 for each in self._tallies.values()}
        self._now_ns = 0
        self._lock = threading.Lock()

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels that have an account, by id."""
        return {name: each.channel for name, each in self._tallies.items()}

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes in a batch of a trace's columns, the recorder's own rows among them."""
        if not batch.num_rows:
            return
        codes = numbers(batch.column("channel").indices)
        names = batch.column("channel").dictionary.to_pylist()
        t_ns = numbers(batch.column("t_ns"))
        read_ns = numbers(batch.column("read_ns"))
        raw = numbers(batch.column("raw"))
        status = numbers(batch.column("status"))
        is_good = is_valid(batch.column("raw"))
        with self._lock:
            self._now_ns = max(self._now_ns, int(t_ns.max()))
            for code in np.flatnonzero(np.bincount(codes)):
                name, rows = names[code], np.flatnonzero(codes == code)
                if name in self._missed_of:
                    self._missed_of[name] = int(raw[rows[-1]])
                elif name in self._tallies:
                    good = rows[is_good[rows]]
                    off = int(times_off(status[good]).sum())
                    found = BatchReadings(t_ns[good], read_ns[good], raw[good], off)
                    self._tallies[name].add(found, len(rows) - len(good), not is_good[rows[-1]])

    def levels(self) -> tuple[Level, ...]:
        """What is known now of each channel that was read, or tried, in the order of the channels."""
        with self._lock:
            found = (
                each.level(self._now_ns, self._missed_of[engine(each.channel.lane, "missed")])
                for each in self._tallies.values()
            )
            return tuple(level for level in found if level is not None)
