"""The energy of three functions of known power, by ``uj flame`` on a real kernel with emulated counters.

    python tests/rig/build_emulator.py RIG      # once
    python benchmarks/rig/functions.py RIG     # two CPU minutes; results/rig_functions.md

The waveform draws 90 W for half of each 100 ms, 60 W for a tenth and 30 W for the rest; the functions of
``three_functions.c`` take turns with it and write down when each began. What each used is the waveform's
integral over its turns. RIG is as for ``measure.py``. Time in the guest is the count of its instructions, so
that a busy host makes the run longer and no sample late; below nine samples of ten that there should be, no
figure is published.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from measure import GUEST, HERE, RESULTS, row, truth_of

SECONDS, RATE_HZ = 30, 997
NS_AN_INSTRUCTION = "1"  # its binary logarithm
LEAST = 0.9  # of the samples that there should be
NAMES = ("hot", "warm", "cold")
TARGETS = {"hot": 2.0, "warm": 6.0, "cold": 2.0}  # percent: of half of the time, of a tenth (ALEA)
HEAD = ("function", "time, s", "true, J", "uj flame, J", "±, J", "error, %", "by time alone, %")
FLAME = (
    f"gcc -O1 -fno-omit-frame-pointer -o functions three_functions.c && modprobe msr && uj flame --channel "
    f"package-0 --stacks {RATE_HZ} --json flame.json -o flame.html -- ./functions {SECONDS} turns.txt"
)

SAYS = """# The energy of three functions of known power

Taken by `python benchmarks/rig/functions.py`; its first lines say how. Linux 6.1 with its own RAPL driver and
its own perf, on an emulated processor, an instruction in 2 ns: in {seconds} s `uj flame` took {samples:,}
samples, {part:.1%} of those that there are at {hz} Hz. *At most*: ALEA's errors of functions with half of the
time and with a tenth, of 25,000 samples.

"""


def boot(rig: Path) -> Path:
    """Runs the functions under ``uj flame`` in a guest; the folder that it leaves."""
    folder = rig / "runs" / "functions"
    shutil.rmtree(folder, ignore_errors=True)
    words = ["./run.sh", "-t", "3600", "-c", str(HERE / "functions.conf"), "-o", str(folder), "-f", "whl"]
    words += ["-f", str(HERE / "three_functions.c"), "--", GUEST + FLAME]
    environment = os.environ | {"RIG_ICOUNT": NS_AN_INSTRUCTION}
    done = subprocess.run(words, cwd=rig, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"The guest ended with {done.returncode}; see {folder}/console.txt and out.txt")
    return folder


def true_j(folder: Path, rig: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Joules and seconds of each function, by the waveform and by when each began."""
    first, last, *turns = np.loadtxt(folder / "turns.txt", np.int64).tolist()
    rate = (last[1] - first[1]) / (last[0] - first[0])  # of the waveform's clock by the guest's
    t_s = [(first[1] + (t - first[0]) * rate) / 1e9 for t, _ in turns]
    package = truth_of(rig).load(str(folder / "rapl.conf"))[0, "pkg"]
    energy, which = np.diff([package.energy(t) for t in t_s]), np.array([name for _, name in turns[:-1]])
    of = {name: which == number for number, name in enumerate(NAMES)}
    joules = {name: float(energy[mine].sum()) for name, mine in of.items()}
    return joules, {name: float(np.diff(t_s)[mine].sum()) for name, mine in of.items()}


def table(found: dict[str, Any], joules: dict[str, float], seconds: dict[str, float]) -> list[str]:
    """A line for each function."""
    functions = {each["name"]: each["energy"] for each in found["functions"]}
    mean_w = sum(joules.values()) / sum(seconds.values())
    lines = [row(HEAD), "|---" * len(HEAD) + "|"]
    for name in NAMES:
        true, energy = joules[name], functions[name]
        error, alone = (100 * (value / true - 1) for value in (energy["value"], mean_w * seconds[name]))
        cells = (
            f"{seconds[name]:.2f}", f"{true:.1f}", f"{energy['value']:.1f}", f"{energy['U']:.1f}",
            f"{error:+.2f} (at most {TARGETS[name]:.0f})", f"{alone:+.0f}",
        )  # fmt: skip
        lines.append(row((name, *cells)))
    return lines


def main() -> None:
    rig = Path(sys.argv[1]).resolve()
    folder = rig / "runs" / "functions" if "--again" in sys.argv else boot(rig)
    found = json.loads((folder / "flame.json").read_text())
    joules, seconds = true_j(folder, rig)
    part = found["samples"] / (RATE_HZ * sum(seconds.values()))
    lines = table(found, joules, seconds)
    print("\n".join(lines))
    print(f"{found['samples']:,} samples, {100 * part:.0f} % of those that there should be")
    if part < LEAST:
        raise SystemExit("Too few samples: nothing is written")
    text = (
        SAYS.format(seconds=SECONDS, samples=found["samples"], part=part, hz=RATE_HZ)
        + "\n".join(lines)
        + "\n"
    )
    (RESULTS / "rig_functions.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
