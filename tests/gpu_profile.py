"""A profile in the shape that Kineto gives those of a GPU: kernels on streams, copies, ranges on both sides.

None was at hand to record; names, categories and arguments are those of torch's exporter.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from microjoule.joules.profiling.occupancy import Events
from microjoule.plugins.profiles.kinds import KINDS
from microjoule.plugins.profiles.profile import REALTIME, Profile, Source, Tally

BASE_NS = 1_767_225_600_000_000_000


def kernel(name, t0_ns, t1_ns, *, device=0, stream=7, category="kernel"):
    arguments = {"device": device, "context": 1, "stream": stream, "correlation": 11, "grid": [80, 1, 1]}
    return event(category, name, t0_ns, t1_ns, device, stream, arguments)


def event(category, name, t0_ns, t1_ns, process=4242, thread=4242, arguments=None):
    """A complete event; times are CLOCK_REALTIME."""
    return {
        "ph": "X",
        "cat": category,
        "name": name,
        "pid": process,
        "tid": thread,
        "ts": (t0_ns - BASE_NS) / 1000,
        "dur": (t1_ns - t0_ns) / 1000,
        "args": arguments or {"External id": 1},
    }


def document(events, host="ideal", base_ns=BASE_NS):
    """The whole profile, with the metadata events that stand before and the spans that stand after."""
    return {
        "schemaVersion": 1,
        "deviceProperties": [{"id": 0, "name": "NVIDIA H100 80GB HBM3", "totalGlobalMem": 85520809984}],
        "host_name": host,
        "displayTimeUnit": "ms",
        "baseTimeNanoseconds": base_ns,
        "traceEvents": [
            {"ph": "M", "name": "process_name", "ts": 0.0, "pid": 0, "tid": 0, "args": {"name": "python"}},
            *events,
            {"ph": "i", "s": "g", "name": "Record Window End", "pid": "", "tid": "", "ts": 1.5},
        ],
        "traceName": "profile.json",
    }


def write(path: Path, whole) -> Path:
    text = (whole if isinstance(whole, str) else json.dumps(whole, indent=1)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def profile_of(names, ordered) -> Profile:
    """A profile of events that are in order already."""
    tally = Tally(len(ordered), len(ordered), 0, 0, 0, {})
    return Profile(Source(path=Path("p"), form="", clock=REALTIME, tally=tally, uuids={}), names, ordered)


def events_of(profile, kinds=KINDS, device=None) -> Events:
    """The events of a profile at once, in the order of time."""
    blocks = list(profile.of(kinds, device))
    columns = zip(*(block[1:] for block in blocks), strict=True)
    return Events(profile.names, *map(np.concatenate, columns)) if blocks else Events((), *[np.empty(0)] * 4)
