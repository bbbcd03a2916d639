"""What JAX's profiler recorded (``*.trace.json.gz``): kernels on the streams of GPUs.

Each device is a process whose name is ``/device:GPU:0``, and each stream a thread of it whose name begins
with ``Stream``; its other threads repeat the same kernels by operation and module. Metadata events say these
names, before the events or after them. Times are microseconds from the profiler's start.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...errors import ProfileError
from .chrome import REMEDY, Document, name, opened
from .collecting import Collecting, microseconds, whole_number
from .profile import FROM_START, Profile, Source

NAME = "JAX profile"
_DEVICE = re.compile(r"/device:GPU:(\d+)")


def is_mine(opening: str) -> bool:
    """Whether a file that opens so is of this form."""
    return "/device:GPU:" in opening or "/device:TPU:" in opening


def read(path: Path) -> Profile:
    """The kernels in a file.

    Raises:
        ProfileError: It cannot be opened, is no Chrome trace, is damaged or cut, or has no kernel of a GPU.
    """
    devices, streams, largest = _labels(path)
    found = Collecting()
    with opened(path) as stream:
        document = Document(stream, path)
        for event in document.events():
            process, thread = event.get("pid"), event.get("tid")
            device = devices.get(process)
            if event.get("ph") == "X" and device is not None and (process, thread) in streams:
                found.add(
                    name(str(event.get("name", ""))),
                    "kernel",
                    (process, thread),
                    microseconds(event.get("ts")),
                    microseconds(event.get("dur", 0)),
                    device,
                )
    names, events, tally = found.finished(document, document.read)
    if not len(events):
        raise ProfileError(f"{path} has no kernel of a GPU", REMEDY)
    source = Source(
        path=path,
        form=NAME,
        clock=FROM_START,
        tally=tally,
        events_end=document.events_end or 0,
        process=largest + 1,
        uuids={},
    )
    return Profile(source, names, events)


def _labels(path: Path) -> tuple[dict[Any, int], set[tuple[Any, Any]], int]:
    """Process -> GPU, the threads that are streams, and the largest process id."""
    devices: dict[Any, int] = {}
    streams: set[tuple[Any, Any]] = set()
    largest = 0
    with opened(path) as stream:
        for event in Document(stream, path).events():
            largest = max(largest, whole_number(event.get("pid")) or 0)
            arguments = event.get("args")
            if event.get("ph") != "M" or not isinstance(arguments, dict):
                continue
            label = str(arguments.get("name", ""))
            found = _DEVICE.search(label)
            if event.get("name") == "process_name" and found:
                devices[event.get("pid")] = int(found[1])
            elif event.get("name") == "thread_name" and label.startswith("Stream"):
                streams.add((event.get("pid"), event.get("tid")))
    return devices, streams, largest
