"""A trace that answers for its own windows without ever being in memory as a whole.

The file is surveyed first, for its marks and its two ends, which tell the windows; then it is taken part by
part, and of each counter that is kept which the windows depend on
(:mod:`microjoule.joules.long_traces.digest`). Where the windows turn out otherwise, as when a channel fell
silent on the way, the file is taken again. The figures are those of :func:`microjoule.load`, to the bit. A
power gauge's energy is nowhere but in its samples: gauges are kept whole, 30 bytes a reading, and so are
counters that are up to date at every read.

Decision: one way to report, small trace or large, because two would have to agree. What was given up:
anything about instants that are not a window's edge; for that there is ``load``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np

from ...arrays import distinct
from ...channel import Channel
from ...errors import NotInParts
from ...trace.activity import Activity
from ...trace.crew import WORTH_THREADS_ROWS, Crew
from ...trace.parts import BatchSurvey, parts, survey
from ...trace.raw_trace import RawTrace
from ...trace.schema import ACTIVITY, CLOCKS
from ...trace.series import I64, Series, SeriesColumns, failed
from ..counters.counter import Counter
from ..counters.update_record import UpdateRecord
from ..energy_trace import Trace, load
from ..estimates.total import beside, is_power
from ..gauges.gauge import Gauge
from ..lags.lag_of_gauge import placed
from ..peaks import Peaks
from ..power import peak_span
from .digest import Digest
from .kept_trace import Asked, KeptTrace, is_kept_whole, joined_series


class StreamedTrace(KeptTrace):
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
        super().__init__(found.sketch, asked, found.path, found.is_truncated)
        self.recorded_columns = sketch.recorded_columns  # a million of them are not paired twice
        channels, energies = self.channels, self.energy_channels
        gauges = [each for name in energies for each in beside(channels[name], channels)]
        events = [name for name, each in channels.items() if each.is_of_command]
        in_turn = dict.fromkeys((*gauges, *energies, *events))  # counters are held against gauges before them
        instants = distinct(asked.instants_ns, self.marks.instants_ns())
        takers = {name: _taker(channels[name], asked, instants) for name in in_turn}
        own = {name: _Kept() for name in asked.readings if name not in takers}
        taken, busy = 0, []
        with Crew((os.cpu_count() or 1) if found.rows > WORTH_THREADS_ROWS else 0) as crew:
            for columns in parts(found):
                fed = {name: crew.submit(_fed, columns, takers, name) for name in self.channels}
                for name, failures in fed.items():
                    self.count(name, failures.result())
                for name, rows in own.items():
                    rows.add(columns.series(name))
                busy.append(columns.activity(ACTIVITY))
                taken += columns.n
                told(taken / found.rows)
        self.activity = Activity(self._subjects, *map(np.concatenate, zip(*busy, strict=True)))
        self._kept.update({name: rows.series() for name, rows in own.items()})
        for name, taker in takers.items():
            if isinstance(taker, _Counted):
                self._peaks[name], self._records[name] = taker.peaks, taker.record
                self._own[name] = self.related_lags.beside_gauges(taker.meter(self))
            else:
                meter = taker.meter(self)
                if name in asked.readings:
                    self._kept[name] = taker.series()
                self._own[name] = (
                    self.related_lags.beside_gauges(meter) if isinstance(meter, Counter) else meter
                )


def _taker(channel: Channel, asked: Asked, instants_ns: I64) -> _Counted | _KeptWhole:
    if is_kept_whole(channel) or channel.id in asked.readings:
        return _KeptWhole(channel)
    return _Counted(channel, asked, instants_ns)


def _fed(columns: SeriesColumns, takers: Mapping[str, _Counted | _KeptWhole], name: str) -> dict[int, int]:
    """Hands a channel's readings in a part on to its taker, if it has one; how many failed, by code."""
    series = columns.series(name)
    if name in takers:
        takers[name].add(series)
    return failed(series)


class _Counted:
    """A counter in the making, its peaks, and its updates for a fit."""

    def __init__(self, channel: Channel, asked: Asked, instants_ns: I64) -> None:
        self._digest = Digest(channel, instants_ns)
        self.peaks = Peaks(peak_span(channel), *asked.edges_ns.T.copy())
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


class _Kept:
    """All rows of a name."""

    def __init__(self) -> None:
        self._parts: list[Series] = []

    def add(self, series: Series) -> None:
        if len(series):
            self._parts.append(series)

    def series(self) -> Series:
        """All of them, once the last part came."""
        if len(self._parts) > 1:
            self._parts = [joined_series(self._parts)]
        return joined_series(self._parts)


class _KeptWhole(_Kept):
    """All readings of a channel whose energy is nowhere but in them, or of which all are asked for."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def meter(self, trace: Trace) -> Gauge | Counter:
        series, channel = self.series(), self._channel
        if not is_power(channel):
            return Counter(series, channel, trace.machine).with_learnt_lag(trace.marks)
        clocks = trace.stamp_clocks(channel)
        return placed(series, channel, clocks, trace.machine, trace.recorded_columns)


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
    none = np.empty((0, 2), np.int64)
    return _streamed(Path(path), lambda trace: Asked.of(trace)._replace(edges_ns=none), lambda _: None)


def stream_readings(path: str | os.PathLike[str], of: Callable[[Trace], Collection[str]]) -> Trace:
    """As :func:`stream_energies`, with the pairs of clocks, and with all readings of some channels.

    So a trace of many channels answers for any instant of one in the memory that this one needs.

    Args:
        path: The file.
        of: Names the channels, of the trace without their readings.

    Raises:
        TraceError: As of ``stream_energies``.
    """

    def streamed(readings: Collection[str]) -> Trace:
        def asked_of(trace: Trace) -> Asked:
            asked = Asked.of(trace)._replace(edges_ns=np.empty((0, 2), np.int64))
            return asked._replace(readings=frozenset((*CLOCKS, *readings)))

        return _streamed(Path(path), asked_of, lambda _: None)

    first = streamed(())
    return streamed(of(first)) if isinstance(first, StreamedTrace) else first


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
