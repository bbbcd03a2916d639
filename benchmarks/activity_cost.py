"""What it costs to look who is busy, and that this stays bounded however many processes there are.

    python benchmarks/activity_cost.py      # three minutes; writes results/activity_cost.md

Sleeping children are forked; with each number of them the CPU time of a look (``recording/activity.py``) is
taken, median of a hundred, and that of reading ``/proc/PID/stat`` of all in its place, in turns. A lane
then looks for five seconds by itself: how often, and which share of a core it took in all.

The last row is of ten thousand processes in a folder that looks like ``/proc``, each read by its file, as in
a sandbox without clocks: a hundred of them are busy between two looks. The lane looks for a minute.
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

from microjoule.recording.activity import ActivityLane, ActivityPlan
from microjoule.recording.cpu_times import Processes

RESULTS = Path(__file__).resolve().parent / "results" / "activity_cost.md"
NUMBERS = (0, 300, 1000)
LOOKS = 100
MADE = 10_000


def cost_s(look: object) -> float:
    """The CPU time of a call."""
    begun = time.thread_time()
    look()
    return time.thread_time() - begun


def row() -> str:
    """A line of the table."""
    lane, files = ActivityLane(ActivityPlan()), Processes(Path("/"))
    files._has_clocks = False
    lane.look()
    pairs = [(cost_s(lane.look), cost_s(files.look)) for _ in range(LOOKS)]
    by_clock, by_file = (statistics.median(each) for each in zip(*pairs, strict=True))
    own = ActivityLane(ActivityPlan())
    begun_s, used_s = time.monotonic(), time.process_time()
    own.start()
    time.sleep(5)
    own.stop()
    share = (time.process_time() - used_s) / (time.monotonic() - begun_s)
    n = sum(name.isdigit() for name in os.listdir("/proc"))
    cells = (
        f"{n:,}", f"{1e3 * by_clock:.2f} ms", f"{1e6 * by_clock / n:.2f} µs", f"{by_file / by_clock:.1f}",
        f"{own.looks / 5:.2f}", f"{100 * share:.2f} %",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def made_row(folder: Path) -> str:
    """The line of ten thousand processes that a folder shows."""
    for pid in range(MADE):
        place = folder / f"proc/{1000 + pid}"
        place.mkdir(parents=True)
        (place / "cgroup").write_text("0::/a.service\n")
    (folder / "proc/stat").write_text("cpu  9 0 0 0 0 0 0 0 0 0\n")
    work(folder, range(MADE), 1)
    lane = ActivityLane(ActivityPlan(root=folder))
    by_file = statistics.median(cost_s(lane.look) for _ in range(5))
    own = ActivityLane(ActivityPlan(root=folder))
    begun_s = time.monotonic()
    work_s = 0.0
    own.start()
    used_s = time.process_time()
    for turn in range(30):
        before_s = time.thread_time()
        work(folder, range(turn % 100, MADE, 100), 2 + turn)
        work_s += time.thread_time() - before_s
        time.sleep(2)
    took_s, share = time.monotonic() - begun_s, time.process_time() - used_s - work_s
    own.stop()
    cells = (
        f"{MADE:,}, made", f"{1e3 * by_file:.0f} ms", f"{1e6 * by_file / MADE:.2f} µs", "1",
        f"{own.looks / took_s:.2f}", f"{100 * share / took_s:.2f} %",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def work(folder: Path, pids: range, ticks: int) -> None:
    """Writes what some processes have used."""
    for pid in pids:
        fields = ["S", 1, *[0] * 9, ticks, 0, *[0] * 6, 1]
        text = f"{1000 + pid} (made) {' '.join(map(str, fields))}\n"
        (folder / f"proc/{1000 + pid}/stat").write_text(text)


def main() -> None:
    """Writes the table."""
    lines = [
        "# What it costs to look who is busy",
        "",
        "Taken by `python benchmarks/activity_cost.py`; its first lines say how.",
        "",
        "| processes | a look | of it a process | reading files in its place, times as much | "
        "looks a second | of a core |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    children: list[int] = []
    try:
        for number in NUMBERS:
            while len(children) < number:
                child = os.fork()
                if child == 0:
                    signal.pause()
                    os._exit(0)
                children.append(child)
            lines.append(row())
            print(lines[-1], flush=True)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    with tempfile.TemporaryDirectory() as folder:
        lines.append(made_row(Path(folder)))
        print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
