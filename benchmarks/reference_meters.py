"""Meters of known truth, fitted: ``python benchmarks/reference_meters.py [SEEDS [FIRST [WORD]]]``.

Rows whose name holds the word; without one all.

Of each configuration: how often the 95 % intervals contain the truth, and how wide they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from metered import Truth, metered, read_often

from microjoule.joules.reference.reference_fit import fit

CONFIGURATIONS = {
    "smart plug: 1 s boxcar, 1 s, 0.1 W": (Truth(), {}),
    "one reading in 5 s": (Truth(), {"every_s": 5.0, "for_s": 180.0}),
    "noise of 2 W": (Truth(), {"noise_w": 2.0}),
    "2 s boxcar, 1.2 s late, offset −20 W": (Truth(gain=0.9, offset_w=-20.0, lag_s=1.2, window_s=2.0), {}),
    "steps of 1 W": (Truth(), {"step_w": 1.0}),
    "analyser: 0.1 s boxcar, 0.2 s, jitter 2 ms": (
        Truth(window_s=0.1, lag_s=0.05),
        {"every_s": 0.2, "for_s": 40.0, "jitter_s": 0.002},
    ),
    "the same, jitter 20 ms": (Truth(window_s=0.1, lag_s=0.05), {"every_s": 0.2, "for_s": 40.0}),
    "smart plug, read ten times an update": (Truth(), {"poll_s": 0.1}),
    "the same, steps of 1 W": (Truth(), {"poll_s": 0.1, "step_w": 1.0}),
}


def main(seeds: int, first: int, word: str) -> None:
    """Prints a row for each configuration."""
    print("| meter | gain held | offset held | lag held | window held | U gain | U offset | U lag |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (truth, options) in CONFIGURATIONS.items():
        if word not in name:
            continue
        read = read_often if "poll_s" in options else metered
        held, widths = np.zeros(4), []
        for seed in range(first, first + seeds):
            *readings, together_s = read(seed, truth, **options)
            found = fit(*readings, step_w=options.get("step_w", 0.1)).with_times(together_s)
            fitted = (found.gain, found.offset_w, found.lag_s, found.window_s)
            held += [abs(one.value - true) <= one.U for one, true in zip(fitted, truth, strict=True)]
            widths.append([one.U for one in fitted])
        u_gain, u_offset_w, u_lag_s, _ = np.median(widths, 0)
        shares = " | ".join(f"{each:.1%}" for each in held / seeds)
        print(
            f"| {name} | {shares} | {u_gain:.4f} | {u_offset_w:.2g} W | {1000 * u_lag_s:.0f} ms |", flush=True
        )


if __name__ == "__main__":
    seeds, first, word = (*sys.argv[1:], *("2000", "0", "")[len(sys.argv) - 1 :])
    main(int(seeds), int(first), word)
