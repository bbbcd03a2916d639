"""Coverage and width of a GPU counter's uncertainties before and after a calibration.

    python benchmarks/calibrated.py         # writes results/calibrated.md; five CPU minutes
    python benchmarks/calibrated.py steps   # only rows whose name holds the words; writes nothing

A calibration reads the counter and the gauge beside it while power steps every 8 updates, and keeps between
which two values the lag lies. Then another load is recorded: by the counter alone without the calibration, by
the counter alone with it, and by both with it. Counters, gauges, loads and cells are those of
``coverage_gauges.py``; a gauge trails by the same time in the calibration and in the recording.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from coverage_gauges import Cell, cells_of
from gauge_rows import BESIDE, Energies, Meter, counter_beside, levelled, placed, plain, polls, series_beside
from gauges import LENGTHS_S, T0, Load, Poll, S, steps
from gpu_counter import GpuCounter
from ideal import thinned

from microjoule.host.calibration import Calibration, Learnt, applied
from microjoule.host.files import HostKey
from microjoule.learning.lag import beside_gauges
from microjoule.learning.update_statistics import apart, quantum, spread, updates

HERE = Path(__file__).parent
RECORDINGS, WINDOWS = 25, 80  # of a row, and of each recording and length
SEED = 3_700_000  # no test and no study of the estimators uses these
LAGS_S = (0.0, 0.037, 0.1)
LOADS = ("steps", "bursts", "between: 3 T")
READS = Poll(rate_hz=500.0)  # a calibration's
HOST = HostKey(hostname="simulated", cpu="", kernel="")


class Calibrated(NamedTuple):
    """A kind of counter, and how it is calibrated."""

    update_s: float
    beside: str  # the gauge that shows the lag
    for_s: float  # of the calibration

    def name(self, lag_s: float) -> str:
        return f"counter of {1000 * self.update_s:.0f} ms, lag {1000 * lag_s:.0f} ms, beside {self.beside}"


COUNTERS = (Calibrated(0.02, BESIDE, 5.0), Calibrated(0.1, "10 of 20 ms", 30.0))


class Row(NamedTuple):
    """What one counter shows of one load."""

    of: Calibrated
    lag_s: float
    load: str

    def __str__(self) -> str:
        return f"{self.of.name(self.lag_s)} / {self.load}"


class Found(NamedTuple):
    """The cells of a row by the length of the window, and what calibrations kept."""

    alone: list[Cell]
    calibrated: list[Cell]
    both: list[Cell]
    kept: int
    held: int  # of these, those with the true lag


WAYS = ("alone, as declared", "alone, calibrated", "with the gauge, calibrated")


@lru_cache(maxsize=2 * RECORDINGS)
def learnt(row: Row, seed: int) -> Learnt:
    """What a calibration keeps of the counter."""
    of = GpuCounter(update_s=row.of.update_s, lag_s=row.lag_s)
    load = levelled(steps(8 * of.update_s, row.of.for_s + 1, seed), seed)
    begins_ns = T0 + round(load.span_s[0] * S)
    ends_ns = begins_ns + round(row.of.for_s * S)
    read = series_beside(of, row.of.beside, load, seed, READS)
    parts = [thinned(each, (each.t_ns >= begins_ns) & (each.t_ns < ends_ns)) for _, each in read]
    seen = updates(parts[0], of.channel)
    step, distinct = quantum(seen)
    return Learnt(
        channel=of.channel.physical_id,
        source=of.channel.source,
        edges=len(seen),
        update=spread(apart(seen)[0]),
        quantum=step,
        distinct=distinct,
        likely_lag_ns=beside_gauges(of.channel, [channel for channel, _ in read], parts),
    )


def _calibrated(of: GpuCounter, row: Row, seed: int) -> GpuCounter:
    """The counter as a recorder opens it with the file of the calibration."""
    kept = Calibration(host=HOST, taken_realtime_ns=0, channels=(learnt(row, seed),))
    (channel,) = applied([of.channel], kept)
    assert channel.scale == of.channel.scale
    return replace(of, timing=channel.timing)


def _meters(row: Row) -> tuple[Meter, ...]:
    of = GpuCounter(update_s=row.of.update_s, lag_s=row.lag_s)

    def alone(one: GpuCounter, load: Load, seed: int) -> Energies:
        return plain(one.counter(load, polls(seed)[0], seed))

    return (
        lambda load, seed: alone(of, load, seed),
        lambda load, seed: alone(_calibrated(of, row, seed), load, seed),
        lambda load, seed: placed(*counter_beside(_calibrated(of, row, seed), row.of.beside, load, seed)),
    )


def found(row: Row) -> Found:
    """What becomes of one row."""
    first = SEED + RECORDINGS * rows().index(row)
    cells = [cells_of(each, row.of.update_s, row.load, first, RECORDINGS, WINDOWS) for each in _meters(row)]
    each = (learnt(row, seed).likely_lag_ns for seed in range(first, first + RECORDINGS))
    kept = [one for one in each if one is not None]
    held = sum(least <= row.lag_s * S <= most for least, most in kept)
    return Found(*cells, len(kept), held)


def rows() -> list[Row]:
    """All of them."""
    return [Row(of, lag_s, load) for of in COUNTERS for lag_s in LAGS_S for load in LOADS]


HEAD = """# Coverage after the calibration of a GPU's counter

`python benchmarks/calibrated.py` writes this: simulated recordings, the shipped estimators. A calibration
reads a counter, whose lag is declared as 0 to 100 ms, and the gauge beside it 500 times a second while power
steps every 8 updates ({seconds}), and keeps the lag. Then other
loads are recorded, {recordings} times 250 s each. A cell has the share of {least} to {most} windows
whose 95 % interval contains the truth, and the median U over the root mean square error. The last columns
have that error as a share of the energy. There is no gain and no offset. A gauge trails by up to 10 % of its
period, by the same time in the calibration and in the recording.

- {failing} of {cells} cells fail: the 99.9 % binomial interval of their share lies below 93 %.
- {kept} of {all} calibrations kept a lag; {held} of these intervals contain the true lag.
- In {outside} windows the guaranteed interval missed the truth or the value.

"""


def text(of: dict[Row, Found]) -> str:
    """The file."""
    cells = [cell for each in of.values() for way in each[:3] for cell in way]
    seconds = ", ".join(f"{each.for_s:g} s of {1000 * each.update_s:.0f} ms" for each in COUNTERS)
    head = HEAD.format(
        seconds=seconds,
        recordings=RECORDINGS,
        least=min(cell.n for cell in cells),
        most=max(cell.n for cell in cells),
        failing=sum(not cell.is_held for cell in cells) or "None",
        cells=len(cells),
        kept=sum(each.kept for each in of.values()),
        all=RECORDINGS * len(of),
        held=sum(each.held for each in of.values()),
        outside=sum(cell.outside for cell in cells) or "no",
    )
    parts = [head]
    errors = (0.1, 1.0)
    for name in dict.fromkeys(row.of.name(row.lag_s) for row in of):
        lengths = [f"{s:g} s" for s in LENGTHS_S] + [f"error, {s:g} s" for s in errors]
        parts.append(f"## {name[0].upper()}{name[1:]}\n\n| load | | " + " | ".join(lengths) + " |\n")
        parts.append("|---|---" + "|---:" * len(lengths) + "|\n")
        for row, each in of.items():
            if row.of.name(row.lag_s) == name:
                parts.extend(_lines(row, each, errors))
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _lines(row: Row, of: Found, errors_s: Iterable[float]) -> Iterable[str]:
    for number, (way, cells) in enumerate(zip(WAYS, of[:3], strict=True)):
        error = [f"{cells[LENGTHS_S.index(s)].error:.2%}" for s in errors_s]
        yield (
            f"| {row.load if not number else ''} | {way} | " + " | ".join([*map(str, cells), *error]) + " |\n"
        )


def main() -> None:
    words = sys.argv[1:]
    chosen = [row for row in rows() if all(word in str(row) for word in words)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        of = dict(zip(chosen, pool.map(found, chosen), strict=True))
    whole = text(of)
    print(whole)
    if not words:
        (HERE / "results" / "calibrated.md").write_text(whole, encoding="utf-8")


if __name__ == "__main__":
    main()
