"""What sampling in the kernel's timer interrupt costs and delivers, against the thread.

    python benchmarks/bench_kernel_lane.py                 # two minutes; writes results/kernel_lane.md
    python benchmarks/bench_kernel_lane.py menu haltpoll   # idle under each of these governors, as root; the
                                                           # machine's own is put back at the end

The event is the `msr` PMU's `tsc` on CPU 0, four times in one group: the path of an energy event but
for the register. Thread and kernel take turns, with a turn of nothing between, second by second.

- *delivered*: rounds of reads that arrived, of the deadlines that there were.
- *own CPU*: of the lane's thread. The kernel's interrupt is nobody's: what either takes from a program is
  measured by `uj overhead --rate 1000 --rate 4000 --pace sleep --pace kernel`.
- *read_ns*: within which the readings were taken.
- *off the line*: a time stamp counter is linear, so each reading says how far it is from where its row
  has it: the largest, and how many rows are off by more than their own read_ns. The line is through
  all of a turn: where somebody opened events meanwhile, or the lane was given up, it has a step.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for conftest.py

from conftest import pytest_benchmark_update_machine_info

from microjoule.learning.saturate import busy
from microjoule.recording.native import Sampler

RESULTS = Path(__file__).resolve().parent / "results" / "kernel_lane.md"
GOVERNOR = Path("/sys/devices/system/cpu/cpuidle/current_governor")
S = 1_000_000_000
SECONDS, ROUNDS, EVENTS, CPU = 1.0, 5, 4, 0
RATES = (1000, 4000)
WAYS = {"thread": "deadlines", "kernel": "kernel"}


@dataclass(frozen=True)
class Took:
    """What one turn gave."""

    delivered: float
    cpu: float
    late: float
    read_us: tuple[float, float]
    off_us: float
    outside: int
    stayed: bool


def take(way: str, rate: int) -> Took:
    """One turn of a lane."""
    kind = int(Path("/sys/bus/event_source/devices/msr/type").read_text())
    table = [("perf", "", kind, 0, CPU, code) for code in range(EVENTS)]
    cpus = (CPU,) if way == "kernel" else ()  # as lanes do
    sampler = Sampler("bench", table, S // rate, 1 << 18, (0, 0, cpus, WAYS[way], 1, 0))
    sampler.start()
    time.sleep(SECONDS)
    sampler.stop()
    counts, drained = sampler.counts(), sampler.drain()
    its = np.frombuffer(drained.channel, np.uint16) == 0
    t = np.frombuffer(drained.t_ns, np.int64)[its]
    read = np.frombuffer(drained.read_ns, np.uint32)[its].astype(float)
    raw = np.frombuffer(drained.raw, np.uint64)[its].astype(np.int64)
    # The line below all readings: a read is begun before its value and never after it.
    late_by = raw - raw[0]
    half = len(t) // 2  # the median slope: one reading that was held up must not tilt the line
    rate_ghz = np.median((late_by[half : 2 * half] - late_by[:half]) / (t[half : 2 * half] - t[:half]))
    off = late_by / rate_ghz - (t - t[0])
    off -= off.min()
    return Took(
        delivered=counts["ticks"] / (counts["ticks"] + counts["missed"]),
        cpu=counts["busy_ns"] / (SECONDS * S),
        late=counts["late"] / counts["ticks"],
        read_us=tuple(np.percentile(read, [50, 99]) / 1000),
        off_us=float(off.max()) / 1000,
        outside=int((off > read + read.min()).sum()),
        stayed=way == "thread" or counts["kernel"] == 1,
    )


def rows_of(is_busy: bool) -> list[str]:
    """One table's lines."""
    took: dict[tuple[str, int], list[Took]] = {}
    with busy({CPU}) if is_busy else nullcontext():
        for _ in range(ROUNDS):
            for rate in RATES:
                for way in WAYS:
                    took.setdefault((way, rate), []).append(take(way, rate))
                    time.sleep(SECONDS / 2)
    lines = []
    for (way, rate), each in took.items():

        def mid(values) -> str:
            values = sorted(values)
            return f"{statistics.median(values):.3g} ({values[0]:.3g} – {values[-1]:.3g})"

        lines.append(
            f"| {way}, {rate // 1000} kHz | {mid(100 * o.delivered for o in each)} "
            f"| {mid(100 * o.cpu for o in each)} "
            f"| {mid(100 * o.late for o in each)} | {statistics.median(o.read_us[0] for o in each):.2f}, "
            f"{statistics.median(o.read_us[1] for o in each):.1f} | {mid(o.off_us for o in each)} "
            f"| {sum(o.outside for o in each)} | {sum(o.stayed for o in each)} of {ROUNDS} |"
        )
    return lines


@contextmanager
def governed(governor: str) -> Iterator[None]:
    """A context under an idle governor; without a name under that which there is."""
    before = GOVERNOR.read_text() if GOVERNOR.exists() else ""
    if governor:
        GOVERNOR.write_text(governor)
    try:
        yield
    finally:
        if governor:
            GOVERNOR.write_text(before)


def main(governors: list[str]) -> None:
    """Writes the tables."""
    machine: dict[str, object] = {}
    pytest_benchmark_update_machine_info(machine)
    facts = {"taken": datetime.now(UTC).isoformat(timespec="minutes"), **machine["microjoule"]}  # type: ignore[dict-item]
    headings = (
        "sampled by",
        "delivered, %",
        "own CPU, % of a core",
        "late, % of ticks",
        "read_ns: median, 99 %, µs",
        "off the line at most, µs",
        "rows outside",
        "not given up",
    )
    heading = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    text = ["# The kernel's own sampling against the thread", ""]
    text += [
        f"Taken by `{' '.join(['python benchmarks/bench_kernel_lane.py', *governors])}`, which says in its "
        "first lines what is measured;"
    ]
    text += [f"median of {ROUNDS} turns of {SECONDS:g} s, and their range.", ""]
    now = GOVERNOR.read_text().strip() if GOVERNOR.exists() else "none"
    for governor in governors or [""]:
        text += [f"### CPU 0 idle, idle governor {governor or now}", "", *heading]
        with governed(governor):
            text += [*rows_of(is_busy=False), ""]
        print("\n".join(text[-8:]), flush=True)
    text += ["### CPU 0 busy", "", *heading, *rows_of(is_busy=True), ""]
    print("\n".join(text[-8:]), flush=True)
    text += [
        "The machine:",
        "",
        *(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()),
        "",
    ]
    notes = RESULTS.read_text().partition("\n## In the rig")[1:] if RESULTS.exists() else ("", "")
    RESULTS.write_text("\n".join(text) + "".join(notes))


if __name__ == "__main__":
    main(sys.argv[1:])
