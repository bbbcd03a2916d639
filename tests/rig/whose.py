"""Whose energy it was, on a real kernel whose package counter is idle + Σ a_i busy_i of its own programs.

    python tests/rig/build_emulator.py RIG          # once
    python tests/rig/whose.py RIG WHEEL [RUNS [SECONDS [POWER ...]]]
    python tests/rig/whose.py --again FOLDER ...    # the table once more, from what guests left

RIG is the folder of a built machine: ``run.sh`` boots its guest. WHEEL is this project's, for Python 3.11.
In the guest two programs (``load.c``), the command and one beside it, are busy by their own steps, and add
what they use to the package; ``uj run`` records them. Their own logs are the truth. Each of the kinds of
POWER is recorded RUNS times. Writes ``benchmarks/results/rig_whose.md``.

The processor is emulated in software: programs start in seconds and the host's stalls are busy time of
whoever ran, so that few looks come and the intervals are wide. What is tested is that they hold.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from microjoule.joules.energy_trace import load
from microjoule.joules.run_window import whole
from microjoule.joules.shares import ShareModel

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "benchmarks" / "results" / "rig_whose.md"
ABOUT = """# Whose energy, on a real kernel whose package counter is idle + Σ a_i busy_i of its own programs

Taken by `python tests/rig/whose.py`; its first lines say how. An unmodified kernel 6.1 runs on an emulated
processor of two CPUs. *Truth*: what the programs themselves added to the counter, 20 and 9 joules per CPU
second, and 12 W of the idle machine. *Within U*: the share's interval holds it. *At most*: the guaranteed
bound. *CPU time alone* divides all energy by it, as Scaphandre and Kepler do. A look at all processes takes
60 ms of such a processor, so that one comes in about a third of a second, and the recorder's own CPU time,
which draws nothing there, is half of all: the intervals are wide.
"""
POWERS = ("linear", "wandering", "concave", "shared")
IDLE_W = 12.0
CONF = f"""# The idle machine; programs in the guest add the rest.
esu 14
grid_us 976.5625
jitter_us 50
seed 1
dom * pkg phase_us=0 const={IDLE_W:g}
"""
WHO = {"command": "burn", "firefox": "firefox", "idle": None}
LIMIT_S = 1500
HEAD = (
    "power",
    "run",
    "whose",
    "truth, J",
    "share, J",
    "U, J",
    "within U",
    "at most, J",
    "CPU time alone, J",
)


def boot(rig: Path, wheel: Path, runs: int, seconds: float, powers: list[str]) -> Path:
    """Runs ``in_guest.py`` in a guest of its own; the folder that it leaves."""
    folder, parts = rig / "runs" / "whose", rig / "whose"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    binary = parts / "load"
    compiler = [
        "gcc",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-static",
        "-o",
        str(binary),
        str(HERE / "load.c"),
    ]
    subprocess.run([*compiler, "-lm"], check=True)
    conf = parts / "whose.conf"
    conf.write_text(CONF, encoding="utf-8")
    command = "pip install -q --no-index --no-deps microjoule*.whl && python3 in_guest.py . "
    command += f"{runs} {seconds:g} {' '.join(powers)}"
    words = ["./run.sh", "-t", str(LIMIT_S), "-c", str(conf), "-o", str(folder)]
    for path in (wheel.resolve(), binary, HERE / "in_guest.py"):
        words += ["-f", str(path)]
    done = subprocess.run([*words, "--", command], cwd=rig, check=False, env=os.environ)
    if not (folder / "runs.json").exists():
        raise SystemExit(f"The guest ended with {done.returncode}; see {folder}/console.txt and out.txt")
    return folder


def logged_j(path: Path, t0_ns: int, t1_ns: int) -> float:
    """What a program added in a window, by its own log."""
    t_ns, nj = np.loadtxt(path, np.int64).T
    before, after = np.interp(np.array([t0_ns, t1_ns]) - t_ns[0], t_ns - t_ns[0], nj).tolist()
    return (after - before) / 1e9


def rows(folder: Path, run: dict[str, str]) -> list[tuple[str, ...]]:
    """The rows of one recording."""
    trace = load(folder / f"{run['tag']}-run.arrows")
    window = whole(trace)
    found = ShareModel(trace, "name", window).of(window)
    if found is None:
        raise SystemExit(f"{run['tag']}: its energy is not known; see {folder}/{run['tag']}.txt")
    each = {one.name: one for one in found.shares}
    lines = []
    for name, log in WHO.items():
        one, span = each.get(name), (window.t0_ns, window.t1_ns)
        idle_j = IDLE_W * window.duration_ns / 1e9
        truth = idle_j if log is None else logged_j(folder / f"{run['tag']}-{log}.log", *span)
        if one is None or one.energy_j is None:
            lines.append((*_whose(run, name, truth), "not separable" if one else "-", "", "", "", ""))
            continue
        held = "yes" if abs(one.energy_j - truth) <= (one.expanded_j or 0.0) else "no"
        plain = "" if one.by_cpu_time_j is None else f"{one.by_cpu_time_j:.0f}"
        figures = (f"{one.energy_j:.1f}", f"{one.expanded_j or 0.0:.1f}", held, f"{one.high_j:.0f}", plain)
        lines.append((*_whose(run, name, truth), *figures))
    return lines


def _whose(run: dict[str, str], name: str, truth_j: float) -> tuple[str, ...]:
    return run["power"], run["tag"].rpartition("-")[2], name, f"{truth_j:.1f}"


def write(folders: list[Path]) -> None:
    """The table of what some guests left."""
    lines = [HEAD, ("---",) * len(HEAD)]
    for folder in folders:
        for run in json.loads((folder / "runs.json").read_text(encoding="utf-8")):
            lines += rows(folder, run)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    RESULTS.write_text(f"{ABOUT}\n{table}\n", encoding="utf-8")
    print(table)


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    if sys.argv[1] == "--again":
        write([Path(each) for each in sys.argv[2:]])
        return
    rig, wheel = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 20.0
    write([boot(rig, wheel, runs, seconds, sys.argv[5:] or list(POWERS))])


if __name__ == "__main__":
    main()
