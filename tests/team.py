"""Traces of a team's machines, of which it is known what they must add up to."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
from ideal import write
from places import identity

from microjoule.channel import Access, Channel, Scale, SensorError, Timing, Trust
from microjoule.trace import schema

MS, S = 1_000_000, 1_000_000_000
T0 = 7_000 * S
MODULUS = 1 << 32
JOULES_A_COUNT = Fraction(1, 1 << 14)
NOVEMBER_S = 1_762_000_000  # 2025-11-01 12:26:40 UTC


def package(name="package-0", gain=0.01):
    return Channel(
        **identity(name),
        source="rapl_perf",
        lane="package-0",
        scale=Scale(quantity="J", unit=JOULES_A_COUNT, unit_source="register", modulus=MODULUS),
        timing=Timing(update_ns=MS, update_max_ns=2 * MS),
        trust=Trust(power_limit_w=100.0, sensor=SensorError(gain=gain, source="a test")),
        access=Access(reader="script", path=""),
    )


def trace(path, *, host="one", watts=50, seconds=2.0, begin_s=NOVEMBER_S, windows=(), seed=0, at_s=None):  # noqa: PLR0913
    """A trace of a package that draws so many watts from the first reading to the last.

    ``windows`` are names with their begin and end in seconds. Seeds are a minute apart, unless ``at_s`` says
    how long after ``begin_s`` the trace begins.
    ``host`` is a name, with ``#`` and a word one of its boots.
    """
    n = round(seconds * 1000) + 1
    channel = package()
    names = schema.dictionary([channel])
    after_s = 60 * seed if at_s is None else at_s
    t0_ns = T0 + round(after_s * S)
    t_ns = t0_ns + np.arange(n, dtype=np.int64) * MS
    counts = (np.arange(n) * round(watts / 1000 / JOULES_A_COUNT) + seed * 1000 + MODULUS - 20_000) % MODULUS
    clock = names.index("@clock/realtime")
    rows = [(int(t), 900, 0, int(c), None) for t, c in zip(t_ns, counts, strict=True)]
    rows += [(int(t), 50, clock, begin_s * S + int(t) - T0, None) for t in (t_ns[0], t_ns[-1])]
    for number, (name, t0, t1) in enumerate(windows):
        rows += [
            (t0_ns + round(t0 * S), 0, names.index("@begin"), number, name),
            (t0_ns + round(t1 * S), 0, names.index("@end"), number, None),
        ]
    rows.sort(key=lambda row: (row[0], row[2]))
    columns = list(zip(*rows, strict=True))
    facts = {
        "host": {"hostname": host.partition("#")[0], "boot_id": f"a boot of {host}"},
        "environment": "e1",
        "started_realtime_ns": seed,
    }
    table = pa.table(
        [
            pa.array(columns[0], pa.int64()),
            pa.array(columns[1], pa.uint32()),
            pa.DictionaryArray.from_arrays(pa.array(columns[2], pa.uint16()), pa.array(names)),
            pa.array(columns[3], pa.uint64()),
            pa.nulls(len(rows), pa.int64()),
            pa.array(np.zeros(len(rows)), pa.uint16()),
            pa.array(columns[4], pa.utf8()),
        ],
        schema=schema.schema([channel], facts),
    )
    return write(path, table, 200)
