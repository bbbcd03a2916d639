"""How often 95 % intervals of power gauges and GPU counters contain the truth, by configuration.

    python benchmarks/coverage_gauges.py                # writes results/coverage_gauges.md
    python benchmarks/coverage_gauges.py "1 s" bursts   # only rows whose name holds the words; writes nothing
    python benchmarks/coverage_gauges.py --seed 7 steps # of other recordings; writes nothing

Set ``OPENBLAS_NUM_THREADS=1``: the threads of several processes wait for one another, and means of a second
took 25 times the CPU time.

``gauge_rows.py`` has the sensors and loads, ``gauge_limits.py`` what the table says of loads that nothing can
hold. At least 2,000 windows a cell. A cell fails where the 99.9 % binomial interval of its coverage lies
below 93 %, or where a guaranteed interval misses the truth or the value. No machine is timed, so that the
figures are the same everywhere.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gauge_limits import FOOT, NOT_HELD
from gauge_rows import IRREGULAR, RECORDING_S, Meter, configurations, load_of, rows, windows
from gauges import LENGTHS_S, truth_j
from scipy.stats import binomtest

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import ALIASED, BOUNDED

HERE = Path(__file__).parent
RECORDINGS, WINDOWS = 90, 23  # of a row, and of each recording and length
SEED = 2_600_000  # no test and no study of the estimators uses these
OTHER_SEEDS = {"gauge 10 of 20 ms; read every 10 ms, stamps of updates": 1_440_000}  # rows taken first
MEASURED = 0.1  # of the variance may be of priors, where the ceiling of 97.5 % applies
WIDE = 3.0  # times the error: U should be no larger
PRIORS = ("edges", "aliasing", "swings", "steps", "lag")  # what power does inside an update, and when


class Window(NamedTuple):
    """What one window shows. Joules."""

    error: float
    wide: float  # U
    truth: float
    is_bound: bool  # the guaranteed interval holds truth and value
    prior: float  # share of the variance of which only bounds are known
    by_cause: dict[str, float]  # variances


class Cell(NamedTuple):
    """What the windows of one configuration show."""

    n: int
    covered: int
    error: float  # root mean square over the mean energy of a window
    width: float  # median U over the root mean square error
    outside: int  # windows whose guaranteed interval misses the truth or the value
    prior: float  # share of the variance of which only bounds are known, in the median
    largest: str  # component, in the median

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share covered, 99.9 %."""
        found = binomtest(self.covered, self.n).proportion_ci(0.999)
        return float(found.low), float(found.high)

    @property
    def is_held(self) -> bool:
        return self.interval[1] >= 0.93 and not self.outside

    @property
    def is_wide(self) -> bool:
        return self.width > WIDE

    @property
    def is_above(self) -> bool:
        """Whether more are covered than should be where nothing is a prior."""
        return self.prior < MEASURED and self.interval[0] > 0.975

    def __str__(self) -> str:
        text = f"{self.covered / self.n:.1%} {min(self.width, 99):.1f}"
        if self.outside:
            return f"**OUTSIDE {text}**"
        if not self.is_held:
            return f"**{text}**"
        of = f" {self.largest}" if self.is_wide else ""
        return text + of + (" *above*" if self.is_above else "")


def row(asked: tuple[str, str], seed: int = SEED) -> list[Cell]:
    """A cell for each length of window, of one sensor under one load."""
    name, load_name = asked
    first = (OTHER_SEEDS.get(name, seed) if seed == SEED else seed) + RECORDINGS * rows().index(asked)
    return cells_of(*configurations()[name], load_name, first)


def cells_of(
    meter: Meter, update_s: float, load_name: str, first: int, recordings: int = RECORDINGS, n: int = WINDOWS
) -> list[Cell]:
    """The same of one meter, from a seed on."""
    found: list[list[Window]] = [[] for _ in LENGTHS_S]
    for each in range(first, first + recordings):
        load = load_of(load_name, update_s, each)
        ends = [windows(load, length_s, n, each) for length_s in LENGTHS_S]
        t0, t1 = (np.concatenate(column) for column in zip(*ends, strict=True))
        shown = zip(meter(load, each)(t0, t1), truth_j(load, t0, t1).tolist(), strict=True)
        of = np.repeat(np.arange(len(ends)), [len(each_t0) for each_t0, _ in ends]).tolist()
        for column, (estimate, truth) in zip(of, shown, strict=True):
            if estimate.value is not None:
                found[column].append(_window(estimate, truth))
    return [_cell(column) for column in found]


def _window(estimate: Estimate, truth: float) -> Window:
    value = estimate.value or 0.0
    is_bound = estimate.low - 1e-6 <= truth <= estimate.high + 1e-6
    is_bound &= estimate.low <= value <= estimate.high
    of: dict[str, float] = {}
    for each in estimate.components:
        of[each.name] = of.get(each.name, 0.0) + each.u**2
    every = estimate.components
    prior = sum(each.u**2 for each in every if each.form in (BOUNDED, ALIASED) or each.name in PRIORS)
    return Window(value - truth, estimate.U, truth, is_bound, prior / max(sum(of.values()), 1e-300), of)


def _cell(of: list[Window]) -> Cell:
    errors, wide, truths, is_bound, prior = (np.array([each[i] for each in of]) for i in range(5))
    rms = max(float(np.sqrt(np.mean(errors**2))), 1e-9)
    causes = sorted({name for each in of for name in each.by_cause})
    return Cell(
        len(of),
        int(np.count_nonzero(np.abs(errors) <= wide + 1e-6)),  # less than a microjoule is rounding
        rms / float(truths.mean()),
        float(np.median(wide)) / rms,
        int(np.count_nonzero(~is_bound)),
        float(np.median(prior)),
        max(causes, key=lambda name: np.median([each.by_cause.get(name, 0.0) for each in of]), default=""),
    )


HEAD = """# Coverage of the uncertainty of power gauges and GPU counters

`python benchmarks/coverage_gauges.py` writes this: simulated recordings, the shipped estimator, {n} million
windows, which do not overlap. Each cell has {least} to {each} windows of {recordings} recordings of
{length:g} s: the share of windows whose 95 % interval contains the truth, and the median U over the root
mean square error.

- A cell in bold *fails*: the 99.9 % binomial interval of its share lies below 93 %. {failing} of {cells}
  cells fail, in {taken} of {rows} rows.
- Where U is more than three times the error, the component follows that is the largest in the median:
  {wide} cells, of which {far} have more than ten times.
- *above*: less than a tenth of the variance is of priors (what power does inside an update and between two,
  the lag), so that no more than 97.5 % should be covered, and more surely are: {above} cells.
- In {outside} windows the guaranteed interval missed the truth or the value.

Windows of one cell differ in length by a tenth. T is the update interval. Drawn for each recording are the
phase and the levels of the load, and all that a declaration only bounds: readings trail by up to 2 % of
their period either way, means of a second by 50 ms; their noise is up to 0.1 % of the mean power; of a gauge
of which nothing is declared they are the mean of any part of the period before them. There is no gain and no
offset. A counter's lag is fixed, and learnt from a gauge that looks at 25 of each 100 ms or from the one that
places its energy, each trailing by up to 10 % of its own period. When reads of both come after an update is
drawn, too.

"""


def table(name: str, of: dict[str, list[Cell]]) -> str:
    """One sensor's table."""
    head = f"## {name[0].upper()}{name[1:]}\n\n| load | " + " | ".join(f"{s:g} s" for s in LENGTHS_S) + " |\n"
    lines = [f"| {load} | " + " | ".join(map(str, cells)) + " |" for load, cells in of.items()]
    return head + "|---" + "|---:" * len(LENGTHS_S) + "|\n" + "\n".join(lines) + "\n"


def text(found: dict[str, dict[str, list[Cell]]]) -> str:
    """The file."""
    cells = [cell for of in found.values() for each in of.values() for cell in each]
    parts = [
        HEAD.format(
            n=f"{sum(cell.n for cell in cells) / 1e6:.2f}",
            each=max(cell.n for cell in cells),
            least=min(cell.n for cell in cells),
            recordings=RECORDINGS,
            length=RECORDING_S,
            taken=len(cells) // len(LENGTHS_S),
            rows=len(rows()),
            failing=sum(not cell.is_held for cell in cells) or "None",
            cells=len(cells),
            wide=sum(cell.is_wide for cell in cells),
            far=sum(cell.width > 10 for cell in cells),
            above=sum(cell.is_above for cell in cells),
            outside=sum(cell.outside for cell in cells) or "no",
        )
    ]
    for name, of in found.items():
        parts.append(table(name, {load: each for load, each in of.items() if load not in IRREGULAR}) + "\n")
    parts.append(NOT_HELD)
    for name, of in found.items():
        if rest := {load: each for load, each in of.items() if load in IRREGULAR}:
            parts.append(table(name, rest).replace("## ", "### ", 1) + "\n")
    return "".join(parts).rstrip("\n") + "\n" + FOOT


def asked() -> tuple[list[tuple[str, str]], int, bool]:
    """Which rows, from which seed on, and whether they are all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="*", help="of the names of rows")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    chosen = [each for each in rows() if all(word in " / ".join(each) for word in given.words)]
    return chosen, given.seed, not given.words and given.seed == SEED


def found_of(chosen: Iterable[tuple[str, str]], seed: int) -> dict[str, dict[str, list[Cell]]]:
    """The cells of rows, by sensor and load; each row is printed as it comes."""
    found: dict[str, dict[str, list[Cell]]] = {}
    chosen = list(chosen)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (name, load), cells in zip(chosen, pool.map(partial(row, seed=seed), chosen), strict=True):
            found.setdefault(name, {})[load] = cells
            print(f"{name} / {load}: " + " | ".join(map(str, cells)), flush=True)
    return found


def main() -> None:
    chosen, seed, is_all = asked()
    found = found_of(chosen, seed)
    cells = [cell for of in found.values() for each in of.values() for cell in each]
    print(f"{sum(not cell.is_held for cell in cells)} of {len(cells)} fail, ", end="")
    print(
        f"{sum(cell.is_wide for cell in cells)} are wide, {sum(cell.is_above for cell in cells)} above 97.5 %"
    )
    if is_all:
        (HERE / "results" / "coverage_gauges.md").write_text(text(found), encoding="utf-8")


if __name__ == "__main__":
    main()
