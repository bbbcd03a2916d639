"""What every reader of a profile gives: what ran when, on which clock, and what of the file was of no use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...joules.occupancy import Events
from ...trace.series import I64
from ...value_class import dataclass

KERNELS = ("kernel", "gpu_memcpy", "gpu_memset")
OPERATORS = ("cpu_op",)
GPU_RANGES = ("gpu_user_annotation",)
RANGES = ("user_annotation", "nvtx")
CALLS = ("call",)
KINDS = (*KERNELS, *OPERATORS, *GPU_RANGES, *RANGES, *CALLS)
ON_GPU = (*KERNELS, *GPU_RANGES)

# The clocks that a profile's time stamps may be of. `UNKNOWN`: whichever puts the profile inside the trace.
REALTIME, MONOTONIC, BOOTTIME = "CLOCK_REALTIME", "CLOCK_MONOTONIC", "CLOCK_BOOTTIME"
FROM_START = "time since the profiler's start"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the events of a file.

    Attributes:
        read: All of them.
        used: Those whose energy can be asked for.
        other: Those of other kinds: metadata, counters, calls of a driver.
        repaired: Those whose text was no JSON and was made so: ``inf``, ``N/A``, a lone backslash.
        unreadable: Those that could not be read, even so.
        impossible: Why events cannot have been as they say -> how many.
    """

    read: int
    used: int
    other: int
    repaired: int
    unreadable: int
    impossible: Mapping[str, int]

    @property
    def dropped(self) -> int:
        """Those that were of no use: impossible, or not to be read."""
        return self.read - self.used - self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the events of a profile come from.

    Attributes:
        path: The file.
        form: The name of the reader.
        clock: What its times are of.
        host: The name of the machine it says it is of; empty: it does not say.
        base_ns: What its time stamps count from.
        tally: What became of its events.
        events_end: Where in the unpacked file, in bytes, its array of events closes; 0: it has none.
        process: A process id that none of its events has.
        uuids: Device number -> the GPU's UUID, where the file says it.
    """

    path: Path
    form: str
    clock: str
    tally: Tally
    host: str = ""
    base_ns: int = 0
    events_end: int = 0
    process: int = 0
    uuids: Mapping[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The events of a profile whose energy can be asked for.

    Attributes:
        source: Where they come from.
        events: All of them, times in nanoseconds of the profile's clock.
        kind: int64[n], indices into ``KINDS``.
        device: int64[n], of what ran on a GPU; -1: on none.
    """

    source: Source
    events: Events
    kind: I64
    device: I64

    @property
    def path(self) -> Path:
        """The file."""
        return self.source.path

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first event to the end of the last, on the profile's clock."""
        return int(self.events.t0_ns.min()), int(self.events.t1_ns.max())

    @property
    def devices(self) -> list[int]:
        """The GPUs that its kernels ran on, by the numbers that the program saw."""
        return sorted(set(self.device[self.device >= 0].tolist()))

    def of(self, kinds: tuple[str, ...], device: int | None = None) -> Events:
        """The events of some kinds; those of one GPU only, where one is given."""
        mine = np.isin(self.kind, [KINDS.index(kind) for kind in kinds])
        if device is not None:
            mine &= self.device == device
        return taken(self.events, mine)


def taken(of: Events, mine: Any) -> Events:  # noqa: ANN401 - bool[n] or int64[n]
    """Some of the events."""
    return Events(of.names, of.name[mine], of.t0_ns[mine], of.t1_ns[mine], of.track[mine])
