"""Coverage of energies on a real kernel whose counters follow known waveforms, by configuration.

    python tests/rig/build_emulator.py RIG         # once
    python benchmarks/rig/waves.py RIG             # an hour; writes results/rig_icount.md
    python benchmarks/rig/waves.py RIG ripple      # those whose name holds a word; writes nothing
    python benchmarks/rig/waves.py RIG --again     # the table once more, from what the guests left
    python benchmarks/rig/waves.py RIG --late      # with reads that come late; results/rig_late.md

RIG is the folder of a built machine, as for ``measure.py``: Linux with its own RAPL drivers, on an emulated
processor whose registers are the exact integral of a waveform. Each configuration is one boot, in which each
way of sampling records for ``SECONDS``; 2,000 windows at random places of each are held against the truth.
A row fails as in ``coverage.py``. Time in the guest is the count of its instructions, 2 ns for each, so that
a busy host makes the run longer and no read late. With ``--late`` the guest's time is the host's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter as Counted
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from against_truth import Clock, Domain, without_sensor
from measure import RESULTS, host_lines, truth_of, wheel
from scipy.stats import binomtest

from microjoule.joules.energy_trace import Trace, load

HERE = Path(__file__).resolve().parent
SECONDS, WINDOWS, SEED = 12, 2000, 90_000
EDGE_S = 0.3  # of a recording, without windows
VARIED = 0.05  # windows of one length would all have the same part of an update, and of a cycle, left over
NS_AN_INSTRUCTION = "1"  # its binary logarithm
LATE = ("steady", "square 5.3 Hz", "ripple 970 Hz")  # what is recorded where reads come late
GUEST = "pip install -q --no-index --no-deps whl/*.whl && python3 in_guest_waves.py /share "

CLIENT, SERVER, EPYC = ("-m", "Skylake-Client"), ("-m", "Skylake-Server"), ("-m", "EPYC")
STEADY = "dom * pkg start=99 const=37\ndom * dram start=7 phase_us=360 const=5\n"
SWINGS = """\
dom * pkg wrap=9 phase_us=0 const=40 square=30,5.3,0.5,0
dom * pp0 wrap=12 phase_us=120 const=30 square=25,5.3,0.5,0
dom * pp1 start=4096 phase_us=240 const=0.02
dom * dram start=0x80000000 phase_us=360 const=5 sine=2,0.5,0
dom 0 psys wrap=15 phase_us=480 const=60 square=30,5.3,0.5,0
"""
FASTWRAP = """\
dom * pkg wrap=5 phase_us=0 const=40 square=30,5.3,0.5,0
dom * psys wrap=0.1 phase_us=480 const=5120
"""
TWO_SOCKETS = """\
dom 0 pkg wrap=9 phase_us=0 const=60 square=40,5.3,0.5,0
dom 1 pkg wrap=12 phase_us=500 const=80 sine=30,23,0
dom 0 dram esu=16 start=5 phase_us=240 const=5
dom 1 dram esu=16 start=9 phase_us=700 const=8 sine=2,3,0
"""


class Wave(NamedTuple):
    """A machine and what its counters do."""

    domains: str
    cpu: tuple[str, ...] = CLIENT
    grid_us: float = 976.5625
    jitter_us: float = 20
    miss: float = 0
    esu: int = 14

    def text(self) -> str:
        head = {"grid_us": self.grid_us, "jitter_us": self.jitter_us, "miss": self.miss, "esu": self.esu}
        return (
            "\n".join(f"{key} {value:g}" for key, value in head.items())
            + f"\nseed 3\nabsent gp\n{self.domains}"
        )


def _sine(hz: float, amplitude_w: float) -> str:
    return f"dom * pkg start=99 const=45 sine={amplitude_w:g},{hz:g},0\n"


WAVES = {
    "steady": Wave(STEADY),
    "square 5.3 Hz": Wave(SWINGS),
    "10 % missed": Wave(SWINGS, miss=0.1),
    "30 % missed": Wave(SWINGS, miss=0.3),
    "jitter 300 µs": Wave(SWINGS, jitter_us=300),
    "updates of 2 ms": Wave(SWINGS, grid_us=1953.1),
    "updates of 8 ms": Wave(SWINGS, grid_us=7993),
    "ripple 970 Hz": Wave(_sine(970, 30)),
    "ripple 1100 Hz": Wave(_sine(1100, 20)),
    "ripple 290 Hz": Wave(_sine(290, 30)),
    "wraps every 200 ms": Wave(FASTWRAP, esu=22),
    "ESU 22": Wave(SWINGS, esu=22),
    "two sockets": Wave(TWO_SOCKETS, ("-m", "Skylake-Server", "-s", "2,sockets=2")),
    "EPYC": Wave("dom * pkg wrap=9 const=40 square=30,5.3,0.5,0\n", EPYC),
}
DOMAINS = {
    ("package", ""): "pkg", ("package", "core"): "pp0", ("package", "uncore"): "pp1",
    ("package", "dram"): "dram", ("psys", ""): "psys",
}  # fmt: skip


class Row(NamedTuple):
    """What the windows of one counter show."""

    name: str
    n: int
    covered: int
    error: float  # median, of the mean energy
    width: float  # median U over the root mean square error
    guaranteed: float  # mean half-width over an update's energy and a quantum
    outside: int
    missing: int

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share covered, 99.9 %."""
        found = binomtest(self.covered, self.n).proportion_ci(0.999) if self.n else None
        return (float(found.low), float(found.high)) if found else (0.0, 0.0)

    @property
    def verdict(self) -> str:
        if self.outside:
            return "OUTSIDE"
        return "FAILS" if self.interval[1] < 0.93 else "wide" if self.width > 3 else ""

    def line(self) -> str:
        low, high = self.interval
        share = self.covered / max(self.n, 1)
        return (
            f"| {self.name} | {self.n} | {share:.1%} | {low:.1%} to {high:.1%} | {self.error:.2g} "
            f"| {self.width:.2f} | {self.guaranteed:.2f} | {self.verdict} |"
        )


def rows(name: str, folder: Path, truth: ModuleType) -> Iterator[Row]:
    """A row for each way, counter and length of window."""
    waveform = truth.load(str(folder / "rapl.conf"))
    for way, left in json.loads((folder / "ways.json").read_text()).items():
        if left["code"]:
            raise SystemExit(f"{name}, {way}: {left['said']}")
        trace, clock = load(folder / left["file"]), Clock(left["pairs"])
        for channel in trace.energy_channels:
            place = trace.channels[channel].place
            domain = DOMAINS.get((place.device, place.part))
            if domain is None:  # CPU time
                continue
            for length_s in (0.1, 1.0) if domain == "pkg" else (0.1,):
                of = waveform[place.number or 0, domain]
                yield _row(f"{name}, {channel}, {way}, {length_s:g} s", trace, channel, of, clock, length_s)


def _row(name: str, trace: Trace, channel: str, domain: Domain, clock: Clock, length_s: float) -> Row:
    counter = trace.counter(channel)
    first, last = counter.span_ns
    rng = np.random.default_rng(SEED)
    length_ns = length_s * 1e9 * rng.uniform(1 - VARIED, 1 + VARIED, WINDOWS)
    t0 = rng.uniform(first + EDGE_S * 1e9, last - EDGE_S * 1e9 - length_ns).astype(np.int64)
    t1 = t0 + length_ns.astype(np.int64)
    edges = list(zip(t0.tolist(), t1.tolist(), strict=True))
    true = np.array(
        [domain.energy(clock.waveform_s(b)) - domain.energy(clock.waveform_s(a)) for a, b in edges]
    )
    found = [without_sensor(each) for each in counter.estimates(counter.energies(t0, t1))]
    slack = clock.known_to_ns * 1e-9 * float(np.max(true)) / length_s
    outside = sum(not e.low - slack <= t <= e.high + slack for e, t in zip(found, true, strict=True))
    known = np.array([e.value is not None for e in found])
    values = np.array([e.value if e.value is not None else np.nan for e in found])
    off, wide = np.abs(values - true)[known], np.array([e.U for e in found])[known]
    least = float(np.mean(true)) / length_s * counter.usual_ns * 1e-9
    least += float(counter.quantum * counter.channel.scale.unit)
    halves = np.array([(e.high - e.low) / 2 for e in found])
    return Row(
        name,
        int(np.count_nonzero(known)),
        int(np.count_nonzero(off <= wide)),
        float(np.median(off) / np.mean(true)),
        float(np.median(wide) / np.sqrt(np.mean(off**2))),
        float(np.mean(halves[known]) / least),
        int(outside),
        int(np.count_nonzero(~known)),
    )


def boot(rig: Path, name: str, wave: Wave, *, late: bool) -> Path:
    """Records a configuration in a guest of its own; the folder that it leaves."""
    shutil.copy(HERE / "in_guest_waves.py", rig)
    (rig / "wave.conf").write_text(wave.text())
    folder = folder_of(rig, name, late=late)
    shutil.rmtree(folder, ignore_errors=True)
    words = ["./run.sh", "-t", "3600", "-k", "nohz=off", *wave.cpu, "-c", "wave.conf", "-o", str(folder)]
    files = ["-f", "whl", "-f", "in_guest_waves.py"]
    environment = os.environ | {"RIG_ICOUNT": "" if late else NS_AN_INSTRUCTION}
    words = [*words, *files, "--", f"{GUEST}{SECONDS}"]
    done = subprocess.run(words, cwd=rig, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"The guest ended with {done.returncode}; see {folder}/console.txt and out.txt")
    return folder


def folder_of(rig: Path, name: str, *, late: bool) -> Path:
    kind = "late" if late else "wave"
    return rig / "runs" / f"{kind}_{''.join(c if c.isalnum() else '_' for c in name)}"


def main() -> None:
    rig, words = Path(sys.argv[1]).resolve(), sys.argv[2:]
    truth = truth_of(rig)
    is_again, late = "--again" in words, "--late" in words
    words = [word for word in words if not word.startswith("--")]
    known = {name: WAVES[name] for name in (LATE if late else WAVES)}
    chosen = {name: wave for name, wave in known.items() if all(word in name for word in words)}
    if not is_again:
        wheel(rig)
    found: list[Row] = []
    for name, wave in chosen.items():
        folder = folder_of(rig, name, late=late) if is_again else boot(rig, name, wave, late=late)
        if not (folder / "ways.json").exists():
            print(f"{name}: not recorded", file=sys.stderr)
            continue
        for row in rows(name, folder, truth):
            print(row.line(), flush=True)
            found.append(row)
    if not words:
        file, time = ("rig_late.md", BY_HOST) if late else ("rig_icount.md", BY_COUNT)
        (RESULTS / file).write_text(
            "\n".join([head(found, time), *(row.line() for row in found), "", *host_lines()])
        )


def head(found: list[Row], time: str) -> str:
    """What stands above the rows."""
    says = Counted(row.verdict for row in found)
    return HEAD.format(
        seconds=SECONDS,
        n=sum(row.n for row in found),
        rows=len(found),
        fails=says["FAILS"] or "none",
        wide=says["wide"] or "none",
        outside=sum(row.outside for row in found) or "none",
        time=time,
    )


BY_HOST = """With `--late` the guest's
time is the host's. An emulated processor is five to ten times slower than its host, which is shared: reads
come late, or take longer, by up to tens of milliseconds. `rig_icount.md` has all waveforms, no read late."""
BY_COUNT = """Time is the count of instructions, 2 ns for
each: the host, which is shared, makes no read late. `rig_late.md` has reads that are late."""
HEAD = """# Coverage on a real kernel, against the exact truth

Taken by `python benchmarks/rig/waves.py RIG`: Linux 6.1 with its own RAPL drivers, on an emulated processor
whose registers are the exact integral of a waveform. Each way of sampling records for {seconds} s or more. A
row is 2,000 windows at random places of one recording, {n:,} in all. Their lengths differ by a tenth: of one
length, all windows of a row may err alike. No calibration is used. The counters do not trail the energy; the
declared lag of 0 to 1 ms is taken as of any machine. {time}

- *covered*: windows whose 95 % interval contains the truth, without the sensor's own gain and code, of
  which these registers have none.
- *median error*: relative to the mean energy of a window.
- *U / rms error*: the median U over the root mean square error.
- *guaranteed*: the mean half-width of the guaranteed interval over the energy of one update and one quantum.
  Of all windows {outside} had their truth outside it.
- *FAILS*: the 99.9 % binomial interval lies below 93 %: {fails} of {rows} rows.
- *wide*: U is more than three times the error: {wide} of {rows} rows.

| configuration | windows | covered | 99.9 % interval | median error | U / rms error | guaranteed | |
|---|---:|---:|---:|---:|---:|---:|---|"""

if __name__ == "__main__":
    main()
