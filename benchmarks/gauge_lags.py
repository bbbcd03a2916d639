"""How well a program's windows tell the lag of a power gauge alone, and what figures gain by it.

    python benchmarks/gauge_lags.py      # two minutes; writes results/gauge_lags.md

Each recording is of one gauge that trails by 0 to 150 ms more than it is declared to, and of a program's
windows of 0.1 to 3 s, 0.1 to 2 s apart (``tests/gauge_windows.py``). Power rises up to 3 ms after a window
begins and falls when it ends; in one of seven windows it does nothing. Seeds are fixed. Of each row: in how
many recordings a lag was learnt, in how many of these it lies in its interval, and the share of the windows
within U: as declared, with the lag that was learnt, and with the true lag put in by hand; and of windows
of 0.3 s and more with the lag that was learnt.

A second table is of marks that tell no lag, of gauges that trail by nothing: in how many recordings a lag was
learnt all the same, and the share of the windows within U without and with it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from gauge_windows import BUSY_W, IDLE_W, Program, both, program
from gauges import REST_S, SENSORS, T0, Load, S, Sensor

from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.readings import Shape

RESULTS = Path(__file__).resolve().parent / "results" / "gauge_lags.md"
SEED = 7_250_000
RECORDINGS = {6: 8, 10: 8, 40: 6}  # by how many windows each has
NAMES = tuple(name for name in SENSORS if "frozen" not in name and "1 s of 1 s" not in name)
FAINT_W = 10.0
LONG_S = 0.3


class Row(NamedTuple):
    """What one recording shows.

    Attributes:
        is_learnt: Whether a lag was.
        is_inside: Whether the true one lies in its interval.
        held: bool[3, n]: windows within U, as declared, as learnt, and with the true lag.
        is_long: bool[n]: whether windows last 0.3 s or more.
    """

    is_learnt: bool
    is_inside: bool
    held: np.ndarray
    is_long: np.ndarray


def recorded(of: Program, name: str, lag_s: float, seed: int) -> Row:
    """One recording."""
    sensor: Sensor = SENSORS[name]
    if sensor.timing.update_ns is None:
        window_s = np.random.default_rng([seed, 41]).uniform(0, sensor.update_s)
        sensor = replace(sensor, window_s=window_s)
    plain, learnt = both(of, sensor, lag_s, seed)
    # What nobody knows the mean of is taken for a momentary value, half of its mean later.
    own_s = sensor.window_s / 2 if plain.readings.shape is Shape.POINT else 0.0
    true_ns, timing = round((lag_s + own_s) * S), learnt.channel.timing
    known = plain.with_timing(replace(plain.channel.timing, likely_lag_ns=(true_ns, true_ns)))
    known.channel = plain.channel
    is_learnt = timing.likely_lag_ns is not None
    is_inside = is_learnt and abs(timing.middle_lag_ns - true_ns) <= timing.half_lag_ns
    is_held = np.array([held(each, of) for each in (plain, learnt, known)])
    return Row(is_learnt, is_inside, is_held, of.ends_s - of.begins_s >= LONG_S)


def held(gauge: Gauge, of: Program) -> list[bool]:
    """Whether each window lies within U."""
    t0, t1 = of.edges_ns()
    truth = of.load.energy_j((t1 - T0) / S) - of.load.energy_j((t0 - T0) / S)
    found = gauge.estimates(gauge.energies(t0, t1))
    return [e.value is not None and abs(e.value - t) <= e.U for e, t in zip(found, truth, strict=True)]


def of_steps(name: str, n: int, seed: int, busy_w: float) -> Row:
    """Power that steps at marks."""
    lag_s = np.random.default_rng([seed, 42]).uniform(0.0, 0.15)
    return recorded(program(n, seed, busy_w), name, lag_s, seed)


def elsewhere(name: str, n: int, seed: int) -> Row:
    """Marks of one program, and the power of another."""
    of, other = program(n, seed), program(n, seed + 500_000)
    return recorded(of._replace(begins_s=other.begins_s, ends_s=other.ends_s), name, 0.0, seed)


def in_step(name: str, n: int, seed: int) -> Row:
    """Marks of nearly the period of a square load, its half, its double, or none of these."""
    chance = np.random.default_rng([seed, 43])
    period_s = chance.uniform(0.3, 1.5)
    every_s = period_s * chance.choice([1.0, 2.0, 0.5, chance.uniform(0.5, 2)]) * chance.uniform(0.98, 1.02)
    begins = REST_S + 0.5 + chance.uniform(0, 1) + np.arange(n) * every_s
    edges = np.arange(REST_S, begins[-1] + every_s + 1, period_s / 2)
    watts = np.where(np.arange(len(edges)) % 2, BUSY_W, IDLE_W)
    load = Load(edges, np.concatenate(([IDLE_W], watts[:-1], [IDLE_W])))
    return recorded(Program(load, begins, begins + every_s * chance.uniform(0.3, 0.7, n)), name, 0.0, seed)


KINDS = {
    "steps of up to 270 W at marks": (lambda *of: of_steps(*of, BUSY_W), (6, 10, 40)),
    "steps of up to 10 W at marks": (lambda *of: of_steps(*of, IDLE_W + FAINT_W), (10,)),
    "marks of another program": (elsewhere, (10, 40)),
    "marks about in step with a load": (in_step, (10, 40)),
}


def cells(asked: tuple[str, str, int]) -> list[str]:
    """The cells of one row."""
    kind, name, n = asked
    rows = [KINDS[kind][0](name, n, SEED + seed) for seed in range(RECORDINGS[n])]
    learnt, inside = sum(row.is_learnt for row in rows), sum(row.is_inside for row in rows)
    is_held = np.concatenate([row.held for row in rows], 1)
    is_long = np.concatenate([row.is_long for row in rows])
    shares = [f"{100 * share:.0f} %" for share in (*is_held.mean(1), is_held[1, is_long].mean())]
    said = [f"{learnt} of {len(rows)}", f"{inside} of {learnt}", *shares]
    return [kind, name, str(n), *(said if "steps" in kind else [said[0], *shares[:2]])]


def main() -> None:
    """Writes the tables."""
    asked = [(kind, name, n) for kind, (_, some) in KINDS.items() for name in NAMES for n in some]
    with Pool(2) as pool:
        found = pool.map(cells, asked, 1)
    beside, within = ("load", "sensor", "windows", "lag learnt"), ("within U as declared", "as learnt")
    heads = {
        True: (*beside, "in its interval", *within, "with the true lag", "of 0.3 s and more"),
        False: (*beside, *within),
    }
    lines = ["# The lag of a power gauge alone, by a program's windows", ""]
    lines += ["Taken by `python benchmarks/gauge_lags.py`; its first lines say how.", ""]
    for is_told, head in heads.items():
        lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in found if ("steps" in row[0]) is is_told]
        lines += [""]
    lines += [
        "Windows of one or two updates from step to step of power do not hold with the true lag either.",
        "A load that is in step with marks by chance cannot be told from a gauge that trails.",
    ]
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
