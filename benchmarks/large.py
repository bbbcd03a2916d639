"""The cost of a reading and the memory, from ten thousand readings to a thousand million.

    python benchmarks/large.py              # up to 10^9; a quarter of an hour, 4 GB of disk in $TMPDIR
    python benchmarks/large.py 10000000     # up to so many, to the terminal only

For each size a trace is written as a recorder leaves it (four channels in one group at 1 kHz, a batch a
second, a window around all but its ends) and then read by processes of their own: pyarrow's bare decode,
batch by batch; the energies of its windows; and all that ``uj report`` shows, which adds peak powers. Each
time is that of the work, once the process has done it to a small trace, so that neither the start of Python
nor imports count; the memory is the process's largest resident set, all included. Writes
``results/large.md``, line by line.
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

SIZES = (*(10**power for power in range(4, 10)), 6 * 10**9)  # the last one takes 10 GB
TICKS = 1000  # a batch
ROUNDS = 3
ONCE = 10**9  # readings from which on one round has to do
SMALL = "small.arrows"
BYTES_PER_MB = 10**6
RESULTS = Path(__file__).resolve().parent / "results" / "large.md"
WORK = {
    "bare decode": """
import pyarrow as pa
def work(path):
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.OSFile(path) as source, pa.ipc.open_stream(source, options=options) as reader:
        for batch in reader:
            pass
""",
    "energies": """
from microjoule.joules.long_traces.streamed import stream_energies
def work(path):
    trace = stream_energies(path)
    for window in trace.windows:
        assert trace.energy(window).total.status == "ok"
""",
    "report": """
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import summary
def work(path):
    assert summary(stream(path))["windows"][0]["total"]["status"] == "ok"
""",
}
TIMED = """
import sys, time
work(sys.argv[2])
start = time.perf_counter()
work(sys.argv[1])
print(time.perf_counter() - start)
"""


def write(path: Path, readings: int) -> None:
    """A trace of about so many readings."""
    channels = [bench_integrate.channel(name) for name in bench_integrate.NAMES]
    names = schema.dictionary(channels)
    found = schema.schema(channels, {})
    dictionary = pa.array(names)
    begin, end, clock = names.index(schema.BEGIN), names.index(schema.END), names.index(schema.CLOCKS[0])
    ticks = readings // len(channels)
    t_ns, read_ns, raw = bench_integrate.readings(TICKS * min(64, -(-ticks // TICKS)))
    constant: dict[tuple[int, int], tuple[pa.Array, ...]] = {}  # columns that are the same in most batches
    span_ns, counted = len(t_ns) * 1_000_000, int(np.uint64(raw[-1] - raw[0]) % np.uint64(1 << 32)) + 1600
    with pa.ipc.new_stream(str(path), found, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for first in range(0, ticks, TICKS):
            n = min(TICKS, ticks - first)
            again, start = divmod(first, len(t_ns))
            part = slice(start, start + n)
            t = t_ns[part] + again * span_ns
            counts = (raw[part] + np.uint64(again * counted)) % np.uint64(1 << 32)
            kind = begin if first == 0 else end if first + n >= ticks else clock
            own = [begin, end] if n == ticks else [kind]
            edges = t[[n // 10, n - n // 10]] if n == ticks else t[[n // 2]]
            none = np.zeros(len(own), np.uint64)
            lengths = np.append(np.repeat(read_ns[part] | np.uint32(63), 4), none)
            if (n, kind) not in constant:
                labels = [None] * (4 * n) + ["all" if each == begin else None for each in own]
                codes = np.append(np.tile(np.arange(4), n), own).astype(np.uint16)
                constant[n, kind] = (
                    pa.DictionaryArray.from_arrays(pa.array(codes), dictionary),
                    pa.nulls(len(codes), pa.int64()),
                    pa.array(np.zeros(len(codes), np.uint16)),
                    pa.array(labels, pa.utf8()),
                )
            channel, *others = constant[n, kind]
            columns = [
                pa.array(np.append(np.repeat(t, 4), edges)),
                pa.array(lengths.astype(np.uint32)),
                channel,
                pa.array(np.append(np.repeat(counts, 4), none)),
                *others,
            ]
            writer.write_batch(pa.record_batch(columns, schema=found))


def taken(path: Path, what: str) -> tuple[float, float]:
    """Seconds of the work in a process of its own, and the process's largest resident set in MB."""
    command = [sys.executable, "-c", WORK[what] + TIMED, str(path), str(path.with_name(SMALL))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{what} of {path} failed")
    return float(printed), usage.ru_maxrss * 1024 / BYTES_PER_MB


def row(folder: Path, readings: int) -> str:
    """A line of the table: the quickest of some interleaved rounds, and the most memory."""
    path = folder / "large.arrows"
    write(path, readings)
    size = path.stat().st_size
    rounds = [{what: taken(path, what) for what in WORK} for _ in range(ROUNDS if readings < ONCE else 1)]
    path.unlink()
    ns = {what: min(each[what][0] for each in rounds) / readings * 1e9 for what in WORK}
    shares = [each["bare decode"][0] / each["energies"][0] for each in rounds]
    memory = {what: max(each[what][1] for each in rounds) for what in WORK}
    cells = [
        f"{readings:.0e}".replace("e+0", "e"),
        spine.number(size / BYTES_PER_MB),
        *(spine.number(each) for each in ns.values()),
        f"{sorted(shares)[len(shares) // 2]:.2f}",
        *(f"{memory[what]:.0f}" for what in ("energies", "report")),
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    largest = int(arguments[0]) if arguments else SIZES[-1]
    lines = [
        "# The cost of a reading, whatever the size of the trace",
        "",
        "Taken by `python benchmarks/large.py`; its first lines say how. ns a reading; MB of memory.",
        "",
        "| readings | file, MB | bare decode, ns | energies, ns | report, ns | energies: share of the bare "
        "decode's rate | energies, MB | report, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    facts: dict[str, object] = {}
    pytest_benchmark_update_machine_info(facts)
    machine = ["", "The machine:", "", *spine.machine({"machine_info": facts})]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / SMALL, SIZES[0])
        for readings in SIZES:
            if readings > largest:
                break
            lines.append(row(Path(folder), readings))
            print(lines[-1], flush=True)
            if not arguments:
                RESULTS.write_text("\n".join([*lines, *machine]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
