"""What other users of perf take from a recording: on a real kernel whose counters follow a known waveform.

    python benchmarks/rig/other_users.py RIG     # three minutes; writes results/rig_other_users.md
    RIG_ICOUNT=1 python benchmarks/rig/other_users.py RIG nothing pinned
        # no host disturbs the guest, kinds whose name holds a word; writes results/rig_other_users_icount.md

While `uj` records a steady 100 W, others open and close events of the same PMU on the CPU that the package is
read on, as `perf stat` does. A flexible event, which is what `perf stat` itself has, counts the same energy.
Both are held against the exact energy of the waveform. RIG is as for ``measure.py``; ``RIG_ICOUNT`` is as for
``build_emulator.py``.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

POWER_W, UPDATE_S = 100, 976.5625e-6
CONF = f"esu 14\ngrid_us 976.5625\njitter_us 20\nseed 3\nabsent gp\ndom * pkg start=99 const={POWER_W}\n"
OPENINGS, EVENT, UNIT_J = 1000, 2, 2.0**-32
PINNED = 4  # of perf_event_attr
STAT = ("perf", "stat", "-a", "-e", "power/energy-pkg/", "true")
WAYS = {"kernel": True, "thread": False}
GUEST = "pip install -q --no-index --no-deps whl/*.whl && python3 other_users.py in-guest"


def opened(flags: int = 0) -> int:
    """An event of the package's energy on CPU 0."""
    pmu = int(Path("/sys/bus/event_source/devices/power/type").read_text())
    attr = bytearray(128)
    attr[:8] = pmu.to_bytes(4, "little") + len(attr).to_bytes(4, "little")
    attr[8:16], attr[40:48] = EVENT.to_bytes(8, "little"), flags.to_bytes(8, "little")
    libc = ctypes.CDLL(None, use_errno=True)
    fd: int = libc.syscall(298, (ctypes.c_char * 128).from_buffer(attr), -1, 0, -1, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open")
    return fd


def joules(fd: int) -> float:
    return int.from_bytes(os.read(fd, 8), "little") * UNIT_J


def others(kind: str) -> int:
    """What others do meanwhile; how many events they opened at least."""
    if kind == "nothing":
        time.sleep(3)
        return 0
    if kind == "30 perf stat":
        for _ in range(30):
            subprocess.run(STAT, check=True, capture_output=True)
        return 30
    for _ in range(OPENINGS):
        os.close(opened(PINNED if "pinned" in kind else 0))
    return OPENINGS


def recorded(way: str, kind: str) -> dict[str, Any]:
    """One recording in the guest, against the waveform."""
    import truth  # the guest's own module

    import microjoule as uj
    from microjoule.recording import Cadence

    waveform, clock, path = truth.load("rapl.conf")[0, "pkg"], truth.Clock(), "/tmp/others.arrows"
    clock.point()
    with uj.record(
        path, uj.Meter(rate=Cadence(rate_hz=1000, kernel=WAYS[way]), sources=["rapl_perf"])
    ) as rec:
        time.sleep(0.3)
        flexible = opened()
        with rec.window("w"):
            first = joules(flexible), time.monotonic()
            n = others(kind)
            last = joules(flexible), time.monotonic()
        os.close(flexible)
        time.sleep(0.3)
    clock.point()
    clock.fit()
    found, window = uj.load(path).energy("w")["package-0"], uj.load(path).window("w")
    true_j = waveform.energy(clock.t(window.t1_ns / 1e9)) - waveform.energy(clock.t(window.t0_ns / 1e9))
    flexible_j = waveform.energy(clock.t(last[1])) - waveform.energy(clock.t(first[1]))
    return {
        "way": way, "kind": kind, "n": n, "true_j": true_j, "lost_j": true_j - found.value,
        "held": found.low <= true_j <= found.high, "half_j": (found.high - found.low) / 2,
        "flexible_lost_j": flexible_j - (last[0] - first[0]),
    }  # fmt: skip


KINDS = ("nothing", "30 perf stat", f"{OPENINGS} events", f"{OPENINGS} pinned events")


def line(row: dict[str, Any]) -> str:
    cells = (
        f"{row['kind']}, {row['way']}", f"{row['true_j']:.1f}", f"{row['flexible_lost_j']:+.3f}",
        f"{row['lost_j']:+.3f}", f"{row['half_j']:.3f}", "yes" if row["held"] else "no",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


BY_HOST = "rig_other_users.md", "An emulated processor takes events off for longer than a real one."
BY_COUNT = "rig_other_users_icount.md", "An instruction takes 2 ns, whatever the host does besides."
HEAD = f"""# What other users of perf take from a recording

Taken by `python benchmarks/rig/other_users.py RIG`: Linux 6.1 with its own RAPL driver, on an emulated
processor whose package draws exactly {POWER_W} W. Others open and close events of the PMU `power` on the CPU
that the package is read on. {{time}} The counter
shows {1000 * POWER_W * UPDATE_S:.0f} mJ at a time, by which any figure here may be off.

- *flexible event lost*: the exact energy less what an event opened as `perf stat` opens its own counted.
- *lost*: the exact energy less the recording's.
- *half* of the recording's guaranteed interval, and whether it *held* the truth.

| others, sampled by | energy, J | flexible event lost, J | lost, J | half, J | held |
|---|---:|---:|---:|---:|---|"""


def main() -> None:
    """Boots the guest, or is in it."""
    if sys.argv[1:2] == ["in-guest"]:
        for kind in KINDS:
            if not any(word in kind for word in sys.argv[2:] or [kind]):
                continue
            for way in WAYS:
                print(json.dumps(recorded(way, kind)), flush=True)
        return
    from measure import RESULTS, host_lines, wheel

    rig = Path(sys.argv[1]).resolve()
    shutil.copy(__file__, rig)
    (rig / "others.conf").write_text(CONF)
    wheel(rig)
    command = ["./run.sh", "-t", "3600", "-k", "nohz=off", "-c", "others.conf", "-o", "runs/others"]
    command += ["-f", "whl", "-f", "other_users.py", "--", " ".join([GUEST, *sys.argv[2:]])]
    done = subprocess.run(command, cwd=rig, check=True, capture_output=True, text=True)
    rows = [json.loads(each) for each in done.stdout.splitlines() if each.startswith("{")]
    lines = [line(row) for row in rows]
    name, time_is = BY_COUNT if "RIG_ICOUNT" in os.environ else BY_HOST
    (RESULTS / name).write_text("\n".join([HEAD.format(time=time_is), *lines, "", *host_lines()]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
