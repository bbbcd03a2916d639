"""A meter's log as a trace, alone or beside the readings of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import BadMeter
from ..recording.writer import Writer
from ..sources.meters.logged import FAILED, Log
from ..trace import schema
from ..trace.raw_trace import RawTrace
from ..units import NS_PER_S

REALTIME = "@clock/realtime"
AROUND_NS = 60 * NS_PER_S  # what is kept of a log before and after a recording
ROWS = 50_000
_SIGN = 1 << 64


def write_alone(log: Log, path: Path) -> int:
    """Writes the log as a trace of its own; how many readings it has.

    Raises:
        TraceError: The file cannot be written.
    """
    writer = Writer(path, [log.channel], {"imported": log.channel.access.path})
    first, last = int(log.realtime_ns[0]), int(log.realtime_ns[-1])
    # No clock of a machine was there: its time is the log's.
    writer.write([writer.rows([(at, 0, REALTIME, at, None) for at in sorted({first, last})])])
    _write(writer, log, log.realtime_ns)
    writer.close()
    return len(log.raw)


def write_beside(log: Log, trace: RawTrace, path: Path) -> tuple[int, int]:
    """Writes a recording's readings with those of the log that were taken meanwhile.

    Returns:
        How many of the log's readings these are, and how many were taken at other times.

    Raises:
        BadMeter: None was taken meanwhile, or the recording has a meter.
        TraceError: The file cannot be written.
    """
    if log.channel.id in trace.channels:
        raise BadMeter(f"{trace.path} has a meter already", "Use a recording without one")
    monotonic_ns, realtime_ns = trace.clock_pairs[REALTIME]
    offset_ns = realtime_ns - monotonic_ns
    t_ns = log.realtime_ns - np.rint(np.interp(log.realtime_ns, realtime_ns, offset_ns)).astype(np.int64)
    kept = (t_ns >= monotonic_ns[0] - AROUND_NS) & (t_ns <= monotonic_ns[-1] + AROUND_NS)
    inside = (t_ns >= monotonic_ns[0]) & (t_ns <= monotonic_ns[-1])
    if not inside.any():
        spans = [_day(int(each[0])) + " to " + _day(int(each[-1])) for each in (log.realtime_ns, realtime_ns)]
        raise BadMeter(
            f"The log covers {spans[0]} and the recording {spans[1]} (UTC): they do not overlap",
            "Check --timezone, and --shift for a logger whose clock is off",
        )
    channels = [*trace.channels.values(), log.channel]
    writer = Writer(path, channels, {**trace.facts, "imported": log.channel.access.path})
    names = pa.array(schema.dictionary(channels))
    for batch in trace.table.to_batches(max_chunksize=ROWS):
        writer.write([_recoded(batch, names)])
    of = Log(log.channel, log.realtime_ns[kept], [v for v, k in zip(log.raw, kept, strict=True) if k], 0)
    _write(writer, of, t_ns[kept])
    writer.close()
    return int(kept.sum()), int((~kept).sum())


def _recoded(batch: pa.RecordBatch, names: pa.Array) -> pa.RecordBatch:
    """A batch with the codes of another dictionary, without the checksums of its own file."""
    words = batch.column("channel").cast(pa.utf8())
    batch = batch.filter(pc.invert(pc.is_in(words, pa.array(schema.CHECKS))))
    codes = pc.index_in(batch.column("channel").cast(pa.utf8()), names).cast(pa.uint16())
    at = batch.schema.get_field_index("channel")
    column = pa.DictionaryArray.from_arrays(codes, names)
    return batch.set_column(at, pa.field("channel", column.type, nullable=False), column)


def _write(writer: Writer, log: Log, t_ns: np.ndarray) -> None:
    rows = [
        schema.Reading(
            t_ns=at,
            read_ns=0,
            channel=log.channel.id,
            raw=None if raw is None else raw % _SIGN,
            sensor_ns=sensor_ns,
            status=FAILED if raw is None else 0,
        )
        for at, raw, sensor_ns in zip(t_ns.tolist(), log.raw, log.realtime_ns.tolist(), strict=True)
    ]
    for begin in range(0, len(rows), ROWS):
        writer.write([writer.readings(rows[begin : begin + ROWS])])


def _day(realtime_ns: int) -> str:
    return str(np.datetime64(realtime_ns, "ns").astype("datetime64[s]"))
