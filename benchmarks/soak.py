"""A long recording of a machine of known power: nothing may be lost, and memory must not grow.

    python benchmarks/soak.py [--for SECONDS] [--rate HZ]

Records the tests' scripted machine (40 W) with `uj record`, and writes into results/soak.md what came of it:
the energy against the truth, deadlines against readings, memory, CPU time and bytes.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from scripted import PACKAGE_W, machine  # noqa: E402 - of the tests, once their folder is on the path

import microjoule as uj  # noqa: E402

HEAD = """# Long recordings

Taken by `python benchmarks/soak.py`. A scripted counter of 40 W; *within*: the guaranteed interval of the whole
window holds the true energy. Deadlines are those of the rate over the recording; each is a tick or was missed.

| taken | s | Hz | energy / truth, J | within | deadlines | ticks | missed | dropped | MB a minute after the start (halfway through a shorter one), at most | CPU time, % of a core | bytes a reading |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501 - a row of a table


def main() -> int:
    """Records, and adds a row to the page; 1 where something was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--for", dest="for_s", type=float, default=3600.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uj-soak-") as folder:
        path = Path(folder) / "t.arrows"
        counters = ["--source", "script", "--root", str(machine(Path(folder)))]
        words = [sys.executable, "-m", "microjoule", "record", "--for", f"{asked.for_s:g}s", "-o", str(path)]
        child = subprocess.Popen([*words, "--rate", f"{asked.rate:g}", *counters])
        early_mb = 0.0
        begun = time.monotonic()
        while child.poll() is None and time.monotonic() - begun < min(60.0, asked.for_s / 2):
            time.sleep(0.2)
        early_mb = resident_mb(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        trace = uj.load(path)
        (window,) = trace.windows
        energy = trace.energy("record")["package-0"]
        counts = trace.engine()["package-0"]
        n = sum(len(trace.series(name)) for name in trace.channels)
        true_j = PACKAGE_W * window.duration_ns * 1e-9
        span = trace.series("package-0").t_ns
        deadlines = round((int(span[-1]) - int(span[0])) * 1e-9 * asked.rate)
        size = path.stat().st_size
    is_within = energy.low <= true_j <= energy.high
    row = (
        time.strftime("%Y-%m-%d", time.gmtime()),
        f"{window.duration_ns * 1e-9:.1f}",
        f"{asked.rate:g}",
        f"{energy.value:.3f} / {true_j:.3f}",
        "yes" if is_within else "**no**",
        str(deadlines),
        str(counts["ticks"]),
        str(counts["missed"]),
        str(counts["dropped"]),
        f"{early_mb:.1f}, {usage.ru_maxrss / 1000:.1f}",
        f"{100 * (usage.ru_utime + usage.ru_stime) / (window.duration_ns * 1e-9):.2f}",
        f"{size / n:.2f}",
    )
    page = HERE / "results" / "soak.md"
    text = page.read_text() if page.exists() else HEAD
    page.write_text(text + f"| {' | '.join(row)} |\n")
    print(" | ".join(row), platform.platform())
    is_whole = status == 0 and not trace.is_truncated and not trace.damage and not trace.gaps
    return int(not (is_whole and is_within and counts["dropped"] == 0))


def resident_mb(pid: int) -> float:
    """The memory of a process that is in RAM now; 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
