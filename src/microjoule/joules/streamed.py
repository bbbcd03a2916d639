"""A trace that answers for its own windows without ever being in memory as a whole.

The file is surveyed first, for its marks and its two ends, which tell the windows; then it is taken part
by part, and of each counter that is kept which the windows depend on (:mod:`microjoule.joules.digest`).
Where the windows turn out otherwise, as when a channel fell silent on the way, the file is taken again.
The figures are those of :func:`microjoule.load`, to the bit. A power gauge's energy is nowhere but in
its samples: gauges are kept whole, 30 bytes a reading.

Decision: one way to report, small trace or large, because two would have to agree. What was given up:
anything about instants that are not a window's edge; for that there is ``load``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from ..arrays import distinct
from ..channel import Channel
from ..errors import NotInParts, TraceError
from ..trace.activity import Activity
from ..trace.crew import WORTH_THREADS_ROWS, Crew
from ..trace.parts import BatchSurvey, parts, survey
from ..trace.raw_trace import RawTrace
from ..trace.schema import ACTIVITY
from ..trace.series import I64, NO_TIME, Series, SeriesColumns
from ..trace.window import Window
from .brackets import F64
from .counter import Counter
from .digest import Digest
from .energies import Energies
from .energy_trace import Trace, failed, load
from .gauge import Gauge
from .peaks import Peaks
from .power import peak_span_ns, peaks_w
from .total import beside, is_power
from .update_record import UpdateRecord, Updates


class Asked(NamedTuple):
    """What a trace is taken for: its windows, or its span where it has none; and all instants of both.

    Attributes:
        edges_ns: int64[n, 2], when the windows begin and end.
        instants_ns: int64[m], ascending.
    """

    edges_ns: I64
    instants_ns: I64

    @classmethod
    def of(cls, trace: Trace) -> Asked:
        """What is to be asked of a trace, as far as it can tell."""
        windows = trace.windows
        try:
            span: tuple[Window, ...] = (trace.span,)
        except TraceError:
            span = ()
        edges_ns = _edges_ns(windows)
        return cls(
            edges_ns if windows else _edges_ns(span), distinct(edges_ns.ravel(), _edges_ns(span).ravel())
        )

    def is_as(self, other: Asked) -> bool:
        """Whether both are the same."""
        return all(map(np.array_equal, self, other))


def _edges_ns(windows: Sequence[Window]) -> I64:
    """int64[n, 2]: when windows begin and end."""
    edges = np.empty((len(windows), 2), np.int64)
    edges[:, 0] = [window.t0_ns for window in windows]
    edges[:, 1] = [window.t1_ns for window in windows]
    return edges


class StreamedTrace(Trace):
    """What a trace file tells of its windows; its readings are not kept.

    Args:
        found: The survey of the file.
        sketch: Its sketch, as a trace.
        asked: What it will be asked.
        told: Hears which share of the rows was taken.

    Raises:
        NotInParts: It cannot be taken part by part.
    """

    def __init__(
        self, found: BatchSurvey, sketch: RawTrace, asked: Asked, told: Callable[[float], None]
    ) -> None:
        super().__init__(found.sketch, found.path, found.is_truncated)
        self.recorded_windows = sketch.recorded_windows  # a hundred thousand of them are not paired twice
        channels, energies = self.channels, self.energy_channels
        gauges = [each for name in energies for each in beside(channels[name], channels)]
        events = [name for name, each in channels.items() if each.is_of_command]
        in_turn = dict.fromkeys((*gauges, *energies, *events))  # counters are held against gauges before them
        instants = distinct(asked.instants_ns, self.marks.instants_ns())
        takers = {name: _taker(channels[name], asked, instants) for name in in_turn}
        self._instants_ns = asked.instants_ns
        self._failures: dict[str, dict[int, int]] = {}
        taken, busy = 0, []
        with Crew((os.cpu_count() or 1) if found.rows > WORTH_THREADS_ROWS else 0) as crew:
            for columns in parts(found):
                fed = {name: crew.submit(_fed, columns, takers, name) for name in self.channels}
                for name, failures in fed.items():
                    self._count(name, failures.result())
                busy.append(columns.activity(ACTIVITY))
                taken += columns.n
                told(taken / found.rows)
        self.activity = Activity(self._subjects, *map(np.concatenate, zip(*busy, strict=True)))
        self._peaks: dict[str, Peaks] = {}
        self._records: dict[str, UpdateRecord] = {}
        for name, taker in takers.items():
            if isinstance(taker, _Counted):
                self._peaks[name], self._records[name] = taker.peaks, taker.record
                self._meters[name] = self._beside_gauges(taker.meter(self), taker.record)
            else:
                self._meters[name] = taker.meter(self)

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
        return record.updates(self.counter(channel_id), self.span.t0_ns, self.span.t1_ns)

    def energy(self, window: str | Window | None = None) -> Energies:
        """As of :class:`Trace`, for windows whose edges were asked for.

        Raises:
            TraceError: Its edges are others.
        """
        for of in self._spans(window):
            edges = np.array([of.t0_ns, of.t1_ns])
            at = np.minimum(np.searchsorted(self._instants_ns, edges), len(self._instants_ns) - 1)
            if not len(self._instants_ns) or (self._instants_ns[at] != edges).any():
                self._refuse(f"the readings around the window {of.name!r}")
        return super().energy(window)

    def power(self, channel_id: str, window: str | Window | None = None) -> NoReturn:
        """Refuses: updates are not kept."""
        self._refuse(f"the updates of {channel_id!r} in {window or 'the trace'}")

    def failures(self) -> dict[str, dict[int, int]]:
        """Of each channel whose reads failed, how many with which code."""
        return self._failures

    def series(self, channel_id: str) -> NoReturn:
        """Refuses: readings are not kept."""
        self._refuse(f"the readings of {channel_id!r}")

    def to_arrow(self) -> NoReturn:
        """Refuses: rows are not kept."""
        self._refuse("its rows")

    def _refuse(self, what: str) -> NoReturn:
        raise TraceError(f"{what} were not kept while the trace was streamed", "Take `uj.load`")

    def _count(self, name: str, codes: dict[int, int]) -> None:
        for code, n in codes.items():
            mine = self._failures.setdefault(name, {})
            mine[code] = mine.get(code, 0) + n


def _taker(channel: Channel, asked: Asked, instants_ns: I64) -> _Counted | _Gauged:
    return _Gauged(channel) if is_power(channel) else _Counted(channel, asked, instants_ns)


def _fed(columns: SeriesColumns, takers: Mapping[str, _Counted | _Gauged], name: str) -> dict[int, int]:
    """Hands a channel's readings in a part on to its taker, if it has one; how many failed, by code."""
    series = columns.series(name)
    if name in takers:
        takers[name].add(series)
    return failed(series)


class _Counted:
    """A counter in the making, its peaks, and its updates for a fit."""

    def __init__(self, channel: Channel, asked: Asked, instants_ns: I64) -> None:
        self._digest = Digest(channel, instants_ns)
        self.peaks = Peaks(peak_span_ns(channel), *asked.edges_ns.T.copy())
        self.record = UpdateRecord()
        self._is_first = True

    def add(self, series: Series) -> None:
        self._digest.add(series)
        # When the last update was depends on the next one.
        self._raise(held_back=1)

    def meter(self, trace: Trace) -> Counter:
        self._raise(held_back=0)
        return self._digest.counter(trace.machine).with_learnt_lag(trace.marks)

    def _raise(self, held_back: int) -> None:
        piece, changes = self._digest.updates(held_back)
        if len(changes):
            if len(self.peaks.t0_ns):
                self.peaks.add(piece.update_ns(changes), piece.steps.total[changes])
            # Before its first update nobody knows what the counter had counted.
            self.record.add(piece, changes[int(self._is_first) :])
            self._is_first = False


class _Gauged:
    """The readings of a gauge, all of them."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._series: list[Series] = []

    def add(self, series: Series) -> None:
        if len(series):
            self._series.append(series)

    def meter(self, trace: Trace) -> Gauge:
        return Gauge(
            _joined(self._series), self._channel, *trace.stamp_clocks(self._channel), machine=trace.machine
        )


def stream(path: str | os.PathLike[str], told: Callable[[float], None] = lambda _: None) -> Trace:
    """The trace in a file, ready to answer for its own windows in little memory.

    Of a file that cannot be taken part by part, as one that is damaged inside or whose rows are in no
    order, and of Parquet, it is what :func:`load` gives.

    Args:
        path: The file.
        told: Hears now and then which share of the rows was taken, 0 to 1.

    Raises:
        TraceError: As of ``load``; and of what it is asked later, if that is no window of its own.
    """
    return _streamed(Path(path), Asked.of, told)


def stream_energies(path: str | os.PathLike[str]) -> Trace:
    """As :func:`stream`, but for peak powers, which take as long as all the rest.

    Raises:
        TraceError: As of ``stream``; and of a peak power.
    """
    none = _edges_ns(())
    return _streamed(Path(path), lambda trace: Asked.of(trace)._replace(edges_ns=none), lambda _: None)


def _streamed(path: Path, asked_of: Callable[[Trace], Asked], told: Callable[[float], None]) -> Trace:
    if path.suffix == ".parquet":
        return load(path)
    try:
        found = survey(path)
        sketch = Trace(found.sketch, path, found.is_truncated)
        asked = asked_of(sketch)
        while True:
            trace = StreamedTrace(found, sketch, asked, told)
            needed = asked_of(trace)
            if needed.is_as(asked):
                return trace
            asked = needed
    except NotInParts:
        return load(path)


def _joined(parts: list[Series]) -> Series:
    """One series of successive ones."""
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
