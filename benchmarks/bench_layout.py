"""What the order of rows, the length of batches, zstd's level and the step of ``read_ns`` cost and save.

One recording of four channels at 1 kHz is written again in each way: bytes a reading, and the CPU time
of writing them. The rows' own order, a batch a second, level 1 and 64 ns are what the recorder does.
"""

from __future__ import annotations

import time
from pathlib import Path

import bench_write
import floor
import numpy as np
import pyarrow as pa
from pytest_benchmark.fixture import BenchmarkFixture

from microjoule.channel import Access, Channel
from microjoule.recording import RawRecorder, RecordingPlan
from microjoule.trace import schema

SECONDS = 10.0
BATCH_NS = 950_000_000
ROUNDS = 5
ROWS, CHANNELS = "rows as read", "rows by channel"


def recorded(path: Path, channels: list[Channel]) -> pa.Table:
    """Readings without the recorder's own rows, in the order in which they were read, as one batch.

    The low bits of ``read_ns`` are put back at random: the recorder has rounded them up.
    """
    with RawRecorder(RecordingPlan(path=path, channels=tuple(channels))):
        time.sleep(SECONDS)
    with pa.ipc.open_stream(path) as stream:
        table = stream.read_all().combine_chunks()
    table = table.filter(pa.array(codes_of(table) < len(channels)))
    noise = np.random.default_rng(7).integers(0, schema.READ_STEP_NS, table.num_rows, np.uint32)
    # One read gave a whole group: its rows keep one length.
    t_ns = table["t_ns"].to_numpy()
    noise = noise[np.searchsorted(t_ns, t_ns)] if (np.diff(t_ns) >= 0).all() else noise
    return replaced(table, "read_ns", table["read_ns"].to_numpy() - noise)


def codes_of(table: pa.Table) -> np.ndarray:
    return np.concatenate([chunk.indices.to_numpy() for chunk in table["channel"].chunks])


def replaced(table: pa.Table, name: str, values: np.ndarray) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values))


def batches(table: pa.Table, order: str, batch_ns: int, step_ns: int) -> list[pa.RecordBatch]:
    table = replaced(table, "read_ns", table["read_ns"].to_numpy() | np.uint32(step_ns - 1))
    t_ns = table["t_ns"].to_numpy()
    edges = np.searchsorted(t_ns, np.arange(t_ns[0], t_ns[-1] + batch_ns, batch_ns))
    edges[-1] = len(t_ns)
    found = []
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = table.slice(start, stop - start).combine_chunks().to_batches()[0]
        if order == CHANNELS:
            codes = part.column("channel").indices.to_numpy()
            part = part.take(pa.array(np.argsort(codes, kind="stable")))
        found.append(part)
    return found


def written(parts: list[pa.RecordBatch], level: int) -> tuple[float, float]:
    """Bytes and nanoseconds of CPU a reading."""
    rows = sum(part.num_rows for part in parts)
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=level), use_threads=False)
    times = []
    for _ in range(ROUNDS):
        sink = pa.BufferOutputStream()
        start = time.thread_time_ns()
        with pa.ipc.new_stream(sink, parts[0].schema, options=options) as stream:
            for part in parts:
                stream.write_batch(part)
        times.append(time.thread_time_ns() - start)
    return sink.getvalue().size / rows, min(times) / rows


WAYS = [
    (ROWS, BATCH_NS, 1, 64),
    (ROWS, BATCH_NS, 1, 1),
    (ROWS, BATCH_NS // 2, 1, 64),
    (CHANNELS, BATCH_NS, 1, 64),
    (CHANNELS, BATCH_NS, 3, 64),
    (ROWS, BATCH_NS, 3, 64),
    (ROWS, BATCH_NS, 7, 64),
    (CHANNELS, BATCH_NS, 7, 64),
]


def keep_all(benchmark: BenchmarkFixture, table: pa.Table, what: str) -> None:
    for order, batch_ns, level, step_ns in WAYS:
        parts = batches(table, order, batch_ns, step_ns)
        size, cpu_ns = written(parts, level)
        way = f"{what}: {order}, batches of {batch_ns / 1e9:.2f} s, zstd {level}, steps of {step_ns} ns"
        floor.keep(benchmark, way, [size], "bytes a reading", "", f"{cpu_ns:.0f} ns of CPU a reading")


def test_layouts_of_group_reads(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    channels = floor.tsc_channels(4)
    table = recorded(tmp_path / "group.arrows", channels)
    counts = bench_write.energies(table["t_ns"].to_numpy(), codes_of(table))
    benchmark.pedantic(lambda: keep_all(benchmark, replaced(table, "raw", counts), "group reads"), rounds=1)


def test_layouts_of_separate_reads(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    files = [tmp_path / f"energy-{i}" for i in range(4)]
    channels = [
        floor.channel(f"package-0/{i}", Access(reader="text", path=str(file))) for i, file in enumerate(files)
    ]
    with bench_write.counting(files):
        table = recorded(tmp_path / "separate.arrows", channels)
    benchmark.pedantic(lambda: keep_all(benchmark, table, "separate reads"), rounds=1)
