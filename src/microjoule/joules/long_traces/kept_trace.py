"""A trace that answers for its own windows, of whose readings those alone are kept that the windows need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...arrays import distinct
from ...channel import Channel
from ...errors import NotInParts, TraceError
from ...trace.series import I64, NO_TIME, Series
from ...trace.window import Window
from ..counters.update_record import Updates
from ..energy_trace import Trace
from ..estimates.brackets import F64
from ..estimates.energies import Energies
from ..estimates.total import is_power
from ..peaks import Peaks
from ..power import peaks_w


class Asked(NamedTuple):
    """What a trace is taken for: its windows, or its span where it has none; and all instants of both.

    Attributes:
        edges_ns: int64[n, 2], when the windows begin and end.
        instants_ns: int64[m], ascending.
        readings: The channels, and the recorder's own rows, of which every one is kept.
    """

    edges_ns: I64
    instants_ns: I64
    readings: frozenset[str] = frozenset()

    @classmethod
    def of(cls, trace: Trace) -> Asked:
        """What is to be asked of a trace, as far as it can tell."""
        windows = trace.window_columns
        try:
            span_ns = np.array([[trace.span.t0_ns, trace.span.t1_ns]], np.int64)
        except TraceError:
            span_ns = np.empty((0, 2), np.int64)
        edges_ns = np.stack((windows.t0_ns, windows.t1_ns), axis=1)
        return cls(edges_ns if len(windows) else span_ns, distinct(edges_ns.ravel(), span_ns.ravel()))

    def is_as(self, other: Asked) -> bool:
        """Whether both are the same."""
        both = (self.edges_ns, other.edges_ns), (self.instants_ns, other.instants_ns)
        return all(np.array_equal(*each) for each in both) and self.readings == other.readings


class KeptTrace(Trace):
    """What a trace tells of its windows; its readings are not kept.

    Args:
        sketch: The rows that tell its windows, and those of its beginning and end.
        asked: What it will be asked.
        path: Its file.
        is_truncated: That stopped before the end of its recording.
    """

    def __init__(
        self, sketch: pa.Table, asked: Asked, path: Path | None = None, is_truncated: bool = False
    ) -> None:
        super().__init__(sketch, path, is_truncated)
        self._instants_ns = asked.instants_ns
        self._failures: dict[str, dict[int, int]] = {}
        self._peaks: dict[str, Peaks] = {}
        self._kept: dict[str, Series] = {}

    def peaks(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> tuple[F64, I64]:
        """As of :class:`Trace`, for the trace's own windows.

        Raises:
            TraceError: They are others.
        """
        peaks = self._peaks.get(channel_id)
        if peaks is None:
            return super().peaks(channel_id, t0_ns, t1_ns)
        if np.array_equal(peaks.t0_ns, t0_ns) and np.array_equal(peaks.t1_ns, t1_ns):
            return peaks_w(self.counter(channel_id), peaks), peaks.spans_ns()
        begins = distinct(t0_ns)
        at = np.minimum(np.searchsorted(begins, peaks.t0_ns), len(begins) - 1)
        near = np.flatnonzero(begins[at] == peaks.t0_ns) if len(begins) else at
        edges = zip(peaks.t0_ns[near].tolist(), peaks.t1_ns[near].tolist(), strict=True)
        known = dict(zip(edges, near.tolist(), strict=True))
        asked = [known.get(edges) for edges in zip(t0_ns.tolist(), t1_ns.tolist(), strict=True)]
        numbers = [at for at in asked if at is not None]
        if len(numbers) < len(asked):
            self._refuse("peaks of other windows than its own")
        some = peaks.of(np.array(numbers, np.int64))
        return peaks_w(self.counter(channel_id), some), some.spans_ns()

    def updates(self, channel_id: str) -> Updates:
        """As of :class:`Trace`."""
        record = self._records.get(channel_id)
        if record is None:
            return super().updates(channel_id)
        return record.updates(self.counter(channel_id), *self._common_ns)

    def energy(self, window: str | Window | None = None) -> Energies:
        """As of :class:`Trace`, for windows whose edges were asked for.

        Raises:
            TraceError: Its edges are others.
        """
        edges_ns = np.concatenate(self._edges(window))
        at = np.minimum(np.searchsorted(self._instants_ns, edges_ns), len(self._instants_ns) - 1)
        if not len(self._instants_ns) or (self._instants_ns[at] != edges_ns).any():
            name = window.name if isinstance(window, Window) else window or "trace"
            self._refuse(f"the readings around the window {name!r}")
        return super().energy(window)

    def power(self, channel_id: str, window: str | Window | None = None) -> NoReturn:
        """Refuses: updates are not kept."""
        self._refuse(f"the updates of {channel_id!r} in {window or 'the trace'}")

    def failures(self) -> dict[str, dict[int, int]]:
        """Of each channel whose reads failed, how many with which code."""
        return self._failures

    def series(self, channel_id: str) -> Series:
        """The readings of a channel that was asked for.

        Raises:
            TraceError: Others were.
        """
        if channel_id not in self._kept:
            self._refuse(f"the readings of {channel_id!r}")
        return self._kept[channel_id]

    def own(self, name: str) -> Series:
        """As of :class:`Trace`, whole where it was asked for, and else what the sketch has of it."""
        return self._kept[name] if name in self._kept else super().own(name)

    def to_arrow(self) -> NoReturn:
        """Refuses: rows are not kept."""
        self._refuse("its rows")

    def __reduce__(self) -> NoReturn:
        """Refuses: of rows that are not kept no copy can be made."""
        self._refuse("its rows")

    def count(self, name: str, codes: dict[int, int]) -> None:
        """Takes how many reads of a channel failed, by their codes."""
        for code, n in codes.items():
            mine = self._failures.setdefault(name, {})
            mine[code] = mine.get(code, 0) + n

    def _refuse(self, what: str) -> NoReturn:
        raise TraceError(f"{what} were not kept while the trace was streamed", "Use `uj.load`")


def is_kept_whole(channel: Channel) -> bool:
    """Whether all readings of a channel are kept, because its energy is nowhere but in all of them.

    That of a gauge, and of a counter that is up to date at every read: each of its readings is an update.
    """
    return is_power(channel) or not channel.timing.update_max_ns


def joined_series(parts: Sequence[Series]) -> Series:
    """One series of successive ones.

    Raises:
        NotInParts: They are not in the order of their times.
    """
    if not parts:
        return _NOTHING
    t_ns = np.concatenate([part.t_ns for part in parts])
    if not bool((t_ns[1:] > t_ns[:-1]).all()):
        raise NotInParts("the readings of a channel are in no order")
    has_failed = any(part.valid is not None for part in parts)
    is_stamped = any(part.sensor_ns is not None for part in parts)
    return Series(
        t_ns,
        np.concatenate([part.read_ns for part in parts]),
        np.concatenate([part.raw for part in parts]),
        np.broadcast_to(np.uint16(0), len(t_ns)),
        np.concatenate([_or(part.valid, len(part), True).astype(bool) for part in parts])
        if has_failed
        else None,
        np.concatenate([_or(part.sensor_ns, len(part), NO_TIME) for part in parts]) if is_stamped else None,
    )


def _or(values: npt.NDArray[Any] | None, n: int, otherwise: int) -> npt.NDArray[Any]:
    """Values, or as many of another where there are none."""
    return np.full(n, otherwise) if values is None else values


_NOTHING = Series(
    np.empty(0, np.int64), np.empty(0, np.uint32), np.empty(0, np.uint64), np.empty(0, np.uint16)
)
