"""Public GPU logs beside an outside meter, replayed: ``python benchmarks/gpu_logs.py FOLDER``.

FOLDER holds ``load.py`` and the logs of github.com/JimZeyuYang/GPU_Power_Benchmark (MIT licence). For windows
of 0.3, 1 and 3 s at random instants: how many of them U covers as the board comes, and with the board's own
straight line (its gain and offset) taken out of the readings and of U; and the median of U over the rms error
of each. The line is the least squares one through the log's own steady states, or the authors' where the log
has no two of them.
"""

from __future__ import annotations

import importlib.util
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from microjoule.channel import Access, Channel, Kind, Place, Scale, SensorError, Timing, Trust
from microjoule.joules.gauges.gauge import Gauge
from microjoule.sources.nvml_behaviour import OBSERVED, observed
from microjoule.trace.series import Series

NS, MS = 1_000_000_000, 1_000_000
WINDOWS = 400
LENGTHS_S = (0.3, 1.0, 3.0)
STEADY_NS, PARTS = 1_200 * MS, 6  # of steady power before a reading, by means over so many parts of it
STEADY_W, STEADY, APART = 4.0, 0.06, 0.2  # how far they may be apart, and of the limit two states
FREEZE_NS = 1_200 * MS
DECAY_NS = 50 * MS  # of the K40


def timing(period_ms: float, window_ms: float | None) -> Timing:
    return Timing(
        update_ns=round(period_ms * MS),
        update_max_ns=FREEZE_NS if window_ms == 1000 else round(2 * period_ms * MS),
        window_ns=None if window_ms is None else round(window_ms * MS),
        decay_ns=DECAY_NS if window_ms is None else None,
    )


def gauge(t_ns: Any, watts: Any, log: Any, moves: Timing, error: SensorError) -> Gauge:
    n = len(t_ns)
    milliwatts = np.maximum(np.rint(watts * 1000), 0).astype(np.uint64)
    series = Series(t_ns, np.full(n, MS, np.uint32), milliwatts, np.zeros(n, np.uint16))
    channel = Channel(
        id="gpu-0/power", place=Place(device="gpu", number=0), hw_type="gpu", source="nvml", lane="gpu-0",
        kind=Kind.GAUGE, scale=Scale(quantity="W", unit=Fraction(1, 1000), unit_source="interface"),
        timing=moves, trust=Trust(power_limit_w=log.board.limit_w, sensor=error),
        access=Access(reader="nvml", path=""),
    )  # fmt: skip
    return Gauge(series, channel)


def line(series: Any, log: Any, field: str) -> tuple[float, float, str]:
    """Gain and offset of a board's readings, and whose they are."""
    t, watts = series.t_ns, series.watts
    t, watts = t[t > log.truth.t_ns[0] + STEADY_NS], watts[t > log.truth.t_ns[0] + STEADY_NS]
    t, watts = t[t < log.truth.t_ns[-1]], watts[t < log.truth.t_ns[-1]]
    parts = np.linspace(-STEADY_NS, 0, PARTS + 1).astype(np.int64)
    until_j = [log.joules(log.truth.t_ns[0], t + part) for part in parts]
    true_w = np.diff(until_j, axis=0) * PARTS * NS / STEADY_NS
    steady = np.ptp(true_w, axis=0) < STEADY_W + STEADY * true_w.mean(0)
    mean_w = true_w.mean(0)
    if not steady.any() or np.ptp(mean_w[steady]) < APART * log.board.limit_w:
        return *log.board.lines.get(field, log.board.lines["power.draw"]), "authors'"
    # As much weight for each state, however long it lasted.
    is_high = mean_w > (mean_w[steady].min() + mean_w[steady].max()) / 2
    states = [np.flatnonzero(steady & each) for each in (is_high, ~is_high)]
    (x1, y1), (x0, y0) = [(mean_w[each].mean(), watts[each].mean()) for each in states]
    gain = (y1 - y0) / (x1 - x0)
    return float(gain), float(y0 - gain * x0), "own"


def row(found: Gauge, log: Any, length_s: float) -> tuple[float, float, int]:
    """Share covered, median U / rms error, and how many windows of that length do not overlap."""
    t = found.readings.t_ns
    low = max(int(log.truth.t_ns[0]), int(t[0])) + 300 * MS
    high = min(int(log.truth.t_ns[-1]), int(t[-1])) - 1_300 * MS
    t0 = np.random.default_rng(1).integers(low, high - round(length_s * NS), WINDOWS)
    t1 = t0 + round(length_s * NS)
    true_j = log.joules(t0, t1)
    each = found.estimates(found.energies(t0, t1))
    errors = np.array([one.value for one in each]) - true_j
    wide = np.array([one.U for one in each])
    rms = float(np.sqrt(np.mean(errors**2)))
    return (
        float(np.mean(np.abs(errors) <= wide)),
        float(np.median(wide)) / rms,
        (high - low) // round(length_s * NS),
    )


def loader(folder: Path) -> ModuleType:
    """The module that reads the logs."""
    spec = importlib.util.spec_from_file_location("gpu_logs_load", folder / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_logs_load"] = module
    spec.loader.exec_module(module)
    return module


def main(folder: Path) -> None:
    module = loader(folder)
    print("| log | field | line | s | independent | covered | U/rms | without gain | U/rms |")
    print("|---" * 9 + "|")
    for name in module.BOARDS:
        log = module.load(name)
        for field, series in log.fields.items():
            gain, offset_w, whose = line(series, log, field)
            moves = timing(*log.board.sensors.get(field, log.board.sensors["power.draw"]))
            own = SensorError(gain=0.0, linearity=OBSERVED.linearity)
            plain = gauge(series.t_ns, series.watts, log, moves, observed(log.board.chip))
            straight = gauge(series.t_ns, (series.watts - offset_w) / gain, log, moves, own)
            for length_s in LENGTHS_S:
                held, ratio, n = row(plain, log, length_s)
                bare, bare_ratio, _ = row(straight, log, length_s)
                figures = f"{held:.0%} | {ratio:.1f} | {bare:.0%} | {bare_ratio:.1f}"
                of = f"{gain:.3f}, {offset_w:+.1f} W ({whose})"
                print(f"| {name} | {field} | {of} | {length_s:g} | {n} | {figures} |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
