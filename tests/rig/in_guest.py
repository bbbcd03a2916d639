"""What runs inside the guest: a command and a program beside it, each of known power, recorded by ``uj run``.

    python3 in_guest.py FOLDER RUNS SECONDS POWER ...

Leaves in FOLDER for each run and POWER, a word of ``load.c``, the trace, what ``uj run`` said, both programs'
logs, and ``runs.json``: of each its power and pairs of CLOCK_MONOTONIC and the waveform's own time.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import truth  # the machine's own module: the waveform's clock

from microjoule import cli

LONG_S = 900.0  # until when the other program is ended
CGROUPS = Path("/sys/fs/cgroup")
COMMAND, OTHER = ("burn", 0, 20.0), ("firefox", 1, 9.0)  # name, number, joules per CPU second


def load(of: tuple[str, int, float], seed: int, seconds: float, power: str) -> list[str]:
    """The words that start a program, which is ``load.c`` under its name."""
    name, number, per_s = of
    own = Path("/tmp", name)
    shutil.copy("load", own)
    return [str(own), *map(str, (number, per_s, seed, seconds, power)), f"/tmp/{name}.log"]


def run(folder: Path, seed: int, seconds: float, power: str) -> dict[str, object]:
    """One recording."""
    tag = f"{power}-{seed}"
    group = CGROUPS / "other.service"
    group.mkdir(exist_ok=True)
    beside = load(OTHER, seed, LONG_S, power)
    clock = truth.Clock()
    pairs = [clock.point()]
    # In a cgroup of its own, and no child of the recorder.
    start = 'echo $$ > "$0"; "$@" >/dev/null 2>&1 & echo $!'
    words = ["sh", "-c", start, f"{group}/cgroup.procs", *beside]
    other = int(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    trace = Path("/tmp/run.arrows")
    trace.unlink(missing_ok=True)
    words = ["run", "-o", str(trace), "--", *load(COMMAND, seed, seconds, power)]
    with (folder / f"{tag}.txt").open("w") as said, redirect_stdout(said), redirect_stderr(said):
        code = cli.main(words)
    os.kill(other, signal.SIGTERM)
    pairs.append(clock.point())
    for path in (trace, Path("/tmp/burn.log"), Path("/tmp/firefox.log")):
        shutil.copy(path, folder / f"{tag}-{path.name}")
    return {"power": power, "tag": tag, "code": code, "pairs": pairs}


def main() -> None:
    folder, runs, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(CGROUPS)], check=False)
    found = []
    for seed in range(runs):
        for power in sys.argv[4:]:
            found.append(run(folder, seed, seconds, power))
            (folder / "runs.json").write_text(json.dumps(found, indent=1))


main()
