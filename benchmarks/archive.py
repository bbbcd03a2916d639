"""What an archive costs: a question to 10⁸ readings, and a reading's integration in one part or in many.

    python benchmarks/archive.py              # ten minutes, 1 GB in $TMPDIR; writes results/archive.md
    python benchmarks/archive.py 1000000      # of so many readings, to the terminal only

An archive is filled with traces of 2.5 million readings each (two channels at 100 Hz for 3.5 hours, a
window a minute) of ten hosts, five projects and three months. Asked is `uj archive report --by project,month`
as a process, and the same sums by a scan of all readings, which is what the catalogue saves. Then one trace
of three million readings is integrated whole and in up to 64 parts; the times take turns, and a ratio is
that of neighbours. All times are CPU times of this process, but for the command's.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import pytest_benchmark_update_machine_info

from microjoule.archive import adding, layout, readings
from microjoule.archive.integrating import row_groups
from microjoule.archive.totals import Question, totals
from microjoule.channel import Access, Channel, Place, Role, Scale, Timing, Trust
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms
from microjoule.joules.long_traces.fragments import JoinedTrace, integrated
from microjoule.joules.long_traces.streamed import stream_energies
from microjoule.trace import schema

RESULTS = Path(__file__).with_name("results") / "archive.md"
MS, S = 1_000_000, 1_000_000_000
T0, BEGIN_S = 9_000 * S, 1_759_300_000  # 2025-10-01
TRACE, CHANNELS = 2_500_000, 2
PARTED, PARTS = 3_000_000, (1, 4, 16, 64)
ROUNDS = 3


def channel(name: str, part: str) -> Channel:
    return Channel(
        id=name,
        place=Place(device="package", number=0, part=part, role=Role.PART if part else Role.WHOLE),
        hw_type="memory" if part else "cpu",
        source="rapl_perf",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1 << 14), unit_source="register", modulus=1 << 32),
        timing=Timing(update_ns=MS, update_max_ns=2 * MS),
        trust=Trust(power_limit_w=200.0),
        access=Access(reader="script", path=""),
    )


BOTH = (channel("package-0", ""), channel("package-0/dram", "dram"))
NAMES = schema.dictionary(BOTH)


def write(path: Path, number: int, rows: int, every_ns: int = 10 * MS) -> None:
    """A trace of so many readings, with a window a minute."""
    chance = np.random.default_rng(number)
    ticks = rows // CHANNELS
    t_ns = T0 + np.arange(ticks, dtype=np.int64) * every_ns + chance.integers(0, MS // 4, ticks)
    steps = chance.integers(500, 3000, (CHANNELS, ticks)).astype(np.uint64) * (every_ns // MS)
    counts = np.cumsum(steps, axis=1) % (1 << 32)
    span_ns = int(t_ns[-1]) - T0
    begin_s = BEGIN_S + number * 92 * 86_400 // 500
    facts = {
        "host": {"hostname": f"node{number % 10}", "boot_id": str(number)},
        "environment": "bench",
        "started_realtime_ns": begin_s * S,
    }
    of = schema.schema(BOTH, facts)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    windows = range(max(span_ns // (60 * S), 1))
    marks = []
    for each in windows:
        at = T0 + span_ns * (each * 10 + 1) // (len(windows) * 10)
        marks += [(at, "@begin", each, "step"), (at + span_ns // len(windows) // 2, "@end", each, None)]
    marks += [(T0, "@clock/realtime", begin_s * S, None)]
    with pa.ipc.new_stream(str(path), of, options=options) as stream:
        for start in range(0, ticks, 1000):
            stop = min(start + 1000, ticks)
            n = (stop - start) * CHANNELS
            stream.write_batch(
                batch(
                    of,
                    np.repeat(t_ns[start:stop], CHANNELS),
                    np.tile(np.arange(CHANNELS, dtype=np.uint16), stop - start),
                    counts[:, start:stop].T.ravel(),
                    np.full(n, 1023, np.uint32),
                    [None] * n,
                )
            )
        stream.write_batch(
            batch(
                of,
                np.array([mark[0] for mark in marks], np.int64),
                np.array([NAMES.index(mark[1]) for mark in marks], np.uint16),
                np.array([mark[2] for mark in marks], np.uint64),
                np.zeros(len(marks), np.uint32),
                [mark[3] for mark in marks],
            )
        )


def batch(of, t_ns, codes, raw, read_ns, labels):  # the columns of the trace's schema
    n = len(t_ns)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(t_ns),
            pa.array(read_ns),
            pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(NAMES)),
            pa.array(raw),
            pa.nulls(n, pa.int64()),
            pa.array(np.zeros(n, np.uint16)),
            pa.array(labels, pa.utf8()),
        ],
        schema=of,
    )


def cpu_s(work) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def filled(folder: Path, total: int) -> tuple[str, float]:
    """An archive of so many readings, and how long adding one takes: CPU seconds."""
    address, spent = str(folder / "archive"), 0.0
    store = layout.opened(address, is_made=True)
    of = terms(FactorOptions(zone="DE"))
    for number in range(total // TRACE):
        path = folder / "trace.arrows"
        write(path, number, TRACE)
        spent += cpu_s(lambda at=path, n=number: adding.add(store, at, f"project{n % 5}", of))
        path.unlink()
    return address, spent / total


def scanned(address: str) -> None:
    for name in layout.entries(layout.opened(address)):
        table = pq.read_table(Path(address, name.name(layout.READINGS)), columns=["channel", "raw"])
        assert table.num_rows > 0


def asked(address: str, lines: list[str], total: int) -> None:
    command = [sys.executable, "-m", "microjoule", "archive", "report", "--archive", address]
    walls, cpus = [], []
    for _ in range(3):
        before, begun = os.times(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - begun)
        after = os.times()
        cpus.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    store = layout.opened(address)
    inside = min(cpu_s(lambda: totals(store, Question())) for _ in range(3))
    scan = cpu_s(lambda: scanned(address))
    size = sum(path.stat().st_size for path in Path(address, "readings").rglob("*.parquet"))
    own = sum(path.stat().st_size for path in Path(address, "windows").rglob("*.parquet"))
    n = total // TRACE
    lines += [
        f"| `uj archive report --by project,month`, {total:.0e} readings in {n} traces | "
        f"{min(walls):.1f} s, of CPU {min(cpus):.1f} s |",
        f"| the same without Python's start | {inside:.2f} s of CPU, {1000 * inside / n:.1f} ms a trace |",
        f"| a bare decode of two columns of all readings | {scan / inside:.0f} times as long |",
        f"| readings, bytes each | {size / total:.2f} |",
        f"| catalogue, bytes a trace | {own / n:,.0f} |",
    ]


def parted(folder: Path, rows: int, lines: list[str]) -> None:
    path = folder / "long.arrows"
    write(path, 0, rows, MS)
    of = terms(FactorOptions())
    parts = {}
    for number in PARTS:
        readings.PART_ROWS = -(-(rows + 1000) // number)
        store = layout.opened(str(folder / f"parts{number}"), is_made=True)
        adding.add(store, path, "p", of)
        parts[number] = row_groups(store, layout.entries(store)[0])
    times: dict[int, list[float]] = {number: [] for number in PARTS}
    stream = []
    for _ in range(ROUNDS):
        stream.append(cpu_s(lambda: stream_energies(path).energy()))
        for number in PARTS:
            times[number].append(cpu_s(lambda of=number: _integrate(parts[of])))
    for number in PARTS:
        ratios = [a / b for a, b in zip(times[number], times[1], strict=True)]
        lines.append(
            f"| a reading's integration in {len(parts[number])} parts, to that in one | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
    ratios = [a / b for a, b in zip(times[1], stream, strict=True)]
    n = len(parts[PARTS[-1]])
    lines += [
        f"| one part out of Parquet, to the stream of the trace file | {statistics.median(ratios):.2f} |",
        f"| CPU time of a reading in {n} parts | {min(times[PARTS[-1]]) / rows * 1e9:.0f} ns |",
    ]


def _integrate(parts) -> None:
    trace = integrated(parts)
    assert isinstance(trace, JoinedTrace)
    trace.energy()


def main() -> None:
    total = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**8
    machine: dict[str, object] = {}
    pytest_benchmark_update_machine_info(machine)
    facts = "; ".join(f"{key}: {value}" for key, value in machine.items())
    lines = ["# An archive", "", facts, "", "| what | found |", "|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        address, adding_s = filled(folder, total)
        lines.append(f"| adding a reading, with its windows' figures | {adding_s * 1e9:.0f} ns of CPU |")
        asked(address, lines, total)
        shutil.rmtree(address)
        parted(folder, PARTED, lines)
    text = "\n".join(lines) + "\n"
    print(text)
    if len(sys.argv) == 1:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
