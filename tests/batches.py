"""Batches as a recorder hears them, of readings that a test makes up."""

import pyarrow as pa

from microjoule.channel.reading_status import UNCOUNTED
from microjoule.trace import schema


def batch(channels, rows):
    """A batch of ``(t_ns, channel, raw)`` rows; a raw of None is a read that failed.

    A fourth value is how often the channel's event was off since the row before.
    """
    names = schema.dictionary(channels)
    rows = [(*row, 0)[:4] for row in rows]
    t_ns, of, raw, off = zip(*rows, strict=True) if rows else ((), (), (), ())
    told = [UNCOUNTED + times if times else 0 for times in off]
    codes = pa.array([names.index(name) for name in of], pa.uint16())
    columns = [
        pa.array(t_ns, pa.int64()),
        pa.array([1000] * len(rows), pa.uint32()),
        pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.utf8())),
        pa.array(raw, pa.uint64()),
        pa.nulls(len(rows), pa.int64()),
        pa.array([5 if r is None else each for r, each in zip(raw, told, strict=True)], pa.uint16()),
        pa.nulls(len(rows), pa.utf8()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema.schema(channels, {}))
