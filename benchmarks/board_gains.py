"""Each board's gain from public logs beside an outside meter: ``python benchmarks/board_gains.py FOLDER``.

FOLDER has ``load.py`` and the logs. A log's sensor is fitted to its meter over the first part of the log,
and the line is tried on the rest: energy of long windows as the product integrates the sensor's readings,
with and without the line, against the meter. There is no gain where
:func:`microjoule.joules.reference.beside_meter.no_gain` says so, of the meter's readings by the sensor's
energies, as ``uj probe --calibrate --of`` fits them, or of the sensor's readings by the meter's energies.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from gpu_logs import gauge, loader, timing

from microjoule.joules.reference.beside_meter import GRID_NS, no_gain
from microjoule.joules.reference.reference_fit import ReferenceFit, fit
from microjoule.sources.nvml_behaviour import OBSERVED

NS = 1_000_000_000
HELD_OUT = 0.35  # of the log's time, its end
REACH_S = 0.6  # the longest lag and window together, of sensors of a period
WINDOW_NS, APART_NS = 3 * NS, NS // 5
ASKED_NS, MEAN_NS = NS // 10, NS  # how often the meter is asked, and what it shows the mean of
POLLED_S = 0.004  # the standard uncertainty of when a value came that was asked for each 7 to 13 ms
STEADY = 0.01  # of the sensor's readings: what stays within it did not change


def main(folder: Path) -> None:
    """Prints a row for each log and field."""
    logs = loader(folder)
    print("| log | field | gain | offset | of its authors | lag | window | n | before | after |")
    print("|---" * 10 + "|")
    for name, board in logs.BOARDS.items():
        log = logs.load(name)
        middle = int(log.truth.t_ns[0]) + round((1 - HELD_OUT) * float(np.ptp(log.truth.t_ns)))
        for field, readings in log.fields.items():
            moves = timing(*board.sensors.get(field, board.sensors["power.draw"]))
            found = sensor_by_meter(readings, log, middle, (moves.window_ns or 20_000_000) / NS)
            sensor = gauge(readings.t_ns, readings.watts, log, moves, OBSERVED)
            why = no_gain(meter_by_sensor(sensor, log, middle), None) or no_gain(found, OBSERVED)
            true, said = energies(sensor, log, middle)
            after = (said - found.offset_w.value * WINDOW_NS / NS) / found.gain.value
            worst = [f"{abs(each / true - 1).max():.1%}" for each in (said, after)]
            gain, offset_w = board.lines.get(field, board.lines["power.draw"])
            line = f"{found.gain.value:.3f} ± {found.gain.U:.3f} | {found.offset_w.value:+.1f} ± "
            line += f"{found.offset_w.U:.1f} W | {gain:.3f}, {offset_w:+.1f} W | "
            line += f"{found.lag_s.value * 1e3:.0f} ms | {found.window_s.value * 1e3:.0f} ms"
            kept = f"no gain: {why}" if why else worst[1]
            print(f"| {name} | {field} | {line} | {len(true)} | {worst[0]} | {kept} |")


def sensor_by_meter(readings: Any, log: Any, until_ns: int, window_s: float) -> ReferenceFit:
    """The sensor's readings as means of the meter's power, one reading for each update."""
    # An idle board's mean of a second stands still for longer than an update.
    is_new = np.diff(readings.watts, prepend=np.nan) != 0
    learn = is_new & (readings.t_ns <= until_ns)
    t_ns, watts = readings.t_ns[learn], readings.watts[learn].astype(float)
    known = log.truth.t_ns <= until_ns
    meter_ns, meter_w = log.truth.t_ns[known], log.truth.watts[known]
    first = watts[t_ns < meter_ns[0] + window_s * NS / 2]
    if len(first) > 1 and np.ptp(first) < STEADY * first.mean():
        # The sensor stood at one power since before the meter began: the meter's first power is that of then.
        calm = meter_w[meter_ns < meter_ns[0] + window_s * NS / 4].mean()
        meter_ns = np.concatenate(([t_ns[0] - round(window_s * NS)], meter_ns))
        meter_w = np.concatenate(([calm], meter_w))
        meter_w[1] = calm  # a sample stands for the time since the one before
    joules = np.cumsum(meter_w * np.diff(meter_ns, prepend=meter_ns[:1]) / NS)
    reach_s = max(2.4 * window_s, REACH_S)
    return fit(t_ns, watts, np.full(len(t_ns), POLLED_S), meter_ns, joules, 0.01, reach_s)


def meter_by_sensor(sensor: Any, log: Any, until_ns: int) -> ReferenceFit:
    """A meter's means of a second as those of the sensor's energy."""
    begin, end = max(sensor.span_ns[0], int(log.truth.t_ns[0])), min(sensor.span_ns[1], until_ns)
    grid = np.arange(begin, end, GRID_NS)
    asked = np.arange(int(log.truth.t_ns[0]) + MEAN_NS, end, ASKED_NS)
    watts = log.joules(asked - MEAN_NS, asked) / (MEAN_NS / NS)
    return fit(asked, watts, np.zeros(len(asked)), grid, sensor.joules_until(grid), 0.01, 3 * MEAN_NS / NS)


def energies(sensor: Any, log: Any, since_ns: int) -> tuple[Any, Any]:
    """Joules of windows in the held-out part: by the meter, and by the sensor."""
    begins = np.arange(since_ns, log.truth.t_ns[-1] - WINDOW_NS, APART_NS)
    return log.joules(begins, begins + WINDOW_NS), sensor.values(begins, begins + WINDOW_NS)[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
