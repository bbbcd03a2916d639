"""Readings integrated a second: from memory, and from a file against pyarrow's bare decode of it.

All the checks are on: wraps, resets, ambiguity, and the bracket of a window over all of it. The
file's figure is a ratio within one run, because decoding depends on the machine and its disk.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import floor
import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from microjoule.channel import Access, Channel, Place, Role, Scale, Timing, Trust
from microjoule.joules.counters.counter import Counter
from microjoule.joules.energy_trace import load
from microjoule.joules.long_traces.streamed import stream, stream_energies
from microjoule.joules.summary import summary
from microjoule.trace import schema
from microjoule.trace.series import Series

READINGS = 8_000_000
SECONDS = 3600
ROUNDS = 9
NAMES = ("package-0", "package-0/core", "package-0/uncore", "package-0/dram")

PACKAGE = Place(device="package", number=0)


def channel(name: str) -> Channel:
    part = name.partition("/")[2]
    return Channel(
        id=name,
        place=replace(PACKAGE, part=part, role=Role.PART) if part else PACKAGE,
        hw_type="cpu",
        source="script",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1 << 14), unit_source="register", modulus=1 << 32),
        timing=Timing(update_ns=1_000_000, update_max_ns=2_000_000),
        trust=Trust(power_limit_w=200.0, parents=() if name == "package-0" else ("package-0",)),
        access=Access(reader="script", path=""),
    )


def readings(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    t_ns = np.arange(n, dtype=np.int64) * 1_000_000 + rng.integers(0, 100_000, n)
    read_ns = rng.integers(800, 1200, n).astype(np.uint32)
    raw = (np.cumsum(rng.integers(1200, 2000, n)).astype(np.uint64) + np.uint64((1 << 32) - 9)) % np.uint64(
        1 << 32
    )
    return t_ns, read_ns, raw


@pytest.fixture(scope="module")
def series() -> Series:
    t_ns, read_ns, raw = readings(READINGS)
    return Series(t_ns, read_ns, raw, np.zeros(READINGS, np.uint16))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace as the recorder leaves it: a batch a second, four channels in one group at 1 kHz."""
    channels = [channel(name) for name in NAMES]
    names = pa.array(schema.dictionary(channels))
    found = schema.schema(channels, {})
    target = tmp_path_factory.mktemp("bench") / "bench.arrows"
    t_ns, read_ns, raw = readings(1000 * SECONDS)
    with pa.ipc.new_stream(str(target), found, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for start in range(0, len(t_ns), 1000):
            part = slice(start, start + 1000)
            codes = np.append(np.tile(np.arange(4, dtype=np.uint16), 1000), [6, 7]).astype(np.uint16)
            n = len(codes)
            columns = [
                np.append(np.repeat(values[part], 4), [values[part][-1]] * 2)
                for values in (t_ns, read_ns, raw)
            ]
            writer.write_batch(
                pa.record_batch(
                    [
                        pa.array(columns[0]), pa.array(columns[1]),
                        pa.DictionaryArray.from_arrays(pa.array(codes), names), pa.array(columns[2]),
                        pa.nulls(n, pa.int64()), pa.array(np.zeros(n, np.uint16)), pa.nulls(n, pa.utf8()),
                    ],
                    schema=found,
                )
            )  # fmt: skip
    return target


def whole(series: Series) -> float | None:
    counter = Counter(series, channel("package-0"))
    return counter.energy(int(series.t_ns[10]), int(series.t_ns[-10])).value


def test_integrate_from_memory(benchmark: BenchmarkFixture, series: Series) -> None:
    """Every reading once, with all checks, on one core."""
    rates: list[float] = []

    def once() -> float | None:
        start = perf_counter()
        value = whole(series)
        rates.append(READINGS / (perf_counter() - start) / 1e6)
        return value

    value = benchmark.pedantic(once, rounds=ROUNDS, warmup_rounds=1)
    assert value == pytest.approx(READINGS * 1599.5 / (1 << 14), rel=1e-3)
    floor.keep(benchmark, "integrated from memory, all checks, one core", rates, "million readings/s", "≥ 80")


def decode(path: Path) -> int:
    """By one thread: pyarrow's own way, a thread a column, takes a quarter longer on batches of this size."""
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source, options=options) as reader:
        return reader.read_all().num_rows


@pytest.mark.parametrize(
    ("what", "integrate", "target"),
    [
        ("in parts", lambda path: stream_energies(path).energy().total.value, "≥ 0.8"),
        ("in parts, with peak powers", lambda path: summary(stream(path)), ""),
        ("whole, and kept", lambda path: load(path).energy().total.value, ""),
    ],
)
def test_integrate_from_file(
    benchmark: BenchmarkFixture, path: Path, what: str, integrate: Callable[[Path], object], target: str
) -> None:
    """Opened, cut apart and integrated, every channel: as a share of the rate of a bare decode."""
    shares: list[float] = []
    rates: list[float] = []

    def both() -> object:
        start = perf_counter()
        decode(path)
        middle = perf_counter()
        value = integrate(path)
        end = perf_counter()
        shares.append((middle - start) / (end - middle))
        rates.append(4 * 1000 * SECONDS / (end - middle) / 1e6)
        return value

    assert benchmark.pedantic(both, rounds=ROUNDS, warmup_rounds=1) is not None
    beside = f"{statistics.median(rates):.1f} million readings/s"
    floor.keep(benchmark, f"integrated from a file {what}", shares, "of the bare decode", target, beside)
