"""What a PyTorch profile (Kineto) says ran when: kernels, operators and annotated ranges.

Times are microseconds. Since 2024 they count from ``baseTimeNanoseconds``; before, from 1970. Either way
it is the clock of the day, CLOCK_REALTIME, to which Kineto brings the processor's own counter and
the GPU's timestamps; how well is not said in the file, and it is taken at its word.

On a GPU an event's ``pid`` is the device and its ``tid`` the stream; on the CPU they are process and thread.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ProfileError
from ...joules.occupancy import Events
from ...trace.series import I64
from ...units import NS_PER_US
from ...value_class import dataclass
from .chrome import REMEDY, Document, name, opened

KERNELS = ("kernel", "gpu_memcpy", "gpu_memset")
OPERATORS = ("cpu_op",)
GPU_RANGES = ("gpu_user_annotation",)
RANGES = ("user_annotation", "nvtx")
_WANTED = (*KERNELS, *OPERATORS, *GPU_RANGES, *RANGES)
_NUMBERED = "ProfilerStep#"  # each step has a name of its own; they are one range


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The events of a profile whose energy can be asked for.

    Attributes:
        path: The file.
        host: The name of the machine it says it is of; empty: it does not say.
        base_ns: What its timestamps count from, CLOCK_REALTIME.
        events: All of them, times in CLOCK_REALTIME nanoseconds.
        category: int8[n], indices into ``categories``.
        categories: The kinds of event.
        device: int64[n], of what ran on a GPU; -1: on none.
        events_end: Where in the unpacked file, in bytes, its array of events closes.
        process: A process id that none of its events has.
    """

    path: Path
    host: str
    base_ns: int
    events: Events
    category: I64
    categories: tuple[str, ...]
    device: I64
    events_end: int
    process: int

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first event to the end of the last, CLOCK_REALTIME."""
        return int(self.events.t0_ns.min()), int(self.events.t1_ns.max())

    def of(self, kinds: tuple[str, ...], device: int | None = None) -> Events:
        """The events of some kinds; those of one GPU only, where one is given."""
        wanted = [number for number, kind in enumerate(self.categories) if kind in kinds]
        mine = np.isin(self.category, wanted)
        if device is not None:
            mine &= self.device == device
        all_of = self.events
        return Events(
            all_of.names, all_of.name[mine], all_of.t0_ns[mine], all_of.t1_ns[mine], all_of.track[mine]
        )


class _Numbers:
    """Things by the order in which they were first met."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def of(self, thing: Any) -> int:  # noqa: ANN401 - names, or pairs of ids
        return self.known.setdefault(thing, len(self.known))


def read(path: Path) -> Profile:
    """The profile in a file, ``.json`` or ``.json.gz``.

    Raises:
        ProfileError: It cannot be opened, is no Chrome trace, is damaged or cut, or has no such event.
    """
    names, tracks = _Numbers(), _Numbers()
    columns = [array("q") for _ in range(4)]  # name, category, track, device
    starts, lengths = array("d"), array("d")
    largest = 0
    with opened(path) as stream:
        document = Document(stream, path)
        for event in document.events():
            process = event.get("pid")
            if isinstance(process, int):
                largest = max(largest, process)
            category = event.get("cat")
            if event.get("ph") != "X" or category not in _WANTED:
                continue
            start, length = event.get("ts"), event.get("dur", 0)
            if not isinstance(start, int | float) or not isinstance(length, int | float) or length < 0:
                continue
            arguments = event.get("args")
            device = arguments.get("device", -1) if isinstance(arguments, dict) else -1
            is_gpu = category in KERNELS or category in GPU_RANGES
            row = (
                names.of(_called(str(event.get("name", "")))),
                _WANTED.index(category),
                tracks.of((process, event.get("tid"))),
                device if is_gpu and isinstance(device, int) else -1,
            )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
            starts.append(start)
            lengths.append(length)
    if not len(starts):
        what = "has no event at all" if document.is_empty else "has no kernel, operator or annotated range"
        raise ProfileError(
            f"{path} {what}",
            "Profile with activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], and export it after work"
            if not document.is_empty
            else REMEDY,
        )
    base = document.head.get("baseTimeNanoseconds", 0)
    base_ns = base if isinstance(base, int) else 0
    return _profile(document, path, base_ns, (names, columns, starts, lengths), largest + 1)


def _profile(
    document: Document,
    path: Path,
    base_ns: int,
    table: tuple[_Numbers, list[array[int]], array[float], array[float]],
    process: int,
) -> Profile:
    names, columns, starts, lengths = table
    name_of, category, track, device = (np.array(column, np.int64) for column in columns)
    start_us = np.array(starts)
    # Whole microseconds apart from their parts: a float of the time since 1970 has no nanoseconds left.
    whole = np.floor(start_us)
    t0 = base_ns + whole.astype(np.int64) * NS_PER_US
    t0 += np.rint((start_us - whole) * NS_PER_US).astype(np.int64)
    t1 = t0 + np.rint(np.array(lengths) * NS_PER_US).astype(np.int64)
    events = Events(tuple(names.known), name_of, t0, t1, track)
    host = document.head.get("host_name", "")
    return Profile(
        path,
        name(host) if isinstance(host, str) else "",
        base_ns,
        events,
        category,
        _WANTED,
        device,
        document.events_end or 0,
        process,
    )


def _called(text: str) -> str:
    return _NUMBERED + "*" if text.startswith(_NUMBERED) else name(text)
