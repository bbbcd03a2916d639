"""Whose energy it was, on a real kernel whose package counter is idle + Σ a_i busy_i of its own programs.

    python tests/rig/build_emulator.py RIG          # once
    python tests/rig/whose.py RIG WHEEL [RUNS [SECONDS]]
    python tests/rig/whose.py --again RIG           # the table once more, from what guests left

RIG is the folder of a built machine: ``run.sh`` boots its guest. WHEEL is this project's, for Python 3.11.
In the guest two programs (``load.c``), the command and one beside it, are busy by their own steps, and add
what they use to the package; ``uj run`` records them. Their own logs are the truth. Each kind of power is
recorded RUNS times for SECONDS. Writes ``benchmarks/results/rig_whose.md``.

Time in the guest is the count of its instructions, so that a busy host makes a run longer and nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from microjoule.joules.energy_trace import load
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.sharing.shares import ShareModel

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "benchmarks" / "results" / "rig_whose.md"
NS_AN_INSTRUCTION = 1  # its binary logarithm
ABOUT = """# Whose energy, on a real kernel whose package counter is idle + Σ a_i busy_i of its own programs

Taken by `python tests/rig/whose.py`; its first lines say how. An unmodified kernel 6.1 runs on an emulated
processor of two CPUs, an instruction in 2 ns. *Truth*: what the programs themselves added to the counter, 20
and 9 joules per CPU second where power is linear, and the idle machine, 12 W. The recorder's own CPU time
draws nothing there. *Within U*: the share's interval holds the truth. *At most*: the guaranteed bound. *CPU
time alone* divides all energy by it, as Scaphandre and Kepler do.

- *linear*; *wandering*: joules per CPU second go up and down by 20 %; *concave*: as power 0.8 of the load.
- *shared cores*: who runs beside the other draws a quarter less. *Two threads of one core*: the same, and
  the kernel says that the two CPUs are one core.
- *idle steps*: the idle machine's 12 W become 18 W or 18 W become 12 W every {half_s:g} s; else linear.
"""
IDLE_W, STEP_W, STEP_HZ = 12.0, 6.0, 1 / 40
CONF = f"""# The idle machine; programs in the guest add the rest.
esu 14
grid_us 976.5625
jitter_us 50
seed 1
dom * pkg phase_us=0 const={IDLE_W:g} """
STEPS = f"square={STEP_W:g},{STEP_HZ:g},0.5,0"


class Machine(NamedTuple):
    """A guest, and its kinds of power: names, and words of load.c."""

    kinds: dict[str, str]
    idle: str = ""  # what its waveform has beside 12 W
    cpus: str = "2"  # as run.sh has them


MACHINES = (
    Machine(
        {"linear": "linear", "wandering": "wandering", "concave": "concave", "shared cores": "shared"},
    ),
    Machine({"idle steps": "linear"}, idle=STEPS),
    Machine({"two threads of one core": "shared"}, cpus="2,sockets=1,cores=1,threads=2"),
)
LINEAR = ("linear", "idle steps")  # in the task-clock
WHO = {"command": "burn", "firefox": "firefox", "idle": None}
LIMIT_S = 3600
HEAD = (
    "power", "run", "whose", "truth, J", "share, J", "error, %", "U, J", "within U", "at most, J",
    "CPU time alone, J",
)  # fmt: skip


def folder_of(rig: Path, number: int) -> Path:
    return rig / "runs" / f"whose{number}"


def boot(rig: Path, wheel: Path, number: int, runs: int, seconds: float) -> None:
    """Runs ``in_guest.py`` in a guest of its own."""
    machine, folder, parts = MACHINES[number], folder_of(rig, number), rig / "whose"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    binary = parts / "load"
    compiler = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", str(binary)]
    subprocess.run([*compiler, str(HERE / "load.c"), "-lm"], check=True)
    conf = parts / "whose.conf"
    conf.write_text(f"{CONF}{machine.idle}\n", encoding="utf-8")
    command = "pip install -q --no-index --no-deps microjoule*.whl && python3 in_guest.py . "
    command += f"{runs} {seconds:g} {' '.join(machine.kinds.values())}"
    words = ["./run.sh", "-t", str(LIMIT_S), "-s", machine.cpus, "-c", str(conf), "-o", str(folder)]
    for path in (wheel.resolve(), binary, HERE / "in_guest.py"):
        words += ["-f", str(path)]
    environment = os.environ | {"RIG_ICOUNT": str(NS_AN_INSTRUCTION)}
    done = subprocess.run([*words, "--", command], cwd=rig, check=False, env=environment)
    if not (folder / "runs.json").exists():
        raise SystemExit(f"The guest ended with {done.returncode}; see {folder}/console.txt and out.txt")


def logged_j(path: Path, t0_ns: int, t1_ns: int) -> float:
    """What a program added in a window, by its own log."""
    t_ns, nj = np.loadtxt(path, np.int64).T
    before, after = np.interp(np.array([t0_ns, t1_ns]) - t_ns[0], t_ns - t_ns[0], nj).tolist()
    return (after - before) / 1e9


def idle_j(folder: Path, pairs: list[list[float]], t0_ns: int, t1_ns: int) -> float:
    """What the idle machine used in a window, by its waveform."""
    spec = importlib.util.spec_from_file_location("truth", folder / "truth.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder} holds no truth.py")
    truth = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(truth)
    (_, x0, y0), (_, x1, y1) = pairs
    domain = truth.load(str(folder / "rapl.conf"))[0, "pkg"]
    before, after = (domain.energy((y0 + (t - x0) * (y1 - y0) / (x1 - x0)) / 1e9) for t in (t0_ns, t1_ns))
    return float(after - before)


def rows(name: str, folder: Path, run: dict[str, Any]) -> list[tuple[str, ...]]:
    """The rows of one recording."""
    trace = load(folder / f"{run['tag']}-run.arrows")
    window = whole(trace)
    found = ShareModel(trace, "name", window).of(window)
    if found is None:
        raise SystemExit(f"{run['tag']}: its energy is not known; see {folder}/{run['tag']}.txt")
    each = {one.name: one for one in found.shares}
    lines = []
    for who, log in WHO.items():
        one, span = each.get(who), (window.t0_ns, window.t1_ns)
        if log is None:
            true_j = idle_j(folder, run["pairs"], *span)
        else:
            true_j = logged_j(folder / f"{run['tag']}-{log}.log", *span)
        mine = (name, run["tag"].rpartition("-")[2], who, f"{true_j:.1f}")
        if one is None or one.energy_j is None:
            lines.append((*mine, "not separable" if one else "-", "", "", "", "", ""))
            continue
        off_j, half_j = one.energy_j - true_j, one.expanded_j or 0.0
        plain = "" if one.by_cpu_time_j is None else f"{one.by_cpu_time_j:.0f}"
        figures = (f"{one.energy_j:.1f}", f"{100 * off_j / true_j:+.2f}", f"{half_j:.1f}")
        lines.append((*mine, *figures, "yes" if abs(off_j) <= half_j else "no", f"{one.high_j:.0f}", plain))
    return lines


def write(rig: Path) -> None:
    """The table of what the guests left."""
    found: list[tuple[str, ...]] = []
    for number, machine in enumerate(MACHINES):
        folder = folder_of(rig, number)
        if (folder / "runs.json").exists():
            runs = json.loads((folder / "runs.json").read_text(encoding="utf-8"))
            for name, power in machine.kinds.items():
                for run in runs:
                    if run["power"] == power:
                        found += rows(name, folder, run)
    held = [line[7] == "yes" for line in found]
    off: dict[bool, float] = {True: 0.0, False: 0.0}
    for line in found:
        is_linear = line[0] in LINEAR
        off[is_linear] = max(off[is_linear], abs(float(line[5] or 0)))
    said = (
        f"{sum(held)} of {len(held)} intervals hold the truth. The largest error is {off[True]:.2f} % where "
    )
    said += f"power is linear in CPU time (*linear*, *idle steps*), and {off[False]:.1f} % elsewhere."
    table = "\n".join(f"| {' | '.join(line)} |" for line in [HEAD, ("---",) * len(HEAD), *found])
    about = ABOUT.format(half_s=0.5 / STEP_HZ)
    RESULTS.write_text(f"{about}\n{said}\n\n{table}\n", encoding="utf-8")
    print(f"{table}\n{said}")


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    if sys.argv[1] == "--again":
        write(Path(sys.argv[2]).resolve())
        return
    rig, wheel = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 20.0
    for number in range(len(MACHINES)):
        boot(rig, wheel, number, runs, seconds)
    write(rig)


if __name__ == "__main__":
    main()
