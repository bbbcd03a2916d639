"""The relative uncertainty of one short kernel, by method, from the shipped estimators.

    python benchmarks/short_kernels.py      # a minute; writes results/short_kernels.md and .svg

Counters of the table's three kinds are simulated with every reading and every update; what is shown
is the root mean square of what the shipped code gets wrong, beside the formula. No machine is timed,
so that the figures are the same everywhere.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from microjoule.channel import Access, Channel, Place, Scale, Timing, Trust
from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.measuring.repeats import averaged
from microjoule.measuring.waits import energies
from microjoule.measuring.window_plan import Ask, Pilot, plan
from microjoule.trace.series import Series

HERE = Path(__file__).parent
LENGTHS_S = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
TRIALS = 300
N_DITHER, N_BATCH = 100, 1000
POLL_SPAN = 3  # update periods around a run that are read closely


@dataclass(frozen=True)
class Kind:
    name: str
    update_s: float
    power_w: float
    spin_w: float
    spin_u: float
    quantum_j: float
    poll_s: float
    jitter_s: float


KINDS = (
    Kind("RAPL, 1 ms", 1e-3, 100, 40, 0.4, 61e-6, 10e-6, 2e-6),
    Kind("NVML, 20 ms", 0.02, 250, 60, 0.6, 1e-3, 1e-3, 1e-4),
    Kind("NVML, 100 ms", 0.1, 400, 100, 1.0, 1e-3, 1e-3, 1e-4),
)


def channel(kind: Kind) -> Channel:
    period = round(kind.update_s * 1e9)
    return Channel(
        id="package-0",
        place=Place(device="package", number=0),
        hw_type="cpu",
        source="script",
        lane="lane-0",
        scale=Scale(
            quantity="J", unit=Fraction(kind.quantum_j).limit_denominator(10**9), unit_source="assumed"
        ),
        timing=Timing(update_ns=period, update_max_ns=period),
        trust=Trust(power_limit_w=2 * kind.power_w),
        access=Access(reader="script", path=""),
    )


def shown(kind: Kind, t_s: np.ndarray, phase_s: float, start_s: float, length_s: float) -> np.ndarray:
    """What the counter says at some instants: the quanta of energy up to its last update."""
    u = np.floor((t_s - phase_s) / kind.update_s) * kind.update_s + phase_s
    busy = np.clip(u - start_s, 0, length_s)
    joules = kind.spin_w * (u + 10 * kind.update_s) + (kind.power_w - kind.spin_w) * busy
    return np.floor(joules / kind.quantum_j + 1e-9).astype(np.int64)


def read_around(kind: Kind, length_s: float, rng: np.random.Generator) -> tuple[Counter, int, int]:
    """A counter that was read closely before and after one run, and when the run was, in ns.

    The spin has waited for an update, and the run starts within two readings of it.
    """
    start_s = rng.uniform(0, kind.update_s)
    phase_s = start_s - kind.poll_s * (1 + rng.random())
    span_s = POLL_SPAN * kind.update_s
    before = np.arange(start_s - span_s, start_s, kind.poll_s)
    after = np.arange(start_s + length_s, start_s + length_s + span_s, kind.poll_s)
    t_s = np.concatenate([before, after])
    seen = t_s + kind.jitter_s * rng.standard_normal(len(t_s))
    raw = shown(kind, np.maximum.accumulate(seen), phase_s, start_s, length_s)
    t_ns = np.rint((t_s + 1000) * 1e9).astype(np.int64)
    series = Series(
        t_ns, np.zeros(len(t_ns), np.uint32), raw.astype(np.uint64), np.zeros(len(t_ns), np.uint16)
    )
    begun = round((start_s + 1000) * 1e9)
    return Counter(series, channel(kind)), begun, begun + round(length_s * 1e9)


def spin(kind: Kind, error_w: float) -> Estimate:
    part = Component("baseline", kind.spin_u, "A", group="baseline:spin")
    value = kind.spin_w + error_w
    return Estimate(value=value, low=value, high=value, unit="W", components=(part,))


def rms(values: list[float] | np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def naive(kind: Kind, length_s: float, rng: np.random.Generator) -> tuple[float, float]:
    """(rms in a steady run, bias after idling), relative; the counter read at both ends."""
    n = 20 * TRIALS
    phase = rng.uniform(0, kind.update_s, n)
    truth = kind.power_w * length_s
    if length_s >= kind.update_s:  # a whole number of updates would have no error at all: any length near it
        length_s = length_s + rng.uniform(0, kind.update_s, n)
    steady = (
        kind.power_w * kind.update_s * (np.floor((length_s + phase) / kind.update_s))
        - kind.power_w * length_s
    )
    last = np.floor((length_s + phase) / kind.update_s) * kind.update_s - phase  # of the run, that is shown
    late = kind.spin_w * phase + kind.power_w * np.maximum(last, 0) + kind.spin_w * np.minimum(last, 0)
    return rms(steady) / truth, float(np.mean(late - kind.power_w * length_s)) / truth


def edge(kind: Kind, length_s: float, rng: np.random.Generator) -> tuple[float, float]:
    """(rms, mean of the claimed standard uncertainty) of one run from update to update, relative."""
    truth, errors, claimed = kind.power_w * length_s, [], []
    for _ in range(TRIALS):
        counter, begun, ended = read_around(kind, length_s, rng)
        (found,) = energies(counter, [begun], [ended], spin(kind, kind.spin_u * rng.standard_normal()))
        errors.append(math.nan if found.value is None else found.value - truth)
        claimed.append(found.u)
    return rms(errors) / truth, float(np.mean(claimed)) / truth


def edge_repeated(kind: Kind, length_s: float, rng: np.random.Generator) -> float:
    """The claimed uncertainty of the mean of many such runs with one spin power, relative."""
    found = []
    wait = spin(kind, kind.spin_u * rng.standard_normal())
    for _ in range(N_DITHER):
        counter, begun, ended = read_around(kind, length_s, rng)
        found += energies(counter, [begun], [ended], wait)
    return averaged(found).u / (kind.power_w * length_s)


def batch(kind: Kind, length_s: float) -> tuple[float, int]:
    """(relative uncertainty of one window of a thousand, calls a window that the plan takes for 1 %)."""
    pilot = Pilot(
        call_s=length_s,
        power_w=kind.power_w,
        update_s=kind.update_s,
        quantum_j=kind.quantum_j,
        edge_s=kind.poll_s,
    )
    planned = plan(pilot, Ask(rel=0.01, max_time_s=1e6))
    energy = N_BATCH * length_s * kind.power_w
    return math.hypot(kind.power_w * kind.update_s, kind.quantum_j) / math.sqrt(6) / energy, planned.counts[0]


def figures(kind: Kind, length_s: float, rng: np.random.Generator) -> dict[str, float]:
    steady, bias = naive(kind, length_s, rng)
    once, claimed = edge(kind, length_s, rng)
    thousand, number = batch(kind, length_s)
    return {
        "naive": steady,
        "bias": bias,
        "edge": once,
        "claimed": claimed,
        "many": edge_repeated(kind, length_s, rng),
        "batch": thousand,
        "n": number,
    }


def percent(x: float) -> str:
    """Two digits, written out."""
    size = abs(100 * x)
    places = max(1 - math.floor(math.log10(size)), 0) if size else 0
    return f"{100 * x:.{places}f} %"


def table(kind: Kind, rows: dict[float, dict[str, float]]) -> list[str]:
    names = ("naive", "bias after the spin", "edge 1x", "its claimed u", f"edge N={N_DITHER}†")
    head = f"| {kind.name}: T | {' | '.join(names)} | batch n={N_BATCH} | n for u = 1 % |"
    lines = [head, "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for length_s, row in rows.items():
        name = f"{length_s * 1e3:g} ms" if length_s < 1 else f"{length_s:g} s"
        cells = [percent(row[key]) for key in ("naive", "bias", "edge", "claimed", "many", "batch")]
        lines.append(f"| {name} | {' | '.join(cells)} | {row['n']:.0f} |")
    return lines


WIDE, HIGH, LEFT, BELOW, GAP = 300, 240, 52, 40, 22
COLOURS = {"naive": "#b33", "edge": "#06c", "many": "#093", "batch": "#960"}
LABELS = {"naive": "naive", "edge": "edge, once", "many": f"edge, {N_DITHER}", "batch": f"batch of {N_BATCH}"}
DECADES_X, DECADES_Y = (-4, 1), (-6, 2)


def plot(found: dict[str, dict[float, dict[str, float]]]) -> str:
    """Three panels, both axes logarithmic: relative standard uncertainty over a kernel's length."""
    width = LEFT + len(found) * (WIDE + GAP) + 100
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HIGH + BELOW + 30}" '
        'font-family="sans-serif" font-size="11">'
    ]
    out.append(f'<rect width="{width}" height="{HIGH + BELOW + 30}" fill="white"/>')
    for number, (name, rows) in enumerate(found.items()):
        x0 = LEFT + number * (WIDE + GAP)

        def at(length_s: float, u: float, x0: int = x0) -> tuple[float, float]:
            across = (math.log10(length_s) - DECADES_X[0]) / (DECADES_X[1] - DECADES_X[0])
            up = (math.log10(max(u, 10.0 ** DECADES_Y[0])) - DECADES_Y[0]) / (DECADES_Y[1] - DECADES_Y[0])
            return x0 + across * WIDE, 20 + HIGH - up * HIGH

        out.append(f'<text x="{x0 + WIDE / 2}" y="13" text-anchor="middle">{name}</text>')
        for decade in range(DECADES_Y[0], DECADES_Y[1] + 1):
            _, y = at(1, 10.0**decade)
            out.append(f'<line x1="{x0}" x2="{x0 + WIDE}" y1="{y}" y2="{y}" stroke="#ddd"/>')
            if not number:
                label = f"{100 * 10.0**decade:g} %"
                out.append(f'<text x="{x0 - 5}" y="{y + 4}" text-anchor="end">{label}</text>')
        for decade in range(DECADES_X[0], DECADES_X[1] + 1):
            x, _ = at(10.0**decade, 1)
            label = f"{10.0**decade:g} s" if decade >= -1 else f"{10.0 ** (decade + 3):g} ms"
            out.append(f'<line x1="{x}" x2="{x}" y1="20" y2="{20 + HIGH}" stroke="#ddd"/>')
            out.append(f'<text x="{x}" y="{HIGH + 36}" text-anchor="middle">{label}</text>')
        for method, colour in COLOURS.items():
            points = [at(length_s, abs(row[method])) for length_s, row in rows.items()]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in points]
    for number, (method, colour) in enumerate(COLOURS.items()):
        y = 40 + 18 * number
        out.append(f'<line x1="{width - 92}" x2="{width - 72}" y1="{y}" y2="{y}" stroke="{colour}"/>')
        out.append(f'<text x="{width - 68}" y="{y + 4}">{LABELS[method]}</text>')
    out.append(
        f'<text x="{width / 2}" y="{HIGH + BELOW + 22}" text-anchor="middle">'
        "length of the kernel; relative standard uncertainty</text>"
    )
    return "\n".join([*out, "</svg>"]) + "\n"


def main(folder: Path) -> None:
    found = {}
    for number, kind in enumerate(KINDS):
        found[kind.name] = {
            length_s: figures(kind, length_s, np.random.default_rng([number, position]))
            for position, length_s in enumerate(LENGTHS_S)
        }
    lines = [
        "# One short kernel: relative standard uncertainty (k = 1) by method",
        "",
        "Written by `python benchmarks/short_kernels.py`; simulated, seeded, from the shipped estimators.",
        f"The method: docs/methods.md, section Short kernels; {TRIALS} trials a cell.",
        "",
        "![relative uncertainty over kernel length](short_kernels.svg)",
    ]
    for kind in KINDS:
        lines += ["", *table(kind, found[kind.name])]
    lines += [
        "",
        "*naive*: the counter read at both ends, in a steady run. *bias*: the same after a spin, read at",
        "once. *edge*: `measuring.waits`, from the last update before the run to the first one after it,",
        "started within two readings of an update, so that the wait is the rest of the update that it ends",
        "in. † the spin's power is one for all runs: its share does not average away. *batch*: what",
        "`measuring.plan` counts with; *n*: what it plans. The sensor's gain is not in the table.",
        "",
        "Where this differs from C2: for T < T_u the formula for the bias, (P - P_0) T_u / 2, is more than",
        "the run itself, and what the counter really loses is shown; edge N takes the worst wait where C2",
        "takes the mean one (T well below T_u, or a multiple of it).",
    ]
    folder.mkdir(exist_ok=True)
    (folder / "short_kernels.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "short_kernels.svg").write_text(plot(found), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "results")
