"""From the ring into the file: rows a second, bytes a reading, and how long the GIL is held.

The rows are read before the clock starts, so that only the drain and the writing are in the figure.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import floor
import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from microjoule._native import Sampler
from microjoule.channel import Access, Channel
from microjoule.recording import RawRecorder, RecordingPlan
from microjoule.recording.writer import Writer
from microjoule.trace import exporting, schema
from microjoule.trace.parts import survey
from microjoule.trace.raw_trace import RawTrace

ROUNDS = 31
ROWS_A_DRAIN = 3800  # four channels at 1 kHz, drained every 0.95 s
SECONDS = 10.0
UPDATE_S = 0.001
UPDATE_NS = 976_562  # RAPL's
COUNTS_A_JOULE = 1 << 14
DRAINS = 200


def sampler(channels: list[Channel], ring_rows: int) -> Sampler:
    table = [
        (c.access.reader, c.access.path, c.access.type, c.access.config, c.access.cpu, code)
        for code, c in enumerate(channels)
    ]
    return Sampler("write", table, 1_000_000, ring_rows)


def filled(lane: Sampler, ticks: int) -> None:
    for _ in range(ticks):
        lane.tick()


@pytest.mark.parametrize("rows", [ROWS_A_DRAIN, 40_000])
def test_drain_and_write(benchmark: BenchmarkFixture, tmp_path: Path, rows: int) -> None:
    """Each step, and all three; 40 000 rows are a drain at 10 kHz with a second's backlog."""
    channels = floor.tsc_channels(4)
    lane = sampler(channels, rows)
    writer = Writer(tmp_path / "write.arrows", channels, {})
    steps: list[tuple[float, float, float]] = []

    def once() -> None:
        start = time.perf_counter()
        drained = lane.drain()
        middle = time.perf_counter()
        batch = writer.columns(drained)
        wrapped = time.perf_counter()
        writer.write([batch])
        steps.append((middle - start, wrapped - middle, time.perf_counter() - wrapped))
        assert drained.length == rows

    benchmark.pedantic(once, setup=lambda: filled(lane, rows // 4), rounds=ROUNDS, warmup_rounds=3)
    writer.close()
    parts = [sorted(step)[len(steps) // 2] / rows * 1e9 for step in zip(*steps, strict=True)]
    floor.keep(
        benchmark,
        f"drain and write, {rows} rows at a time",
        [rows / sum(step) / 1e6 for step in steps],
        "million rows/s",
        "",
        "drain {:.1f}, wrap {:.1f}, compress and write {:.1f} ns a row".format(*parts),
    )


@pytest.mark.parametrize("own_rows", [False, True])
def test_gil_held_by_a_drain(benchmark: BenchmarkFixture, tmp_path: Path, own_rows: bool) -> None:
    """How much a Python program that is busy all the time loses to each drain.

    What grows with the rows is done without it, and so are compressing and writing (pyarrow lets it
    go for both); so the CPU time of draining and wrapping four rows bounds it from above.
    Once a second the recorder's own rows (clocks, the lane's account) come on top.
    """
    channels = floor.tsc_channels(4)
    lane = sampler(channels, 64)
    writer = Writer(tmp_path / "gil.arrows", channels, {})
    names = [name for name in schema.dictionary(channels) if name.startswith("@")]
    held: list[float] = []

    def once() -> None:
        lane.tick()
        start = time.thread_time_ns()
        batches = [writer.columns(lane.drain())]
        if own_rows:
            batches.append(writer.rows([(start, 0, name, 1, None) for name in names]))
        held.append((time.thread_time_ns() - start) / 1000)
        writer.write(batches)

    benchmark.pedantic(once, rounds=DRAINS, warmup_rounds=10)
    writer.close()
    what = "and the recorder's own rows " if own_rows else ""
    floor.keep(benchmark, f"GIL held by a drain of one lane {what}(at most)", held, "µs", "≤ 200")


@contextmanager
def counting(files: list[Path]) -> Iterator[None]:
    """Writes what powercap would say, near 55 W, about a thousand times a second."""
    ended = threading.Event()
    chance = random.Random(7)
    energies = [chance.randrange(1 << 36) for _ in files]
    handles = [file.open("wb", buffering=0) for file in files]

    def write() -> None:
        while True:
            for i, handle in enumerate(handles):
                energies[i] += round(61 * chance.gauss(900 / (i + 1), 40 / (i + 1)))
                handle.seek(0)
                handle.write(b"%020d\n" % energies[i])
            if ended.wait(UPDATE_S):
                return

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    time.sleep(10 * UPDATE_S)
    try:
        yield
    finally:
        ended.set()
        writer.join()
        for handle in handles:
            handle.close()


def bytes_a_reading(path: Path, channels: list[Channel]) -> float:
    with RawRecorder(RecordingPlan(path=path, channels=tuple(channels))):
        time.sleep(SECONDS)
    return in_stream(path)


def in_stream(path: Path) -> float:
    """Bytes a row of a file, its opening aside: 3.5 kB, a tenth of a byte a reading of 10 s of them."""
    found = survey(path)
    return (path.stat().st_size - len(found.opening)) / found.rows


def keep_bytes(benchmark: BenchmarkFixture, record: Callable[[], float], what: str, target: str) -> None:
    values = []
    benchmark.pedantic(lambda: values.append(record()), rounds=3)
    floor.keep(benchmark, f"on disk, 4 channels at 1 kHz, {what}", values, "bytes a reading", target)


def energies(t_ns: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """RAPL's counts at these times: updates every 0.977 ms or so, power that varies by a twentieth."""
    chance = np.random.default_rng(7)
    raw = np.zeros(len(t_ns), np.uint64)
    for code in np.unique(codes):
        times = t_ns[codes == code]
        n = int((times[-1] - times[0]) / UPDATE_NS) + 100
        updates = times[0] - 50 * UPDATE_NS + np.cumsum(chance.normal(UPDATE_NS, UPDATE_NS / 50, n))
        power_w = 55 / (1 + code) * (1 + chance.normal(0, 0.05, n))
        counts = np.cumsum(power_w * UPDATE_NS * 1e-9 * COUNTS_A_JOULE).astype(np.uint64)
        raw[codes == code] = counts[np.searchsorted(updates, times) - 1]
    return raw


def as_energies(recorded: Path, path: Path, channels: list[Channel]) -> float:
    """Writes the file again with counts of energy for the time-stamps; bytes a reading, as ``in_stream``."""
    writer = Writer(path, channels, {})
    with pa.ipc.open_stream(recorded) as stream:
        table = stream.read_all()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in table["channel"].chunks])
    raw = table["raw"].to_numpy().copy()
    mine = codes < len(channels)
    raw[mine] = energies(table["t_ns"].to_numpy()[mine], codes[mine])
    first = 0
    for batch in table.to_batches():
        part = pa.array(raw[first : first + batch.num_rows])
        place, field = table.schema.get_field_index("raw"), table.schema.field("raw")
        writer.write([batch.set_column(place, field, part)])
        first += batch.num_rows
    writer.close()
    return in_stream(path)


def test_bytes_of_group_reads(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """One time for four readings; as recorded, and with RAPL's counts in place of the time-stamps."""
    channels = floor.tsc_channels(4)
    path = tmp_path / "group.arrows"
    as_recorded: list[float] = []

    def record() -> float:
        as_recorded.append(bytes_a_reading(path, channels))
        return as_energies(path, tmp_path / "energies.arrows", channels)

    keep_bytes(benchmark, record, "group reads, RAPL-like counts", "≤ 3.6")
    what = "on disk, 4 channels at 1 kHz, group reads, TSC (18 noisy bits)"
    floor.keep(benchmark, what, as_recorded, "bytes a reading")


def test_bytes_of_separate_reads(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    files = [tmp_path / f"energy-{i}" for i in range(4)]
    channels = [
        floor.channel(f"package-0/{i}", Access(reader="text", path=str(file))) for i, file in enumerate(files)
    ]
    path = tmp_path / "separate.arrows"

    def record() -> float:
        with counting(files):
            return bytes_a_reading(path, channels)

    keep_bytes(benchmark, record, "separate reads (text)", "≤ 6.5")


@pytest.mark.parametrize(("form", "target"), [("parquet", "≤ 4.8"), ("wide", "≤ 2.0")])
def test_bytes_of_exports(benchmark: BenchmarkFixture, tmp_path: Path, form: str, target: str) -> None:
    """Group reads with RAPL's counts, as ``uj export`` writes them."""
    channels = floor.tsc_channels(4)
    recorded, path, exported = (tmp_path / name for name in ("group.arrows", "energies.arrows", "exported"))

    def record() -> float:
        bytes_a_reading(recorded, channels)
        as_energies(recorded, path, channels)
        trace = RawTrace.load(path)
        with exported.open("wb") as sink:
            getattr(exporting, form)(trace, sink)
        return exported.stat().st_size / sum(len(trace.series(name)) for name in trace.channels)

    keep_bytes(benchmark, record, f"group reads, RAPL-like counts, uj export --{form}", target)
