"""Nodes of a job, each an ideal counter and a real-time clock that is off by a known time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ideal import MS, Ideal, rows, write

from microjoule.joules.energy_trace import Trace
from microjoule.trace import schema
from microjoule.trace.label import label

EPOCH_NS = 1_790_000_000 * 10**9
UNSYNCHRONISED_NS = 16 * 10**9


@dataclass(frozen=True)
class Node:
    """A node whose CLOCK_MONOTONIC is ``ahead_ns`` ahead of true time, and real time ``error_ns`` of it."""

    name: str
    ideal: Ideal
    ahead_ns: int = 0
    error_ns: int = 0
    bound_ns: int = 5 * MS
    boot: str = ""
    source: str = "chrony"
    job: str = "7"

    def trace(self, windows: Sequence[tuple[str, int, int, dict]] = ()) -> Trace:
        """Its trace, with windows at instants of true time."""
        return Trace(self.table(windows))

    def table(self, windows=()):
        begin, end = self.ideal.inside(0.02, 0.98)
        marks = [(begin, "@begin", 0, "run"), (end, "@end", 0, "")]
        for number, (name, t0_ns, t1_ns, attributes) in enumerate(windows, 1):
            marks += [
                (t0_ns + self.ahead_ns, "@begin", number, label(name, attributes)),
                (t1_ns + self.ahead_ns, "@end", number, ""),
            ]
        # Before the first answer of who keeps the clock there is only the kernel's.
        marks += [(self.ideal.inside(0.0)[0] - 1, schema.CLOCK_ERROR, UNSYNCHRONISED_NS, "kernel")]
        for t_ns in self.ideal.inside(0.0, 0.5, 1.0):
            real_ns = t_ns - self.ahead_ns + EPOCH_NS + self.error_ns
            marks += [
                (t_ns, schema.CLOCKS[0], real_ns, None),
                (t_ns, schema.CLOCK_ERROR, self.bound_ns, self.source),
            ]
        table = rows([self.ideal], marks)
        facts = {
            "host": {"hostname": self.name, "boot_id": self.boot or self.name},
            "launch": {"job": self.job, "node": self.name, "launcher": "slurm"},
        }
        return table.replace_schema_metadata(
            {**table.schema.metadata, schema.KEY_FACTS: json.dumps(facts).encode()}
        )

    def written(self, folder: Path, windows=()) -> Path:
        """Its trace as a file."""
        return write(folder / f"{self.name}.arrows", self.table(windows))

    def truth(self, t0_ns: int, t1_ns: int) -> float:
        """What it used between two instants of true time, in J."""
        return self.ideal.truth(t0_ns + self.ahead_ns, t1_ns + self.ahead_ns)
