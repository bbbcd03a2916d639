"""Power that repeats within a few updates: by the lines in the spectrum of the updates around. Pure.

An update tells the mean power since the one before. So a sine of frequency f shows in them with
sin(π f T)/(π f T) of its amplitude, and so does its alias |f - 1/T|, or any other: the readings do not tell
them apart. What matters is how far the count strays between two updates.

* Where the line is near 0, f is near 1/T, or the power swings slowly. Slow swings do not stray, and the
  ripple strays by 1/(2 sin(π T |f - 1/T|)) of what its alias gains in an update. So where the updates around
  show one sine and little else, at two cycles or so in 49 updates or more, it is taken for such an alias; but
  no ripple is larger than makes the power zero at its lows. Power that is synchronous with the updates, or
  nearly so, leaves no trace, and there is no 95 % statement about it.
* Where it is not, f is taken for 1/T less the line's frequency, which strays by more, unless such a sine
  would make the power negative at its lows. Then f is that of the line. How far it strays depends on where
  between two updates the instant is, and so on the lag: the middle and both ends of it are looked at.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...arrays import distinct
from ...trace.series import I64
from .interpolation import Segment
from .neighbourhood import Neighbourhood
from .update_times import AROUND, F64, Bools

_X = np.arange(-AROUND, AROUND + 1)
_WIDTH = len(_X)
_CYCLES = 1.75  # in the neighbourhood, from which on a sine may be a ripple's alias
_CYCLES_MAX = 0.2 * (2 * AROUND + 1)  # a ripple further from the updates' frequency shows as what it is
_LOW = 12  # cycles in the neighbourhood, up to which swings are compared
_PURE = 0.4  # share of a sine in these swings, from which on they are one
_HARMONICS = 0.07  # of its square; a square wave's third is 0.11
_SUDDEN = 1.6  # times the largest change of a sine from one update to the next, beyond which power stepped
_OF_ROUGH = 12.0  # and standard uncertainties of a count, of which some are much off
_CLEAR = 8.0  # times the scatter there, for a line that is no noise: of 11 lines one in 300 is
_FLAT = 0.4  # of the lower half's median, that noise in the power is taken for: it has no such line
_SURE = 2.5  # standard deviations that scatter may have more than its mean
_MOST_THERE = 40  # segments, below which there is no spectrum
_AT_ENDS = 4  # segments that a trace may have too few
_EXACT = 24  # segments whose length is known, from which on they alone are looked at
_RIPPLE_MAX = 0.165  # of an update's energy: the root mean square of a ripple that reaches zero power
_RIPPLE = 1.25  # distance from the straight line, in amplitudes of the alias over 2 sin
_THERE = 0.45  # share of a line in all swings around, from which on it is one; of noise one in twenty has it
_ALONE = 0.95  # and from which on it is all that the power does there
_FASTEST = 24.25  # cycles in the neighbourhood: half a cycle an update


class Ripple(NamedTuple):
    """What repeats around n instants.

    Attributes:
        inside: float64[n], standard uncertainty, in counts, of what no update shows; 0: they show none.
        is_line: bool[n], whether one line that is not near 0 is all that the power does there.
        rough: float64[n], counts: how much the count at one update scatters beside that line.
    """

    inside: F64
    is_line: Bools
    rough: F64


def ripple(segment: Segment, half_lag_ns: float = 0.0) -> Ripple:
    """What repeats around the instants of segments.

    Args:
        segment: Where the instants lie between updates, by the middle of the lag.
        half_lag_ns: By how much the lag may be less or more than that.
    """
    near = segment.near
    n = near.is_usual.sum(1)
    found = Ripple(np.zeros(len(n)), np.zeros(len(n), bool), near.rough.copy())
    # Single quanta are not the timer's updates, and readings no denser than updates beat with them.
    are_exact = near.is_exact.sum(1) >= _EXACT
    # Missing ones are filled in where there are some on both sides, and not at an end of the trace.
    outside = np.argmax(near.is_usual, axis=1) + np.argmax(near.is_usual[:, ::-1], axis=1)
    are_exact &= outside <= _AT_ENDS
    asked = np.flatnonzero(((n >= _MOST_THERE) | are_exact) & near.is_dense & ~near.is_single)
    if not len(asked):
        return found
    # Lengths that are not known to be whole periods make power that is not there.
    is_there = np.where(are_exact[asked, None], near.is_exact[asked], near.is_usual[asked])
    mean = np.where(is_there, near.rate[asked], 0.0).sum(1) / is_there.sum(1)
    swing = _filled(near.rate[asked] - mean[:, None], is_there)
    swing -= ((swing * _X).sum(1) / (_X * _X).sum())[:, None] * _X
    spectrum = np.abs(np.fft.rfft(swing, axis=1)[:, 1:]) ** 2
    # What is not known of a length changes its power and its neighbour's: by as much as readings are apart.
    slip = np.where(are_exact[asked], 0.0, near.apart_ns[asked] / near.usual_ns[asked] * mean)
    found.inside[asked] = _near_the_updates(segment, asked, (mean, swing, spectrum), is_there, slip)
    parts = _parts(segment, half_lag_ns)
    _lines(near, asked, (mean, swing, spectrum), parts, found)
    return found


def _filled(values: F64, is_there: Bools) -> F64:
    """float64[n, m]: what is not there lies on the straight line between what is beside it; 0 at the ends."""
    last = values.shape[1] - 1
    at = np.arange(last + 1)
    before = np.maximum.accumulate(np.where(is_there, at, -1), axis=1)
    after = np.minimum.accumulate(np.where(is_there, at, last + 1)[:, ::-1], axis=1)[:, ::-1]
    left, right = (np.take_along_axis(values, np.clip(k, 0, last), 1) for k in (before, after))
    found = left + (right - left) * (at - before) / np.maximum(after - before, 1)
    return np.where((before < 0) | (after > last), 0.0, found)


def _near_the_updates(
    segment: Segment, asked: I64, of: tuple[F64, F64, F64], is_there: Bools, slip: F64
) -> F64:
    """Of a line near 0, float64[m] counts; ``of`` are the mean power, the swings and their spectrum."""
    near, found, (mean, swing, spectrum) = segment.near, np.zeros(len(asked)), of
    # Errors of the counts are least in their differences' lower frequencies, where all aliases lie.
    top = np.argmax(spectrum[:, : int(_CYCLES_MAX) + 1], axis=1) + 1
    level = _scatter(spectrum)
    # Power that is noise has as much in its lower frequencies as in all others.
    line = np.take_along_axis(spectrum, top[:, None] - 1, 1)[:, 0]
    is_clear = line > _CLEAR * np.maximum(
        level * _of_scatter(top), _FLAT * np.median(spectrum[:, :_LOW], axis=1)
    )
    scatter = level * (2 / _WIDTH)
    of_noise = _of_scatter(np.arange(1, _LOW + 1))
    low = spectrum[:, :_LOW].sum(1) * (2 / _WIDTH) - scatter * (of_noise.sum() + _SURE * _size(of_noise))
    for cycles in distinct(top[is_clear]).tolist():
        these = np.flatnonzero(is_clear & (top == cycles))
        of_sine, cycles_, is_alone = _sine(swing[these], cycles, scatter[these])
        of_all = np.maximum(low[these], of_sine)
        is_sine = is_alone & (cycles_ >= _CYCLES) & (cycles_ <= _CYCLES_MAX) & (of_sine > _PURE * of_all)
        rough = near.rough[asked[these]] / near.usual_ns[asked[these]]
        is_sine &= ~_is_sudden(swing[these], is_there[these], of_sine, cycles_, (rough, slip[these]))
        usual = near.usual_ns[asked[these]]
        inside = _RIPPLE * np.sqrt(2 * of_sine / _WIDTH) * usual / (2 * np.sin(np.pi * cycles_ / _WIDTH))
        most = _RIPPLE_MAX * np.maximum(mean[these], 0.0) * usual
        found[these] = np.where(is_sine, np.minimum(inside, most), 0.0)
    return found


def _parts(segment: Segment, half_lag_ns: float) -> F64:
    """float64[3, n]: which part of an update's time had passed, by the middle and by both ends of the lag."""
    shift = half_lag_ns / np.maximum(segment.length_ns, 1.0)
    return np.stack([(segment.part + each) % 1.0 for each in (0.0 * shift, shift, -shift)])


def _lines(near: Neighbourhood, asked: I64, of: tuple[F64, F64, F64], parts: F64, found: Ripple) -> None:
    """Of a line that is not near 0; ``of`` are the mean power, the swings around and their spectrum."""
    (mean, swing, spectrum), first = of, int(_CYCLES_MAX) + 1
    every = (swing * swing).sum(1)
    top = np.argmax(spectrum[:, first:], axis=1) + first + 1
    of_top = np.take_along_axis(spectrum, top[:, None] - 1, 1)[:, 0] * (2 / _WIDTH)
    for cycles in distinct(top[of_top > _THERE / 2 * every]).tolist():
        these = np.flatnonzero((top == cycles) & (of_top > _THERE / 2 * every))
        of_sine, at = _peak(swing[these], cycles)
        is_there = of_sine > _THERE * every[these]
        these, of_sine, at = these[is_there], of_sine[is_there], at[is_there]
        i, turn = asked[these], np.pi * np.minimum(at, _FASTEST) / _WIDTH
        usual, shown = near.usual_ns[i], np.sqrt(2 * of_sine / _WIDTH)
        turn = np.where(shown * (np.pi - turn) / np.sin(turn) <= mean[these], np.pi - turn, turn)
        strays = np.max([_strays(turn, each[i]) for each in parts], axis=0)
        found.inside[i] = shown * usual / (2 * np.sin(turn)) * strays
        is_alone = of_sine > _ALONE * every[these]
        found.is_line[i] = is_alone
        left = np.maximum(every[these] - of_sine, 0.0) / (_WIDTH - 4)
        rough = np.where(is_alone, np.sqrt(left / 2) * usual, near.rough[i])
        found.rough[i] = np.minimum(near.rough[i], rough)


def _peak(swing: F64, near: int) -> tuple[F64, F64]:
    """Of each row the sum of squares of the sine that fits it best, and its cycles; about so many.

    Between the frequencies that are tried both are those of the parabola through three of them: a sine an
    eighth of a cycle off would leave a twentieth of the line, which looks like scatter.
    """
    tried = np.minimum(near + np.arange(-0.75, 1.0, 0.25), _FASTEST)
    squares = np.stack([_fitted(swing, each) for each in tried.tolist()])
    i = np.argmax(squares, axis=0)
    rows = np.arange(len(i))
    low, top, high = (squares[np.clip(i + side, 0, len(tried) - 1), rows] for side in (-1, 0, 1))
    bend = low - 2 * top + high
    part = np.where(bend < 0, (low - high) / np.where(bend < 0, 2 * bend, 1.0), 0.0)
    part = np.where((i > 0) & (i < len(tried) - 1), np.clip(part, -0.5, 0.5), 0.0)
    return top - (low - high) * part / 4, np.minimum(tried[i] + 0.25 * part, _FASTEST)


def _strays(turn: F64, f: F64) -> F64:
    """float64[n]: root mean square distance of a sine of the count from a straight line between updates.

    Args:
        turn: Half of its angle from one update to the next.
        f: The part of the way, of which the distance is asked.
    """
    a, b = 1 - f, f
    square = 1 + a * a + b * b + 2 * a * b * np.cos(2 * turn)
    square -= 2 * a * np.cos(2 * turn * f) + 2 * b * np.cos(2 * turn * (1 - f))
    found: F64 = np.sqrt(np.maximum(square, 0.0) / 2)
    return found


def _is_sudden(swing: F64, is_there: Bools, of_sine: F64, cycles: F64, noise: tuple[F64, F64]) -> Bools:
    """bool[n]: whether power changes from one update to the next by more than that sine and scatter explain.

    ``noise`` is what one update scatters, and by how much the power of one is off by what is not known of its
    length.

    Of a square wave whose half periods wander the harmonics spread, and are no sign of it.
    """
    is_pair, (rough, slip) = is_there[:, 1:] & is_there[:, :-1], noise
    largest = np.where(is_pair, np.abs(np.diff(swing, axis=1)), 0.0).max(1)
    of_line = np.sqrt(2 * of_sine / _WIDTH) * 2 * np.sin(np.pi * cycles / _WIDTH)
    # Second differences of counts have √6 of their scatter, which is most where the power is.
    found: Bools = largest > _SUDDEN * of_line + _OF_ROUGH * math.sqrt(6.0) * rough + slip
    return found


def _scatter(spectrum: F64) -> F64:
    """float64[n]: how much counts scatter, by what is seen in the upper frequencies of their differences.

    The differences of independent errors have sin²(π k/n) of it at k cycles in n.
    """
    level = np.median(spectrum[:, _LOW:] / _of_scatter(np.arange(_LOW + 1, spectrum.shape[1] + 1)), axis=1)
    found: F64 = level / math.log(2.0)  # the median of what is distributed exponentially, to its mean
    return found


def _size(values: F64) -> float:
    return math.sqrt(float((values * values).sum()))


def _of_scatter(cycles: F64 | I64) -> F64:
    found: F64 = np.sin(np.pi / _WIDTH * cycles) ** 2
    return found


def _sine(swing: F64, near: int, scatter: F64) -> tuple[F64, F64, Bools]:
    """Of each row the sine that fits it best, apart from a ramp.

    Args:
        swing: float64[n, m].
        near: About how many cycles it has in the row.
        scatter: float64[n], of the counts, which is no harmonic.

    Returns:
        float64[n], its sum of squares; float64[n], its cycles; bool[n], whether it has no harmonics, as a
        square wave has.
    """
    best, at, others = np.zeros(len(swing)), np.zeros(len(swing)), np.zeros(len(swing))
    for cycles in near + np.arange(-0.75, 1.0, 0.25):
        own = _fitted(swing, cycles)
        inside = [n * cycles for n in (2, 3) if n * cycles < _WIDTH / 2]
        of_noise = _of_scatter(np.array(inside))
        harmonics = sum(_fitted(swing, each) for each in inside)
        harmonics = harmonics - scatter * (of_noise.sum() + _SURE * _size(of_noise))
        is_better = own > best
        best, at = np.where(is_better, own, best), np.where(is_better, cycles, at)
        others = np.where(is_better, harmonics, others)
    return best, at, others < _HARMONICS * best


def _fitted(swing: F64, cycles: float) -> F64:
    """float64[n]: the sum of squares of the sine of so many cycles that fits each row, apart from a ramp."""
    angle = 2 * np.pi * cycles / _WIDTH * _X
    axes = np.linalg.qr(np.stack((np.ones(_WIDTH), _X, np.cos(angle), np.sin(angle)), axis=1))[0]
    found: F64 = (swing * axes[:, 2]).sum(1) ** 2 + (swing * axes[:, 3]).sum(1) ** 2
    return found
