"""Readings that are taken piece by piece, and traces of small batches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
from places import identity

from microjoule.channel import Access, Channel, Kind, Scale, Timing, Trust
from microjoule.trace import schema
from microjoule.trace.series import Series

MS = 1_000_000
MODULUS = 1 << 20
REALTIME_NS = 10**18


def counter(name="package-0", lag_ns=0, update_max_ns=2 * MS, parents=()):
    return Channel(
        **identity(name),
        source="script",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1 << 14), unit_source="register", modulus=MODULUS),
        timing=Timing(update_ns=MS, update_max_ns=update_max_ns, lag_ns=lag_ns),
        trust=Trust(power_limit_w=200.0, parents=parents),
        access=Access(reader="script", path=""),
    )


def series(seed, n, still, rare):
    """Readings about a millisecond apart; some fail, some show no change, few steps are beyond belief."""
    chance = np.random.default_rng(seed)
    t_ns = np.cumsum(chance.integers(MS // 2, 3 * MS // 2, n)) + 10**12
    t_ns[chance.random(n).cumsum() > n / 4] += 50 * MS  # and one long silence
    read_ns = chance.integers(100, 100_000, n).astype(np.uint32)
    counts = chance.integers(0, 4000, n) * (chance.random(n) > still)
    counts = np.where(chance.random(n) < rare, MODULUS // 2, counts)
    raw = (np.cumsum(counts) % MODULUS).astype(np.uint64)
    valid = chance.random(n) > rare
    return Series(t_ns, read_ns, raw, np.where(valid, 0, 5).astype(np.uint16), valid)


def pieces(of, ends):
    for start, stop in zip([0, *ends], [*ends, len(of)], strict=True):
        yield Series(
            of.t_ns[start:stop],
            of.read_ns[start:stop],
            of.raw[start:stop],
            of.status[start:stop],
            of.valid[start:stop],
        )


def gauge():
    return Channel(
        **identity("psu"),
        source="script",
        lane="hwmon",
        kind=Kind.GAUGE,
        scale=Scale(quantity="W", unit=Fraction(1, 1000), unit_source="interface"),
        timing=Timing(update_ns=10 * MS, update_max_ns=20 * MS, sensor_clock="realtime"),
        access=Access(reader="script", path=""),
    )


CHANNELS = (counter(), counter("package-1"), counter("package-1/dram", parents=("package-1",)), gauge())


def write(path, seed, batches, *, has_windows, silent_from):
    """A trace of small batches; from one of them on ``package-1`` says nothing more."""
    chance = np.random.default_rng(seed)
    names = schema.dictionary(CHANNELS)
    found = schema.schema(CHANNELS, {"host": {"hostname": "x"}})
    t_ns, counts, number = 10**12, np.zeros(4, np.int64), 0
    with pa.ipc.new_stream(str(path), found, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream_:
        for batch in range(batches):
            rows = []
            for _ in range(6):
                t_ns += int(chance.integers(MS // 2, 2 * MS))
                counts += chance.integers(0, 3000, 4)
                for code in range(4):
                    failed = chance.random() < 0.02
                    if code != 1 or batch < silent_from:
                        raw = None if failed else int(counts[code] % MODULUS)
                        stamp = t_ns + REALTIME_NS - 300 if code == 3 else None
                        rows.append((t_ns, 900, code, raw, stamp, 5 if failed else 0, None))
            if has_windows and batch % 7 == 3:
                rows.append((t_ns - 2 * MS, 0, names.index("@begin"), number, None, 0, f"step {number % 3}"))
            if has_windows and batch % 7 == 5 and number < 12:
                rows.append((t_ns - MS, 0, names.index("@end"), number, None, 0, None))
                number += 1
            rows.append((t_ns, 0, names.index("@engine/package-0/ticks"), batch, None, 0, None))
            realtime_ns = t_ns + REALTIME_NS + batch * 1000  # it is slewed
            rows.append((t_ns, 50, names.index("@clock/realtime"), realtime_ns, None, 0, None))
            t, read, code, raw, stamp, status, label = zip(*rows, strict=True)
            stream_.write_batch(
                pa.record_batch(
                    [
                        pa.array(t, pa.int64()), pa.array(read, pa.uint32()),
                        pa.DictionaryArray.from_arrays(pa.array(code, pa.uint16()), pa.array(names)),
                        pa.array(raw, pa.uint64()), pa.array(stamp, pa.int64()),
                        pa.array(status, pa.uint16()), pa.array(label, pa.utf8()),
                    ],
                    schema=found,
                )
            )  # fmt: skip
