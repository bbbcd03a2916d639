"""What exports and attributions take: ``python benchmarks/attribution.py [READINGS [KERNELS]]``.

Writes a trace of a GPU's counter read a thousand times a second and a profile of forty kernels in the shape
of Kineto's, a million of each unless told otherwise, then runs ``uj export --perfetto`` and ``uj attribute``
in processes of their own and prints the sizes, the time, the peak memory, and how many kernels' intervals
hold the power that they had. (They share what is not known of idle, and so miss together.)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from gpu_profile import BASE_NS, kernel
from ideal import MS, T0, Ideal, constant, write

from microjoule.trace import schema

OFFSET_NS = BASE_NS + 7_000_000_000 - T0  # of the day's clock over the trace's
IDLE_W, NAMES = 60.0, [f"void kernel_{number}<float, 128>(float*, float const*)" for number in range(40)]


def launches(span_ns, n, rng):
    """Which kernel each launch is of, from when and until when; four fifths of the time one is running."""
    which = rng.integers(0, len(NAMES), n)
    length = (rng.uniform(0.5, 1.5, n) * 0.8 * span_ns / n).astype(np.int64)
    pause = (rng.uniform(0.5, 1.5, n) * 0.18 * span_ns / n).astype(np.int64)
    end = np.cumsum(length + pause) + 3 * MS
    return which, end - length, end


def table(found, names, rows):
    """Rows ``(t_ns, code, raw, read_ns)`` as a trace's columns."""
    t_ns, code, raw, read_ns = rows
    n = len(t_ns)
    codes = pa.DictionaryArray.from_arrays(pa.array(np.full(n, code), pa.uint16()), pa.array(names))
    return pa.table(
        [
            pa.array(T0 + t_ns, pa.int64()),
            pa.array(np.full(n, read_ns), pa.uint32()),
            codes,
            pa.array(raw, pa.uint64()),
            pa.nulls(n, pa.int64()),
            pa.array(np.zeros(n), pa.uint16()),
            pa.nulls(n, pa.utf8()),
        ],
        schema=found,
    )


def trace(path, readings, scene, powers_w, rng):
    """The counter's file: updates a millisecond apart that jitter, and pairs of clocks a second apart."""
    which, start, end = scene
    watts = np.full(2 * len(which) + 1, IDLE_W)
    watts[1::2] = powers_w[which]
    bounds = np.concatenate(([0], np.stack((start, end), axis=1).ravel(), [readings * MS + 100 * MS]))
    joules = np.concatenate(([0.0], np.cumsum(watts * np.diff(bounds) / 1e9)))
    read = np.arange(readings) * MS + rng.integers(0, MS // 5, readings)
    updates = np.arange(readings + 2) * MS - 3 * MS // 2 + rng.integers(0, MS // 10, readings + 2)
    shown = np.maximum(updates[np.searchsorted(updates, read + 1500, "right") - 1], 0)
    raw = np.floor(np.interp(shown, bounds, joules) * (1 << 14)).astype(np.uint64)
    channel = Ideal(constant(1.0), id="gpu-0/energy", limit_w=700.0).channel
    found = schema.schema([channel], {"host": {"hostname": "ideal"}})
    names = schema.dictionary([channel])
    pairs = np.arange(0, readings, 1000) * MS
    clock = (pairs, names.index("@clock/realtime"), (T0 + pairs + 50 + OFFSET_NS).astype(np.uint64), 100)
    both = [table(found, names, (read, 0, raw, 3000)), table(found, names, clock)]
    write(path, pa.concat_tables(both).sort_by("t_ns"), 2000)


def profile(path, scene):
    """The profile's file, laid out as Kineto does."""
    head = {"schemaVersion": 1, "host_name": "ideal", "baseTimeNanoseconds": BASE_NS}
    with path.open("w") as out:
        out.write(json.dumps(head, indent=1)[:-2] + ',\n "traceEvents": [\n')
        for number, (which, start, end) in enumerate(
            zip(*(column.tolist() for column in scene), strict=True)
        ):
            one = kernel(NAMES[which], T0 + OFFSET_NS + start, T0 + OFFSET_NS + end)
            out.write((",\n" if number else "") + json.dumps(one, indent=1))
        out.write("\n]}\n")


def timed(*arguments):
    """The wall-clock seconds and the peak MiB of a command."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "microjoule", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    assert code == 0, arguments
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def main(readings=1_000_000, kernels=1_000_000):
    rng = np.random.default_rng(0)
    powers_w = rng.uniform(80, 600, len(NAMES))
    scene = launches(readings * MS, kernels, rng)
    with tempfile.TemporaryDirectory() as folder:
        names = ("t.arrows", "p.json", "t.json.gz", "found.json", "back.json")
        files = {name: Path(folder, name) for name in names}
        trace(files["t.arrows"], readings, scene, powers_w, rng)
        profile(files["p.json"], scene)
        exported = timed("export", files["t.arrows"], "--perfetto", files["t.json.gz"])
        asked = ("attribute", files["t.arrows"], files["p.json"])
        attributed = timed(*asked, "--json", files["found.json"])
        back = timed(*asked, "-o", files["back.json"])
        for name, path in files.items():
            print(f"{name:12}{path.stat().st_size / 1e6:10.1f} MB")
        taken = {"export": exported, "attribute": attributed, "attribute -o": back}
        for what, (seconds, mib) in taken.items():
            print(f"{what:14}{seconds:8.1f} s{mib:8.0f} MiB")
        rows = json.loads(files["found.json"].read_text())["tables"][0]["rows"]
        truth = dict(zip(NAMES, powers_w, strict=True))
        single = [row for row in rows if len(row["names"]) == 1 and row["names"][0] in truth]
        held = sum(abs(row["mean_w"] - truth[row["names"][0]]) <= row["mean_U_w"] for row in single)
        print(f"{held} of {len(single)} kernels within ± 95 %")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
