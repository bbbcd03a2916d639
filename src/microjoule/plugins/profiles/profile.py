"""What every reader of a profile gives: what ran when, on which clock, and what of the file was of no use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...joules.profiling.occupancy import Events
from ...value_class import dataclass
from .event_rows import Ordered, fields
from .kinds import KINDS

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
        names: What they are called, each name once.
        events: All of them, times in nanoseconds of the profile's clock less ``source.base_ns``.
    """

    source: Source
    names: tuple[str, ...]
    events: Ordered

    @property
    def path(self) -> Path:
        """The file."""
        return self.source.path

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first event to the end of the last, on the profile's clock."""
        first, last = self.events.span_ns
        return first + self.source.base_ns, last + self.source.base_ns

    @property
    def devices(self) -> list[int]:
        """The GPUs that its kernels ran on, by the numbers that the program saw."""
        return sorted({device for _, device in self.events.counts if device >= 0})

    def of(self, kinds: tuple[str, ...], device: int | None = None) -> Iterator[Events]:
        """The events of some kinds in order, some at once; those of one GPU only, where one is given."""
        numbers = [KINDS.index(kind) for kind in kinds]
        if not any(kind in numbers and device in (None, of) for kind, of in self.events.counts):
            return
        for rows in self.events.blocks():
            mine = np.isin(rows["kind"], numbers)
            if device is not None:
                mine &= rows["device"] == device
            name, t0, t1, track = fields(rows[mine])
            yield Events(self.names, name, t0 + self.source.base_ns, t1 + self.source.base_ns, track)


def taken(of: Events, mine: Any) -> Events:  # noqa: ANN401 - bool[n] or int64[n]
    """Some of the events."""
    return Events(of.names, of.name[mine], of.t0_ns[mine], of.t1_ns[mine], of.track[mine])
