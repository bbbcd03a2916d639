"""The kernel's own sampling against the thread, on a real kernel whose counters follow a known waveform.

    python benchmarks/rig/kernel_lane.py RIG     # three minutes a boot; prints a table

Boots the guest twice: with ``nohz=off``, so that an idle CPU keeps its tick, and as it comes, where it has
none (the emulated machine has no idle driver). In each, thread, default and kernel take turns; a window of
3 s in an idle process; its energy is held against the exact one. RIG is as for ``measure.py``.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SECONDS, TURNS = 3.0, 3
RATES = (1000, 4000)
WAYS: dict[str, bool | None] = {"thread": False, "default": None, "kernel": True}
DOMAINS = {
    "package-0": "pkg", "package-0/core": "pp0", "package-0/uncore": "pp1", "package-0/dram": "dram",
    "psys": "psys",
}  # fmt: skip
BOOTS = {"nohz=off": "an idle CPU keeps its tick", "": "an idle CPU has no tick"}
GUEST = "pip install -q --no-index --no-deps --force-reinstall whl/*.whl && python3 kernel_lane.py in-guest"


def recorded(rate: int, way: str) -> dict[str, Any]:
    """One recording in the guest, against the waveform."""
    import truth  # the guest's own module

    import microjoule as uj
    from microjoule.recording import Cadence

    waveform, clock, path = truth.load("rapl.conf"), truth.Clock(), f"/tmp/{way}.arrows"
    clock.point()
    with uj.record(
        path, uj.Meter(rate=Cadence(rate_hz=rate, kernel=WAYS[way]), sources=["rapl_perf"])
    ) as rec:
        time.sleep(0.2)
        with rec.window("w"):
            time.sleep(SECONDS)
        time.sleep(0.2)
    clock.point()
    clock.fit()
    trace = uj.load(path)
    found, window = trace.energy("w"), trace.window("w")
    lane, counts = trace.facts["lanes"]["package-0"], trace.engine()["package-0"]
    row: dict[str, Any] = {"rate": rate, "way": way, "by": lane["sampled_by"], "kernel": lane["kernel"]}
    row |= {"delivered": counts["ticks"] / (counts["ticks"] + counts["missed"]), "figures": []}
    for name, domain in DOMAINS.items():
        begin, end = (waveform[0, domain].energy(clock.t(t / 1e9)) for t in (window.t0_ns, window.t1_ns))
        estimate, true = found[name], end - begin
        held = estimate.low <= true <= estimate.high
        error = None if estimate.value is None else estimate.value / true - 1
        row["figures"].append((held, error, (estimate.high - estimate.low) / 2 / true))
    return row


def line(rate: int, way: str, rows: list[dict[str, Any]]) -> str:
    """A line of the table."""
    mine = [row for row in rows if (row["rate"], row["way"]) == (rate, way)]
    figures = [figure for row in mine for figure in row["figures"]]
    errors = [abs(error) for _, error, _ in figures if error is not None]
    cells = (
        f"{way}, {rate // 1000} kHz", ", ".join(sorted({row["by"] for row in mine})),
        " ".join(f"{100 * row['delivered']:.1f}" for row in mine),
        f"{100 * statistics.median(errors):.3f}, {100 * max(errors):.3f}",
        f"{100 * statistics.median(half for *_, half in figures):.3f}",
        f"{sum(held for held, *_ in figures)} of {len(figures)}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Boots the guests, or is in one."""
    if sys.argv[1:] == ["in-guest"]:
        for _ in range(TURNS):
            for rate in RATES:
                for way in WAYS:
                    print(json.dumps(recorded(rate, way)), flush=True)
        return
    rig, root = Path(sys.argv[1]).resolve(), Path(__file__).resolve().parents[2]
    shutil.copy(__file__, rig)
    subprocess.run([rig / "mkwheel.sh", root, "whl"], cwd=rig, check=True, stdout=subprocess.DEVNULL)
    for words, meaning in BOOTS.items():
        command = ["./run.sh", "-k", words, "-f", "whl", "-f", "kernel_lane.py", "--", GUEST]
        done = subprocess.run(command, cwd=rig, check=True, capture_output=True, text=True)
        rows = [json.loads(each) for each in done.stdout.splitlines() if each.startswith("{")]
        print(f"\n{meaning}:\n\n| asked | sampled by | delivered, % | error: median, largest, % |"
              " half of the guaranteed interval, % | held |\n|---|---|---|---|---|---|")  # fmt: skip
        print("\n".join(line(rate, way, rows) for rate in RATES for way in WAYS), flush=True)


if __name__ == "__main__":
    main()
