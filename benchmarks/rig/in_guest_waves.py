"""What runs inside the guest for ``waves.py``: records the same waveform through several sources.

    python3 in_guest_waves.py FOLDER SECONDS WAY...

Leaves in FOLDER a trace a way and ``ways.json``: for each way pairs of CLOCK_MONOTONIC and the waveform's own
time, taken before and after.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import truth  # the machine's own module: the waveform's clock

WAYS = {
    "kernel 2 kHz": ["--source", "rapl_perf", "--rate", "2000", "--kernel-sampling"],
    "kernel 4 kHz": ["--source", "rapl_perf", "--rate", "4000", "--kernel-sampling"],
    "thread 1 kHz": ["--source", "rapl_perf", "--rate", "1000", "--no-kernel-sampling"],
    "powercap 1 kHz": ["--source", "powercap", "--rate", "1000"],
    "MSR 2 kHz": ["--source", "rapl_msr", "--rate", "2000"],
}


def record(folder: Path, name: str, seconds: float) -> dict[str, object]:
    """One recording; the clock's pairs stand around it."""
    path = Path("/tmp") / f"{name.replace(' ', '_').replace(',', '')}.arrows"
    clock = truth.Clock()
    pairs = [clock.point()]
    done = subprocess.run(
        ["uj", "record", "--calibration", "none", "-o", str(path), "--for", f"{seconds:g}s", *WAYS[name]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    pairs.append(clock.point())
    if path.exists():
        shutil.move(path, folder / path.name)
    return {"file": path.name, "code": done.returncode, "said": done.stderr, "pairs": pairs}


def main() -> None:
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    ways = {name: record(folder, name, seconds) for name in sys.argv[3:] or WAYS}
    (folder / "ways.json").write_text(json.dumps(ways, indent=1))


main()
