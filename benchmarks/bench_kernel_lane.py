"""What sampling in the kernel's timer interrupt costs and delivers, against the thread.

    python benchmarks/bench_kernel_lane.py      # a minute and a half; writes results/kernel_lane.md

The event is the `msr` PMU's `tsc` on CPU 0, four times in one group: the path of an energy event but
for the register. Thread and kernel take turns, with a turn of nothing between, second by second.

- *delivered*: rounds of reads that arrived, of the deadlines that there were.
- *own CPU*: of the lane's thread. The kernel's interrupt is nobody's: it is in the victim's loss.
- *victim's loss*: a loop that counts on CPU 0, beside the lane, against the same loop alone, in the
  turns before and after. CPU 0 is busy then, as it is idle in the other table.
- *read_ns*: within which the readings were taken.
- *off the line*: a time stamp counter is linear, so each reading says how far it is from where its row
  has it: the largest, and how many rows are off by more than their own read_ns. The line is through
  all of a turn: where somebody opened events meanwhile, or the lane was given up, it has a step.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for conftest.py

from conftest import pytest_benchmark_update_machine_info

from microjoule.recording.native import Sampler

RESULTS = Path(__file__).resolve().parent / "results" / "kernel_lane.md"
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
    sampler = Sampler("bench", table, S // rate, 1 << 18, (0, 0, (), WAYS[way], 1, 0))
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


def victim(count: multiprocessing.sharedctypes.Synchronized[int]) -> None:
    """Counts on CPU 0 until it is ended."""
    os.sched_setaffinity(0, {CPU})
    done = 0
    while True:
        for _ in range(2000):
            done += 1
        count.value = done


def rows_of(is_busy: bool) -> list[str]:
    """One table's lines."""
    count = multiprocessing.Value("q", 0, lock=False)
    loop = multiprocessing.Process(target=victim, args=(count,), daemon=True)
    if is_busy:
        loop.start()
        time.sleep(0.3)

    def speed(work) -> tuple[object, float]:
        first, began = count.value, time.monotonic()
        result = work()
        return result, (count.value - first) / (time.monotonic() - began)

    took: dict[tuple[str, int], list[tuple[Took, float]]] = {}
    alone = speed(lambda: time.sleep(SECONDS))[1]
    for _ in range(ROUNDS):
        for rate in RATES:
            for way in WAYS:
                one, beside = speed(lambda way=way, rate=rate: take(way, rate))
                after = speed(lambda: time.sleep(SECONDS / 2))[1]
                loss = 1 - beside / ((alone + after) / 2) if is_busy else float("nan")
                alone = after
                took.setdefault((way, rate), []).append((one, loss))
    if is_busy:
        loop.terminate()
    lines = []
    for (way, rate), turns in took.items():
        each = [one for one, _ in turns]

        def mid(values) -> str:
            values = sorted(values)
            return f"{statistics.median(values):.3g} ({values[0]:.3g} – {values[-1]:.3g})"

        lines.append(
            f"| {way}, {rate // 1000} kHz | {mid(100 * o.delivered for o in each)} "
            f"| {mid(100 * o.cpu for o in each)} "
            f"| {mid(100 * loss for _, loss in turns) if is_busy else '–'} "
            f"| {mid(100 * o.late for o in each)} | {statistics.median(o.read_us[0] for o in each):.2f}, "
            f"{statistics.median(o.read_us[1] for o in each):.1f} | {mid(o.off_us for o in each)} "
            f"| {sum(o.outside for o in each)} | {sum(o.stayed for o in each)} of {ROUNDS} |"
        )
    return lines


def main() -> None:
    """Writes the tables."""
    machine: dict[str, object] = {}
    pytest_benchmark_update_machine_info(machine)
    facts = {"taken": datetime.now(UTC).isoformat(timespec="minutes"), **machine["microjoule"]}  # type: ignore[dict-item]
    headings = (
        "sampled by",
        "delivered, %",
        "own CPU, % of a core",
        "victim's loss, %",
        "late, % of ticks",
        "read_ns: median, 99 %, µs",
        "off the line at most, µs",
        "rows outside",
        "not given up",
    )
    text = ["# The kernel's own sampling against the thread", ""]
    text += [
        "Taken by `python benchmarks/bench_kernel_lane.py`, which says in its first lines what is measured;"
    ]
    text += [f"median of {ROUNDS} turns of {SECONDS:g} s, and their range.", ""]
    for is_busy, words in ((False, "CPU 0 idle"), (True, "CPU 0 busy with the victim")):
        text += [f"### {words}", "", f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
        text += [*rows_of(is_busy), ""]
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
    main()
