"""The time and the memory that a profile of stacks takes: ``python benchmarks/long_profiles.py [SAMPLES …]``.

Writes the text of ``perf script`` of a program with eight threads and 200 different stacks of 30 frames, a
thousand samples a second of each, whose innermost frame has one of 4,096 addresses, and a trace of a counter
that is updated each millisecond; then runs ``uj attribute`` as a process of its own. A million samples are
2.6 GB of text. Time is CPU time, of user and system; memory is the largest resident set. *empty* is the same
trace with a profile of 1,000 samples. Writes ``results/long_profiles.md``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import spine
from conftest import pytest_benchmark_update_machine_info

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from ideal import MS, Ideal, constant

from microjoule.trace import schema

SIZES = (10_000, 100_000, 1_000_000)
THREADS, STACKS, FRAMES, ADDRESSES = 8, 200, 30, 4096
T0 = 1_000_000_000_000
PERIOD_NS = 1_003_009
BYTES_PER_MB = 10**6
RESULTS = Path(__file__).parent / "results" / "long_profiles.md"
HEAD = """# The time and the memory of long profiles of stacks

Taken by `python benchmarks/long_profiles.py`; its first lines say how.

| samples | text, MB | CPU time, s | µs a sample | memory, MB | of it beyond *empty*, MB |
|---|---|---|---|---|---|
"""


def write_profile(path: Path, n: int) -> None:
    rng = random.Random(1)
    frame = "\t    7f{address:010x} {name}+0x{offset:x} (/usr/lib/x86_64-linux-gnu/libprogram.so.1.0)\n"
    outer = [
        "".join(
            frame.format(
                address=(s * 31 + d) << 12, name=f"function_{(s * 7 + d * 13) % 900}_of_a_module", offset=d
            )
            for d in range(1, FRAMES)
        )
        for s in range(STACKS)
    ]
    stay = [0] * THREADS
    with path.open("w", encoding="ascii") as file:
        for number in range(n):
            thread = number % THREADS
            t = T0 + 20 * MS + number // THREADS * PERIOD_NS + thread * 1000 + rng.randrange(500)
            if rng.random() < 0.05:
                stay[thread] = rng.randrange(STACKS)
            ip = rng.randrange(ADDRESSES)
            leaf = frame.format(address=(stay[thread] << 12) + ip, name=f"leaf_{stay[thread]}", offset=ip)
            head = f"program 7/{7 + thread} {t // 10**9:5d}.{t % 10**9:09d}:    1003009 cpu-clock: \n"
            file.write(f"{head}{leaf}{outer[stay[thread]]}\n")


def write_trace(path: Path, span_s: float) -> None:
    channel = Ideal(constant(50.0), n=10, limit_w=100.0).channel
    n = int(span_s * 1000)
    rng = np.random.default_rng(0)
    watts = np.repeat(rng.choice([30.0, 90.0], n // 50 + 1), 50)[:n]
    raw = np.cumsum(watts * 1e-3 / float(channel.scale.unit)).astype(np.uint64)
    names = pa.array(schema.dictionary([channel]))
    columns = [
        pa.array(T0 + np.arange(n) * MS + rng.integers(0, 20_000, n)),
        pa.array(np.full(n, 2000, np.uint32)),
        pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.uint16)), names),
        pa.array(raw),
        pa.array(np.zeros(n, np.int64)),
        pa.array(np.zeros(n, np.uint16)),
        pa.nulls(n, pa.utf8()),
    ]
    table = pa.table(columns, schema=schema.schema([channel], {"host": {"hostname": "ideal"}}))
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)


def taken(trace: Path, profile: Path) -> tuple[float, float]:
    """CPU seconds and megabytes."""
    line = [sys.executable, "-m", "microjoule", "attribute", str(trace), str(profile), "--json", os.devnull]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(line)} exits with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / BYTES_PER_MB


def row(n: int, profile_bytes: int, cpu_s: float, most: float, least: float) -> str:
    """A line of the table, printed: of ``n`` samples or events."""
    cells = (
        f"{n:,}",
        f"{profile_bytes / BYTES_PER_MB:,.0f}",
        f"{cpu_s:.1f}",
        f"{cpu_s / n * 1e6:.0f}",
        f"{most:.0f}",
        f"{most - least:.0f}",
    )
    line = f"| {' | '.join(cells)} |"
    print(line, flush=True)
    return line


def keep(rows: list[str], head: str, path: Path) -> None:
    """Writes the table, where all its sizes were taken."""
    if len(sys.argv) == 1:
        facts: dict[str, object] = {}
        pytest_benchmark_update_machine_info(facts)
        lines = [*rows, "", "The machine:", "", *spine.machine({"machine_info": facts})]
        path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    rows = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            trace, profile, empty = (Path(folder, name) for name in ("t.arrows", "p.txt", "e.txt"))
            write_trace(trace, n / THREADS * PERIOD_NS / 1e9 + 0.1)
            write_profile(empty, 1000)
            write_profile(profile, n)
            _, least = taken(trace, empty)
            cpu_s, most = taken(trace, profile)
            profile_bytes = profile.stat().st_size
        rows.append(row(n, profile_bytes, cpu_s, most, least))
    keep(rows, HEAD, RESULTS)


if __name__ == "__main__":
    main()
