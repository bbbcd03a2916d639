"""Which of evenly spaced lags leaves least, and how well that is known. Pure.

A lag is known by leaving out one block of readings after the other (jackknife), and by all lags that leave
little more than the least, a valley of its own included: a load that repeats looks alike a period later.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...channel import Timing
from ...trace.series import I64
from ...units import NS_PER_S
from .brackets import F64
from .uncertainty import ROOT_3

NEARLY = 8.0  # of the mean square that is left: a lag that leaves so much more is still possible
SOURCE = "measured at the windows of this trace"  # of a lag that the windows of a program showed
_VALLEY = 2.0  # of the least: a valley elsewhere that leaves no more may be the right one


def of_least(left: F64, shifts_ns: I64) -> float | None:
    """Which of evenly spaced lags leaves least, by a parabola through three; None: one at an end."""
    i = int(np.argmin(left))
    if i in (0, len(left) - 1):
        return None
    before, here, after = left[i - 1 : i + 2].tolist()
    bend = before - 2 * here + after
    part = (before - after) / (2 * bend) if bend > 0 else 0.0
    return float(shifts_ns[i]) + part * float(shifts_ns[1] - shifts_ns[0])


def without_one(best: Callable[[F64], float | None], blocks: int) -> F64 | None:
    """float64[blocks]: the likeliest lag without one block after the other; None: one of them has none.

    Args:
        best: Gives the likeliest one of blocks of some weights.
        blocks: How many there are.
    """
    found = [best(1.0 - (np.arange(blocks) == i)) for i in range(blocks)]
    known = np.array([each for each in found if each is not None])
    return known if len(known) == blocks else None


def half_width_ns(lag_ns: float, sure: float, left_out: F64, possible_ns: I64) -> float:
    """Half of the 95 % interval of a lag, so that it holds every one that is possible.

    Args:
        lag_ns: The likeliest.
        sure: Standard uncertainties that are sure enough.
        left_out: float64[n]: the likeliest without one of n blocks after the other. Their jackknife is
            u² = (n - 1) / n Σ (x - mean)² (Efron and Stein, Ann. Stat. 9, 1981).
        possible_ns: int64, ascending, at least one.
    """
    u = math.sqrt((len(left_out) - 1) * left_out.var())
    return max(sure * u, abs(float(possible_ns[0]) - lag_ns), abs(float(possible_ns[-1]) - lag_ns))


def is_possible(squares: F64, n: int) -> npt.NDArray[np.bool_]:
    """Which of some lags are not ruled out by the sums of squares that they leave of n updates."""
    found: npt.NDArray[np.bool_] = squares <= squares.min() * (1 + NEARLY / n)
    is_valley = (squares[1:-1] <= squares[:-2]) & (squares[1:-1] <= squares[2:])
    found[1:-1] |= is_valley & (squares[1:-1] < _VALLEY * squares.min())
    return found


def with_seen(timing: Timing, lag_ns: float, half_ns: float, source: str, off_ns: float = 0.0) -> Timing:
    """The timing with a lag that was seen; as it is where that tells less, or contradicts what was declared.

    Args:
        timing: What is known.
        lag_ns: The likeliest.
        half_ns: Half-width of its 95 % interval.
        source: Where it is from, in words.
        off_ns: By how much it may seem shorter than the shortest.
    """
    is_new, least_ns = half_ns < timing.half_lag_ns, timing.lag_min_ns - off_ns
    if not is_new or not least_ns - half_ns <= lag_ns <= timing.lag_ns + half_ns:
        return timing
    longer = timing.with_longest_lag(round(lag_ns + half_ns))
    lag_ns = min(max(lag_ns, least_ns), timing.lag_ns)
    return longer.with_likely_lag(round(lag_ns - half_ns), round(lag_ns + half_ns), source)


def stated_ns(timing: Timing, spread_s: F64) -> tuple[int, int] | None:
    """Between which two the lag of a gauge that windows told lies at 95 %; None: they told none.

    Reads in step with updates leave all of them off by the same, which figures of these readings cancel.

    Args:
        timing: With what windows told.
        spread_s: float64[n], the standard uncertainty of when readings were.
    """
    if timing.likely_lag_ns is None:
        return None
    half_ns = math.hypot(timing.half_lag_ns, ROOT_3 * NS_PER_S * float(np.median(spread_s)))
    return round(timing.middle_lag_ns - half_ns), round(timing.middle_lag_ns + half_ns)
