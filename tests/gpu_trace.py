"""A trace of GPUs of constant power, each with a counter of millijoules, and with both clocks in it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
from gpu_profile import BASE_NS
from ideal import MS, T0, Ideal, constant, rows, write

from microjoule.trace import schema

OFFSET = BASE_NS + 7_000_000_000 - T0  # of the day's clock over the trace's
BASE = Ideal(constant(1.0), n=400, poll_ns=10 * MS, update_ns=20 * MS, declared_max=3, unit=Fraction(1, 1000))


def uuid(number: int) -> str:
    return f"GPU-00000000-0000-0000-0000-{number:012d}"


def gpu(number: int, watts: float) -> Ideal:
    return replace(BASE, wave=constant(watts), id=f"gpu-{number}/energy", limit_w=700.0, seed=number)


def facts(numbers, visible=None, names=None, hostname="ideal"):
    """What a trace says of its machine; ``visible`` are the variables of the program, None: not kept."""
    named = names or ["NVIDIA H100 80GB HBM3"] * len(numbers)
    gpus = [{"index": n, "uuid": uuid(n), "name": name} for n, name in zip(numbers, named, strict=True)]
    found = {"host": {"hostname": hostname}, "gpus": gpus}
    return found if visible is None else {**found, "visible_devices": visible}


def trace(path: Path, watts: dict[int, float], visible=None, names=None, hostname="ideal") -> Path:
    """Writes the trace, four seconds of it.

    Args:
        watts: GPU -> its power.
        visible: The variables that the program saw; None: an older trace that does not keep them.
        names: The models; None: all alike.
    """
    ideals = [gpu(number, each) for number, each in watts.items()]
    table = clocked(rows(ideals), range(0, 4_000 * MS, 500 * MS))
    known = schema.schema([each.channel for each in ideals], facts(list(watts), visible, names, hostname))
    return write(path, table.cast(known))


def clocked(table: pa.Table, at=range(0, 900 * MS, 100 * MS), offset: int = OFFSET) -> pa.Table:
    """The table with pairs of its clock and the day's, at instants after its beginning."""
    names = table.column("channel").chunk(0).dictionary.to_pylist()
    times = [T0 + each for each in at]
    n = len(times)
    code = pa.DictionaryArray.from_arrays(
        pa.array([names.index("@clock/realtime")] * n, pa.uint16()), pa.array(names)
    )
    columns = [
        pa.array(times, pa.int64()),
        pa.array([100] * n, pa.uint32()),
        code,
        pa.array([t + 50 + offset for t in times], pa.uint64()),
        pa.nulls(n, pa.int64()),
        pa.array([0] * n, pa.uint16()),
        pa.nulls(n, pa.utf8()),
    ]
    more = pa.table(columns, schema=table.schema)
    return pa.concat_tables([table, more]).sort_by("t_ns")
