"""Each channel as a line over time, for viewers: a value from each instant on, and where there is none.

A counter's value is its mean power between two updates, so that the area under the line is the energy; a
gauge of watts is drawn between its readings; any other gauge is what it said.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..channel import Channel, Encoding, Kind
from ..trace.series import I64
from .energy_trace import Trace
from .estimates.brackets import F64
from .estimates.estimate import STATUSES
from .gauges.gauge import Gauge
from .power import with_position

_FAILED = STATUSES.index("failed")


class Gap(NamedTuple):
    """A time ``[t0_ns, t1_ns)`` of which a channel tells no value, and the status that says why."""

    t0_ns: int
    t1_ns: int
    status: str


class Count(NamedTuple):
    """A counter at n + 1 edges, its updates.

    Attributes:
        edges_ns: int64[n + 1].
        position: int64[n + 1], as ``Counter.position`` has it.
        is_known: bool[n], whether what it counted between two edges is known.
    """

    edges_ns: I64
    position: I64
    is_known: npt.NDArray[np.bool_]


class Track(NamedTuple):
    """What one channel said over time.

    Attributes:
        channel: Its id.
        unit: ``W``, or the quantity of a gauge: ``°C``, ``Hz``, ``1``.
        provenance: ``measured`` or ``estimated``.
        t_ns: int64[n], CLOCK_MONOTONIC, ascending: from when each value holds, up to the next or to a gap.
        value: float64[n], in ``unit``; all finite.
        gaps: Times without a value, ascending; after the last one nothing is known either.
        counted: What a counter had counted at all its updates, those in gaps too; None: it is no counter of
            energy, or nothing of it is bracketed.
    """

    channel: str
    unit: str
    provenance: str
    t_ns: I64
    value: F64
    gaps: tuple[Gap, ...]
    counted: Count | None = None


def tracks(trace: Trace) -> list[Track]:
    """The channels of a trace as lines, in the order of its table; those that say nothing to draw are none.

    Counters of anything but energy are left out: they have no power.
    """
    trace.unwrap_all()
    found = [_track(trace, trace.channels[name]) for name in drawn(trace)]
    return [track for track in found if len(track.t_ns) or track.gaps]


def drawn(trace: Trace) -> list[str]:
    """The channels that are lines where they say anything, in the order of the table."""
    of = trace.channels.items()
    return [name for name, channel in of if channel.kind is Kind.GAUGE or name in trace.energy_channels]


def _track(trace: Trace, channel: Channel) -> Track:
    is_power = channel.id in trace.energy_channels or isinstance(trace.meter(channel.id), Gauge)
    unit = "W" if is_power else channel.scale.quantity
    count = None
    if is_power:
        starts, value, status, count = _power(trace, channel)
    else:
        starts, value, status = _level(trace, channel)
    if not len(starts):
        return Track(channel.id, unit, channel.provenance, starts, value, ())
    status = np.where(np.isfinite(value), status, np.maximum(status, 1))
    if channel.id in trace.dead:
        status = np.full(len(starts), _FAILED)
    is_told = status == 0
    ends = np.append(starts[1:], max(trace.last_ns, int(starts[-1])))
    gaps = _gaps(starts, ends, status)
    return Track(channel.id, unit, channel.provenance, starts[is_told], value[is_told], gaps, count)


def _power(trace: Trace, channel: Channel) -> tuple[I64, F64, I64, Count | None]:
    """From when each mean power holds, the watts and the status; from the first instant that is bracketed."""
    meter = trace.meter(channel.id)
    if meter.span_ns is None:
        return np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), None
    bins, position = with_position(meter, meter.span_ns[0], max(trace.last_ns, meter.span_ns[1]))
    count = Count(bins.edges_ns, position, bins.status == 0) if len(position) else None
    return bins.edges_ns[:-1], bins.watts, bins.status.astype(np.int64), count


def _level(trace: Trace, channel: Channel) -> tuple[I64, F64, npt.NDArray[np.int64]]:
    """What a gauge of no power said at its readings; of a failed one nothing."""
    series = trace.series(channel.id)
    raw = series.raw.view(np.int64) if channel.encoding is Encoding.SIGNED else series.raw
    value = raw.astype(np.float64) * float(channel.scale.unit)
    is_read = np.ones(len(series), bool) if series.valid is None else series.valid
    return series.t_ns, np.where(is_read, value, np.nan), np.where(is_read, 0, _FAILED)


def _gaps(starts: I64, ends: I64, status: npt.NDArray[np.int64]) -> tuple[Gap, ...]:
    """Neighbouring stretches of one bad status as one gap each."""
    first = np.flatnonzero(np.diff(status, prepend=-1))
    last = np.append(first[1:], len(status)) - 1
    return tuple(
        Gap(int(starts[a]), int(ends[b]), STATUSES[status[a]])
        for a, b in zip(first.tolist(), last.tolist(), strict=True)
        if status[a] and ends[b] > starts[a]
    )
