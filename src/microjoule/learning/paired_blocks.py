"""Blocks with and without sampling in turns, and what their pairs come to.

Theory. Clocks, neighbours and heat drift, so that two long stretches differ by more than sampling costs.
Short blocks in the order A B B A A B B A … pair each block with one beside it, and a drift that is
linear over a few of them drops out. Each pair gives one difference; their mean has the interval of
Student's t (JCGM 100:2008, G.3). Nothing is dropped: on a busy machine the interval is wide.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..host.sampling_cost import Lateness, Mean
from ..joules.estimates.uncertainty import student
from ..recording.native import work
from ..units import nanoseconds

PAIRS_MIN = 3  # fewer say nothing of their spread
PAIRS_MAX = 400

_WARM_ROUNDS = 1_000_000
_TRIES = 7
_Z = 1.96  # 95 % of a normal distribution lie within
_PERCENTILES = ((0.5, 2), (0.99, 100), (0.999, 1000))  # and how many ticks each needs

_Block = TypeVar("_Block")
Histogram = Sequence[tuple[int, int, int]]


def rounds_in(block_s: float) -> int:
    """How many rounds of work fill a block of that length, when nothing disturbs it."""
    fastest_ns = min(work(_WARM_ROUNDS)[0] for _ in range(_TRIES))
    return max(round(nanoseconds(block_s) * _WARM_ROUNDS / fastest_ns), 1)


def in_turns(
    on: Callable[[int], Sequence[_Block]], off: Callable[[int], Sequence[_Block]], for_s: float
) -> list[tuple[_Block, _Block]]:
    """Blocks in turns for about so long; pairs (with, without) of neighbours.

    Args:
        on: Samples, and gives so many blocks taken meanwhile.
        off: Gives so many blocks without.
        for_s: How long; at least ``PAIRS_MIN`` pairs are taken.
    """
    end = time.monotonic() + for_s
    sides = (on, off)
    taken: tuple[list[_Block], list[_Block]] = ([], [])
    taken[0].extend(on(1))
    turn = 1
    while True:
        n = len(taken[1 - turn]) - len(taken[turn])
        is_last = (len(taken[1 - turn]) >= PAIRS_MIN and time.monotonic() >= end) or len(
            taken[1 - turn]
        ) >= PAIRS_MAX
        if is_last:
            taken[turn].extend(sides[turn](n))
            return list(zip(*taken, strict=True))
        taken[turn].extend(sides[turn](n + 1))
        turn = 1 - turn


def mean(values: Sequence[float]) -> Mean | None:
    """The mean of values with its interval; None: fewer than two."""
    if len(values) < 2:
        return None
    u = statistics.stdev(values) / math.sqrt(len(values))
    return Mean(value=statistics.fmean(values), U=student(len(values) - 1) * u, n=len(values))


def lost(pairs: Sequence[tuple[float, float]]) -> Mean | None:
    """The share of a core's work that got lost, from pairs of times of one piece of work.

    The mean is that of the logarithms of the ratios: a disturbance that falls on either side of a pair by
    chance moves it up as often as down, and by as much. Of the shares themselves it would not: one block
    that took thrice as long is a loss of 2/3 with sampling, and of -2 without.

    Args:
        pairs: (with, without), each above 0.
    """
    found = mean([math.log(with_it / without) for with_it, without in pairs])
    if found is None:
        return None
    kept = math.exp(-found.value)
    return Mean(value=1 - kept, U=kept * found.U, n=found.n)


def median(values: Sequence[float]) -> Mean | None:
    """The median of values, with the wider half of its interval; None: fewer than two.

    For short blocks, of which a few were interrupted. The interval lies between two of the values and
    assumes nothing of how they are spread (the sign test's, by its normal approximation).
    """
    if len(values) < 2:
        return None
    ordered, n = sorted(values), len(values)
    reach = math.ceil(_Z * math.sqrt(n) / 2)
    low, high = ordered[max((n - 1) // 2 - reach, 0)], ordered[min(n // 2 + reach, n - 1)]
    middle = statistics.median(ordered)
    return Mean(value=middle, U=max(middle - low, high - middle), n=n)


def difference(of: Mean | None, less: Mean | None) -> Mean | None:
    """One mean less another that was taken apart from it; None: one of them is not known."""
    if of is None or less is None:
        return None
    return Mean(value=of.value - less.value, U=math.hypot(of.U, less.U), n=min(of.n, less.n))


def added(histograms: Sequence[Histogram]) -> list[tuple[int, int, int]]:
    """Several histograms of lateness as one."""
    total: dict[tuple[int, int], int] = {}
    for histogram in histograms:
        for from_ns, below_ns, ticks in histogram:
            total[from_ns, below_ns] = total.get((from_ns, below_ns), 0) + ticks
    return [(*place, ticks) for place, ticks in sorted(total.items())]


def lateness(histogram: Histogram) -> Lateness | None:
    """The percentiles of a histogram, each the upper end of the place in which it lies."""
    n = sum(ticks for *_, ticks in histogram)
    if not n:
        return None
    found = [_percentile(histogram, share * n) if n >= least else None for share, least in _PERCENTILES]
    return Lateness(p50_ns=found[0], p99_ns=found[1], p999_ns=found[2])


def _percentile(histogram: Histogram, rank: float) -> int:
    seen = 0
    for _, below_ns, ticks in histogram:
        seen += ticks
        if seen >= rank:
            return below_ns - 1
    raise ValueError("a rank above the number of ticks")
