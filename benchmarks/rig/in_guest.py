"""What runs inside the guest: calibrates, then records the same waveform in several ways.

    python3 in_guest.py FOLDER SECONDS

Leaves in FOLDER ``calibration.json`` and ``probe.txt``, one trace a way and ``ways.json``: for each way
pairs of CLOCK_MONOTONIC and the waveform's own time, taken before and after. 0 SECONDS: no recording.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import truth  # the machine's own module: the waveform's clock

WAYS = {
    "1 kHz": ["--rate", "1000"],
    "4 kHz": ["--rate", "4000"],
    "10 kHz": ["--rate", "10000"],
    "full spin": ["--rate", "2000", "--spin", "490"],
    "edges": ["--rate", "edges"],
    "edges, one in 10": ["--rate", "edges", "--edges", "10"],
}


def calibrate(folder: Path) -> None:
    command = ["uj", "probe", "--calibrate", "--for", "5s", "--calibration", str(folder / "calibration.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder / "probe.txt").write_text(done.stdout + done.stderr)


def record(folder: Path, name: str, words: list[str], seconds: float) -> dict[str, object]:
    """One recording; the clock's pairs stand around it."""
    path = Path("/tmp") / f"{name.replace(' ', '_').replace(',', '')}.arrows"
    clock = truth.Clock()
    pairs = [clock.point()]
    done = subprocess.run(
        ["uj", "record", "--source", "rapl_perf", "--calibration", str(folder / "calibration.json"),
         "-o", str(path), "--for", f"{seconds:g}s", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    pairs.append(clock.point())
    if path.exists():
        shutil.copy(path, folder / path.name)
    return {
        "file": path.name,
        "code": done.returncode,
        "said": done.stderr,
        "pairs": pairs,
    }


def main() -> None:
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    calibrate(folder)
    ways = {name: record(folder, name, words, seconds) for name, words in WAYS.items() if seconds}
    (folder / "ways.json").write_text(json.dumps(ways, indent=1))


main()
