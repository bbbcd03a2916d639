"""The period of the grid on which a sensor's updates lie, from the changes of its readings. Pure.

Reads that come regularly put changes on a grid of their own, and 1/T has an alias at 1/T_read - 1/T of the
same strength; so among the peaks of the spectrum of the changes' times that period is taken under which
fewest updates were missed, and hardly two changes fall on one.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ...trace.series import I64

F64 = npt.NDArray[np.float64]

LEAST = 32  # fewer updates tell no period
COHERENT = 0.3  # mean resultant length from which on changes are called periodic
TURN = 2 * math.pi
_SILENT = 20  # usual gaps; a longer one ends the run of updates from which the period is learnt
_BINS = 16  # to a mean gap, of the spectrum's time axis
_ALIAS = 0.7  # of the strongest peak, from which on another one may be the true one
_DOUBLE = 0.01  # share of changes that may fall on one update with another


def period(earliest_ns: I64, latest_ns: I64) -> float:
    """The period of the grid on which updates lie, in nanoseconds; 0: they lie on none, or nobody can tell.

    Args:
        earliest_ns: int64[n], ascending: :func:`brackets`.
        latest_ns: int64[n].
    """
    middle, width = _run(earliest_ns, latest_ns)
    if len(middle) < LEAST:
        return 0.0
    mean = middle[-1] / (len(middle) - 1)
    shortest, longest = max(1.2 * float(np.median(width)), mean / 2.6), 1.3 * mean
    if shortest >= longest:
        return 0.0
    found = [_refined(middle, guess) for guess in _peaks(middle, mean, shortest, longest)]
    costs = {each: _cost(middle, each) for each in found if shortest <= each <= longest}
    best = min(costs, key=lambda each: costs[each], default=0.0)
    return best if best and costs[best] < math.inf else 0.0


def _run(earliest_ns: I64, latest_ns: I64) -> tuple[F64, F64]:
    """Middles and widths of the longest run of updates without a silence; from its first one on."""
    middle = earliest_ns + (latest_ns - earliest_ns) // 2
    if len(middle) < LEAST:
        return np.empty(0), np.empty(0)
    gaps = np.diff(middle)
    cuts = np.concatenate(([0], np.flatnonzero(gaps > _SILENT * np.median(gaps)) + 1, [len(middle)]))
    longest = int(np.argmax(np.diff(cuts)))
    run = slice(cuts[longest], cuts[longest + 1])
    width = (latest_ns - earliest_ns)[run]
    usual = width <= 3 * np.median(width)
    middle = middle[run][usual]
    return (middle - middle[:1]).astype(np.float64), width[usual].astype(np.float64)


def _peaks(middle: F64, mean: float, shortest: float, longest: float) -> list[float]:
    """The periods at which the changes' times are most alike."""
    at = np.rint(middle * (_BINS / mean)).astype(np.int64)
    size = 2 << int(at[-1] + 1).bit_length()  # padded, so that a peak is seen between two of its bins
    strength = np.abs(np.fft.rfft(np.bincount(at, minlength=size))) / len(middle)
    periods = np.full(len(strength), math.inf)
    periods[1:] = size * mean / _BINS / np.arange(1, len(strength))
    asked = np.flatnonzero((periods >= shortest) & (periods <= longest))
    asked = asked[(asked > 0) & (asked < len(strength) - 1)]
    if not len(asked) or (top := strength[asked].max()) < COHERENT:
        return []
    is_peak = (strength[asked] >= strength[asked - 1]) & (strength[asked] >= strength[asked + 1])
    found: list[float] = periods[asked[is_peak & (strength[asked] > _ALIAS * top)]].tolist()
    return found


def _refined(middle: F64, guess: float) -> float:
    """A period to a few millionths: the one at which blocks of updates have one phase."""
    found = guess
    for block in (16, 64):
        n = len(middle) // block
        if n < 2:
            break
        blocks = middle[: n * block].reshape(n, block)
        turns = np.unwrap(np.angle(np.exp(1j * TURN / found * blocks).mean(1))) / TURN
        at = blocks.mean(1)
        slope = float(np.polyfit(at - at.mean(), turns, 1)[0])  # what is left of turns a nanosecond
        found = 1 / (1 / found - slope) if abs(slope * found) < 0.2 else found
    return found


def _cost(middle: F64, period_ns: float) -> float:
    """Updates to a change that a period must call missed, or shown twice; infinite where it is none."""
    phase = np.exp(1j * TURN / period_ns * middle).mean()
    steps = np.diff(np.rint(middle / period_ns - np.angle(phase) / TURN))
    is_grid = abs(phase) >= COHERENT and np.mean(steps < 1) <= _DOUBLE
    return float(np.abs(steps - 1).mean()) if is_grid else math.inf
