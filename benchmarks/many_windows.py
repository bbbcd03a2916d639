"""What a report of many windows costs: all of them by name, and a thousand of them listed.

    python benchmarks/many_windows.py           # 1,000 to 1,000,000 windows; some minutes
    python benchmarks/many_windows.py 100000    # of so many, to the terminal only

A trace is written as a recorder leaves it: two channels at 1 kHz, windows of three names of 0.2 to 1 ms, one
after another, each with a number of tokens. A process of its own, kept on one CPU, then does what
``uj report`` does: it reads the file, sums it up and renders the text. Its time is CPU time, imports
included, because another load on the machine would lengthen any other; the quickest of three, of a million
the only one. The share is that of reading and pairing the windows alone. *page* is ``uj report --html``,
once: CPU time, and the largest resident set. Writes ``results/many_windows.md``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import bench_integrate
import numpy as np
import pyarrow as pa
import spine
from conftest import pytest_benchmark_update_machine_info

from microjoule.trace import schema

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 3
ONCE = 1_000_000  # windows from which on one round has to do
BYTES_PER_MB = 10**6
CHANNELS = bench_integrate.NAMES[:2]
NAMES = ("prefill", "decode", "sample")
RESULTS = Path(__file__).resolve().parent / "results" / "many_windows.md"
WORK = """
import sys, time
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import summary
from microjoule.report import as_text
trace = stream(sys.argv[1])
read = time.process_time()
text = as_text.render(summary(trace))
assert "decode" in text
print(read, time.process_time())
"""


def write(path: Path, n_windows: int) -> None:
    """A trace of so many windows."""
    channels = [bench_integrate.channel(name) for name in CHANNELS]
    names, found = schema.dictionary(channels), schema.schema(channels, {})
    rng = np.random.default_rng(1)
    edges = 50_000_000 + np.cumsum(rng.integers(200_000, 1_000_000, 2 * n_windows))
    n, k = int(edges[-1]) // 1_000_000 + 100, len(channels)
    t_ns, read_ns, raw = bench_integrate.readings(n)
    marks = np.tile([names.index(schema.BEGIN), names.index(schema.END)], n_windows)
    labels = np.full(k * n + len(edges), None, object)
    labels[k * n :: 2] = [f'{NAMES[i % 3]}\t{{"tokens":{1 + i % 7}}}' for i in range(n_windows)]
    times = np.concatenate((np.repeat(t_ns, k), edges))
    order = np.argsort(times, kind="stable")
    columns = (
        pa.array(times[order]),
        pa.array(np.append(np.repeat(read_ns, k), np.zeros(len(edges), np.uint32))[order]),
        pa.DictionaryArray.from_arrays(
            pa.array(np.append(np.tile(np.arange(k), n), marks).astype(np.uint16)[order]), pa.array(names)
        ),
        pa.array(np.append(np.repeat(raw, k), np.repeat(np.arange(n_windows), 2).astype(np.uint64))[order]),
        pa.nulls(len(times), pa.int64()),
        pa.array(np.zeros(len(times), np.uint16)),
        pa.array(labels[order].tolist(), pa.utf8()),
    )
    with pa.ipc.new_stream(str(path), found, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(pa.table(columns, schema=found), max_chunksize=2000)


def taken(path: Path) -> tuple[float, float]:
    """CPU seconds up to the end of reading, and up to the end of the report."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    one = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(path)],
        env={**os.environ, **threads},
        preexec_fn=lambda: os.sched_setaffinity(0, one),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    read, whole = map(float, done.stdout.split())
    return read, whole


def page(path: Path) -> tuple[float, float]:
    """CPU seconds of ``uj report --html``, and the process's largest resident set in MB."""
    program = "import sys; from microjoule.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "report", str(path), "--html", str(path.with_suffix(".html"))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the page of {path} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / BYTES_PER_MB


def row(folder: Path, n_windows: int) -> str:
    """A line of the table."""
    path = folder / "many.arrows"
    write(path, n_windows)
    rounds = ROUNDS if n_windows < ONCE else 1
    read, whole = min((taken(path) for _ in range(rounds)), key=lambda both: both[1])
    page_s, page_mb = page(path)
    cells = (f"{n_windows:,}", f"{whole:.2f}", f"{read / whole:.2f}", f"{1e6 * whole / n_windows:.0f}")
    return f"| {' | '.join(cells)} | {page_s:.1f} | {page_mb:.0f} |"


def main(arguments: list[str]) -> None:
    sizes = tuple(map(int, arguments)) or SIZES
    lines = [
        "# The cost of a report of many windows",
        "",
        "Taken by `python benchmarks/many_windows.py`; its first lines say how. CPU time on one core.",
        "",
        "| windows | seconds | share of reading | µs a window | page, s | page, MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    facts: dict[str, object] = {}
    pytest_benchmark_update_machine_info(facts)
    with tempfile.TemporaryDirectory() as folder:
        lines += [row(Path(folder), size) for size in sizes]
    lines += ["", "The machine:", "", *spine.machine({"machine_info": facts})]
    text = "\n".join(lines) + "\n"
    print(text)
    if not arguments:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
