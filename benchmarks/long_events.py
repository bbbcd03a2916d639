"""The time and the memory that a profile of events takes: ``python benchmarks/long_events.py [KERNELS …]``.

Writes profiles in the shape of Kineto's, three events for each kernel (the operator, its launch, the kernel),
operators first and kernels last, and a trace of 1,000 s of a GPU's counter that is updated each millisecond;
then runs ``uj attribute`` as a process of its own. 2.3 million kernels are 2.1 GB of text. Time is CPU time,
of user and system; memory is the largest resident set. *empty* is the same trace with a profile of 1,000
kernels. Writes ``results/long_events.md``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import long_profiles
import numpy as np
from attribution import NAMES, OFFSET_NS, launches, trace
from gpu_profile import BASE_NS
from ideal import MS, T0

SIZES = (100_000, 1_000_000, 2_300_000)
READINGS = 1_000_000
EVENTS = 3  # for each kernel
RESULTS = Path(__file__).parent / "results" / "long_events.md"
HEAD = """# The time and the memory of long profiles of events

Taken by `python benchmarks/long_events.py`; its first lines say how.

| events | text, MB | CPU time, s | µs an event | memory, MB | of it beyond *empty*, MB |
|---|---|---|---|---|---|
"""
EVENT = """  {{
    "ph": "X", "cat": "{}", "name": "{}", "pid": {}, "tid": {},
    "ts": {:.3f}, "dur": {:.3f},
    "args": {{
      {}
    }}
  }}"""
OF_OPERATOR = (
    '"External id": 17,"Record function id": 0, "Sequence number": 17, "Fwd thread id": 0, "Ev Idx": 17'
)
OF_LAUNCH = '"External id": 17,"cbid": 211, "correlation": 17'
OF_KERNEL = (
    '"External id": 17,"queued": 0, "device": 0, "context": 1, "stream": 7, "correlation": 17, '
    '"registers per thread": 32, "shared memory": 16, "blocks per SM": 12.5, "warps per SM": 50.0, '
    '"grid": [80, 1, 1], "block": [128, 1, 1], "est. achieved occupancy %": 60'
)


def event(category: str, name: str, t_ns: tuple[int, int], track: tuple[int, int], arguments: str) -> str:
    start, end = t_ns
    return EVENT.format(category, name, *track, (start - BASE_NS) / 1000, (end - start) / 1000, arguments)


def write_profile(path: Path, scene: tuple[np.ndarray, ...]) -> None:
    which, start, end = (column.tolist() for column in scene)
    at = T0 + OFFSET_NS
    with path.open("w", encoding="ascii") as file:
        file.write(f'{{"schemaVersion": 1, "host_name": "ideal", "baseTimeNanoseconds": {BASE_NS},\n')
        file.write(
            '"traceEvents": [\n{"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "GPU 0"}}'
        )
        for number, (kind, t) in enumerate(zip(which, start, strict=True)):
            host, launch = (at + t - 9000, at + t - 1000), (at + t - 8000, at + t - 7000)
            track = (4242, 4242 + number % 2)
            file.write(",\n" + event("cpu_op", f"aten::op{kind % 17}", host, track, OF_OPERATOR))
            file.write(",\n" + event("cuda_runtime", "cudaLaunchKernel", launch, track, OF_LAUNCH))
        for kind, *span in zip(which, start, end, strict=True):
            span_ns = at + span[0], at + span[1]
            file.write(",\n" + event("kernel", NAMES[kind], span_ns, (0, 7), OF_KERNEL))
        file.write("\n]}\n")


def main() -> None:
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    rows = []
    for n in sizes:
        rng = np.random.default_rng(0)
        watts = rng.uniform(80, 600, len(NAMES))
        scene = launches(READINGS * MS, n, rng)
        few = tuple(column[:: max(n // 1000, 1)] for column in scene)
        with tempfile.TemporaryDirectory() as folder:
            readings, profile, empty = (Path(folder, name) for name in ("t.arrows", "p.json", "e.json"))
            trace(readings, READINGS, scene, watts, rng)
            write_profile(empty, few)
            write_profile(profile, scene)
            _, least = long_profiles.taken(readings, empty)
            cpu_s, most = long_profiles.taken(readings, profile)
            profile_bytes = profile.stat().st_size
        rows.append(long_profiles.row(EVENTS * n, profile_bytes, cpu_s, most, least))
    long_profiles.keep(rows, HEAD, RESULTS)


if __name__ == "__main__":
    main()
