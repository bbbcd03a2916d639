"""Each board's gain from public logs beside an outside meter: ``python benchmarks/board_gains.py FOLDER``.

FOLDER has ``load.py`` and the logs. A log's sensor is fitted to its meter over the first part of the log, and
the line is tried on the rest: energy of long windows by the sensor, corrected and not, against the meter.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from gpu_logs import loader

from microjoule.joules.reference_fit import fit

HELD_OUT = 0.35  # of the log's time, its end
REACH_S = 0.6  # the longest lag and window together, of sensors of a period
WINDOW_S = 3.0


def main(folder: Path) -> None:
    """Prints a row for each log and field."""
    logs = loader(folder)
    print("| log | field | gain | offset | of its authors | lag | window | error before | after |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, board in logs.BOARDS.items():
        log = logs.load(name)
        truth_ns, truth_w = log.truth.t_ns, log.truth.watts
        steps_s = np.diff(truth_ns, prepend=truth_ns[:1]) / 1e9
        joules = np.cumsum(truth_w * steps_s)
        for field, readings in log.fields.items():
            # One reading for each update: an idle board's mean of a second stands still for longer than that.
            is_new = np.diff(readings.watts, prepend=np.nan) != 0
            t_ns, watts = readings.t_ns[is_new], readings.watts[is_new].astype(float)
            middle = truth_ns[0] + round((1 - HELD_OUT) * float(truth_ns[-1] - truth_ns[0]))
            learn, known = t_ns <= middle, truth_ns <= middle
            window_ms = board.sensors.get(field, board.sensors["power.draw"])[1] or 20
            reach_s = max(2.4 * window_ms / 1000, REACH_S)
            spread_s = np.full(int(learn.sum()), 0.004)
            found = fit(t_ns[learn], watts[learn], spread_s, truth_ns[known], joules[known], 0.01, reach_s)
            before, after = _errors(t_ns, watts, truth_ns, joules, middle, found)
            gain, offset_w = board.lines.get(field, board.lines["power.draw"])
            line = f"{found.gain.value:.3f} ± {found.gain.U:.3f}"
            line += (
                f" | {found.offset_w.value:+.1f} ± {found.offset_w.U:.1f} W | {gain:.3f}, {offset_w:+.1f} W"
            )
            line += f" | {found.lag_s.value * 1e3:.0f} ms | {found.window_s.value * 1e3:.0f} ms"
            print(f"| {name} | {field} | {line} | {before:.1%} | {after:.1%} |")


def _errors(t_ns, watts, truth_ns, joules, middle, found):
    """Largest relative error of windows in the held-out part: by the sensor, and by the corrected sensor."""
    begins = np.arange(middle, truth_ns[-1] - WINDOW_S * 1e9, 2e8)
    lag_ns = (found.lag_s.value + found.window_s.value / 2) * 1e9
    raw = np.concatenate(([0.0], np.cumsum((watts[1:] + watts[:-1]) / 2 * np.diff(t_ns) / 1e9)))
    worst = [0.0, 0.0]
    for begin in begins:
        end = begin + WINDOW_S * 1e9
        true = np.interp(end, truth_ns, joules) - np.interp(begin, truth_ns, joules)
        said = np.interp(end + lag_ns, t_ns, raw) - np.interp(begin + lag_ns, t_ns, raw)
        corrected = (said - found.offset_w.value * WINDOW_S) / found.gain.value
        worst = [max(w, abs(x / true - 1)) for w, x in zip(worst, (said, corrected), strict=True)]
    return worst


if __name__ == "__main__":
    main(Path(sys.argv[1]))
