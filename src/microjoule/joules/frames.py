"""The readings of a trace as a tidy table, for pandas, Polars, DuckDB and whatever else takes Arrow.

One row a reading of one channel, by channel and time; the recorder's own rows are left out.

========== ======================== ================================================================
column     Arrow type               meaning
========== ======================== ================================================================
t_ns       int64                    CLOCK_MONOTONIC when the read began
time       timestamp[us, UTC]       the same instant by the machine's real-time clock; null where the
                                    trace has no reading of that
channel    dictionary<utf8>         the channel's id
device     dictionary<utf8>         the kind of device that it is of: ``package``, ``gpu``, …
part       dictionary<utf8>         the part of it: ``core``, ``dram``, …; empty: no part in particular
hw_type    dictionary<utf8>         the same in OpenTelemetry's word: ``cpu``, ``memory``, ``gpu``, …
raw        uint64                   what the interface said: not unwrapped, not scaled; null where the
                                    read failed
count      int64                    of a counter, the counts since the channel's first good reading, over
                                    all wraps; null of a gauge, where a read failed, and from the first
                                    step on of which the count is not certain
energy_j   float64                  of a counter of energy, ``count`` in joules; else null, and of one that
                                    never moved though it must have. Measured or estimated, as ``provenance``
                                    says
value      float64                  of a gauge, what it said in ``quantity``; else null
status     uint16                   0, the code of the failed read, or 5000 and more (docs/format.md)
read_ns    uint32                   how long the read took
sensor_ns  int64                    the device's own time, unconverted; null where it has none
quantity   dictionary<utf8>         ``J``, ``W``, ``s``, ``°C``, ``Hz`` or ``1``: what is counted or gauged
kind       dictionary<utf8>         ``counter`` or ``gauge``
source     dictionary<utf8>         the family of hardware
provenance dictionary<utf8>         ``measured`` or ``estimated``
========== ======================== ================================================================

The energy of a stretch of time is not the difference of two ``energy_j``: a counter shows at a reading
what it had at its last update. ``Trace.energy`` knows that, and how far it may be wrong.

Decision: batches that are made as they are taken, out of the arrays which the trace holds anyway, so that
no consumer needs the table twice. What was given up: random access.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..channel import Channel, Encoding, Kind
from ..late import extra
from ..trace import schema
from ..trace.series import I64, NO_TIME, U64
from ..units import NS_PER_US
from .clocks import on_clock
from .counters.counter import Counter
from .estimates.brackets import F64
from .estimates.total import is_energy

if TYPE_CHECKING:
    from .energy_trace import Trace

BATCH_ROWS = 1 << 17
_WORDS = pa.dictionary(pa.uint16(), pa.utf8())
_TIME = pa.timestamp("us", "UTC")
_TAGS: Mapping[str, Callable[[Channel], str]] = MappingProxyType(
    {
        "channel": lambda channel: channel.id,
        "device": lambda channel: channel.place.device,
        "part": lambda channel: channel.place.part,
        "hw_type": lambda channel: channel.hw_type,
        "quantity": lambda channel: channel.scale.quantity,
        "kind": lambda channel: str(channel.kind),
        "source": lambda channel: channel.source,
        "provenance": lambda channel: channel.provenance,
    }
)

MEANING = b"meaning"  # of a column, in a few words: metadata of its field


def column(name: str, of: pa.DataType, meaning: str, nullable: bool = True) -> pa.Field:
    """A column that says what it means."""
    return pa.field(name, of, nullable, {MEANING: meaning.encode()})


SCHEMA = pa.schema(
    [
        column("t_ns", pa.int64(), "when the read began: CLOCK_MONOTONIC, ns", nullable=False),
        column("time", _TIME, "the same instant by the real-time clock, UTC"),
        column("channel", _WORDS, "its id", nullable=False),
        column("device", _WORDS, "package, gpu, …: the kind of device", nullable=False),
        column("part", _WORDS, "core, dram, …; empty: none in particular", nullable=False),
        column("hw_type", _WORDS, "cpu, memory, gpu, …: OpenTelemetry's word", nullable=False),
        column("raw", pa.uint64(), "what the interface said; null: the read failed"),
        column("count", pa.int64(), "of a counter: counts since its first reading, over all wraps"),
        column("energy_j", pa.float64(), "the same in joules, where it counts energy"),
        column("value", pa.float64(), "of a gauge: what it said, in quantity"),
        column(
            "status",
            pa.uint16(),
            "0, the code of the failed read, or 5000 and more (docs/format.md)",
            nullable=False,
        ),
        column("read_ns", pa.uint32(), "how long the read took, ns", nullable=False),
        column("sensor_ns", pa.int64(), "the device's own time, unconverted, ns"),
        column("quantity", _WORDS, "J, W, s, °C, Hz or 1", nullable=False),
        column("kind", _WORDS, "counter or gauge", nullable=False),
        column("source", _WORDS, "the family of hardware", nullable=False),
        column("provenance", _WORDS, "measured or estimated", nullable=False),
    ]
)


def batches(trace: Trace) -> Iterator[pa.RecordBatch]:
    """The readings in batches of ``SCHEMA``, a channel after the other, each ascending in time."""
    trace.unwrap_all()
    tags = _tags(list(trace.channels.values()))
    clock = trace.clock_pairs[schema.CLOCKS[0]]
    for channel_id in trace.channels:
        readings = _Readings(trace, channel_id)
        for start in range(0, len(readings.series), BATCH_ROWS):
            columns = readings.columns(slice(start, start + BATCH_ROWS), clock)
            n = len(columns["t_ns"])
            columns |= {name: _repeated(words, code, n) for name, words, code in tags[channel_id]}
            yield pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def table(trace: Trace) -> pa.Table:
    """The readings as one Arrow table of ``SCHEMA``."""
    return pa.Table.from_batches(batches(trace), SCHEMA)


def pandas(trace: Trace) -> Any:  # noqa: ANN401 - a class of an optional library
    """The readings as a ``pandas.DataFrame``; integers that may be missing in pandas' nullable types."""
    library = extra("pandas")
    nullable = {pa.uint64(): library.UInt64Dtype(), pa.int64(): library.Int64Dtype()}
    frame = table(trace).to_pandas(types_mapper=nullable.get)
    frame["t_ns"] = frame["t_ns"].astype("int64")
    return frame


def polars(trace: Trace) -> Any:  # noqa: ANN401 - a class of an optional library
    """The readings as a ``polars.DataFrame``."""
    return extra("polars").from_arrow(table(trace))


class _Readings:
    """One channel's readings, and what its counter had counted at each."""

    def __init__(self, trace: Trace, channel_id: str) -> None:
        self.series = trace.series(channel_id)
        self._channel = trace.channels[channel_id]
        # One that never moved, though it must have, tells nothing: its zero is none.
        self._tells_energy = is_energy(self._channel) and channel_id not in trace.dead
        meter = self._meter(trace)
        n = len(self.series)
        self._count = np.zeros(n, np.int64)
        self._is_counted = np.zeros(n, bool)
        self._energy_j = np.zeros(n)
        if meter is not None and len(meter):
            at = np.searchsorted(self.series.t_ns, meter.t_ns)
            self._count[at] = meter.steps.total
            self._is_counted[at] = True
            self._is_counted[at[_first_uncertain(meter) :]] = False
            model = self._channel.trust.model
            self._energy_j = meter.quantity(self._count, 0) * (1.0 if model is None else model.value_w)

    def _meter(self, trace: Trace) -> Counter | None:
        meter = trace.meter(self._channel.id) if self._channel.kind is Kind.COUNTER else None
        return meter if isinstance(meter, Counter) else None

    def columns(self, part: slice, clock: tuple[I64, I64]) -> dict[str, pa.Array]:
        """The columns of some rows, but for what is one for the whole channel."""
        series, is_gauge = self.series, self._channel.kind is Kind.GAUGE
        t_ns, raw = series.t_ns[part], series.raw[part]
        failed = np.zeros(len(t_ns), bool) if series.valid is None else ~series.valid[part]
        nothing = np.ones(len(t_ns), bool)
        sensor_ns = np.full(len(t_ns), NO_TIME) if series.sensor_ns is None else series.sensor_ns[part]
        uncounted = ~self._is_counted[part]
        return {
            "t_ns": pa.array(t_ns),
            "time": _time(t_ns, clock),
            "raw": pa.array(raw, mask=failed),
            "count": pa.array(self._count[part], mask=uncounted),
            "energy_j": pa.array(self._energy_j[part], mask=uncounted if self._tells_energy else nothing),
            "value": pa.array(self._shown(raw), mask=failed if is_gauge else nothing),
            "status": pa.array(series.status[part]),
            "read_ns": pa.array(series.read_ns[part]),
            "sensor_ns": pa.array(sensor_ns, mask=sensor_ns == NO_TIME),
        }

    def _shown(self, raw: U64) -> F64:
        counts = raw.view(np.int64) if self._channel.encoding is Encoding.SIGNED else raw
        return counts.astype(np.float64) * float(self._channel.scale.unit)


def _first_uncertain(meter: Counter) -> int:
    """The first reading of a counter whose count since the first is not known."""
    steps = [*meter.steps.ambiguous[:1].tolist(), *meter.steps.reset[:1].tolist()]
    return min(steps, default=len(meter))


def _time(t_ns: I64, clock: tuple[I64, I64]) -> pa.Array:
    if not len(clock[0]):
        return pa.nulls(len(t_ns), _TIME)
    return pa.array(on_clock(t_ns, *clock) // NS_PER_US).cast(_TIME)


def _tags(channels: Sequence[Channel]) -> dict[str, list[tuple[str, pa.Array, int]]]:
    """By channel, what is the same on all of its rows: column, that column's words, the word's code."""
    found: dict[str, list[tuple[str, pa.Array, int]]] = {channel.id: [] for channel in channels}
    for name, told in _TAGS.items():
        words = [told(channel) for channel in channels]
        known = list(dict.fromkeys(words))
        for channel, word in zip(channels, words, strict=True):
            found[channel.id].append((name, pa.array(known, pa.utf8()), known.index(word)))
    return found


def _repeated(words: pa.Array, code: int, n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.full(n, code, np.uint16)), words)
