"""How often 95 % intervals hold windows that begin and end where power steps, and sums of those of one name.

    python benchmarks/coverage_marked.py                # writes results/coverage_marked.md
    python benchmarks/coverage_marked.py "1 s"          # only meters whose name holds the words
    python benchmarks/coverage_marked.py --seed 7 25    # of other recordings; neither writes anything

Set ``OPENBLAS_NUM_THREADS=1``, as for ``coverage_gauges.py``, whose meters and rule of failing these are.
There windows lie anywhere in a load. A program marks what it does, and that is what changes the power: all
windows of one name begin with the same step, err to one side, and so does their sum. Those of counters are
taken from a trace that has the marks, as reports do: its windows show the power of their name, and the lag.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from coverage_gauges import WIDE
from gauge_rows import Meter, configurations, levelled, recorded
from gauges import BUSY_W, IDLE_W, REST_S, T0, Load, S, truth_j
from scipy.stats import binomtest

from microjoule.joules.estimates.brackets import F64
from microjoule.joules.estimates.estimate import Estimate, summed
from microjoule.trace.series import I64

HERE = Path(__file__).parent
RECORDINGS, WINDOWS = 60, 100  # of a meter and a load, and of each recording
OF_COUNTERS = 20  # recordings of a counter: each is fitted at nine lags
SEED = 3_200_000  # no test and no study of the estimators uses these
BEFORE_S, AFTER_S = 0.04, 0.06  # idle time that a window has around its burst
Ends = tuple[F64, F64]


def bursts(chance: np.random.Generator) -> F64:
    """float64[n, 2], seconds: how long each burst lasts and each rest after it. No two are alike."""
    return np.column_stack((chance.uniform(0.08, 0.6, WINDOWS), chance.uniform(0.05, 0.5, WINDOWS)))


def turns(chance: np.random.Generator) -> F64:
    """The same of a program's steps, whose busy half and idle half last as long each time, to a tenth."""
    return chance.uniform(0.1, 0.6, 2) * chance.uniform(0.9, 1.1, (WINDOWS, 2))


def short(chance: np.random.Generator) -> F64:
    """The same of bursts that end within a few reads."""
    return np.column_stack((chance.uniform(0.01, 0.06, WINDOWS), chance.uniform(0.05, 0.3, WINDOWS)))


PLACES: dict[str, tuple[Callable[[np.random.Generator], F64], Callable[[F64], Ends]]] = {
    "a burst": (bursts, lambda t: (t[0::2], t[1::2])),
    "the rest between two": (bursts, lambda t: (t[1::2][:-1], t[2::2])),
    "a burst with 40 ms before and 60 ms after": (
        bursts,
        lambda t: (t[0::2] - BEFORE_S, t[1::2] + AFTER_S),
    ),
    "the busy half of a step": (turns, lambda t: (t[0::2], t[1::2])),
    "the idle half of a step": (turns, lambda t: (t[1::2][:-1], t[2::2])),
    "a burst of 10 to 60 ms": (short, lambda t: (t[0::2], t[1::2])),
}


class Cell(NamedTuple):
    """What windows of one meter and place show, and their sums."""

    n: int
    covered: int
    width: float  # median U over the root mean square error
    sums: int
    covered_sums: int
    width_of_sums: float

    @property
    def fails(self) -> tuple[bool, bool]:
        """Whether the windows do, and whether their sums do."""
        return _is_below(self.covered, self.n), _is_below(self.covered_sums, self.sums)

    def __str__(self) -> str:
        shares = (self.covered / self.n, self.covered_sums / self.sums)
        windows, sums = (
            f"**{each:.1%}**" if fails else f"{each:.1%}"
            for each, fails in zip(shares, self.fails, strict=True)
        )
        return f"{windows} | {min(self.width, 99):.1f} | {sums} | {min(self.width_of_sums, 99):.1f}"


def _is_below(covered: int, n: int) -> bool:
    return float(binomtest(covered, n).proportion_ci(0.999).high) < 0.93


def row(name: str, seed: int = SEED) -> dict[str, Cell]:
    """A cell for each place of the windows."""
    meter, _ = configurations()[name]
    first = seed + RECORDINGS * meters().index(name)
    found: dict[str, Cell] = {}
    for lengths in (bursts, turns, short):
        places = {place: ends for place, (of, ends) in PLACES.items() if of is lengths}
        of_all = list(places.values())
        if name.startswith("gauge"):
            each = [_recording(meter, lengths, of_all, first + k) for k in range(RECORDINGS)]
        else:
            each = [_recorded(name, lengths, of_all, first + k) for k in range(OF_COUNTERS)]
        found |= {place: _cell([one[at] for one in each]) for at, place in enumerate(places)}
    return found


def _recording(
    meter: Meter,
    lengths: Callable[[np.random.Generator], F64],
    places: list[Callable[[F64], Ends]],
    seed: int,
) -> list[tuple[F64, F64]]:
    """float64[windows + 1], joules: errors of windows and their sum, and U; of each place."""
    edges_s, load = _load(lengths, seed)
    energies, found = meter(load, seed), []
    for place in places:
        t0, t1 = _windows(place, edges_s)
        estimates, truth = energies(t0, t1), truth_j(load, t0, t1)
        found.append(_outcome([*estimates, summed(estimates)], np.append(truth, truth.sum())))
    return found


def _recorded(
    name: str, lengths: Callable[[np.random.Generator], F64], places: list[Callable[[F64], Ends]], seed: int
) -> list[tuple[F64, F64]]:
    """The same of a counter and a program's marks. In a sum each joule counts once, where windows overlap."""
    edges_s, load = _load(lengths, seed)
    found = []
    for place in places:
        t0, t1 = _windows(place, edges_s)
        ends = enumerate(zip(t0.tolist(), t1.tolist(), strict=True))
        marks = [each for k, (a, b) in ends for each in ((a, "@begin", k, "step"), (b, "@end", k, None))]
        trace = recorded(name, load, seed, marks)
        of_all = (*trace.energies(trace.windows), trace.energy("step"))
        truth = truth_j(load, t0, t1)
        until = np.maximum.accumulate(np.append(t0[0], t1[:-1]))
        of_sum = truth_j(load, np.maximum(t0, until), t1).sum()
        found.append(_outcome([each["gpu-0/energy"] for each in of_all], np.append(truth, of_sum)))
    return found


def _load(lengths: Callable[[np.random.Generator], F64], seed: int) -> tuple[F64, Load]:
    lengths_s = lengths(np.random.default_rng([seed, 41])).ravel()
    edges_s = REST_S + np.concatenate(([0.0], np.cumsum(lengths_s)))[:-1]
    levels_w = np.concatenate(([IDLE_W], np.tile([BUSY_W, IDLE_W], WINDOWS)))
    return edges_s, levelled(Load(edges_s, levels_w), seed)


def _windows(place: Callable[[F64], Ends], edges_s: F64) -> tuple[I64, I64]:
    t0, t1 = (T0 + np.rint(each * S).astype(np.int64) for each in place(edges_s))
    return t0, t1


def _outcome(estimates: list[Estimate], truth: F64) -> tuple[F64, F64]:
    values, wide = (np.array([float(getattr(each, of)) for each in estimates]) for of in ("value", "U"))
    return values - truth, wide


def _cell(of: list[tuple[F64, F64]]) -> Cell:
    errors, wide = (np.stack([each[i] for each in of]) for i in range(2))
    is_held = np.abs(errors) <= wide + 1e-6  # less than a microjoule is rounding
    of_windows, of_sums = np.s_[:, :-1], np.s_[:, -1]
    return Cell(
        is_held[of_windows].size,
        int(is_held[of_windows].sum()),
        float(np.median(wide[of_windows]) / np.sqrt(np.mean(errors[of_windows] ** 2))),
        len(of),
        int(is_held[of_sums].sum()),
        float(np.median(wide[of_sums]) / np.sqrt(np.mean(errors[of_sums] ** 2))),
    )


def meters() -> list[str]:
    """All of the table, in order: gauges and counters that are read every 10 ms."""
    return [name for name in configurations() if "stamps" not in name]


HEAD = """# Coverage of windows that begin and end where power steps

`python benchmarks/coverage_marked.py` writes this: the meters of `coverage_gauges.md`, read every 10 ms,
under a program that marks what it does. A load goes up and down {windows} times, between two levels that are
drawn for each recording, as is what `coverage_gauges.md` draws. *Bursts* last 80 to 600 ms and rests 50 to
500 ms, or bursts 10 to 60 ms and rests 50 to 300 ms. The two halves of a *step* last 100 to 600 ms each, the
same in all of a recording to a tenth. All windows of a recording have one name. Those of counters are taken
from a trace that has the marks, by the power of their name and with the lag that they show, as reports do.

- *windows*: the share of windows whose 95 % interval contains the truth, {least} to {most} a cell; beside it
  the median U over the root mean square error.
- *sums*: the share of recordings in which that of the sum of all windows does, {recordings} a cell of a gauge
  and {of_counters} of a counter, as `uj run` adds windows of one name; beside it the same of the sums.
- A share in bold *fails*: its 99.9 % binomial interval lies below 93 %. {failing} of {shares} shares fail,
  and {wide} of {shares} have a U of more than three times the error.

An update shows how much energy it had, and not for how long. Power that is half as high for twice as long
has the same readings as a burst that ends within an update, in all windows of a name. ± of a gauge includes
that, also of windows that are shorter than what a reading is the mean of, so that their sum is as far off as
each of them. ± of a counter assumes that power changes with the marks, as it does here, and reports say so.

Of gauges of which nothing is declared ± includes power up to the limit in windows within an update where
readings show pulses, or drift as those of a load of about an update do.

Readings of a mean of a second show little of steps that repeat within 2 % of 1 or 0.5 s: 23 % of these halves
are covered, and 96 to 100 % of the others.

"""
COLUMNS = "| a window is | windows | U / error | sums | U / error |\n|---" + "|---:" * 4 + "|\n"


def text(found: dict[str, dict[str, Cell]]) -> str:
    """The file."""
    cells = [cell for of in found.values() for cell in of.values()]
    parts = [
        HEAD.format(
            windows=WINDOWS,
            recordings=RECORDINGS,
            of_counters=OF_COUNTERS,
            least=min(cell.n for cell in cells),
            most=max(cell.n for cell in cells),
            failing=sum(sum(cell.fails) for cell in cells) or "None",
            shares=2 * len(cells),
            wide=sum((cell.width > WIDE) + (cell.width_of_sums > WIDE) for cell in cells),
        )
    ]
    for name, of in found.items():
        parts.append(f"## {name[0].upper()}{name[1:]}\n\n{COLUMNS}")
        parts += [f"| {place} | {cell} |\n" for place, cell in of.items()]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="*", help="of the names of meters")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    chosen = [name for name in meters() if all(word in name for word in given.words)]
    found: dict[str, dict[str, Cell]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, cells in zip(chosen, pool.map(partial(row, seed=given.seed), chosen), strict=True):
            found[name] = cells
            print("\n".join(f"{name} / {place}: {cell}" for place, cell in cells.items()), flush=True)
    print(f"{sum(sum(cell.fails) for of in found.values() for cell in of.values())} fail")
    if not given.words and given.seed == SEED:
        (HERE / "results" / "coverage_marked.md").write_text(text(found), encoding="utf-8")


if __name__ == "__main__":
    main()
