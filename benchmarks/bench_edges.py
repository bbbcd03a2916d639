"""How well the times of a counter's updates are known, against the CPU time that it takes to know them.

    python benchmarks/bench_edges.py        # two minutes; writes results/edges.md

A scripted counter draws 40 W and is updated every millisecond with jitter; some updates never come.
When each was made is known exactly: a second script, read in the same rounds, plays the clock that the
first one is played by. The ways of sampling take turns, second by second. The counter is the cheapest
there is to read (30 ns); perf's energy events cost about a microsecond more a round of reads.

- *known*: the share of all updates whose time is bracketed within 10 µs.
- *error*: of the middle of the bracket against the true time, of all updates that were seen singly.
- *window*: error of the energy of a 10 ms window at a random place, as the trace would give it; each
  is asserted to lie in its guaranteed interval.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for conftest.py

from conftest import pytest_benchmark_update_machine_info

from microjoule.channel import Access, Channel, Place, Scale, Timing
from microjoule.joules.counters.counter import Counter
from microjoule.recording.native import Sampler
from microjoule.trace.series import Series

RESULTS = Path(__file__).resolve().parent / "results" / "edges.md"
US, MS, S = 1_000, 1_000_000, 1_000_000_000
POWER_W, UPDATE_NS = 40, MS
SECONDS, ROUNDS = 1.0, 7
KNOWN_NS = 10 * US
WINDOW_NS, WINDOWS = 10 * MS, 200
SPIN_NS = UPDATE_NS // 10  # what Lane takes

# What a counter does: (words, standard deviation of an update's time, share that never comes).
COUNTERS = (
    ("no jitter", 0, 0.0),
    ("jitter 5 µs, 1 % of updates left out", 5 * US, 0.01),
    ("jitter 20 µs, 5 % of updates left out", 20 * US, 0.05),
)

# How it is read: (words, period, pace).
WAYS = (
    ("1 kHz", MS, (0, 0, (), "deadlines", 1, 0)),
    ("4 kHz", MS // 4, (0, 0, (), "deadlines", 1, 0)),
    ("10 kHz", MS // 10, (0, 0, (), "deadlines", 1, 0)),
    ("full spin", MS, (0, 0, (), "poll", 1, 0)),
    ("edges", UPDATE_NS, (SPIN_NS, 0, (), "edges", 1, 0)),
    ("edges, one in 10", UPDATE_NS, (SPIN_NS, 0, (), "edges", 10, 0)),
)


@dataclass(frozen=True)
class Took:
    """What one second of one way gave."""

    cpu: float  # of a core
    known: float  # of all updates
    errors_ns: np.ndarray
    windows_j: np.ndarray
    rows_per_s: float


def updates(jitter_ns: float, left_out: float, seed: int) -> np.ndarray:
    """When the counter is updated, since it was opened, for longer than it is read."""
    rng = random.Random(seed)
    n = round((SECONDS + 1) * S / UPDATE_NS)
    at = (UPDATE_NS * k + rng.gauss(0, jitter_ns) for k in range(1, n) if rng.random() >= left_out)
    return np.array([round(each) for each in at], np.int64)


def scripts(folder: Path, at_ns: np.ndarray, clock_ns: int) -> list[tuple[str, str, int, int, int, int]]:
    """The counter, in microjoules, and the clock, as a sampler opens them."""
    counter, clock = folder / "counter.txt", folder / "clock.txt"
    counter.write_text("0 0\n" + "".join(f"{t} {t * POWER_W // 1000}\n" for t in at_ns.tolist()))
    clock.write_text(f"repeat {clock_ns} 1 0\n0 0\n")
    return [("script", str(counter), 0, 0, 0, 0), ("script", str(clock), 0, 0, 0, 1)]


def take(way: tuple, jitter_ns: float, left_out: float, seed: int) -> Took:
    """One second."""
    _, period_ns, pace = way
    at_ns = updates(jitter_ns, left_out, seed)
    # A poll keeps all that changes, so its clock is slow; its brackets are narrow enough for it.
    clock_ns = 7 * MS if "poll" in pace else US
    with tempfile.TemporaryDirectory() as folder:
        sampler = Sampler("bench", scripts(Path(folder), at_ns, clock_ns), period_ns, 1 << 18, pace)
    time.sleep(random.Random(seed).uniform(0, 5 * UPDATE_NS) / S)  # deadlines of any phase
    sampler.start()
    time.sleep(SECONDS)
    sampler.stop()
    counts, drained = sampler.counts(), sampler.drain()
    kinds = {"t_ns": np.int64, "read_ns": np.uint32, "raw": np.uint64, "channel": np.uint16}
    rows = {
        name: np.frombuffer(getattr(drained, name), kind)[: drained.length] for name, kind in kinds.items()
    }
    its = rows["channel"] == 0
    t, read, raw = rows["t_ns"][its], rows["read_ns"][its].astype(np.int64), rows["raw"][its].astype(np.int64)
    origin = opened_ns(rows, clock_ns)
    at = np.flatnonzero(raw[1:] != raw[:-1]) + 1
    width = t[at] + read[at] - t[at - 1]
    middle = t[at - 1] + width // 2 - origin
    shown = at_ns * POWER_W // 1000
    place = np.searchsorted(shown, raw[at])  # the update that each change ended with
    before = np.searchsorted(shown, raw[at - 1], "right")
    single = place == before  # one update alone lies between the two readings
    covered = np.count_nonzero((at_ns > t[0] - origin) & (at_ns < t[-1] - origin))
    return Took(
        cpu=counts["busy_ns"] / (SECONDS * S),
        known=np.count_nonzero(width[single] <= KNOWN_NS) / covered,
        errors_ns=np.abs(middle[single] - at_ns[place[single]]),
        windows_j=window_errors_j(t, read, raw, seed),
        rows_per_s=len(t) / SECONDS,
    )


def opened_ns(rows: dict[str, np.ndarray], clock_ns: int) -> int:
    """When the scripts were opened: all readings of the clock have it between two instants."""
    its = rows["channel"] == 1
    t, raw = rows["t_ns"][its], rows["raw"][its].astype(np.int64)
    if clock_ns == US:
        low, high = np.max(t - (raw + 1) * clock_ns), np.min(t + US // 20 - raw * clock_ns)
    else:
        at = np.flatnonzero(raw[1:] != raw[:-1]) + 1
        low, high = np.max(t[at - 1] - raw[at] * clock_ns), np.min(t[at] - raw[at] * clock_ns)
    return int(low + high) // 2


def window_errors_j(t: np.ndarray, read: np.ndarray, raw: np.ndarray, seed: int) -> np.ndarray:
    """The errors of windows at random places, against 40 W."""
    channel = Channel(
        id="package-0",
        place=Place(device="package", number=0),
        hw_type="cpu",
        source="script",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 1_000_000), unit_source="interface"),
        timing=Timing(update_ns=UPDATE_NS, update_max_ns=4 * UPDATE_NS),
        access=Access(reader="script", path=""),
    )
    series = Series(t, read.astype(np.uint32), raw.astype(np.uint64), np.zeros(len(t), np.uint16), None)
    rng = np.random.default_rng(seed)
    t0 = rng.integers(t[0] + S // 20, t[-1] - S // 20 - WINDOW_NS, WINDOWS)
    found = Counter(series, channel).energies(t0, t0 + WINDOW_NS)
    truth = POWER_W * WINDOW_NS / S
    assert (found.status == 0).all()
    assert ((found.low <= truth) & (truth <= found.high)).all()
    errors: np.ndarray = np.abs(found.value - truth)
    return errors


def table(counter: tuple) -> list[str]:
    """One counter's table: the ways take turns, and each figure is the median of its rounds."""
    words, jitter_ns, left_out = counter
    took: dict[str, list[Took]] = {way[0]: [] for way in WAYS}
    for seed in range(ROUNDS):
        for way in WAYS:
            took[way[0]].append(take(way, jitter_ns, left_out, seed))
    headings = (
        "sampling",
        "CPU, % of a core",
        "known to 10 µs, % of updates",
        "error of an update's time: median",
        "95 %",
        "error of a 10 ms window: median",
        "95 %",
        "readings/s",
    )
    lines = [f"### {words}", "", f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    truth = POWER_W * WINDOW_NS / S
    for name, each in took.items():
        errors = [np.percentile(one.errors_ns, [50, 95]) / US for one in each if len(one.errors_ns)]
        cpu = sorted(100 * one.cpu for one in each)
        half, most = (statistics.median(error[i] for error in errors) for i in (0, 1))
        windows = [np.percentile(one.windows_j, [50, 95]) / truth for one in each]
        small, large = (statistics.median(error[i] for error in windows) for i in (0, 1))
        known = statistics.median(100 * one.known for one in each)
        rate = statistics.median(one.rows_per_s for one in each)
        lines.append(
            f"| {name} | {statistics.median(cpu):.2f} ({cpu[0]:.2f} – {cpu[-1]:.2f}) | {known:.1f} "
            f"| {half:.3g} µs | {most:.3g} µs | {small:.3%} | {large:.3%} | {rate:.0f} |"
        )
    return [*lines, ""]


def main() -> None:
    """Writes the tables."""
    machine: dict[str, object] = {}
    pytest_benchmark_update_machine_info(machine)
    facts = {"taken": datetime.now(UTC).isoformat(timespec="minutes"), **machine["microjoule"]}  # type: ignore[dict-item]
    text = ["# Edge-locked sampling: error against CPU", ""]
    text += ["Taken by `python benchmarks/bench_edges.py`, which says in its first lines what is measured."]
    text += [
        f"A scripted counter of 40 W, updated every {UPDATE_NS // MS} ms; median of {ROUNDS} turns of",
        f"{SECONDS:g} s, and for the CPU their range. Targets: edges ≤ 15 %, one in 10 ≤ 2 % of a core.",
        "",
    ]
    for counter in COUNTERS:
        text += table(counter)
        print("\n".join(text[-len(WAYS) - 5 :]))
    text += [
        "The machine:",
        "",
        *(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()),
        "",
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(text))


if __name__ == "__main__":
    main()
