"""How often the intervals of shares hold, and how far plain CPU time is off: twenty minutes on one core.

    python benchmarks/shares.py [TRIALS [KIND ...]]     # writes results/shares.md, or its rows of some kinds

Tenants of a scripted package (``tests/busy.py``), each busy by its own random steps for five seconds, the
last 0.8 s of them without the command; looks ten times a second, up to 3 ms late; the machine's own CPU time
in hundredths of a second, as the kernel gives it. The counter is updated each millisecond and read each
20 ms. Power is idle + Σ a_i busy_i in the first rows; in the others it is none of what the fit knows:

- *idle steps*: the idle machine's 12 W become 16 W once, in the middle half;
- *wandering*: joules per CPU second of each tenant swing by a fifth, as its instructions change;
- *concave*: dynamic power to the 0.8, as where the first core wakes what all share; *turbo*: to the 1.3;
- *shared cores*: a quarter less dynamic power while both are busy, as between threads of one core;
- *two threads of one core*: the same where each has one CPU and is busy on it or not at all.

In the last six a joule has no owner by itself: the truth divides dynamic power as the linear law would.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from busy import BASE, Machine
from ideal import MS

from microjoule.joules.estimates.run_window import whole
from microjoule.joules.sharing.shares import ShareModel

RESULTS = Path(__file__).resolve().parent / "results" / "shares.md"
TRIALS = 2000
FIRST_SEED = 30_000  # no law and no constant of the fit was chosen by looking at these
COARSE = replace(BASE, poll_ns=20 * MS)
KINDS = {
    "linear, two tenants": {},
    "linear, a small command": {"busy": (0.3, 1.5)},
    "linear, three tenants": {"per_s": (20.0, 9.0, 15.0), "busy": (2.0, 1.5, 1.0)},
    "idle steps": {"idle_step_w": 4.0},
    "wandering": {"wander": 0.2},
    "concave": {"bend": 0.8},
    "shared cores": {"smt": 0.25},
    "turbo": {"bend": 1.3},
    "concave, and shared cores": {"bend": 0.8, "smt": 0.25},
    "two threads of one core": {"smt": 0.25, "busy": (1.0, 1.0), "levels": (0.0, 1.0)},
    "the same, each CPU's time recorded": {
        "smt": 0.25,
        "busy": (1.0, 1.0),
        "levels": (0.0, 1.0),
        "has_cores": True,
    },
}
WHO = {"command": "command", "program": "others", "idle": "idle machine"}


def figures(kind: dict[str, object], seeds: range) -> dict[str, list[tuple[float, ...]]]:
    """Of each sort of share: error, whether U and the bound held, U, and the error of plain CPU time."""
    found = defaultdict(list)
    for seed in seeds:
        machine = Machine(seed, seconds=5.0, base=COARSE, **kind)
        trace = machine.trace()
        window = whole(trace)
        for one in ShareModel(trace, "name", window).of(window).shares:
            if one.kind not in WHO or one.status != "ok":
                continue
            tenant = {"command": 0, "idle": -1}.get(one.kind)
            tenant = machine.names.index(one.name) if tenant is None else tenant
            truth = machine.truth(tenant, window.t0_ns, window.t1_ns)
            if truth < 0.5:  # joules: a tenant that happened to do nothing
                continue
            by_time = np.nan if one.by_cpu_time_j is None else one.by_cpu_time_j / truth - 1
            off = one.energy_j - truth
            found[one.kind].append(
                (
                    off / truth,
                    abs(off) <= one.expanded_j,
                    one.expanded_j / truth,
                    by_time,
                    truth <= one.high_j,
                )
            )
    return found


def rows(name: str, found: dict[str, list[tuple[float, ...]]]) -> list[str]:
    """Lines of the table."""
    lines = []
    for sort, each in found.items():
        off, held, half, by_time, bounded = np.array(each, float).T
        plain = "" if np.isnan(by_time).all() else f"{100 * np.median(np.abs(by_time)):.3g} %"
        cells = (
            name,
            WHO[sort],
            f"{len(off):,}",
            f"{100 * np.median(np.abs(off)):.2g} %",
            f"{100 * np.quantile(np.abs(off), 0.95):.2g} %",
            f"{100 * held.mean():.1f} %",
            f"{100 * np.median(half):.2g} %",
            f"{np.median(half) / np.sqrt(np.mean(off**2)):.2g}",
            f"{100 * bounded.mean():.4g} %",
            plain,
        )
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def known() -> dict[str, list[str]]:
    """The rows that the file has, by kind of power."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else ():
        found[line.strip("|").partition("|")[0].strip()].append(line)
    return found


def main() -> None:
    """Writes the table."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    chosen = sys.argv[2:] or list(KINDS)
    head = (
        "power", "whose", "figures", "median error", "95th percentile", "within U", "median U",
        "median U / rms error", "within the bound", "plain CPU time: median error",
    )  # fmt: skip
    lines = [
        "# Whose energy: errors, coverage, and plain CPU time beside them",
        "",
        "Taken by `python benchmarks/shares.py`; its first lines say how. *Figures*: one a recording and",
        "program. Errors and U are relative to true energies. *Within the bound*: the guaranteed interval,",
        "which needs no model. *Plain CPU time* divides all energy by CPU time alone, the idle",
        "machine's among it, as Scaphandre and Kepler do.",
        "",
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
    ]
    before, seeds = known(), range(FIRST_SEED, FIRST_SEED + trials)
    for name, kind in KINDS.items():
        lines += rows(name, figures(kind, seeds)) if name in chosen else before[name]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
